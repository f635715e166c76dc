"""Injection by gdb, for processors without injection code of our own.

gdb makes the same two calls: ``mmap`` for the text and ``Py_AddPendingCall`` to run it. It must not load the symbols of
torch's libraries, which takes seconds with the target stopped, so the addresses come from us.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping

from profilednn_tui.attach.memory_maps import memory_maps
from profilednn_tui.attach.process_facts import ProcessFacts
from profilednn_tui.attach.symbols import MissingSymbolsError, find_symbols

TIME_LIMIT_S = 30.0
_RESULT = "profilednn: call queued with"
_PAGE = 4096


def inject(facts: ProcessFacts, text: bytes) -> str:
    """Run the text in the main thread; returns why that failed, or an empty string."""
    try:
        symbols = find_symbols(facts.pid, facts.executable, memory_maps(facts.pid))
    except (MissingSymbolsError, OSError) as error:
        return str(error)
    with tempfile.NamedTemporaryFile(suffix=".bin") as stream:
        stream.write(text + b"\0")
        stream.flush()
        words = [word for command in commands(symbols, stream.name, len(text) + 1) for word in ("-ex", command)]
        try:
            done = subprocess.run(
                ["gdb", "-nx", "-batch", "-iex", "set auto-solib-add off", "-iex", "set debuginfod enabled off",
                 "-p", str(facts.pid), *words],
                stdin=subprocess.DEVNULL, capture_output=True, timeout=TIME_LIMIT_S, check=False,
                env={**os.environ, "LC_ALL": "C"},
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"gdb failed ({error})"
    if f"{_RESULT} 0" in done.stdout.decode("utf-8", "replace"):
        return ""
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return f"gdb failed ({lines[-1] if lines else f'exit {done.returncode}'})"


def commands(symbols: Mapping[str, int], file: str, size: int) -> Iterator[str]:
    """The gdb commands that map `size` bytes, fill them from `file` and queue the call."""
    length = (size + _PAGE - 1) & -_PAGE
    mmap = "(long(*)(void*,unsigned long,int,int,int,long))"
    yield f"set $page = ({mmap}{symbols['mmap']:#x})(0, {length}, 3, 0x22, -1, 0)"
    yield f"restore {file} binary $page"
    add = "(int(*)(void*,void*))"
    arguments = f"((void*){symbols['PyRun_SimpleString']:#x}, (void*)$page)"
    yield f"set $failed = ({add}{symbols['Py_AddPendingCall']:#x}){arguments}"
    yield f'printf "{_RESULT} %d\\n", $failed'
    yield "detach"
