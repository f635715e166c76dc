"""Reading our own process the way a target is read."""

from __future__ import annotations

import ctypes
import os
import sys

from profilednn_tui.attach.memory_maps import Mapping, free_address, memory_maps
from profilednn_tui.attach.process_facts import inspect_process, python_version
from profilednn_tui.attach.symbols import PYTHON, find_symbols


def test_addresses_are_those_that_the_dynamic_linker_found() -> None:
    maps = memory_maps(os.getpid())
    found = find_symbols(os.getpid(), os.readlink("/proc/self/exe"), maps)
    for name in PYTHON:
        function = getattr(ctypes.pythonapi, name)
        assert found[name] == ctypes.cast(function, ctypes.c_void_p).value


def test_facts_of_a_python_process() -> None:
    facts = inspect_process(os.getpid())
    assert facts.python == sys.version_info[:2]
    assert facts.readable
    assert not facts.finalizing
    assert not facts.missing
    assert facts.user_id == os.geteuid()


def test_facts_of_no_process() -> None:
    assert inspect_process(2**22 + 1).state == ""


def test_the_version_is_told_by_library_executable_or_modules() -> None:
    def mapped(path: str) -> Mapping:
        return Mapping(0, 1, False, 0, path)

    assert python_version("/v/bin/python", [mapped("/usr/lib/libpython3.12.so.1.0")]) == (3, 12)
    assert python_version("/usr/bin/python3.9", []) == (3, 9)
    assert python_version("/c/bin/python", [mapped("/c/lib/python3.10/lib-dynload/_json.so")]) == (3, 10)
    assert python_version("/bin/bash", []) is None


def test_a_free_address_meets_no_mapping() -> None:
    maps = memory_maps(os.getpid())
    address = free_address(maps, 1 << 16)
    assert address % 4096 == 0
    assert not any(mapping.begin < address + (1 << 16) and address < mapping.end for mapping in maps)
