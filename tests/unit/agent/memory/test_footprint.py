"""What the agent takes of the memory."""

from __future__ import annotations

from profilednn_tui.agent.memory.footprint import BLOCK_BYTES, grown_bytes


def test_small_objects_of_ours_count() -> None:
    before = grown_bytes(alone=False)
    kept = [object() for _ in range(100_000)]
    grown = grown_bytes(alone=False) - before
    assert grown >= 99_000 * BLOCK_BYTES
    del kept


def test_the_heap_counts_where_nobody_else_allocates() -> None:
    before = grown_bytes(alone=True), grown_bytes(alone=False)
    kept = bytearray(30_000_000)
    after = grown_bytes(alone=True), grown_bytes(alone=False)
    assert after[0] - before[0] > 29_000_000 > after[1] - before[1]
    del kept
