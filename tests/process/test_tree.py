"""A tree of real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from profilednn_tui.collect import tree
from profilednn_tui.collect.tree import TreeReader

PARENT_AND_CHILD = """
import subprocess, sys
child = subprocess.Popen(["sleep", "1000"])
print(child.pid, flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def family() -> Iterator[tuple[subprocess.Popen[str], int]]:
    with subprocess.Popen(
        (sys.executable, "-c", PARENT_AND_CHILD), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        yield parent, child
        os.kill(child, 9)
        parent.kill()


def test_descendants_are_found(family: tuple[subprocess.Popen[str], int]) -> None:
    parent, child = family
    processes = TreeReader(parent.pid).read().processes
    assert set(processes) == {parent.pid, child}
    assert processes[child].stat.name == "sleep"
    assert processes[parent.pid].rss_bytes > 1_000_000


def test_a_child_stays_when_its_parent_ends(family: tuple[subprocess.Popen[str], int]) -> None:
    parent, child = family
    reader = TreeReader(parent.pid)
    reader.read()
    parent.kill()
    parent.wait()
    assert set(reader.read().processes) == {child}


def test_kernels_without_lists_of_children_are_searched(
    family: tuple[subprocess.Popen[str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree, "_KERNEL_LISTS_CHILDREN", False)
    parent, child = family
    assert set(TreeReader(parent.pid).read().processes) == {parent.pid, child}
