"""The user's command in a form that can be started; a command that cannot be started is rejected here.

Relative names are looked up in the working directory of the command: ours, by default.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch.interpreter import find_interpreter, find_program


@dataclass(frozen=True, slots=True)
class Scratch:
    """A copy of a folder that contains the working directory or is it."""

    root: str
    """The original."""
    copy: str

    def moved(self, word: str) -> str:
        """A word whose path, alone or behind ``=``, leads into the copy if it led into the original."""
        name, equals, value = word.rpartition("=")
        root = self.root.rstrip("/")
        inside = value == root or value.startswith(root + "/")
        return f"{name}{equals}{self.copy}{value[len(root) :]}" if inside else word


@dataclass(frozen=True, slots=True)
class TargetCommand:
    """One command line, ready to start."""

    argv: tuple[str, ...]
    """The words to execute."""
    named: tuple[str, ...]
    """The command as the user named it: script, ``-m`` module or command, with its arguments."""
    display_name: str
    working_directory: str
    python: str = ""
    """The target's interpreter, if we chose it; otherwise empty."""
    scratch: Scratch | None = None
    """The copy to run in; None to run in the working directory itself."""

    @property
    def folder(self) -> str:
        """Where the command runs."""
        return self.working_directory if self.scratch is None else self.scratch.moved(self.working_directory)

    def in_scratch(self, scratch: Scratch) -> TargetCommand:
        """The same command in a copy, with absolute paths into the original changed accordingly."""
        own = 1 if self.python else 0  # the interpreter stays where it is, even if that is in the folder
        return replace(self, argv=(*self.argv[:own], *map(scratch.moved, self.argv[own:])), scratch=scratch)

    def changes(self, environment: Mapping[str, str]) -> dict[str, str]:
        """The variables of `environment` that a scratch copy changes, with their new values."""
        if self.scratch is None:
            return {}
        entries = environment.get("PYTHONPATH", "").split(os.pathsep)
        return {"PWD": self.folder, "PYTHONPATH": os.pathsep.join(map(self.scratch.moved, entries))}


def script_command(
    script: str, arguments: Sequence[str], python: str | None = None, working_directory: str | None = None
) -> TargetCommand:
    """``SCRIPT ARGS``: a Python file, or a folder or archive with a ``__main__.py``."""
    folder = working_directory or _own_working_directory()
    _check_script(script, folder)
    interpreter = find_interpreter(python, folder)
    named = (script, *arguments)
    return TargetCommand((interpreter, *named), named, _script_name(script, folder), folder, interpreter)


def module_command(
    module: str, arguments: Sequence[str], python: str | None = None, working_directory: str | None = None
) -> TargetCommand:
    """``-m MODULE ARGS``."""
    folder = working_directory or _own_working_directory()
    interpreter = find_interpreter(python, folder)
    named = ("-m", module, *arguments)
    return TargetCommand((interpreter, *named), named, module, folder, interpreter)


def any_command(words: Sequence[str], working_directory: str | None = None) -> TargetCommand:
    """``COMMAND ...``: any command that ends up running Python."""
    folder = working_directory or _own_working_directory()
    _check_command(words[0], folder)
    return TargetCommand(tuple(words), tuple(words), os.path.basename(words[0]), folder)


def script_digest(command: TargetCommand) -> str:
    """SHA-256 of the source of the script or module that a command runs; empty if it cannot be determined.

    A module is looked for only below the working directory: elsewhere it is installed and identified by its version.
    """
    words = command.named
    if words[0] == "-m":
        stem = Path(command.folder, *words[1].split("."))
        candidates = [stem.with_suffix(".py"), stem / "__main__.py"]
    else:
        named = Path(command.folder, words[0])
        scripts = [Path(command.folder, word) for word in words if word.endswith(".py")]
        candidates = [named / "__main__.py", *([named] if command.python else []), *scripts]
    for path in candidates:
        try:
            return hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError:
            continue
    return ""


def _check_script(script: str, folder: str) -> None:
    path = Path(folder, script)
    if not script:
        raise ProfilerError("The name of the script is empty. Name a SCRIPT; see `profilednn-tui --help`.")
    if path.is_dir():
        if not (path / "__main__.py").is_file():
            raise ProfilerError(f"{script} is a folder without a __main__.py. Name a script, or use `run -m MODULE`.")
    elif not path.exists():
        raise ProfilerError(f"There is no script {script}{_hint_for_missing(script, folder)}")
    if not os.access(path, os.R_OK):
        raise ProfilerError(f"The script {script} cannot be read. Change its permissions or run as its owner.")


def _hint_for_missing(script: str, folder: str) -> str:
    if find_program(script, folder) is not None:
        return f"; {script} is a command: `profilednn-tui run -- {shlex.quote(script)} ...` runs it."
    if os.path.isabs(script):
        return ". Check the path."
    return f" in {folder}. Check the path, or see `profilednn-tui --help` for the commands."


def _check_command(command: str, folder: str) -> None:
    if find_program(command, folder) is not None:
        return
    if os.path.isfile(os.path.join(folder, command)):
        raise ProfilerError(
            f"{command} is not executable. Make it executable with `chmod +x {shlex.quote(command)}`; "
            f"start a Python script with `profilednn-tui {shlex.quote(command)} ...`."
        )
    raise ProfilerError(f"There is no command {command}. Check the spelling and PATH.")


def _script_name(script: str, folder: str) -> str:
    return os.path.basename(os.path.normpath(os.path.join(folder, script)))


def _own_working_directory() -> str:
    try:
        return os.getcwd()
    except OSError:
        raise ProfilerError("The working directory no longer exists. Change to one that does.") from None
