"""What gates say about equal versions and about one that is slower by a planted share.

`python -m benchmarks.gate [--minutes M]` continues where the last call ended.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.conditions import RESULTS, Contention, machine, versions, write
from benchmarks.trials import Row, Trials
from benchmarks.verdicts import BURNER, calibrate

EQUAL, SLOWER, SHORT = "equal", "8 % slower", "equal, one minute"
CASES = {EQUAL: 20, SLOWER: 20, SHORT: 3}
SHORT_STEPS, STEPS = 300, 40
MINUTES = 5.0


def two_commits(repository: Path, slower: bool) -> None:
    """Make a repository whose last commit is 8 % slower, or only says that it is not."""
    script = repository / "train.py"
    repository.mkdir()
    shutil.copy(BURNER, script)
    git = ["git", "-C", str(repository), "-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "add", "train.py"], check=True)
    subprocess.run([*git, "commit", "--quiet", "-m", "Train"], check=True)
    text = script.read_text()
    changed = text.replace('"SLOWER", "1"', '"SLOWER", "1.08"') if slower else f"{text}\n# Nothing else changed.\n"
    script.write_text(changed)
    subprocess.run([*git, "commit", "--quiet", "-a", "-m", "Change"], check=True)


def trial(case: str, units: int) -> Row:
    """One gate between the last two commits of a repository."""
    minutes, steps = (1.0, SHORT_STEPS) if case == SHORT else (MINUTES, STEPS)
    with tempfile.TemporaryDirectory() as folder:
        repository = Path(folder) / "repository"
        two_commits(repository, slower=case == SLOWER)
        words = [sys.executable, "-m", "profilednn_tui", "gate", "--baseline", "HEAD~1", "--fail-on", "5%"]
        words += ["--minutes", str(minutes), "--steps", str(steps), "--no-certificate", "--to", "json"]
        words += ["--env", f"UNITS={units}", "--env", "OMP_NUM_THREADS=1"]
        words += ["--env", f"CORE={max(os.sched_getaffinity(0))}", "train.py"]
        environment = {**os.environ, "PROFILEDNN_HOME": f"{folder}/home"}
        begin_s = time.monotonic()
        done = subprocess.run(words, cwd=repository, env=environment, capture_output=True, text=True, check=False)
        found = json.loads(done.stdout) if done.stdout else {}
        return {
            "exit_code": done.returncode,
            "duration_s": round(time.monotonic() - begin_s, 1),
            **{name: found.get(name) for name in ("change_percent", "low_percent", "high_percent", "groups")},
            **{name: found.get(name) for name in ("more_groups", "reason")},
        }


def main() -> None:
    """Continue with the gates and write the table."""
    trials = Trials(RESULTS / "gate.jsonl")
    minutes = trials.minutes_asked_for(__doc__, 60.0)
    contention = Contention()
    units = calibrate()
    trials.go_on(minutes, CASES, lambda case: trial(case, units))
    lines = [
        "## Gates",
        "",
        *machine(),
        versions("torch", "scipy", "numpy"),
        f"- `gate --fail-on 5%` on a step of 20 ms, {STEPS} steps per run, {MINUTES:g} minutes at most;",
        f"  in the last case {SHORT_STEPS} steps per run and one minute.",
        "",
        "| candidate | gates | exit 0 | exit 3 | exit 2 | median duration | median groups |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for case, wanted in CASES.items():
        rows = trials.rows(case)
        codes = [sum(row["exit_code"] == code for row in rows) for code in (0, 3, 2)]
        durations, groups = (sorted(row[name] or 0 for row in rows) for name in ("duration_s", "groups"))
        middle = len(rows) // 2
        cells = [case, f"{len(rows)} of {wanted}", *map(str, codes)]
        cells += [f"{durations[middle]:.0f} s", str(groups[middle])] if rows else ["", ""]
        lines.append(f"| {' | '.join(cells)} |")
    write("gate", [*lines, "", contention.line()])


if __name__ == "__main__":
    main()
