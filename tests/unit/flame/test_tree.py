"""Operators as a tree of the places that lead to them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profilednn_tui.flame.tree import MOST_FRAMES, Kind, Label, Node, Shape, Weight, flame_tree, path_to, sandwich
from profilednn_tui.session.view import Frame, Operators, Primitives
from tests.unit.flame.graphs import CALL, FORWARD, MAIN, OTHER, operator, operators, site


def tree(operators_: Operators | None = None, **shape: object) -> Node:
    return flame_tree(operators_ or operators(), Primitives(), Shape(**shape))  # type: ignore[arg-type]


def label(frame: Frame) -> Label:
    return Label(Kind.FRAME, frame.function, frame.file, frame.line)


def product(name: str = "aten::mm") -> Label:
    return Label(Kind.OPERATOR, name)


def test_operators_stand_below_their_lines_and_add_up() -> None:
    found = tree()
    assert found.value == 145.0
    assert found.at((label(MAIN),)).value == 130.0  # type: ignore[union-attr]
    assert found.at((label(MAIN), label(FORWARD), product())).value == 60.0  # type: ignore[union-attr]
    assert found.at((label(MAIN), label(OTHER), product())).value == 20.0  # type: ignore[union-attr]
    assert sum(node.own for _, node in found.walk()) == pytest.approx(145.0)


def test_a_backward_operator_stands_below_the_line_that_created_its_work() -> None:
    node = tree().at((label(MAIN), label(FORWARD), product("aten::t")))
    assert node is not None
    assert (node.value, node.phase) == (50.0, "backward")


def test_what_has_no_known_line_stands_below_the_root() -> None:
    node = tree().at((product("aten::add_"),))
    assert node is not None
    assert node.value == pytest.approx(5.0)


def test_frames_of_libraries_are_shown_on_request() -> None:
    assert tree().at((label(MAIN), label(CALL))) is None
    assert tree(libraries=True).at((label(MAIN), label(CALL), label(FORWARD))) is not None


def test_a_node_has_the_phase_of_most_of_its_time() -> None:
    node = tree().at((label(MAIN), label(FORWARD)))
    assert node is not None
    assert node.phase == "forward"
    assert tree(phase="backward").value == 50.0


def test_modules_lead_to_operators_instead_of_lines() -> None:
    found = tree(by_module=True)
    path = (Label(Kind.MODULE, "net"), Label(Kind.MODULE, "net.fc"))
    assert found.at(path).value == 110.0  # type: ignore[union-attr]
    assert found.value == 145.0


def test_the_total_has_the_time_between_operators() -> None:
    found = tree(weight=Weight.TOTAL)
    assert found.value == 180.0
    assert found.at((label(MAIN), Label(Kind.OUTSIDE, "outside of operators"))).value == 30.0  # type: ignore[union-attr]


def test_calls_and_work_are_weights_too() -> None:
    assert tree(weight=Weight.CALLS).at((label(MAIN), label(FORWARD), product())).value == 2.0  # type: ignore[union-attr]
    flops = tree(weight=Weight.FLOPS)
    assert flops.value == pytest.approx(2 * 4 * 8 * 2 * 4), "of the matrix product alone, called four times"


def test_the_largest_place_of_a_label_is_found() -> None:
    assert path_to(tree(), product()) == (label(MAIN), label(FORWARD), product())
    assert path_to(tree(), product("aten::no")) == ()


def test_a_sandwich_shows_callers_and_callees() -> None:
    callers, callees = sandwich(tree(), product())
    assert callers.value == callees.value == 80.0
    assert callers.at((label(FORWARD), label(MAIN))).value == 60.0  # type: ignore[union-attr]
    _, below = sandwich(tree(), label(MAIN))
    assert below.value == 130.0
    assert below.at((label(FORWARD), product())).value == 60.0  # type: ignore[union-attr]


def test_recursion_counts_once_in_a_sandwich() -> None:
    one = replace(operators(), rows=(operator("aten::mm", site(10.0, MAIN, FORWARD, FORWARD)),))
    callers, callees = sandwich(tree(one), label(FORWARD))
    assert callers.value == callees.value == 10.0
    assert callees.at((label(FORWARD),)).value == 10.0  # type: ignore[union-attr]


def test_a_stack_of_any_depth_is_cut() -> None:
    deep = tuple(Frame("/home/me/model.py", number, "f") for number in range(5_000))
    found = tree(replace(operators(), rows=(operator("aten::mm", site(10.0, *deep)),)))
    depth = max(len(path) for path, _ in found.walk())
    assert depth == MOST_FRAMES + 1
    assert found.value == 10.0


def test_no_operators_give_an_empty_tree() -> None:
    assert tree(Operators()).value == 0.0
