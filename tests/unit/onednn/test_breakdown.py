"""How the time in a log breaks down, and how two logs differ."""

from __future__ import annotations

import pytest

from profilednn_tui.onednn.breakdown import By, breakdown, time_share
from profilednn_tui.onednn.compare import compare_logs
from profilednn_tui.onednn.problem import compact, dimensions, sizes
from profilednn_tui.onednn.reader import LogReader
from profilednn_tui.onednn.records import PrimitiveLog
from tests.unit.onednn.logs import CONVOLUTION, REORDER, lines, log_of, recorded

FORWARD = CONVOLUTION.replace("backward_weights", "forward_training")
LINEAR = (
    "onednn_verbose,v1,primitive,exec,cpu,matmul,ref:any,undef,src:bf16::blocked:ab::f0 wei:bf16::blocked:ba::f0 "
    "dst:f32::blocked:ab::f0,attr-scratchpad:user attr-post-ops:sum,,4x14400:14400x10,2"
)


def labels(log: PrimitiveLog, by: By) -> list[tuple[str, ...]]:
    return [group.label for group in breakdown(log, by)]


def test_each_grouping_names_what_it_groups_by() -> None:
    log = log_of(lines(CONVOLUTION, LINEAR, REORDER))
    assert labels(log, By.DIRECTION) == [("convolution", "BWD_W"), ("matmul", ""), ("reorder", "")]
    assert labels(log, By.IMPLEMENTATION)[1] == ("ref:any", "matmul")
    assert labels(log, By.SHAPE)[1] == ("matmul", "", "4x14400:14400x10")
    assert labels(log, By.DATA_TYPE) == [("f32", "convolution"), ("bf16:bf16:f32", "matmul"), ("f32", "reorder")]
    assert labels(log, By.LAYOUT) == [
        ("aBcd16b:ABcd16b16a:aBcd16b", "convolution"),
        ("ab:ba:ab", "matmul"),
        ("aBcd16b → abcd", "reorder"),
    ]


@pytest.mark.parametrize("by", By)
def test_the_groups_are_the_log_divided(by: By) -> None:
    reader = LogReader()
    reader.feed(recorded("retinanet-torch-2.14"))
    log = reader.log()
    groups = breakdown(log, by)
    assert sum(group.share for group in groups) == pytest.approx(1)
    assert sum(group.execution.count for group in groups) == log.calls
    assert sum(group.primitives for group in groups) == len(log.uses)
    assert [group.share for group in groups] == sorted((group.share for group in groups), reverse=True)


def test_reorders_and_reference_loops_stand_out() -> None:
    log = log_of(lines(CONVOLUTION, LINEAR, REORDER, REORDER.replace("exec", "create:cache_miss")))
    convolution, linear, reorder = breakdown(log, By.DIRECTION)
    assert (convolution.reorder, convolution.reference) == (False, False)
    assert linear.reference
    assert reorder.reorder
    assert (reorder.execution.count, reorder.creation.count) == (1, 1)
    assert time_share(log, lambda primitive: primitive.is_reorder) == pytest.approx(0.5 / 9.75)
    assert time_share(PrimitiveLog(), lambda primitive: True) is None


def test_problems_are_read() -> None:
    assert sizes("mb32_g4ic64oc128_ih56oh28kh3sh2dh0ph1_iw56ow28kw3sw2dw0pw1")["oc"] == 128
    assert dimensions("4x8x16:4x16x32") == ((4, 8, 16), (4, 16, 32))
    assert compact("mb32_g4ic64oc128_ih56oh28kh3sh2dh0ph1_iw56ow28kw3sw2dw0pw1") == "mb32 64→128 56x56 k3 s2 p1 g4"
    assert compact("mb1_ic3oc8_ih9oh7kh3sh1dh0ph0_iw8ow8kw1sw1dw0pw0") == "mb1 3→8 9x8 k3x1 s1 p0"
    assert compact("16x3x3x3") == "16x3x3x3"


# ---------------------------------------------------------------- against a reference


def test_gradients_of_frozen_layers_are_found_whatever_the_number_of_steps() -> None:
    other = FORWARD.replace("ic64oc64", "ic64oc128")
    trained = CONVOLUTION.replace("ic64oc64", "ic64oc128")
    frozen = log_of(lines(FORWARD, other, trained))
    unfrozen = log_of(lines(*[FORWARD, other, trained, CONVOLUTION] * 3))
    comparison = compare_logs(frozen, unfrozen)
    assert comparison.work == 3
    (more,) = comparison.more_backward
    assert more.label == ("convolution", "BWD_W", "mb32_ic64oc64_ih56oh56kh3sh1dh0ph1_iw56ow56kw3sw1dw0pw1")
    assert more.calls_delta == 3
    assert comparison.less_backward == ()
    back = compare_logs(unfrozen, frozen)
    assert [delta.label for delta in back.less_backward] == [more.label]
    assert back.more_backward == ()


def test_missing_and_extra_primitives_and_moved_shares_are_told() -> None:
    comparison = compare_logs(log_of(lines(CONVOLUTION, REORDER)), log_of(lines(CONVOLUTION, LINEAR)))
    assert [delta.label[0] for delta in comparison.missing] == ["reorder"]
    assert [delta.label[0] for delta in comparison.extra] == ["matmul"]
    shares = {delta.label[0]: delta.share_delta for delta in comparison.directions}
    assert shares["matmul"] == pytest.approx(2 / 9.25)
    assert sum(shares.values()) == pytest.approx(0)


def test_a_log_equals_itself() -> None:
    log = log_of(lines(CONVOLUTION, FORWARD, REORDER))
    comparison = compare_logs(log, log)
    assert comparison.missing == comparison.extra == comparison.more_backward == comparison.less_backward == ()
    assert all(delta.calls_delta == delta.share_delta == 0 for delta in comparison.directions)


def test_empty_logs_compare() -> None:
    assert compare_logs(PrimitiveLog(), PrimitiveLog()).directions == ()
