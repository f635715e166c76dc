"""Watches a program as a user would, and tries the remedies that the advisor offers, with `advise --try`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.safety.run import clean_environment
from benchmarks.trials import Row

ROOT = Path(__file__).resolve().parents[1]
WORTH_TRYING = 0.05
"""Ceiling from which a remedy is tried."""
TRY_MINUTES = 4.0


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
