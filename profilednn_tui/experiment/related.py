"""Candidates for comparison with a session: other runs of the same script on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from profilednn_tui.compare.runs import Side, read_run
from profilednn_tui.experiment.plan import Recorded, list_experiments
from profilednn_tui.experiment.sides import variant_side
from profilednn_tui.session.open_session import open_session
from profilednn_tui.session.storage.catalog import list_sessions
from profilednn_tui.session.view import Target

MOST = 30
"""Only the newest are listed, as each is read when the list shows its verdict."""


@dataclass(frozen=True, slots=True)
class Related:
    """One session, or one variant of an experiment."""

    name: str
    variant: str
    """The enabled optimizations and settings."""
    start_unix_ns: int
    folder: Path
    experiment: Recorded | None = None

    def read(self) -> Side:
        """Read its runs; raises a `ProfilerError` for a session that cannot be read."""
        if self.experiment is not None:
            return variant_side(self.experiment, self.name.rpartition(":")[2])
        with open_session(self.folder) as session:
            return Side(self.name, (read_run(session, self.folder.name),))


def related_runs(target: Target, location: Path) -> tuple[Related, ...]:
    """Sessions and variants of the target's script, newest first, except the session at `location` itself."""
    script = script_of(target.argv)
    found = [*_sessions(script, location), *_variants(script)]
    return tuple(sorted(found, key=lambda one: -one.start_unix_ns)[:MOST])


def script_of(words: Sequence[str]) -> str:
    """The script's name without its path, which two runs of the same script have in common."""
    named = [word for word in words if word != "-m"]
    return os.path.basename(named[0]) if named else ""


def _sessions(script: str, location: Path) -> Iterator[Related]:
    for entry in list_sessions():
        file = entry.file
        if script_of(file.argv) == script and entry.folder.absolute() != location.absolute():
            variant = ", ".join(file.optimizations) or "nothing switched on"
            yield Related(file.name, variant, file.start_unix_ns, entry.folder)


def _variants(script: str) -> Iterator[Related]:
    for recorded in list_experiments():
        experiment = recorded.experiment
        words = ("-m", *experiment.words) if experiment.kind == "module" else experiment.words
        if script_of(words) == script:
            for variant in experiment.variants:
                name = f"{experiment.name}:{variant.name}"
                yield Related(name, variant.text, experiment.start_unix_ns, recorded.folder, recorded)
