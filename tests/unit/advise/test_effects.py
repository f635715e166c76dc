"""What a session tells about each optimization."""

from __future__ import annotations

from dataclasses import replace

from profilednn_tui.advise.effects import asked_for, not_yet_tried, without_effect
from profilednn_tui.advise.findings import Advice, Finding, Remedy
from profilednn_tui.session.view import Module, Optimization, SessionView
from tests.unit.advise.sessions import operator, session


def test_of_several_findings_that_ask_for_an_optimization_the_highest_ceiling_counts() -> None:
    high = Finding("reorders", "", (), Remedy(("channels_last",)), ceiling=0.3)
    low = Finding("layout-copies", "", (), Remedy(("channels_last", "compile")), ceiling=0.1)
    script = Finding("float64", "", (), Remedy(change="Leave out .double()."), ceiling=0.5)
    assert asked_for(Advice((script, high, low))) == {"channels_last": high, "compile": low}


def test_what_was_on_in_the_session_is_no_remedy_for_it() -> None:
    """Seen by a user: the finding sent them back to the optimization that had just declined."""
    both = Remedy(("fused_optimizer", "compile"))
    view = replace(session(), optimizations=(Optimization("fused_optimizer", "declined", "because it is its own."),))
    assert not_yet_tried(both, session()) == both
    assert not_yet_tried(both, view) == Remedy(("compile",))
    told = "fused_optimizer was asked for here: declined, because it is its own."
    assert not_yet_tried(Remedy(("fused_optimizer",)), view) == Remedy(change=told)
    assert not_yet_tried(Remedy(("fused_optimizer",), change="Fuse it."), view) == Remedy(change=f"{told} Fuse it.")
    early = replace(view, optimizations=(Optimization("fused_optimizer", "asked", ""),))
    assert "not known yet" in not_yet_tried(Remedy(("fused_optimizer",)), early).change
    threads = Remedy((), {"OMP_NUM_THREADS": "2"})
    assert not_yet_tried(threads, view) == threads


def test_a_model_of_matrix_products_has_nothing_for_optimizations_of_convolutions() -> None:
    idle = without_effect(session(operator("aten::addmm", 50.0), operator("aten::relu", 20.0)))
    assert idle == dict.fromkeys(("channels_last", "winograd"), "no recorded step ran a convolution")


def test_a_model_without_products_has_nothing_for_bfloat16() -> None:
    idle = without_effect(session(operator("aten::mul", 50.0)))
    assert idle["bf16"] == idle["bf16_matmul"] == "no recorded step ran a convolution or a matrix product"


def test_a_batch_norm_of_any_kind_may_be_fused() -> None:
    def model(class_name: str) -> SessionView:
        return session(modules=(Module("net.norm", class_name, 0, 1, 1e6, 1e6, ()),))

    assert without_effect(model("LayerNorm"))["frozen_bn"] == "no module of the model is a batch norm"
    assert "frozen_bn" not in without_effect(model("FrozenBatchNorm2d"))
    assert "frozen_bn" not in without_effect(session()), "no module was recorded"


def test_nothing_is_said_without_all_operators() -> None:
    view = session(operator("aten::mul", 50.0))
    assert without_effect(replace(view, operators=replace(view.operators, truncated=True))) == {}
    assert without_effect(replace(view, operators=replace(view.operators, rows=()))) == {}
