"""The Python interpreter that runs the target."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence

from profilednn_tui.errors import ProfilerError

MINIMUM_VERSION = (3, 9)
TIME_LIMIT_S = 10.0

_TELL_VERSION = "import sys; sys.stdout.write('python %d.%d.%d' % tuple(sys.version_info[:3]))"
"""Valid in every version of Python, so that an old one is reported as old and not as broken."""

_TELL_PACKAGES = """
import sys
from importlib import metadata
for name in sys.argv[1:]:
    try:
        print(name, metadata.version(name))
    except metadata.PackageNotFoundError:
        pass
"""


def find_interpreter(named: str | None, working_directory: str | None = None) -> str:
    """The interpreter the user named, else that of the active environment, else our own; checked.

    A relative path is one from the working directory; ours, by default.
    """
    chosen = named or active_environment_python() or sys.executable
    path = find_program(chosen, working_directory)
    if path is None:
        why = _why_not(chosen, working_directory)
        raise ProfilerError(f"{chosen} is not a Python interpreter: {why}. Name one with --python PATH.")
    if path != sys.executable:
        version = interpreter_version(path, working_directory)
        if version < MINIMUM_VERSION:
            raise ProfilerError(
                f"{path} is Python {'.'.join(map(str, version))}, and the agent needs Python "
                f"{'.'.join(map(str, MINIMUM_VERSION))} or newer. Name another interpreter with --python PATH."
            )
    return path


def find_program(name: str, working_directory: str | None = None) -> str | None:
    """What a shell in the working directory would execute: the name itself if it is a path, else where PATH has it."""
    base = working_directory or ""
    if os.path.dirname(name):
        return name if shutil.which(os.path.join(base, name)) is not None else None
    return shutil.which(name, path=os.pathsep.join(os.path.join(base, folder) for folder in os.get_exec_path()))


def active_environment_python() -> str | None:
    """The interpreter of the virtual or conda environment active in the user's shell; None if there is none."""
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        prefix = os.environ.get(variable)
        python = os.path.join(prefix, "bin", "python") if prefix else ""
        if prefix and os.access(python, os.X_OK):
            return python
    return None


def interpreter_version(path: str, working_directory: str | None = None) -> tuple[int, ...]:
    """The version that a Python reports; raises `ProfilerError` if it is not a Python."""
    # Without site-packages and the user's variables: quick, and understood by every Python.
    words = ask(path, "-S", "-E", "-c", _TELL_VERSION, working_directory=working_directory).split()
    if len(words) != 2 or words[0] != "python":
        raise ProfilerError(f"{path} is not a Python interpreter. Name one with --python PATH.")
    return tuple(map(int, words[1].split(".")))


def package_versions(python: str, packages: Sequence[str]) -> dict[str, str]:
    """The versions of those `packages` that an interpreter has installed."""
    lines = ask(python, "-c", _TELL_PACKAGES, *packages).splitlines()
    return dict(line.split(" ", 1) for line in lines if " " in line)


def ask(
    python: str,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    working_directory: str | None = None,
    time_limit_s: float = TIME_LIMIT_S,
) -> str:
    """The output of an interpreter, empty if it fails; raises `ProfilerError` if it cannot run or does not answer."""
    try:
        answer = subprocess.run(
            [python, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=time_limit_s,
            env=environment,
            cwd=working_directory,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ProfilerError(
            f"{python} did not answer within {time_limit_s:.0f} s, so it is not a working Python interpreter. "
            "Name another with --python PATH."
        ) from None
    except OSError as error:
        raise ProfilerError(
            f"{python} cannot be run as a Python interpreter ({error.strerror}). Name another with --python PATH."
        ) from None
    return answer.stdout.decode("utf-8", "replace") if answer.returncode == 0 else ""


def _why_not(chosen: str, working_directory: str | None) -> str:
    path = os.path.join(working_directory or "", chosen)
    if os.path.isdir(path):
        return "it is a folder"
    if os.path.isfile(path):
        return "it is not executable"
    return "there is no such file" if os.sep in chosen else "there is no such command"
