"""Merging windows, stepping through them, and limiting their number."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profilednn_tui.protocol.events import WindowEvent
from profilednn_tui.session.model import windows as module
from profilednn_tui.session.model.windows import HISTORY_WINDOWS, KEPT_WINDOWS, MERGED_WINDOWS, WindowSeries
from profilednn_tui.session.view import Frame, Operator, Operators
from tests.unit.session import recordings as r


def series(*events: WindowEvent) -> WindowSeries:
    windows = WindowSeries()
    for event in events:
        windows.add(event)
    return windows


def named(operators: Operators, name: str) -> Operator:
    (row,) = [row for row in operators.rows if row.key.name == name]
    return row


def test_no_window_is_no_operators() -> None:
    assert series().view() == Operators()
    assert series(r.window(1)).view(7) == Operators()


def test_one_window_gives_its_own_figures() -> None:
    operators = series(r.window(1, step=5)).view()
    convolution = named(operators, "aten::conv2d")
    assert convolution.key.input_shapes == "[[32, 3, 8, 8], [8, 3, 3, 3], []]"
    assert (convolution.key.dtypes, convolution.key.memory_format) == ("float32", "contiguous")
    assert (convolution.calls_per_step, convolution.self_ns_per_step, convolution.total_ns_per_step) == (
        1,
        100_000,
        4e6,
    )
    assert convolution.trend is None
    assert operators.step == 5
    assert operators.profiled_step_ns == 20e6
    assert operators.stacks


def test_rows_come_by_self_time_and_shares_are_of_all_operators() -> None:
    event = r.window(1)
    operators = series(replace(event, operator_ns=event.operator_ns * 2, truncated=True)).view()
    assert [row.key.name for row in operators.rows] == [
        "aten::convolution_backward",
        "aten::mkldnn_convolution",
        "aten::add_",
        "aten::conv2d",
    ]
    assert sum(row.share for row in operators.rows) == pytest.approx(0.5)
    assert operators.truncated


def test_a_stack_goes_from_the_outermost_frame_to_the_executing_line() -> None:
    operators = series(r.window(1)).view()
    (stack,) = named(operators, "aten::mkldnn_convolution").stacks
    assert stack.frames == (
        Frame("train.py", 40, "<module>"),
        Frame("train.py", 21, "main"),
        Frame("net.py", 9, "forward"),
    )
    assert stack.forward_frames == ()
    assert stack.module == "conv"


def test_a_backward_operator_knows_the_forward_line_that_made_its_work() -> None:
    backward = named(series(r.window(1)).view(), "aten::convolution_backward")
    assert backward.backward
    assert backward.stacks[0].frames[-1] == Frame("train.py", 24, "main")
    assert backward.stacks[0].forward_frames[-1] == Frame("net.py", 9, "forward")
    assert not named(series(r.window(1)).view(), "aten::add_").backward


def test_several_windows_give_each_operator_its_median() -> None:
    slower = (1.0, 2.0, 3.0, 2.0)
    operators = series(*(r.window(number, slower=factor) for number, factor in enumerate(slower, 1))).view()
    assert operators.windows == (1, 2, 3, 4)
    backward = named(operators, "aten::convolution_backward")
    assert backward.self_ns_per_step == pytest.approx(18e6)
    assert backward.calls_per_step == 1
    assert len(backward.stacks) == 1
    assert backward.trend == pytest.approx(1.0)
    assert operators.self_ns_per_step == pytest.approx(2 * 13.7e6)


def test_an_operator_absent_from_the_newest_window_fades() -> None:
    newest = r.window(4)
    newest = replace(newest, rows=[row for row in newest.rows if row[0] != 3])
    faded = named(series(r.window(1), r.window(2), r.window(3), newest).view(), "aten::add_")
    assert faded.trend == 0
    assert faded.self_ns_per_step == 700_000


def test_the_first_windows_show_no_trend() -> None:
    operators = series(r.window(1, slower=3.0), r.window(2), r.window(3)).view()
    assert {row.trend for row in operators.rows} == {None}


def test_stacks_merge_across_windows_whose_tables_are_numbered_differently() -> None:
    first, second = r.window(1), r.window(2)
    count = len(second.strings)
    turned = replace(
        second,
        strings=second.strings[::-1],
        frames=[[count - 1 - file, line, count - 1 - function] for file, line, function in second.frames],
        operators=[[count - 1 - index for index in row] for row in second.operators],
        modules=[[count - 1 - row[0], count - 1 - row[1], *row[2:]] for row in second.modules],
    )
    operators = series(first, turned).view()
    assert len(operators.rows) == 4
    assert all(len(row.stacks) == 1 for row in operators.rows)
    assert len(operators.modules) == 2


def test_the_heaviest_stack_comes_first() -> None:
    event = r.window(1)
    rows = [*event.rows, [1, 4, -1, -1, 1, 5_000_000, 5_000_000, 0, 1]]
    row = named(series(replace(event, rows=rows)).view(), "aten::mkldnn_convolution")
    assert [stack.self_ns_per_step for stack in row.stacks] == [5_000_000, 3_900_000]
    assert row.modules == ("conv",)
    assert row.calls_per_step == 2


def test_a_row_without_stack_and_module_is_still_counted() -> None:
    event = r.window(1)
    operators = series(
        replace(event, stacks=False, nodes=[], frames=[], rows=[[0, -1, -1, -1, 1, 10, 20, 0, 1]])
    ).view()
    assert operators.rows[0].stacks[0].frames == ()
    assert not operators.stacks


def test_modules_form_a_tree_in_order() -> None:
    event = r.window(1)
    at = len(event.strings)
    event = replace(
        event,
        strings=[*event.strings, "fc", "Linear", "other"],
        modules=[*event.modules, [at, at + 1, 2, 10, 20, 0], [at + 2, at + 1, 1, 1, 1, -1]],
    )
    modules = series(event).view().modules
    assert [(one.path, one.depth) for one in modules] == [("Net", 0), ("conv", 1), ("fc", 1), ("other", 0)]
    assert modules[0].children == ("conv", "fc")
    assert modules[2].calls_per_step == 2
    assert modules[1].class_name == "Conv2d"


def test_the_default_view_merges_the_newest_and_a_number_shows_one_alone() -> None:
    windows = series(*(r.window(number, step=number * 5) for number in range(1, 13)))
    assert windows.view().windows == tuple(range(13 - MERGED_WINDOWS, 13))
    assert windows.view(2).windows == (2,)
    assert windows.view(2).step == 10


def test_the_view_is_built_once_for_the_same_windows() -> None:
    windows = series(r.window(1), r.window(2))
    merged = windows.view()
    windows.view(1)
    assert windows.view() is merged


def test_hours_of_windows_stay_bounded() -> None:
    windows = series(*(r.window(number) for number in range(1, KEPT_WINDOWS + 51)))
    assert windows.numbers[0] == 51
    assert len(windows) == KEPT_WINDOWS
    assert windows.view(51).windows == (51,)


def test_stacks_that_never_repeat_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TABLE_LIMIT", 500)
    windows = WindowSeries()
    for number in range(1, 30):
        event = r.big_window(number, operators=20, stacks=5)
        windows.add(replace(event, frames=[[file, line + 10_000 * number, name] for file, line, name in event.frames]))
        operators = windows.view()
    assert windows._tables.size < 500 + MERGED_WINDOWS * 250
    assert len(operators.rows) == 20
    assert len(operators.rows[0].stacks) == 5 * MERGED_WINDOWS


def test_files_named_by_stacks_are_remembered() -> None:
    assert series(r.window(1)).source_files == {"train.py", "net.py"}


@pytest.mark.parametrize(
    "damage",
    [
        {"rows": [[99, 0, -1, -1, 1, 1, 1, 0, 1]]},
        {"rows": [[0, 0]]},
        {"rows": [[0, 0, -1, -1, 1, 1, 1, 0, 1], [0, 0]]},
        {"nodes": [[-1, 99]]},
        {"operators": [[0, 0, 0, 999]]},
        {"modules": [[0, 0, 1, 1, 1, 5]]},
        {"frames": [[-2, 1, 0]]},
    ],
)
def test_indices_that_point_nowhere_are_refused(damage: dict[str, list[list[int]]]) -> None:
    with pytest.raises(ValueError, match=r"window|inhomogeneous|reshape"):
        series(replace(r.window(1), **damage))  # type: ignore[arg-type]


def test_figures_of_more_than_64_bits_are_refused() -> None:
    with pytest.raises(OverflowError):
        series(replace(r.window(1), rows=[[0, 0, -1, -1, 1, 10**20, 1, 0, 1]]))


def test_a_tree_that_bites_its_tail_ends() -> None:
    operators = series(replace(r.window(1), nodes=[[1, 0], [0, 1], [1, 2], [0, 3], [0, 4]])).view()
    assert len(operators.rows) == 4


def preempted(number: int, operator: int, own_ns: int) -> WindowEvent:
    """A window in which one operator was interrupted."""
    event = r.window(number)
    rows = [[*row[:5], own_ns, own_ns, *row[7:]] if row[0] == operator else row for row in event.rows]
    return replace(event, rows=rows, operator_ns=sum(row[5] for row in rows))


def test_one_interruption_does_not_lead_the_table() -> None:
    operators = series(r.window(1), r.window(2), preempted(3, operator=3, own_ns=90_000_000)).view()
    assert operators.rows[0].key.name == "aten::convolution_backward"
    add = named(operators, "aten::add_")
    assert add.self_ns_per_step == 700_000
    assert add.total_ns_per_step == 700_000
    assert operators.self_ns_per_step == 13_700_000
    assert operators.gap_ns_per_step == 0


def test_the_gap_between_the_medians_and_the_median_of_all_is_told() -> None:
    windows = [preempted(number, operator=number, own_ns=20_000_000) for number in range(3)]
    operators = series(*windows).view()
    rows_ns = sum(row.self_ns_per_step for row in operators.rows)
    assert operators.self_ns_per_step == sorted(window.operator_ns for window in windows)[1]
    assert operators.gap_ns_per_step == pytest.approx(operators.self_ns_per_step - rows_ns)
    assert operators.gap_ns_per_step > 0


def test_one_window_has_no_gap_even_when_rows_were_left_out() -> None:
    event = r.window(1)
    assert series(replace(event, operator_ns=event.operator_ns * 2, truncated=True)).view().gap_ns_per_step == 0


def test_the_median_of_two_windows_is_their_mean() -> None:
    operators = series(r.window(1, slower=1.0), r.window(2, slower=2.0)).view()
    assert named(operators, "aten::convolution_backward").self_ns_per_step == 13_500_000
    assert operators.profiled_step_ns == 30_000_000


def test_an_operator_that_most_windows_do_not_have_counts_nothing() -> None:
    without = [replace(r.window(n), rows=[row for row in r.window(n).rows if row[0] != 3]) for n in (2, 3)]
    add = named(series(r.window(1), *without).view(), "aten::add_")
    assert (add.self_ns_per_step, add.calls_per_step) == (0, 0)


def shaped(number: int, own_ns: int) -> WindowEvent:
    """A window whose add has its own shape."""
    event = preempted(number, operator=3, own_ns=own_ns)
    operators = [*event.operators[:3], [event.operators[3][0], len(event.strings), *event.operators[3][2:]]]
    return replace(event, strings=[*event.strings, f"[[{number}, 8], []]"], operators=operators)


def test_where_shapes_never_repeat_an_operators_name_keeps_its_median() -> None:
    operators = series(*(shaped(number, 1_000_000 * number) for number in range(1, 6))).view()
    adds = [row for row in operators.rows if row.key.name == "aten::add_"]
    assert len(adds) == 5
    assert sum(row.self_ns_per_step for row in adds) == pytest.approx(3_000_000)
    assert sum(row.calls_per_step for row in adds) == pytest.approx(4)
    assert adds[0].key.input_shapes == "[[5, 8], []]"


def test_places_add_up_to_their_operator() -> None:
    def with_places(number: int, *own_ns: int) -> WindowEvent:
        event = r.window(number)
        rows = [*event.rows[:3], *([3, node, -1, -1, 2, ns, ns, 0, 1] for node, ns in enumerate(own_ns))]
        return replace(event, rows=rows, operator_ns=sum(row[5] for row in rows))

    windows = with_places(1, 100, 50), with_places(2, 900, 50), with_places(3, 120, 40, 30)
    row = named(series(*windows).view(), "aten::add_")
    assert row.self_ns_per_step == 190
    assert sum(stack.self_ns_per_step for stack in row.stacks) == pytest.approx(190)
    assert [round(stack.self_ns_per_step) for stack in row.stacks] == [134, 56, 0]
    assert sum(stack.calls_per_step for stack in row.stacks) == pytest.approx(row.calls_per_step)


def test_places_that_take_turns_share_by_their_means() -> None:
    def at(number: int, node: int) -> WindowEvent:
        event = r.window(number)
        return replace(event, rows=[*event.rows[:3], [3, node, -1, -1, 1, 300, 300, 0, 1]])

    row = named(series(at(1, 0), at(2, 1), at(3, 2)).view(), "aten::add_")
    assert [round(stack.self_ns_per_step) for stack in row.stacks] == [100, 100, 100]


def test_a_module_has_its_median() -> None:
    modules = series(r.window(1), r.window(2), r.window(3, slower=9.0)).view().modules
    assert [one.forward_ns for one in modules] == [4_500_000, 4_200_000]


def test_a_window_without_rows_is_no_error() -> None:
    empty = replace(r.window(1), rows=[], operators=[], nodes=[], frames=[], modules=[], operator_ns=0)
    assert series(empty).view().rows == ()
    assert len(series(empty, r.window(2)).view().rows) == 4


def test_the_history_of_an_operator_is_its_self_time_in_each_window() -> None:
    slower = (1.0, 2.0, 1.5)
    operators = series(*(r.window(number, slower=factor) for number, factor in enumerate(slower, 1))).view()
    assert named(operators, "aten::convolution_backward").history == (9_000_000, 18_000_000, 13_500_000)
    assert named(operators, "aten::add_").history == (700_000, 1_400_000, 1_050_000)


def test_the_history_reaches_further_back_than_the_merged_windows_and_has_a_bound() -> None:
    windows = series(*(r.window(number, slower=number) for number in range(1, HISTORY_WINDOWS + 4)))
    operators = windows.view()
    assert len(operators.windows) == MERGED_WINDOWS < HISTORY_WINDOWS
    newest = range(4, HISTORY_WINDOWS + 4)
    assert named(operators, "aten::add_").history == tuple(700_000 * number for number in newest)
    windows.add(r.window(HISTORY_WINDOWS + 4, slower=100))
    assert named(windows.view(), "aten::add_").history == (
        *(700_000 * number for number in newest[1:]),
        70_000_000,
    )


def test_the_history_of_an_earlier_window_ends_with_it() -> None:
    windows = series(*(r.window(number, slower=number) for number in range(1, 5)))
    assert named(windows.view(2), "aten::add_").history == (700_000, 1_400_000)
    for number in windows.numbers:
        assert {row.self_ns_per_step - (row.history[-1] or 0) for row in windows.view(number).rows} == {0}


def test_an_operator_that_did_not_run_has_no_time_and_one_that_may_be_left_out_is_unknown() -> None:
    without = [row for row in r.window(1).rows if row[0] != 3]
    first, second = r.window(1, slower=2.0), replace(r.window(2), rows=without)
    assert named(series(first, second, r.window(3)).view(), "aten::add_").history == (1_400_000, 0, 700_000)
    cut = replace(second, truncated=True)
    cut = replace(cut, operators=cut.operators[:3])
    assert named(series(first, cut, r.window(3)).view(), "aten::add_").history == (1_400_000, None, 700_000)


def test_the_call_sites_of_an_operator_add_up_in_its_history() -> None:
    event = r.window(1)
    twice = replace(event, rows=[*event.rows, [3, 4, -1, -1, 4, 300_000, 300_000, 0, 1]])
    assert named(series(twice).view(), "aten::add_").history == (1_000_000,)
