"""What the allocator says of itself."""

from __future__ import annotations

import ctypes
import platform

import pytest

from profilednn_tui.agent.memory.heap import GLIBC, read_heap

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")


def test_large_blocks_are_in_use_and_in_no_heap() -> None:
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    before = read_heap()
    assert before is not None
    size = 48 << 20  # glibc gives blocks of more than 32 MB a mapping of their own, whatever it has learned
    block = libc.malloc(ctypes.c_size_t(size))
    after = read_heap()
    libc.free(block)
    freed = read_heap()
    assert after is not None
    assert freed is not None
    assert after.allocator == GLIBC
    assert after.in_use - before.in_use == pytest.approx(size, rel=0.01)
    assert after.in_heaps - before.in_heaps < 1 << 20
    assert freed.in_use - before.in_use < 1 << 20
