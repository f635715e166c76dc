"""The order of the optimizations, and why one cannot help."""

from __future__ import annotations

from profilednn_tui.advise.findings import Finding, Remedy
from profilednn_tui.session.view import Optimization
from profilednn_tui.tui.present.optimizations import detail_lines, optimization_rows
from tests.tui.apps import OFFERS
from tests.tui.screen_text import lines_text

COMPILE = Finding("python-overhead", "No operator runs in 40 % of the step", (), Remedy(("compile",)), ceiling=0.4)


def test_an_optimization_without_effect_in_this_run_comes_last_with_its_receipt() -> None:
    receipt = Optimization("channels_last", "no effect", "because the model has no convolution")
    rows = optimization_rows((), OFFERS, (receipt,), frozenset(), "", {"compile": COMPILE})
    assert [row.name for row in rows] == ["compile", "ipex", "bf16", "channels_last"]
    assert "no effect: because the model has no convolution" in lines_text(detail_lines(rows[-1], 80))


def test_one_with_nothing_to_act_on_comes_last_with_the_reason() -> None:
    idle = {"channels_last": "no recorded step ran a convolution"}
    rows = optimization_rows((), OFFERS[1:], (), frozenset(), "", {}, idle)
    assert [row.name for row in rows] == ["compile", "ipex", "channels_last"]
    assert "no effect: no recorded step ran a convolution" in lines_text(detail_lines(rows[-1], 80))


def test_what_a_finding_asks_for_is_not_called_without_effect() -> None:
    rows = optimization_rows((), OFFERS[1:], (), frozenset(), "", {"compile": COMPILE}, {"compile": "nothing to do"})
    assert rows[0].name == "compile"
    assert not rows[0].helpless
    assert "No operator runs in 40 % of the step: at most 40 % of the step" in lines_text(detail_lines(rows[0], 120))
