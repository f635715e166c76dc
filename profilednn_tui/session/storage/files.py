"""Files that others may have made: only regular files are opened, and never read beyond a limit.

A pipe, a device or a link in place of a file is refused at once instead of being waited for or followed.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

from profilednn_tui.paths import FILE_MODE

NO_FILE = "it is not a regular file, but a folder, a pipe, a device or a link"


def open_file(path: str | Path, follow: bool = False) -> FileIO:
    """Open a regular file unbuffered; an `OSError` for anything else. With `follow`, it may be a link to one."""
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    try:
        descriptor = os.open(path, flags if follow else flags | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.ENODEV):  # a link, a socket, a device without a driver
            raise OSError(errno.EINVAL, NO_FILE) from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, NO_FILE)
    return FileIO(descriptor, "rb")


def read_file(path: str | Path, limit_bytes: int) -> bytes:
    """A whole file; an `OSError` if it is not a regular file or has more than `limit_bytes`."""
    with open_file(path) as stream:
        data = b""
        while part := stream.read(limit_bytes + 1 - len(data)):
            data += part
            if len(data) > limit_bytes:
                raise OSError(errno.EFBIG, f"it has more than {limit_bytes:,} bytes")
    return data


def read_end(path: str | Path, limit_bytes: int) -> bytes:
    """The last bytes of a file; an `OSError` if it is not a regular file."""
    with open_file(path) as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - limit_bytes))
        return stream.read(limit_bytes)


def append(path: Path, data: bytes) -> None:
    """Write all of it at the end of a file of ours, which is made if there is none; an `OSError` if it is a link, or if
    the disk takes no more."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
    with os.fdopen(handle, "wb") as stream:  # buffered: a bare write may stop short
        stream.write(data)


def regular_files(folder: str | Path, depth: int = 0) -> Iterator[tuple[Path, os.stat_result]]:
    """The accessible files in a folder, and in its subfolders down to `depth` levels."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            continue  # removed in the meantime
        if stat.S_ISREG(status.st_mode):
            yield Path(entry.path), status
        elif stat.S_ISDIR(status.st_mode) and depth > 0:
            yield from regular_files(entry.path, depth - 1)
