"""What can be read from outside about a process to attach to."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from profilednn_tui.attach.elf import NotElfError, exported_addresses
from profilednn_tui.attach.memory_maps import DELETED, Mapping, memory_maps
from profilednn_tui.attach.symbols import MissingSymbolsError, find_signal_return, find_symbols, interpreter_files
from profilednn_tui.collect import procfs

INJECTION_MACHINE = "x86_64"

_LIBRARY_VERSION = re.compile(r"/(?:libpython|lib/python|python)(\d+)\.(\d+)(?:t|d)?(?:[./]|$)")
_DEBUG_OFFSETS = b"xdebugpy"
_FINALIZING_AT = {(3, 9): 16, (3, 10): 16, (3, 11): 24, (3, 12): 24}
"""Offset in ``_PyRuntime`` of the finalizing state; from 3.13 on, ``_PyRuntime`` holds that offset itself."""


@dataclass(frozen=True, slots=True)
class ProcessFacts:
    """Facts about one process; those that cannot be read are unknown (None) or empty."""

    pid: int
    name: str = ""
    state: str = ""
    """The letter in ``/proc/PID/stat``; empty if there is no such process."""
    user_id: int | None = None
    argv: tuple[str, ...] = ()
    executable: str = ""
    working_directory: str = ""
    readable: bool = False
    """Whether we may read its memory; the kernel applies the same rules as for ptrace."""
    tracer: int = 0
    shadow_stack: bool = False
    python: tuple[int, int] | None = None
    """The interpreter's version; None if the process is not Python."""
    torch: bool = False
    finalizing: bool = False
    missing: str = ""
    """What injection needs and the process lacks, in words."""


def inspect_process(pid: int) -> ProcessFacts:
    """Read all facts; never fails."""
    stat = procfs.process(pid)
    if stat is None:
        return ProcessFacts(pid)
    status = _status(pid)
    maps = _maps(pid)
    executable = _link(pid, "exe").removesuffix(DELETED)
    python = python_version(executable, maps)
    readable = _may_look_into(pid)
    return ProcessFacts(
        pid=pid,
        name=stat.name,
        state=stat.state,
        user_id=int(status["Uid"].split()[1]) if "Uid" in status else None,
        argv=command_line(pid),
        executable=executable,
        working_directory=_link(pid, "cwd"),
        readable=readable,
        tracer=int(status.get("TracerPid", "0")),
        shadow_stack="shstk" in status.get("x86_Thread_features", ""),
        python=python,
        torch=has_torch(maps),
        finalizing=python is not None and readable and _is_finalizing(pid, executable, maps, python),
        missing=_missing(pid, executable, maps) if python is not None and readable else "",
    )


def command_line(pid: int) -> tuple[str, ...]:
    """The arguments a process was started with."""
    return tuple(procfs.read(f"/proc/{pid}/cmdline").rstrip(b"\0").decode("utf-8", "replace").split("\0"))


def is_training_candidate(pid: int) -> bool:
    """Whether a process has torch loaded, as far as we may know."""
    return has_torch(_maps(pid))


def python_version(executable: str, maps: Sequence[Mapping]) -> tuple[int, int] | None:
    """The version of the interpreter in a process, from its mapped files; None if it is not Python."""
    library = next((mapping.path for mapping in maps if mapping.name.startswith("libpython")), "")
    name = executable.rpartition("/")[2]
    if not library and not re.match(r"(python|pypy|conda)", name):
        return None
    modules = (mapping.path for mapping in maps if "/lib-dynload/" in mapping.path)
    for path in (library, f"/{name}", *modules):
        found = _LIBRARY_VERSION.search(path)
        if found:
            return int(found[1]), int(found[2])
    return None


def has_torch(maps: Sequence[Mapping]) -> bool:
    return any(mapping.name.startswith(("libtorch_cpu", "libtorch_python")) for mapping in maps)


def _is_finalizing(pid: int, executable: str, maps: Sequence[Mapping], version: tuple[int, int]) -> bool:
    try:
        for mapped in interpreter_files(executable, maps).values():
            runtime = exported_addresses(pid, mapped, {"_PyRuntime"}).get("_PyRuntime")
            if runtime is not None:
                return _reads_finalizing(pid, runtime, version)
    except (OSError, NotElfError, struct.error):
        return False
    return False


def _reads_finalizing(pid: int, runtime: int, version: tuple[int, int]) -> bool:
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        memory.seek(runtime)
        head = memory.read(40)
        at = struct.unpack_from("<Q", head, 32)[0] if head.startswith(_DEBUG_OFFSETS) else _FINALIZING_AT.get(version)
        if at is None:
            return False
        memory.seek(runtime + at)
        return any(memory.read(8))


def _missing(pid: int, executable: str, maps: Sequence[Mapping]) -> str:
    if os.uname().machine != INJECTION_MACHINE:
        return ""
    try:
        find_symbols(pid, executable, maps)
        find_signal_return(pid, maps)
    except (MissingSymbolsError, OSError) as error:
        return str(error)
    return ""


def _may_look_into(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/mem", "rb", buffering=0):
            return True
    except OSError:
        return False


def _maps(pid: int) -> tuple[Mapping, ...]:
    try:
        return memory_maps(pid)
    except OSError:
        return ()


def _status(pid: int) -> dict[str, str]:
    lines = procfs.read(f"/proc/{pid}/status").decode("utf-8", "replace").splitlines()
    return {label: value.strip() for label, _, value in (line.partition(":") for line in lines)}


def _link(pid: int, name: str) -> str:
    try:
        return str(Path(f"/proc/{pid}/{name}").readlink())
    except OSError:
        return ""
