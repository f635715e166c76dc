"""The kernel's list of mappings, as one process has it and as this one does."""

from __future__ import annotations

import mmap
import os

import pytest
import torch

from profilednn_tui.agent.memory.mappings import mapped, read_mappings, zeroed_bytes

_KB = 1024


def mapping(span: str, access: str, name: str, rss_kb: int, pss_kb: int) -> str:
    inode = "123" if name.startswith("/") else "0"
    return (
        f"{span} {access} 00000000 00:00 {inode}{' ' * 20}{name}\n"
        f"Size:                132 kB\nKernelPageSize:        4 kB\nMMUPageSize:           4 kB\n"
        f"Rss:            {rss_kb:8} kB\nPss:            {pss_kb:8} kB\nPss_Dirty:             0 kB\n"
        "VmFlags: rd wr mr mw me ac sd\n"
    )


LIST = "".join((
    mapping("55d0c0000000-55d0c0021000", "rw-p", "[heap]", 100, 90),
    mapping("7f0000000000-7f0000021000", "rw-p", "", 40, 40),  # a heap of another thread
    mapping("7f0000021000-7f0004000000", "---p", "", 0, 0),
    mapping("7f0004100000-7f0006100000", "rw-p", "", 3000, 1500),
    mapping("7f0008000000-7f0008001000", "rwxp", "", 8, 8),
    mapping("7f0009000000-7f0009001000", "r-xs", "/memfd:xbyak (deleted)", 4, 4),
    mapping("7f000a000000-7f000b000000", "r-xp", "/usr/lib/libtorch cpu.so", 900, 300),
    mapping("7f000c000000-7f000c800000", "rw-s", "/dev/shm/torch_1 (deleted)", 64, 32),
    mapping("7ffe00000000-7ffe00021000", "rw-p", "[stack]", 20, 20),
    mapping("7ffe00100000-7ffe00102000", "r-xp", "[vdso]", 4, 0),
))  # fmt: skip


def test_each_mapping_counts_for_its_kind() -> None:
    found = mapped(LIST.encode())
    assert found.files == 300 * _KB
    assert found.shared == 32 * _KB
    assert found.code == 12 * _KB
    assert found.stack == 24 * _KB
    assert found.heaps == 140 * _KB
    assert found.others == 3000 * _KB
    assert found.pss == sum((90, 40, 1500, 8, 4, 300, 32, 20)) * _KB
    assert found.anonymous == 3176 * _KB
    assert found.anonymous_pss == sum((90, 40, 1500, 8, 4, 20)) * _KB


def test_what_a_library_has_zeroed_is_its_own() -> None:
    listed = mapping("7f0000000000-7f0000010000", "rw-p", "/usr/lib/libblas.so", 64, 64)
    listed += mapping("7f0000010000-7f0000210000", "rw-p", "", 2000, 2000)  # 1,500 kB of it are the library's
    found = mapped(listed.encode(), lambda file: 1500 * _KB if file == b"/usr/lib/libblas.so" else 0)
    assert found.files == 1564 * _KB
    assert found.others == 500 * _KB
    assert found.anonymous_pss == 500 * _KB
    assert mapped(listed.encode()).others == 2000 * _KB


def test_a_little_behind_a_library_is_its_own_whatever_its_file_says() -> None:
    listed = mapping("7f0000000000-7f0000010000", "rw-p", "/usr/lib/libblas.so", 64, 64)
    listed += mapping("7f0000010000-7f0000020000", "rw-p", "", 40, 40)
    assert mapped(listed.encode()).files == 104 * _KB


def test_real_libraries_tell_what_they_zero() -> None:
    library = os.path.join(os.path.dirname(torch.__file__), "lib", "libtorch_cpu.so").encode()
    assert 10_000 < zeroed_bytes(library) < 100_000_000
    assert zeroed_bytes(__file__.encode()) == 0
    assert zeroed_bytes(b"/nowhere") == 0


def test_a_list_without_mappings_is_refused() -> None:
    with pytest.raises(ValueError, match="no mappings"):
        mapped(b"")


def test_memory_of_this_process_shows_up_where_it_belongs() -> None:
    before = read_mappings()
    size = 48 << 20
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as block:
        block.write(bytes(size))
        after = read_mappings()
    assert after.others - before.others == pytest.approx(size, rel=0.05)
    assert after.files > 1 << 20
    assert after.pss >= after.anonymous_pss > 0
