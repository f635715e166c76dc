"""What the remedies of findings win, beside their ceilings.

`python -m benchmarks.remedies [--minutes M]` watches the programs of benchmarks/faults as a user would, and tries each
remedy that the advisor offers with `advise --try`. It goes on where the last call ended.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.advice import programs
from benchmarks.conditions import RESULTS, Contention, machine, versions, write
from benchmarks.safety.run import clean_environment
from benchmarks.trials import Row, Trials

ROOT = Path(__file__).resolve().parents[1]
WORTH_TRYING = 0.05
"""Ceiling from which a remedy is tried."""
TRY_MINUTES = 4.0
THIRD = 1 / 3


def tool(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run our command line as a user would, with sessions in `home`."""
    return subprocess.run(
        [sys.executable, "-m", "profilednn_tui", *words],
        cwd=ROOT,
        env=clean_environment(PROFILEDNN_HOME=str(home)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def tried(path: Path) -> Row:
    """All remedies of a program's findings, each in an experiment of its own."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        ended = tool(home, "run", "--headless", "--name", "watched", str(path.relative_to(ROOT)))
        if ended.returncode:
            sys.exit(f"{path.stem} ended with exit code {ended.returncode}:\n{ended.stderr[-2000:]}")
        rows = []
        for finding in advice(tool(home, "advise", "watched", "--to", "json")):
            remedy = finding["try"]
            if finding["ceiling"] < WORTH_TRYING or not (remedy.get("with") or remedy.get("environment")):
                continue
            words = ("advise", "watched", "--try", finding["rule"], "--minutes", f"{TRY_MINUTES:g}", "--to", "json")
            ended = tool(home, *words)
            found = [one for one in advice(ended) if one["rule"] == finding["rule"]]
            measured = found[0].get("measured") if found else None
            reason = "" if measured else ended.stderr.strip().splitlines()[-1]
            rows.append({"rule": finding["rule"], "ceiling": finding["ceiling"], "remedy": named(remedy)} | {
                "measured": measured, "reason": reason,
            })  # fmt: skip
        ledger = tool(home, "advise", "--ledger", "--json")
    known = json.loads(ledger.stdout)["rules"] if ledger.stdout else []
    return {"tried": rows, "in_ledger": sum(len(one["tries"]) for one in known)}


def advice(ended: subprocess.CompletedProcess[str]) -> list[Row]:
    """The findings that a command has printed; none if it had nothing to print."""
    found: list[Row] = json.loads(ended.stdout)["findings"] if ended.stdout else []
    return found


def named(remedy: Row) -> str:
    """A remedy in words."""
    settings = [f"{name}={value}" for name, value in remedy.get("environment", {}).items()]
    return ", ".join([*remedy.get("with", ()), *settings])


def lines(rows: list[Row]) -> Iterator[str]:
    """The table and the counts."""
    yield "| program | finding | remedy | ceiling | measured | effect | training |"
    yield "|---|---|---|---:|---:|---|---|"
    judged = []
    for row in sorted(rows, key=lambda row: str(row["case"])):
        for one in row["tried"]:
            found = one["measured"]
            cells = [row["case"], one["rule"], one["remedy"], f"{100 * one['ceiling']:.0f} %"]
            if found is None:
                cells += ["", one["reason"], ""]
            else:
                gain, low, high = (100 * found[key] for key in ("gain", "low", "high"))
                cells += [f"{gain:.0f} % ({low:.0f} to {high:.0f})", found["effect"], found["losses"]]
                judged.append((one["ceiling"], found))
            yield f"| {' | '.join(cells)} |"
    above = sum(found["low"] > ceiling for ceiling, found in judged)
    large = sum(found["gain"] >= THIRD * ceiling for ceiling, found in judged)
    yield (
        f"\n- {len(judged)} remedies measured, {sum(row['in_ledger'] for row in rows)} in ledgers: {above} above "
        f"the ceiling with the whole interval, {large} with a gain of a third of the ceiling or more."
    )


def main() -> None:
    """Make the missing tries and write the table."""
    trials = Trials(RESULTS / "remedies.jsonl")
    minutes = trials.minutes_asked_for(__doc__, 90.0)
    faults = {program.path.stem: program.path for program in programs() if program.rules}
    contention = Contention()
    trials.go_on(minutes, dict.fromkeys(faults, 1), lambda name: tried(faults[name]))
    rows = [row for row in trials.rows() if row["case"] in faults]
    head = ["## Remedies of findings", "", *machine(), versions("torch", "torchvision")]
    note = f"- Each remedy was tried with `advise --try`, for {TRY_MINUTES:g} minutes at most."
    write("remedies", [*head, note, contention.line(), "", *lines(rows)])


if __name__ == "__main__":
    main()
