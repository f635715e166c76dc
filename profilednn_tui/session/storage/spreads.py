"""How much runs on this machine have differed so far, kept beside the sessions for later verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from profilednn_tui.session.spread import Spread, pooled
from profilednn_tui.session.storage.files import read_file
from profilednn_tui.session.storage.folder import UNREADABLE, locked, save_json

LEDGER_FILE = "spreads.json"
LEDGER_BYTES = 1_000_000
"""Upper bound on the size of the file."""
VERSION = 1
IN_TURN, IN_LOCKSTEP, SESSIONS = "in turn", "in lockstep", "sessions"
"""Kinds of runs: of an experiment, one after the other or in lockstep, and separate sessions."""
MAX_GROUPS = 64
"""Kept per kind, the newest."""
MAX_RUNS = 20
"""Kept per group, the newest."""


@dataclass(frozen=True, slots=True)
class Group:
    """Runs of the same configuration."""

    name: str
    logarithms: tuple[float, ...]
    """Logarithms of the runs' median steps in nanoseconds."""


@dataclass(slots=True)
class Ledger:
    """The file: machine -> kind -> groups, the newest last."""

    version: int = VERSION
    machines: dict[str, dict[str, list[Group]]] = field(default_factory=dict)


def expected_spread(home: Path, machine: str, kind: str) -> Spread | None:
    """How much runs of a kind have differed on a machine; None if too few are known."""
    return pooled(group.logarithms for group in _read(home / LEDGER_FILE).machines.get(machine, {}).get(kind, ()))


def add_runs(
    home: Path, machine: str, kind: str, name: str, logarithms: Sequence[float], instead: bool = False
) -> None:
    """Record runs of the same configuration; an existing group is extended, or replaced with `instead`.

    A ledger that cannot be written is not an error: the next verdict rests on an assumption instead.
    """
    with suppress(OSError), locked(home / LEDGER_FILE):
        ledger = _read(home / LEDGER_FILE)
        groups = ledger.machines.setdefault(machine, {}).setdefault(kind, [])
        before = next((group.logarithms for group in groups if group.name == name and not instead), ())
        others = [group for group in groups if group.name != name]
        grown = Group(name, (*before, *logarithms)[-MAX_RUNS:])
        ledger.machines[machine][kind] = [*others, grown][-MAX_GROUPS:]
        save_json(home / LEDGER_FILE, ledger)


def _read(path: Path) -> Ledger:
    try:
        ledger = msgspec.json.decode(read_file(path, LEDGER_BYTES), type=Ledger)
    except (OSError, *UNREADABLE):
        return Ledger()
    return ledger if ledger.version == VERSION else Ledger()
