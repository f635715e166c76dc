"""A helper's side of its start; imports little, as a target waits for it."""

from __future__ import annotations

import os
from contextlib import suppress


def answer_starter(line: str) -> None:
    """Tell who started us, with `start_and_ask`, how it went, and let go of the pipes."""
    with suppress(OSError):
        os.write(1, f"{line}\n".encode())
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):
        os.dup2(nowhere, stream)
    os.close(nowhere)
