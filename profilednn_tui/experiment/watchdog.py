"""A small process that clears up if this one is killed: it ends targets and removes scratch copies."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress

_PROGRAM = """
import os, shutil, sys, time
groups, folders, done = [], [], False
for order in iter(lambda: sys.stdin.buffer.readline(), b""):
    kind, text = order[:1], bytes.fromhex(order[1:].decode()).decode("utf-8", "surrogateescape")
    if kind == b"g":
        groups.append(int(text))
    elif kind == b"f":
        folders.append(text)
    else:
        done = True
if not done:
    for group in groups:
        try:
            os.killpg(group, 9)
        except OSError:
            pass
    for pause_s in (0, 0.1, 1):  # what was killed may still be writing
        time.sleep(pause_s)
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
"""


class Watchdog:
    """Watches over process groups and folders until it is closed."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def ends(self, group: int) -> None:
        """Have it kill a process group, stopped or not."""
        self._order("g", str(group))

    def removes(self, folder: str) -> None:
        """Have it remove a folder."""
        self._order("f", folder)

    def close(self) -> None:
        """End it; what it watched over is left alone."""
        self._order(".", "")
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()
        self._process.wait()

    def _order(self, kind: str, text: str) -> None:
        stream = self._process.stdin
        assert stream is not None
        with suppress(OSError):
            stream.write(f"{kind}{text.encode('utf-8', 'surrogateescape').hex()}\n".encode())
            stream.flush()
