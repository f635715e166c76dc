"""Reports the side effects that Python's audit events miss because torch's C++ code has them.

The audit hook (`boot/side_effects.py`) takes the notes; without it, nothing is replaced.
"""

from __future__ import annotations

import functools
import os
import sys
from typing import Any

from ..protocol.files import SIDE_EFFECTS


def watch(torch: Any, folder: str) -> None:
    """Announce the files that `torch.save` writes, and loaders with a timeout, if the host wants to know."""
    if not os.path.exists(os.path.join(folder, SIDE_EFFECTS)):
        return
    from .boot.side_effects import LOADER_TIMEOUT

    original: Any = torch._C.PyTorchFileWriter

    class PyTorchFileWriter(original):  # type: ignore[misc]
        """Opens its file in C++, which raises no audit event."""

        def __init__(self, target: Any, *arguments: Any, **keywords: Any) -> None:
            if isinstance(target, (str, bytes)):
                sys.audit("open", target, "wb", os.O_WRONLY)
            super().__init__(target, *arguments, **keywords)

    torch._C.PyTorchFileWriter = PyTorchFileWriter
    loader = torch.utils.data.dataloader._MultiProcessingDataLoaderIter
    begin = loader.__init__

    @functools.wraps(begin)
    def __init__(self: Any, loader: Any) -> None:  # noqa: N807
        if getattr(loader, "timeout", 0):
            sys.audit(LOADER_TIMEOUT, loader.timeout)
        begin(self, loader)

    loader.__init__ = __init__
