"""The target of a session, run again with other optimizations."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch.command import TargetCommand
from profilednn_tui.launch.interpreter import find_interpreter
from profilednn_tui.launch.optimizations import OptimizationDescription, describe_optimizations
from profilednn_tui.launch.options import LaunchOptions
from profilednn_tui.launch.pseudoterminal import TerminalSize
from profilednn_tui.launch.start import start_under_terminal
from profilednn_tui.plain import plain
from profilednn_tui.session.storage.folder import SessionFile


@dataclass(frozen=True, slots=True)
class Rerun:
    """What to run again, and with which options."""

    command: TargetCommand
    options: LaunchOptions

    @classmethod
    def of(cls, folder: Path) -> Rerun:
        """From an earlier session of ours, with the part of its environment that its folder holds."""
        try:
            started = SessionFile.load(folder, as_written=True)
        except ProfilerError:  # recordings alone do not say what to start
            return cls(TargetCommand((), (), "", ""), LaunchOptions())
        named = tuple(started.argv)
        argv = (started.python, *named) if started.python else named
        name = os.path.basename(named[0]) if named else ""
        command = TargetCommand(argv, named, name, started.working_directory, started.python)
        options = LaunchOptions(
            optimizations=tuple(started.optimizations), environment=started.environment, name=started.name
        )
        return cls(command, options)

    @property
    def text(self) -> str:
        """What would be started, and where, in readable form."""
        return plain(f"{shlex.join(self.command.argv)}, in {self.command.working_directory}")

    def check(self) -> tuple[OptimizationDescription, ...]:
        """The optimizations and their state in the target's environment."""
        return describe_optimizations(self.command.python or find_interpreter(None))

    def with_optimizations(self, names: Collection[str]) -> Rerun:
        """The same target with other optimizations, without the snapshot requested for the first run."""
        return replace(self, options=replace(self.options, optimizations=tuple(sorted(names)), output=None))

    def start(self, size: TerminalSize) -> Path:
        """Start it on a terminal of its own; returns the session folder, or raises `ProfilerError`."""
        if not self.command.argv:
            raise ProfilerError(
                "This session does not record what was started. Start the script from the command line."
            )
        if not os.path.isdir(self.command.working_directory):
            folder = self.command.working_directory
            raise ProfilerError(
                f"The target's folder {folder} is not on this machine. Start the script from the command line."
            )
        return start_under_terminal(self.command, self.options, size)
