"""Ends searches of `tune` at random moments, by Ctrl-C and by SIGKILL, and checks what is left and what they report.

`python -m benchmarks.interruptions [--minutes M]` goes on where the last call ended. Each search is resumed afterwards.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from benchmarks.conditions import RESULTS, Contention, machine, versions, write
from benchmarks.safety.run import clean_environment
from benchmarks.trials import Row, Trials
from profilednn_tui.tune.record import Search, Stage, load_search

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "tests" / "targets" / "experiment.py"
WORDS = ("tune", "--in-place", "--steps", "20", "--minutes", "0.5", "--over", "fused_optimizer,channels_last")
CASES = {"Ctrl-C": signal.SIGINT, "SIGKILL": signal.SIGKILL}
EACH = 10
LONGEST_S = 60.0
"""About how long such a search takes."""
AFTERWARDS_S = 20.0
"""Until no process may be left."""
MARK = "INTERRUPTED_SEARCH"


def trial(case: str) -> Row:
    """One search: what was left of it, and what became of it."""
    with tempfile.TemporaryDirectory() as name:
        place, mark = Path(name), uuid.uuid4().hex
        shutil.copy(TARGET, place / "train.py")
        environment = clean_environment(PROFILEDNN_HOME=f"{place}/home", PYTHONPATH=f"{ROOT}", **{MARK: mark})
        moment_s = random.uniform(0.5, LONGEST_S)
        command = subprocess.Popen(
            [sys.executable, "-m", "profilednn_tui", *WORDS, "--to", "json", "train.py"],
            cwd=place,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        time.sleep(moment_s)
        over = command.poll() is not None
        if not over:
            os.killpg(command.pid, CASES[case])
        out, _ = command.communicate(timeout=AFTERWARDS_S)
        row: Row = {"moment_s": round(moment_s, 1), "over": over, "exit_code": command.returncode}
        row["processes_left"] = left(mark)
        folder = next((place / "home").glob("*-tune-*"), None)
        if folder is None:
            return {**row, "stage": None}
        before = load_search(folder)
        row["stage"] = before.stage.value
        if out:
            row["report"] = wrong_in_report(json.loads(out), before)
        row["resumed"] = wrong_after_resume(folder, before, place, environment)
        row["processes_left_then"] = left(mark)
        return row


def left(mark: str) -> int:
    """How many processes of a search there are still, after some time at most."""
    end_s = time.monotonic() + AFTERWARDS_S
    while (count := sum(_mark_of(process) == mark for process in psutil.process_iter())) > 0:
        if time.monotonic() > end_s:
            return count
        time.sleep(0.2)
    return 0


def _mark_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARK)
    except psutil.Error:
        return None


def wrong_in_report(report: dict[str, Any], search: Search) -> str:
    """What a report says that is not proven; empty if it is right."""
    if (search.stage is Stage.DONE) == bool(report["unfinished"]):
        return "it does not say whether the search is over"
    if report["winner"] is not None and (report["verdict"] or {}).get("verdict") != "faster":
        return "a winner without a proof"
    if report["recipe"] is not None and report["winner"] is None:
        return "a recipe without a winner"
    if report["verdict"] is not None and search.finalists is None:
        return "a proof without a shootout"
    return "it has effects that were not found" if report["factors"] and search.estimate is None else ""


def wrong_after_resume(folder: Path, before: Search, place: Path, environment: dict[str, str]) -> str:
    """What a search that goes on does wrong; empty if it comes to its end, and keeps all that was found before."""
    done = subprocess.run(
        [sys.executable, "-m", "profilednn_tui", "tune", "--resume", folder.name, "--to", "json"],
        cwd=place,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode:
        return f"exit code {done.returncode}: {done.stderr[-300:]}"
    after = load_search(folder)
    if after.stage is not Stage.DONE:
        return f"it stopped in its stage {after.stage.value}"
    if before.estimate is not None and after.estimate != before.estimate:
        return "effects were measured again"
    if after.raced[: len(before.raced)] != before.raced:
        return "a race was run again"
    if before.finalists is not None and after.finalists != before.finalists:
        return "others were shot out"
    return wrong_in_report(json.loads(done.stdout), after)


def is_right(row: Row) -> bool:
    """Whether nothing was left, lost or wrongly told."""
    return not any((row["processes_left"], row.get("processes_left_then"), row.get("report"), row.get("resumed")))


def lines(trials: Trials) -> Iterator[str]:
    """The table, and what went wrong."""
    yield "| ended by | searches | interrupted in | right |"
    yield "|---|---:|---|---:|"
    for case in CASES:
        rows = trials.rows(case)
        stages = [row["stage"] or "before the first" for row in rows if not row["over"]]
        told = ", ".join(f"{stages.count(stage)} {stage}" for stage in dict.fromkeys(sorted(stages)))
        yield f"| {case} | {len(rows)} | {told} | {sum(map(is_right, rows))} |"
    yield ""
    yield from (f"- Not right: {json.dumps(row)}" for row in trials.rows() if not is_right(row))


def main() -> None:
    """Make the missing trials and write the table."""
    trials = Trials(RESULTS / "interruptions.jsonl")
    minutes = trials.minutes_asked_for(__doc__, 60.0)
    contention = Contention()
    trials.go_on(minutes, dict.fromkeys(CASES, EACH), trial)
    note = (
        "- At random moments of a search of half a minute and its proof. Right: no process is left, what is reported "
        "is proven, and the search, when it is resumed, comes to its end and measures nothing again that was finished."
    )
    write(
        "interruptions",
        [
            "## Searches that are ended early",
            "",
            *machine(),
            versions("torch"),
            note,
            contention.line(),
            "",
            *lines(trials),
        ],
    )


if __name__ == "__main__":
    main()
