"""Sums over a stretch of a window."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profilednn_tui.session.view import Operator, OperatorKey
from profilednn_tui.timeline.stretch import Account, PhaseTime, Stretch, account, whole
from tests.unit.timeline.traces import FORWARD, NESTED, trace


def figures(found: Account) -> dict[str, tuple[float, float, float]]:
    return {
        row.key.name: (row.calls_per_step, row.self_ns_per_step, row.total_ns_per_step) for row in found.operators.rows
    }


def test_the_whole_window_adds_up() -> None:
    found = account(NESTED, whole(NESTED))

    assert figures(found) == {
        "aten::mm_backward": (1, 300, 300),
        "aten::addmm": (1, 190, 200),
        "aten::linear": (1, 100, 300),
        "aten::relu": (1, 20, 20),
        "aten::copy_": (1, 10, 10),
    }
    assert (found.busy_ns, found.gap_ns, found.gaps, found.calls) == (620, 380, 4, 5)
    assert found.phases == (PhaseTime("forward", 550), PhaseTime("backward", 450))
    assert sum(row.share for row in found.operators.rows) == pytest.approx(1)


def test_a_call_counts_with_the_part_that_lies_in_the_stretch() -> None:
    found = account(NESTED, Stretch(200, 510))

    assert figures(found) == {
        "aten::addmm": (1, 150, 150),
        "aten::linear": (1, 50, 200),
        "aten::relu": (1, 10, 10),
    }
    assert (found.busy_ns, found.gap_ns, found.gaps) == (210, 100, 1)


def test_calls_on_other_threads_are_not_the_training_threads_time() -> None:
    there = trace([("aten::mm", 0, 100), ("aten::sum", 50, 300, 2)], [(0, -1), (300, FORWARD)])
    found = account(there, whole(there))

    assert (found.busy_ns, found.gap_ns) == (100, 200)
    assert figures(found)["aten::sum"] == (1, 250, 250)
    assert there.threads == ("training thread", "thread 2")


def test_an_empty_window_is_a_gap() -> None:
    nothing = trace([])
    found = account(nothing, whole(nothing))

    assert (found.busy_ns, found.gap_ns, found.gaps, found.calls) == (0, 1_000, 1, 0)
    assert found.operators.rows == ()


def test_an_operator_has_a_stack_for_each_place_and_its_main_phase() -> None:
    row: Operator = account(NESTED, whole(NESTED)).operators.rows[0]

    assert row.phase == "backward"
    assert row.backward
    assert row.stacks[0].frames[-1].line == 4
    assert row.modules == ("layer1",)


def test_annotations_and_nodes_of_autograd_are_no_operators() -> None:
    """The optimizer's annotation was told as one call that fills its phase."""
    there = trace([("Optimizer.step#SGD.step", 0, 900), ("aten::add_", 100, 300), ("aten::mul_", 400, 500)])
    named = [replace(one, key=OperatorKey(one.key.name, "")) for one in there.places[:1]]
    found = account(replace(there, places=(*named, *there.places[1:])), Stretch(0, 1_000))

    assert (found.busy_ns, found.gap_ns, found.gaps) == (300, 700, 3)
