"""The viewers of a session: each leaves a file in the session folder while it has the session open."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from profilednn_tui.paths import FILE_MODE

_PREFIX = "viewer-"


def viewer_pids(names: Iterable[str]) -> list[int]:
    """The PIDs of the viewers, from the names of the files in a session folder."""
    suffixes = (name.removeprefix(_PREFIX) for name in names if name.startswith(_PREFIX))
    return [int(suffix) for suffix in suffixes if suffix.isdecimal()]


@contextmanager
def viewing(location: Path) -> Iterator[None]:
    """Count as a viewer of a session while the block runs; viewers of a snapshot are not counted."""
    mark = location / f"{_PREFIX}{os.getpid()}"
    with suppress(OSError):
        os.close(os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE))
    try:
        yield
    finally:
        with suppress(OSError):
            mark.unlink()
