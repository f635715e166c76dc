"""Whose code a frame runs: the user's, another package's, or that of torch and Python."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import PurePath, PurePosixPath

from profilednn_tui.session.view import Frame

_INSTALLED = re.compile(r"^.*/(?:site|dist)-packages/")
_STANDARD_LIBRARY = re.compile(r"/lib/python\d[\w.]*/")


@lru_cache(maxsize=4096)
def is_library(file: str) -> bool:
    """Whether a source file belongs to torch or Python itself; other packages, and models in them, do not count."""
    if file.startswith("<"):
        return True
    installed = _INSTALLED.sub("", file)
    if installed != file:
        return installed.startswith("torch/")
    return "torch" in PurePath(file).parts or bool(_STANDARD_LIBRARY.search(file))


def is_users(file: str, script: str) -> bool:
    """Whether a source file is the user's own. The script always is, even if it is installed."""
    return not is_library(file) and (PurePath(file).name == PurePath(script).name or not _INSTALLED.match(file))


def call_site(frames: Sequence[Frame]) -> Frame | None:
    """The innermost frame outside of torch and Python's library; the innermost of all if there is none."""
    outside = (frame for frame in reversed(frames) if not is_library(frame.file))
    return next(outside, frames[-1] if frames else None)


def visible_frames(frames: Sequence[Frame], libraries: bool) -> tuple[Frame, ...]:
    """The frames outside of torch and Python, or all; a stack without any keeps its innermost frame."""
    if libraries:
        return tuple(frames)
    return tuple(frame for frame in frames if not is_library(frame.file)) or tuple(frames[-1:])


def relative_file(file: str, working_directory: str) -> str:
    """A file relative to the working directory if it lies inside, else unchanged."""
    root = working_directory.rstrip("/") + "/"
    return file[len(root) :] if len(root) > 1 and file.startswith(root) else file


def absolute_file(file: str, working_directory: str) -> str:
    """The file that `relative_file` has made relative."""
    return str(PurePosixPath(working_directory, file))


def short_file(file: str, working_directory: str) -> str:
    """A file relative to the working directory, or to where its package was installed."""
    return _INSTALLED.sub("", relative_file(file, working_directory))
