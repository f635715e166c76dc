"""What the panes say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profilednn_tui.onednn.roofline import Bound, RooflinePoint
from profilednn_tui.protocol.events import StepsEvent
from profilednn_tui.session.operator_rows import RatedOperator, rated_operators
from profilednn_tui.session.view import (
    Core,
    Cores,
    Frame,
    Machine,
    Notice,
    Operators,
    PaceChange,
    SessionView,
    Stack,
    State,
    Target,
)
from profilednn_tui.tui.present import cores, facts, history, memory, modules, operators, source_code, stacks, states
from profilednn_tui.tui.present.header import Display, header_lines
from profilednn_tui.tui.renderables.line import line_width, plain
from tests.tui.feeds import operator, running_view, steps


def text(lines: object) -> str:
    assert isinstance(lines, tuple)
    return "\n".join(plain(line) for line in lines)


# ---------------------------------------------------------------- operators


def test_shapes_are_short_and_scalars_left_out() -> None:
    assert operators.compact_shapes("[[32, 3, 8, 8], [8, 3, 3, 3], []]") == "32×3×8×8  8×3×3×3"
    assert operators.compact_shapes("[[[64, 10], [64, 20]], []]") == "64×10  64×20"
    assert operators.compact_shapes("") == ""


def test_bars_are_relative_to_the_hottest_and_decimals_are_the_same_in_all_rows() -> None:
    rows = operators.operator_rows(rated_operators(Operators(rows=(operator("a", 80), operator("b", 0.02)))))
    assert [row.bar for row in rows] == [1.0, pytest.approx(0.00025)]
    assert {row.decimals for row in rows} == {2}


@pytest.mark.parametrize(
    ("trend", "shown"), [(None, ""), (1.03, ""), (1.18, "▲ 18 %"), (0.8, "▼ 20 %"), (2.4, "▲ 2.40x")]
)
def test_a_trend_shows_only_changes_that_matter(trend: float | None, shown: str) -> None:
    assert plain(operators.trend_line(trend)) == shown


def test_the_namespace_leaves_a_narrow_column() -> None:
    assert plain(operators.name_line("aten::mm", 40)) == "aten::mm"
    assert plain(operators.name_line("aten::mm", 20)) == "mm"
    assert plain(operators.name_line("torchvision::nms", 20)) == "torchvision::nms"


# ---------------------------------------------------------------- stacks


def stack(self_ms: float, *frames: Frame) -> Stack:
    return Stack(frames, (), "net", 1.0, self_ms * 1e6, self_ms * 1e6)


TRAIN = Frame("/home/me/train.py", 12, "main")
TORCH = Frame("/venv/lib/python3.11/site-packages/torch/nn/modules/module.py", 1773, "_call_impl")
FIRST = Frame("/home/me/model.py", 4, "forward")
SECOND = Frame("/home/me/model.py", 9, "forward")


def test_stacks_merge_where_they_agree_heaviest_first_and_only_forks_indent() -> None:
    one = replace(operator("aten::mm", 4), stacks=(stack(1, TRAIN, TORCH, SECOND), stack(3, TRAIN, TORCH, FIRST)))
    rows = stacks.stack_rows(one, library=False, closed=frozenset())
    assert [(row.guide, row.frame, row.self_ns / 1e6) for row in rows] == [
        ("", TRAIN, 4.0), ("├ ", FIRST, 3.0), ("└ ", SECOND, 1.0),
    ]  # fmt: skip
    assert rows[1].share == 0.75


def test_frames_of_torch_come_on_demand() -> None:
    one = replace(operator("aten::mm", 4), stacks=(stack(4, TRAIN, TORCH, FIRST),))
    assert [row.frame for row in stacks.stack_rows(one, library=True, closed=frozenset())] == [TRAIN, TORCH, FIRST]


def test_a_stack_inside_of_torch_alone_keeps_its_innermost_frame() -> None:
    one = replace(operator("aten::mm", 4), stacks=(stack(4, TORCH),))
    assert [row.frame for row in stacks.stack_rows(one, library=False, closed=frozenset())] == [TORCH]


def test_a_closed_frame_hides_what_is_below() -> None:
    one = replace(operator("aten::mm", 4), stacks=(stack(3, TRAIN, FIRST), stack(1, TRAIN, SECOND)))
    assert len(stacks.stack_rows(one, library=False, closed=frozenset({(TRAIN,)}))) == 1


def test_models_of_other_packages_are_not_hidden() -> None:
    model = Frame("/venv/lib/python3.11/site-packages/torchvision/models/resnet.py", 93, "forward")
    assert stacks.visible_frames((TRAIN, TORCH, model, TORCH), library=False) == (TRAIN, model)


# ---------------------------------------------------------------- modules and source


def test_the_tree_opens_below_its_root_and_where_asked() -> None:
    tree = running_view().operators.modules
    assert [row.module.path for row in modules.module_rows(tree, frozenset())] == ["net", "net.conv", "net.fc"]
    assert modules.module_rows(tree, frozenset())[1].share == pytest.approx(2 / 3)


def test_a_line_costs_what_is_called_from_it_and_backward_counts_at_its_forward_line() -> None:
    merged = Operators(rows=(operator("aten::mm", 5), operator("aten::mm_backward", 7, backward=True)))
    assert source_code.line_costs(merged, "/home/me/model.py") == {4: 12e6}
    assert source_code.line_costs(merged, "/elsewhere.py") == {}


def test_highlighting_keeps_the_text_line_by_line() -> None:
    code = ("def f(x):", '    """Two', '    lines."""', "", "    return x  # done")
    assert [plain(line) for line in source_code.highlight(code)] == list(code)
    assert ("def", "phase-backward") in source_code.highlight(code)[0]


# ---------------------------------------------------------------- history


def test_bins_keep_their_steps_so_that_columns_move_as_a_whole() -> None:
    before = history.bins(steps(101), 10, 50)
    after = history.bins(steps(109), 10, 50)
    assert [item.first for item in before] == [item.first for item in after]
    assert before[:-1] == after[:-1]


def test_profiled_steps_do_not_distort_their_column() -> None:
    slow = steps(10)
    phases = (*slow.phases_ns[:4], tuple(part * 9 for part in slow.phases_ns[4]), *slow.phases_ns[5:])
    slow = replace(slow, phases_ns=phases, flags=(0, 0, 0, 0, StepsEvent.PROFILED, 0, 0, 0, 0, 0))
    (column,) = history.bins(slow, 16, 5)
    assert column.profiled
    assert column.duration_ns == pytest.approx(slow.durations_ns[0])


def test_fast_steps_share_a_column_and_slow_ones_have_their_own() -> None:
    assert history.steps_per_column(steps(10, 1.0), 0) == 128
    assert history.steps_per_column(steps(10, 300.0), 0) == 1
    assert history.steps_per_column(steps(10, 300.0), 2) == 4
    assert history.steps_per_column(steps(10, 300.0), -5) == 1


@pytest.mark.parametrize(("width", "height"), [(40, 4), (76, 6), (120, 13), (20, 3)])
def test_the_history_fits_its_pane(width: int, height: int) -> None:
    lines = history.history_lines(running_view(), width, height)
    assert len(lines) == height
    assert all(line_width(line) <= width for line in lines[:-1])


def test_a_loss_that_is_not_a_number_leaves_a_gap() -> None:
    view = replace(running_view(), steps=replace(steps(3), losses=(1.0, float("nan"), None)))
    assert history.bins(view.steps, 1, 3)[1].loss is None


# ---------------------------------------------------------------- cores, memory, facts


def many_cores(count: int) -> Cores:
    return Cores(tuple(Core(index, 90.0, 0.0, 0.0, True) for index in range(count)), 90.0 * count, 0.0, 1.0)


def test_few_cores_have_bars_and_many_a_heat_map() -> None:
    few = text(cores.cores_lines(many_cores(4), Machine(), 40, 12))
    assert few.count("━") > 60
    many = text(cores.cores_lines(many_cores(128), Machine(), 40, 10))
    assert many.count("█") == 128
    assert "\n 96 " in many


@pytest.mark.parametrize("count", [1, 4, 16, 64, 128, 512])
def test_cores_fit_any_pane(count: int) -> None:
    for width, height in ((34, 8), (60, 14), (140, 40)):
        lines = cores.cores_lines(many_cores(count), Machine(), width, height)
        assert len(lines) <= height
        assert all(line_width(line) <= width for line in lines)


def test_contention_is_said_in_the_pane() -> None:
    disturbed = replace(many_cores(4), contention="others 100 % of one core: timings are not reliable")
    assert "timings are not reliable" in text(cores.cores_lines(disturbed, Machine(), 60, 12))


def test_memory_without_a_sample_shows_no_zeros() -> None:
    assert text(memory.memory_lines(SessionView().memory, 40, 10)) == "No sample yet."


def test_warnings_come_before_information() -> None:
    view = replace(running_view(), agent=replace(running_view().agent, dropped_events=12, errors=("boom",)))
    lines = text(facts.notice_lines(view, 80))
    assert "12 events were dropped" in lines
    assert "boom" in lines


# ---------------------------------------------------------------- states and header


@pytest.mark.parametrize(
    ("exit_code", "badge"),
    [(0, "■ training ended (exit code 0)"), (-9, "■ training killed by SIGKILL (9)")],
)
def test_the_header_says_how_the_training_ended(exit_code: int, badge: str) -> None:
    view = SessionView(state=State.ENDED, target=Target("a.py", exit_code=exit_code))
    assert states.state_badge(view)[0] == badge


def test_a_target_without_torch_is_explained() -> None:
    view = SessionView(state=State.ENDED, target=Target("a.py", exit_code=0), unix_ns=1)
    message = states.steps_message(view)
    assert message is not None
    assert message.sentences == ("torch was never imported.",)


def test_gradients_that_accumulate_are_a_reason_for_no_step() -> None:
    view = running_view(0)
    message = states.steps_message(
        replace(view, state=State.WAITING, progress=replace(view.progress, batches=4, forwards=4, backwards=4))
    )
    assert message is not None
    assert "accumulated" in message.sentences[1]


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_header_fields_keep_their_places(width: int) -> None:
    small = header_lines(running_view(9), Display(), width)
    large = (
        header_lines(running_view(98_765), Display(), width)
        if width == 200
        else header_lines(running_view(9_876), Display(), width)
    )
    assert plain(small[1]).index("median") == plain(large[1]).index("median")
    assert plain(small[1]).index("p95") == plain(large[1]).index("p95")
    assert line_width(small[0]) == width


def test_badges_for_what_is_not_normal() -> None:
    view = replace(running_view(), cores=replace(many_cores(4), contention="others 100 % of one core"))
    line = plain(header_lines(view, Display(paused=True, behind_steps=1_234, window=2), 200)[0])
    for badge in ("PAUSED +1,234 steps", "WINDOW 2", "others 100 % of one core", "● running"):
        assert badge in line


# ---------------------------------------------------------------- below and beside the table


def cells(row: operators.OperatorRow) -> dict[str, str]:
    return {column.title: plain(column.cell(row, 8)) for column in operators.COLUMNS}


def test_rates_stand_in_columns_of_their_own() -> None:
    point = RooflinePoint(50.0, 1.0, 40.0, 0.5, 0.51, Bound.COMPUTE)
    rated = (RatedOperator(operator("aten::mm", 80), 50.04, point), RatedOperator(operator("aten::relu", 5)))
    product, other = map(cells, operators.operator_rows(rated))
    assert (product["GFLOP/s"], product["peak %"], product["bound"]) == ("50.0", "51.0", "compute")
    assert (other["GFLOP/s"], other["peak %"], other["bound"]) == ("", "", "")


def test_below_the_table_stands_what_it_is_of() -> None:
    merged = Operators(windows=(3, 4), steps=(3, 5), self_ns_per_step=12e6)
    assert operators.note(merged, 38) == "38 operators · 12.0 ms per step · median of 2 windows"
    alone = Operators(windows=(3,), steps=(5,), self_ns_per_step=12e6, truncated=True)
    assert operators.note(alone, 38) == "top 38 operators · 12.0 ms per step · window 3"
    gap = replace(merged, gap_ns_per_step=1e6)
    assert operators.note(gap, 38).endswith("median of 2 windows · rows add up to 11.0")


def test_operators_of_another_pace_are_said_to_be() -> None:
    stale = Operators(windows=(3, 4), steps=(3, 5), self_ns_per_step=12e6, since=PaceChange(12e6, 31e6))
    words = "windows at steps 3 and 5; steps have since grown from 12.0 ms to 31.0 ms"
    assert operators.note(stale, 38) == f"{words} · 38 operators · 12.0 ms per step"


def test_windows_that_fail_are_the_reason_for_no_operators() -> None:
    text = "operator windows were given up after 3 failures in a row (ValueError: x)"
    view = replace(running_view(), operators=Operators(), notices=(Notice("warning", "window_failed", text),))
    message = states.operators_message(view)
    assert message is not None
    assert message.sentences == ("Operator windows were given up after 3 failures in a row (ValueError: x).",)
