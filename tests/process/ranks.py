"""Runs the target `launched.py` under launchers, and reads what the session tells of its ranks."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from profilednn_tui.ranks.ends import Life, lives_of
from profilednn_tui.session.open_session import open_session
from profilednn_tui.session.view import ProcessEntry, SessionView
from tests.process.launching import PROGRAM, ROOT, Outcome, run, session_folder

STEPS = 40
LAUNCHED = str(ROOT / "tests" / "targets" / "launched.py")
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")

STAND_IN = """#!/bin/sh
# A launcher that starts two processes with the variables of {name}, and ends as the worst of them.
{exports}
for rank in 0 1; do
    {rank}=$rank "$@" &
    eval "pid$rank=$!"
done
wait $pid0; first=$?
wait $pid1; second=$?
[ $first -gt $second ] && exit $first
exit $second
"""


@dataclass(frozen=True)
class Launched:
    """A watched run."""

    outcome: Outcome
    view: SessionView

    @property
    def trained(self) -> list[ProcessEntry]:
        """The processes that trained, in the order of lives and ranks."""
        found = [entry for entry in self.view.processes if entry.steps]
        return sorted(found, key=lambda entry: (entry.life, entry.rank or 0))

    @property
    def ranks(self) -> list[tuple[int | None, int, int]]:
        """Rank, life and steps of each of them."""
        return [(entry.rank, entry.life, entry.steps) for entry in self.trained]

    @property
    def lives(self) -> tuple[Life, ...]:
        return lives_of(self.view.processes)


def launched(folder: Path, *words: str, **variables: str) -> Launched:
    """Run a command line under watch."""
    variables = {"STORE": str(folder / "store"), "OUTPUT": str(folder / "output"), **variables}
    outcome = run((*PROGRAM, "run", "--", *words), folder, b"", **variables)
    with open_session(session_folder(folder)) as session:
        session.catch_up()
        return Launched(outcome, session.view())


def stand_in(folder: Path, name: str, rank: str, **variables: str) -> str:
    """A launcher that sets variables, and one with the rank."""
    path = folder / name
    exports = "\n".join(f"export {key}={value}" for key, value in variables.items())
    path.write_text(STAND_IN.format(name=name, exports=exports, rank=rank))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def as_root() -> tuple[str, ...]:
    """What Open MPI wants to hear from root."""
    return ("--allow-run-as-root",) if os.geteuid() == 0 else ()
