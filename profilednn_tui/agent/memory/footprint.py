"""What the agent itself takes of the memory. The boot imports this module before all others of the agent."""

from __future__ import annotations

import sys

from .heap import read_heap

BLOCK_BYTES = 96
"""Of the interpreter's arenas, per small object: 92 to 95 were measured after importing torch, torchvision and
transformers."""


def small_objects_bytes() -> int:
    """What the interpreter has in its arenas, from the number of its small objects."""
    return sys.getallocatedblocks() * BLOCK_BYTES


def _heap_bytes() -> int:
    heap = read_heap()
    return heap.in_use if heap is not None else 0


_objects_before, _heap_before = small_objects_bytes(), _heap_bytes()


def grown_bytes(alone: bool) -> int:
    """Growth since this module was imported; `alone` if no other thread has allocated since then, so that what malloc
    has given out is ours, too."""
    objects = small_objects_bytes() - _objects_before
    return max(0, objects + (_heap_bytes() - _heap_before if alone else 0))
