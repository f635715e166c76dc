"""Who has a session open: a mark of each viewing process in the session folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from profilednn_tui.paths import FILE_MODE

_PREFIX = "viewer-"


def viewer_pids(names: Iterable[str]) -> list[int]:
    """The viewers among the names of a session folder's files."""
    suffixes = (name.removeprefix(_PREFIX) for name in names if name.startswith(_PREFIX))
    return [int(suffix) for suffix in suffixes if suffix.isdecimal()]


@contextmanager
def viewing(location: Path) -> Iterator[None]:
    """Be counted among the host's processes of a session while the block runs; of a snapshot nobody counts them."""
    mark = location / f"{_PREFIX}{os.getpid()}"
    with suppress(OSError):
        os.close(os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE))
    try:
        yield
    finally:
        with suppress(OSError):
            mark.unlink()
