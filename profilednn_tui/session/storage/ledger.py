"""What came out when remedies were tried on this machine, kept beside the sessions."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from profilednn_tui.errors import ProfilerError
from profilednn_tui.paths import FOLDER_MODE
from profilednn_tui.plain import decode_plain, plain
from profilednn_tui.protocol.events import MAGIC
from profilednn_tui.session.proof import Proof
from profilednn_tui.session.storage.files import read_file
from profilednn_tui.session.storage.folder import UNREADABLE, locked, save_json
from profilednn_tui.session.storage.limits import Integer

LEDGER_FILE = "ledger.json"
VERSION = 1
MOST_ENTRIES = 2_000
"""Kept, the newest."""
TEXT_LENGTH = 300
"""Characters per text; longer ones are cut."""
LEDGER_BYTES = 20_000_000
"""Upper bound on the size of the file: `MOST_ENTRIES` with all texts as long as they may be."""
LARGEST_LOSS = -1e6
"""Lower bound of a gain: steps that take a million times longer."""
MOST_RUNS = 1_000_000
ASIDE = ".unreadable"
"""Ending of the new name of a file that cannot be read."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A remedy that was tried, and where."""

    machine: str
    """As named by `collect.machine.own_hardware`."""
    proof: Proof


@dataclass(frozen=True, slots=True)
class _Guard:
    magic: str
    version: Integer


@dataclass(frozen=True, slots=True)
class _File:
    entries: tuple[Entry, ...]
    """Oldest first."""
    magic: str = MAGIC
    version: Integer = VERSION


class _UnreadableError(Exception):
    """Why a file is not a ledger."""


def read_ledger(home: Path) -> tuple[Entry, ...]:
    """All entries, oldest first; raises a `ProfilerError` if there is a file that cannot be read."""
    path = home / LEDGER_FILE
    try:
        return _read(path)
    except _UnreadableError as error:
        raise ProfilerError(
            f"The ledger {path} cannot be read ({error}). Move it away or delete it; a new one begins with the next "
            "remedy that is tried."
        ) from None


def proofs_for(entries: Iterable[Entry], machine: str, session: str) -> tuple[Proof, ...]:
    """What was tried on a machine, and for a session wherever that was."""
    return tuple(one.proof for one in entries if one.machine == machine or one.proof.session == session)


def session_name(location: Path) -> str:
    """The name of a session in the ledger, from its folder or its snapshot file."""
    return _cut(location.resolve().name)


def add_proof(home: Path, machine: str, proof: Proof) -> str:
    """Add what came out; returns a sentence if the file was unreadable and has been put aside, else an empty text.

    Raises a `ProfilerError` if it cannot be written.
    """
    values = {one.name: getattr(proof, one.name) for one in fields(proof)}
    texts: dict[str, Any] = {name: _cut(value) for name, value in values.items() if isinstance(value, str)}
    entry = Entry(_cut(machine), replace(proof, **texts))
    return _change(home, lambda entries: (*entries, entry)[-MOST_ENTRIES:])


def forget(home: Path, rule: str | None = None) -> int:
    """Forget one rule's entries, or all; returns their number. Raises a `ProfilerError` as the others do."""
    forgotten = 0

    def without(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
        nonlocal forgotten
        kept = tuple(entry for entry in entries if rule not in (None, entry.proof.rule))
        forgotten = len(entries) - len(kept)
        return kept

    if read_ledger(home):  # nothing is created or put aside only to forget it
        _change(home, without)
    return forgotten


def _change(home: Path, change: Callable[[tuple[Entry, ...]], Sequence[Entry]]) -> str:
    path, sentence = home / LEDGER_FILE, ""
    try:
        home.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        with locked(path):
            try:
                entries = _read(path)
            except _UnreadableError as error:
                aside = _put_aside(path)
                entries, sentence = (
                    (),
                    f"The ledger could not be read ({error}): it is now {aside}, and a new one began.",
                )
            save_json(path, _File(tuple(change(entries))))
    except OSError as error:
        raise ProfilerError(
            f"Cannot write the ledger {path}: {error.strerror or error}. Free some space, or check its permissions."
        ) from None
    return sentence


def _read(path: Path) -> tuple[Entry, ...]:
    try:
        data = read_file(path, LEDGER_BYTES)
        guard = decode_plain(data, _Guard)
        if guard.magic == MAGIC and guard.version > VERSION:
            raise ProfilerError(f"The ledger {path} was written by a newer profilednn-tui. Upgrade this one to use it.")
        entries = decode_plain(data, _File).entries
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise _UnreadableError(error.strerror or str(error)) from None
    except UNREADABLE as error:
        raise _UnreadableError(f"it is damaged: {plain(str(error))}") from None
    if guard.magic != MAGIC or guard.version < 1 or not all(map(_is_sound, entries)):
        raise _UnreadableError("it was not written by profilednn-tui")
    return entries[-MOST_ENTRIES:]


def _is_sound(entry: Entry) -> bool:
    """Whether it has figures and texts as written here."""
    proof = entry.proof
    texts = (entry.machine, proof.rule, proof.session, proof.remedy, proof.order, proof.losses, proof.note)
    gains = LARGEST_LOSS <= proof.low <= proof.gain <= proof.high <= 1
    counts = 0 < proof.runs <= MOST_RUNS and 0 <= proof.unix_ns < 2**63
    return gains and 0 <= proof.ceiling <= 1 and counts and all(len(text) <= TEXT_LENGTH for text in texts)


def _cut(text: str) -> str:
    return plain(text)[:TEXT_LENGTH]


def _put_aside(path: Path) -> Path:
    """Give a file a new name that no other has."""
    name, number = f"{path.name}{ASIDE}", 1
    while os.path.lexists(path.with_name(name)):
        number += 1
        name = f"{path.name}{ASIDE}-{number}"
    return path.rename(path.with_name(name))
