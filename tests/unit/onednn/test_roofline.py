"""The work of primitives in relation to a machine's peaks."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from profilednn_tui.export.onednn.roofline import roofline_lines, roofline_svg
from profilednn_tui.onednn.records import Primitive, PrimitiveLog
from profilednn_tui.onednn.roofline import Bound, Peaks, locate
from profilednn_tui.onednn.work import Work, bytes_of, flops_of, work_of
from tests.unit.onednn.logs import CONVOLUTION, REORDER, lines, log_of, recorded

PEAKS = Peaks(float32_gflops=100.0, bfloat16_gflops=200.0, bandwidth_gb_per_s=10.0, threads=2, torch="2.14.1")


def primitive(
    name: str, problem: str, descriptors: str = "", auxiliary: str = "", propagation: str = "undef"
) -> Primitive:
    return Primitive(name, propagation, "jit", problem, descriptors, "", auxiliary)


@pytest.mark.parametrize(
    ("one", "flops"),
    [
        (primitive("convolution", "mb2_ic4oc8_ih6oh3kh3sh2dh0ph1_iw6ow3kw3sw2dw0pw1"), 2 * 2 * 4 * 8 * 3 * 3 * 9),
        (primitive("convolution", "mb2_g4ic4oc8_ih6oh3kh3sh2dh0ph1_iw6ow3kw3sw2dw0pw1"), 2 * 2 * 8 * 3 * 3 * 9),
        (primitive("inner_product", "mb4ic8oc16"), 2 * 4 * 8 * 16),
        (primitive("matmul", "4x8:8x16"), 2 * 4 * 8 * 16),
        (primitive("matmul", "3x4x8:3x8x16"), 3 * 2 * 4 * 8 * 16),
        (primitive("rnn", "l1t5mb3sic8slc4dhc8dic8", auxiliary="alg:vanilla_lstm"), 2 * 5 * 3 * 4 * 8 * 12),
        (primitive("reorder", "4x8"), 0),
        (primitive("eltwise", "4x8"), None),
    ],
    ids=lambda value: value.problem if isinstance(value, Primitive) else "",
)
def test_operations_follow_the_problem(one: Primitive, flops: float | None) -> None:
    assert flops_of(one) == flops


def test_a_gradient_of_a_recurrent_layer_is_twice_the_forward_work() -> None:
    shape = "l1t5mb3sic8slc4dhc8dic8"
    forward, backward = (
        flops_of(primitive("rnn", shape, auxiliary="alg:vanilla_lstm", propagation=kind))
        for kind in ("forward_training", "backward")
    )
    assert forward is not None
    assert backward == 2 * forward


def test_bytes_count_every_tensor_once() -> None:
    use = log_of(lines(CONVOLUTION)).uses[0]
    image, weights = 32 * 64 * 56 * 56, 64 * 64 * 9
    assert bytes_of(use.primitive) == 4 * (2 * image + weights)
    assert bytes_of(log_of(lines(REORDER)).uses[0].primitive) == 2 * 4 * image
    typed = "src:bf16::blocked:ab::f0 wei:bf16::blocked:ab::f0 dst:f32::blocked:ab::f0"
    assert bytes_of(primitive("matmul", "4x8:8x16", typed)) == 2 * 32 + 2 * 128 + 4 * 64
    assert bytes_of(primitive("matmul", "4x8:8x16")) is None, "a log without types"


def test_what_bounds_work() -> None:
    heavy, light = Work(flops=100e9, bytes=1e9), Work(flops=0.0, bytes=10e9)
    compute = locate(heavy, 1250.0, PEAKS, "f32")
    assert compute is not None
    assert (compute.bound, compute.gflops) == (Bound.COMPUTE, 80.0)
    assert compute.peak_share == pytest.approx(0.8)
    memory = locate(light, 2000.0, PEAKS, "f32")
    assert memory is not None
    assert (memory.bound, memory.gb_per_s) == (Bound.MEMORY, 5.0)
    assert memory.roof == pytest.approx(0.5)
    slow = locate(heavy, 50_000.0, PEAKS, "f32")
    assert slow is not None
    assert slow.bound is Bound.OVERHEAD
    assert locate(heavy, 0.0, PEAKS, "f32") is None
    half = locate(heavy, 1000.0, PEAKS, "bf16")
    assert half is not None
    assert half.peak_share == pytest.approx(0.5)


def test_a_gradient_far_below_the_forward_rate_is_pointed_out() -> None:
    forward = CONVOLUTION.replace("backward_weights", "forward_training")
    slow, equal = lines(forward.replace("7.25", "1"), CONVOLUTION), lines(forward, CONVOLUTION)
    assert "convolution BWD_W runs at 0.14x the forward rate" in "\n".join(roofline_lines(log_of(slow), PEAKS, 100))
    assert "the forward rate" not in "\n".join(roofline_lines(log_of(equal), PEAKS, 100))


@pytest.mark.parametrize("model", ["resnet18", "lstm", "transformer", "retinanet"])
def test_the_work_of_every_recorded_primitive_is_known(model: str) -> None:
    log = log_of(recorded(f"{model}-torch-2.14"))
    assert all(work_of(use.primitive) is not None for use in log.uses)
    shown = list(roofline_lines(log, PEAKS, 100))
    assert any("Work is known for 100 % of the time" in line for line in shown)
    assert len([line for line in shown if line.endswith(("compute", "memory", "caches", "overhead"))]) >= 9
    root = ElementTree.fromstring(roofline_svg(log, PEAKS))
    assert len(root.findall("{http://www.w3.org/2000/svg}circle")) > 3


def test_a_rate_above_the_peak_says_that_the_peak_is_wrong() -> None:
    """Issue 18: 113 % of the peak was shown without a word."""
    fast = locate(Work(flops=120e9, bytes=1e9), 1000.0, PEAKS, "f32")
    assert fast is not None
    assert (fast.above_peak, fast.from_caches) == (True, False)
    cached = locate(Work(flops=1e9, bytes=20e9), 1000.0, PEAKS, "f32")
    assert cached is not None
    assert (cached.above_peak, cached.from_caches) == (False, True)

    log = log_of(lines(CONVOLUTION.replace("7.25", "0.1")))
    shown = "\n".join(roofline_lines(log, PEAKS, 100))
    assert "1 primitive runs above the arithmetic peak (!), which is therefore wrong" in shown
    assert " % !" in shown
    slow = log_of(lines(CONVOLUTION.replace("7.25", "725")))
    assert "above the arithmetic peak" not in "\n".join(roofline_lines(slow, PEAKS, 100))


def test_an_empty_log_has_no_chart() -> None:
    assert "No primitive does arithmetic." in list(roofline_lines(PrimitiveLog(), PEAKS, 80))
