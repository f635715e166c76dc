"""What the allocator says of itself."""

from __future__ import annotations

import json
import platform
import subprocess
import sys

import pytest

from profilednn_tui.agent.memory.heap import GLIBC

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")

SIZE = 48 << 20
ALLOCATE_AND_FREE = f"""
import ctypes, json
from profilednn_tui.agent.memory.heap import read_heap

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
before = read_heap()
block = libc.malloc(ctypes.c_size_t({SIZE}))
after = read_heap()
libc.free(block)
print(json.dumps([before, after, read_heap()]))
"""


def test_large_blocks_are_in_use_and_in_no_heap() -> None:
    """In a process of its own: a heap with room enough gives large blocks from there (CI, stop 32)."""
    told = subprocess.run([sys.executable, "-c", ALLOCATE_AND_FREE], check=True, capture_output=True, text=True)
    (allocator, used, in_heaps, _), (_, used_with, in_heaps_with, _), (_, used_after, _, _) = json.loads(told.stdout)
    assert allocator == GLIBC
    assert used_with - used == pytest.approx(SIZE, rel=0.01)
    assert in_heaps_with - in_heaps < 1 << 20
    assert used_after - used < 1 << 20
