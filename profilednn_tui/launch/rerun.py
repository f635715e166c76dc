"""The target of a session, once more, with other optimizations."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch.command import TargetCommand
from profilednn_tui.launch.interpreter import find_interpreter
from profilednn_tui.launch.optimizations import Offer, offers
from profilednn_tui.launch.options import LaunchOptions
from profilednn_tui.launch.pseudoterminal import TerminalSize
from profilednn_tui.launch.start import start_under_terminal
from profilednn_tui.session.folder import SessionFile


@dataclass(frozen=True, slots=True)
class Rerun:
    """What to start again, and how it was watched."""

    command: TargetCommand
    options: LaunchOptions

    @classmethod
    def of(cls, started: SessionFile) -> Rerun:
        """From a session that was not started here: what its folder does not hold, as ``--env``, is left out."""
        named = tuple(started.argv)
        argv = (started.python, *named) if started.python else named
        name = os.path.basename(named[0]) if named else ""
        command = TargetCommand(argv, named, name, started.working_directory, started.python)
        return cls(command, LaunchOptions(optimizations=tuple(started.optimizations), name=started.name))

    def check(self) -> tuple[Offer, ...]:
        """The optimizations as they stand in the target's environment."""
        return offers(self.command.python or find_interpreter(None))

    def with_optimizations(self, names: Collection[str]) -> Rerun:
        """The same target; the snapshot that the first run was to leave stays that run's."""
        return replace(self, options=replace(self.options, optimizations=tuple(sorted(names)), output=None))

    def start(self, size: TerminalSize) -> Path:
        """Start it on a terminal of its own; the session folder, or a `ProfilerError`."""
        if not self.command.argv:
            raise ProfilerError("This session does not say what was started. Start the script anew.")
        if not os.path.isdir(self.command.working_directory):
            folder = self.command.working_directory
            raise ProfilerError(f"The target's folder {folder} is not on this machine. Start the script here anew.")
        return start_under_terminal(self.command, self.options, size)
