"""The functions of a CPython process that an injection calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from profilednn_tui.attach.elf import NotElfError, exported_addresses
from profilednn_tui.attach.memory_maps import Mapping

PYTHON = frozenset(
    {"Py_AddPendingCall", "PyRun_SimpleString", "Py_IsInitialized", "PyGILState_Ensure", "PyGILState_Release"}
)
C_LIBRARY = frozenset({"mmap", "pthread_create", "pthread_detach", "pthread_self"})

_C_LIBRARY_FILES = ("libc.so", "libc-", "ld-musl", "libpthread")
_SIGNAL_RETURN = bytes.fromhex("48c7c00f0000000f05")
"""``mov $15, %rax; syscall``: the C library's return code for signal handlers."""


class MissingSymbolsError(Exception):
    """The process lacks functions that an injection needs."""


def interpreter_files(executable: str, maps: Sequence[Mapping]) -> dict[str, list[Mapping]]:
    """Mapped files that may contain the interpreter: the executable itself and libpython."""
    return _mapped_files(maps, lambda mapping: mapping.path == executable or mapping.name.startswith("libpython"))


def library_files(maps: Sequence[Mapping]) -> dict[str, list[Mapping]]:
    """Mapped files of the C library."""
    return _mapped_files(maps, lambda mapping: mapping.name.startswith(_C_LIBRARY_FILES))


def find_symbols(pid: int, executable: str, maps: Sequence[Mapping]) -> dict[str, int]:
    """Name -> address; raises `MissingSymbolsError` if one is not exported."""
    found: dict[str, int] = {}
    for files, names in ((interpreter_files(executable, maps), PYTHON), (library_files(maps), C_LIBRARY)):
        for mapped in files.values():
            missing = names - found.keys()
            if missing:
                try:
                    found |= exported_addresses(pid, mapped, missing)
                except (OSError, NotElfError) as error:
                    raise MissingSymbolsError(f"{mapped[0].path} cannot be read: {error}") from None
    missing = (PYTHON | C_LIBRARY) - found.keys()
    if missing:
        raise MissingSymbolsError(f"the interpreter does not export {', '.join(sorted(missing))}")
    return found


def find_signal_return(pid: int, maps: Sequence[Mapping]) -> int:
    """The address of the C library's return code for signal handlers, on x86-64."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for mapping in maps:
            if mapping.executable and mapping.name.startswith(_C_LIBRARY_FILES):
                memory.seek(mapping.begin)
                at = memory.read(mapping.end - mapping.begin).find(_SIGNAL_RETURN)
                if at >= 0:
                    return mapping.begin + at
    raise MissingSymbolsError("the C library's return code for signal handlers was not recognized")


def _mapped_files(maps: Sequence[Mapping], wanted: Callable[[Mapping], bool]) -> dict[str, list[Mapping]]:
    files: dict[str, list[Mapping]] = {}
    for mapping in maps:
        if mapping.path.startswith("/") and wanted(mapping):
            files.setdefault(mapping.path, []).append(mapping)
    return files
