"""A training beside a reference: kernels that are missing, shares that moved, gradients that none needs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profilednn_tui.advise.reference import Gradient, Passes, Shares, beside_reference
from profilednn_tui.onednn.records import Primitive, PrimitiveLog, PrimitiveUse, Tally
from profilednn_tui.session.view import Module, Primitives, SessionView
from tests.unit.advise.sessions import operator, session

FORWARD = operator("aten::mkldnn_convolution", 30.0)
BACKWARD = operator("aten::convolution_backward", 60.0, "backward")


def with_layers(view: SessionView, *layers: tuple[str, float, float]) -> SessionView:
    """The session with layers: path, forward and backward milliseconds."""
    modules = tuple(Module(path, "Conv2d", 1, 1.0, ahead * 1e6, back * 1e6, ()) for path, ahead, back in layers)
    return replace(view, operators=replace(view.operators, modules=modules))


def with_primitives(view: SessionView, **calls: int) -> SessionView:
    """The session with convolutions of 10 ms each, so many for each direction, in two windows."""
    kinds = {"FWD": "forward_training", "BWD_D": "backward_data", "BWD_W": "backward_weights"}
    uses = tuple(
        PrimitiveUse(
            Primitive("convolution", kinds[direction], "jit:avx2", "mb1_ic8oc8_ih8oh8kh3"),
            Tally(count, 10.0 * count, 10.0, 10.0),
        )
        for direction, count in calls.items()
    )
    return replace(view, primitives=Primitives((1, 2), PrimitiveLog(uses), {}, 1.0))


def test_equal_trainings_have_equal_kernels() -> None:
    found = beside_reference(session(FORWARD, BACKWARD), session(FORWARD, BACKWARD))
    assert (found.missing, found.moved, found.gradients) == ((), (), ())
    assert found.here == found.there == Passes(2.0, 2.0)
    assert not found.here.disagree


def test_a_kernel_of_the_reference_that_is_missing_here() -> None:
    """The paper's frozen batch norm: one kernel in the reference, several operators in torchvision."""
    reference = session(FORWARD, BACKWARD, operator("aten::native_batch_norm", 10.0))
    here = session(FORWARD, BACKWARD, operator("aten::mul", 20.0), operator("aten::add", 20.0))
    found = beside_reference(here, reference)
    assert found.missing == (Shares("aten::native_batch_norm", 0.0, 0.1),)
    assert found.moved[0] == Shares("aten::convolution_backward", 60 / 130, 0.6)


def test_the_same_kernel_with_other_shapes_is_not_missing() -> None:
    larger = operator("aten::mkldnn_convolution", 60.0), operator("aten::convolution_backward", 120.0, "backward")
    found = beside_reference(session(*larger), session(FORWARD, BACKWARD))
    assert (found.missing, found.moved) == ((), ())


def test_annotations_of_the_profiler_are_no_kernels() -> None:
    loader = operator("enumerate(DataLoader)#_SingleProcessDataLoaderIter.__next__", 30.0, "data")
    assert beside_reference(session(FORWARD, BACKWARD), session(FORWARD, BACKWARD, loader)).missing == ()


def test_a_layer_with_a_backward_pass_that_the_reference_does_without() -> None:
    here = with_layers(session(FORWARD, BACKWARD), ("stem", 10.0, 20.0), ("head", 20.0, 40.0))
    reference = with_layers(session(FORWARD, BACKWARD), ("stem", 10.0, 0.0), ("head", 20.0, 40.0))
    assert beside_reference(here, reference).gradients == (Gradient("stem (Conv2d)", 20.0),)
    assert beside_reference(reference, here).gradients == ()


def test_backward_calls_of_primitives_beyond_those_of_the_reference() -> None:
    """How the paper found the gradients of frozen layers: more backward calls for the same forward calls."""
    here = with_primitives(session(FORWARD, BACKWARD), FWD=20, BWD_D=18, BWD_W=20)
    reference = with_primitives(session(FORWARD, BACKWARD), FWD=10, BWD_D=9, BWD_W=6)
    (gradient,) = beside_reference(here, reference).gradients
    assert gradient.name == "convolution BWD_W mb1_ic8oc8_ih8oh8kh3"
    assert gradient.ms_per_step == pytest.approx(8 * 10 / 2)


def test_primitives_have_shares_of_the_same_time_as_operators() -> None:
    here = with_primitives(session(FORWARD, BACKWARD), FWD=4)
    reference = with_primitives(session(FORWARD, BACKWARD), FWD=4, BWD_W=9)
    found = beside_reference(here, reference)
    assert found.missing == (Shares("oneDNN convolution BWD_W", 0.0, 0.5),)
    assert found.moved == ()


def test_a_ratio_of_the_passes_that_is_not_that_of_the_kernels() -> None:
    """The paper's focal loss: the backward pass took longer than its kernels explain."""
    found = beside_reference(
        with_primitives(session(FORWARD, BACKWARD, phases={"backward": 120.0}), FWD=10, BWD_W=20),
        with_primitives(session(FORWARD, BACKWARD), FWD=10, BWD_W=20),
    )
    assert (found.here, found.here.disagree) == (Passes(4.0, 2.0), True)
    assert (found.there, found.there.disagree) == (Passes(2.0, 2.0), False)


def test_without_operators_nothing_is_told_of_kernels() -> None:
    healthy = session(FORWARD, BACKWARD)
    bare = replace(healthy, operators=replace(healthy.operators, windows=(), rows=()))
    found = beside_reference(healthy, bare)
    assert found.unknown == "train.py recorded no operators"
    assert (found.missing, found.here.model, found.there.kernels) == ((), 2.0, None)
