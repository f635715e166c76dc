"""What is reported about each optimization."""

from __future__ import annotations

import torch
from torch import nn

from profilednn_tui.agent.optimizations import Optimization, each_step, here
from profilednn_tui.agent.optimizations._receipts import Receipts
from profilednn_tui.protocol.vocabulary import DECLINED, NO_EFFECT, ON


class Turned(Optimization):
    """Acts on models."""

    name = "turned"
    acts_on = "model"
    text = ""

    def receipt(self, steps: int) -> str:
        return self.text


def turned(text: str = "") -> Turned:
    one = Turned(here(torch, frozenset()))
    one.text = text
    return one


def trained() -> Receipts:
    """Receipts of a process that has trained a model."""
    receipts = Receipts()
    receipts.seen.training = True
    receipts.seen.compiled.add(False)
    return receipts


def test_what_the_process_never_had_is_the_reason_for_no_effect() -> None:
    receipts = Receipts()
    assert receipts.account(turned(), 3) == (NO_EFFECT, "because no model was trained in this process")
    receipts.seen.training = True
    reason = "because training calls no nn.Module with trainable parameters"
    assert receipts.account(turned(), 3) == (NO_EFFECT, reason)


def test_it_has_declined_where_it_left_every_model_alone() -> None:
    receipts = trained()
    receipts.leave_alone(turned(), nn.Linear(1, 1), "its weights are views")
    assert receipts.account(turned("2 weights turned"), 3) == (
        DECLINED,
        "Linear left alone, because its weights are views",
    )


def test_it_is_on_where_one_model_had_it_even_after_that_is_gone() -> None:
    # Found in code review: plans are held weakly, so the receipt said "declined" once the model had been collected.
    receipts = trained()
    one = turned("2 weights turned")
    receipts.acted([one])
    receipts.leave_alone(one, nn.Linear(1, 1), "its weights are views")
    state, text = receipts.account(one, 3)
    assert state == ON
    assert text == "2 weights turned; Linear left alone, because its weights are views"


def test_an_account_is_told_once_until_it_changes() -> None:
    receipts = trained()
    one = turned("2 weights turned")
    receipts.acted([one])
    assert receipts.news([one], 1, final=False) == {"turned": (ON, "2 weights turned")}
    assert receipts.news([one], 9, final=False) == {}
    one.text = "3 weights turned"
    assert receipts.news([one], 100, final=False) == {"turned": (ON, "3 weights turned")}


def test_a_call_that_was_made_as_in_a_plain_run_is_in_no_average() -> None:
    """Of five steps, the first was such a call: three convolutions a step were told as two."""

    class Counted(Turned):
        def receipt(self, steps: int) -> str:
            return each_step(12, steps)

    receipts, model = trained(), nn.Linear(1, 1)
    one = Counted(here(torch, frozenset()))
    receipts.looked_at(model)
    receipts.acted([one])
    assert receipts.account(one, 5) == (ON, "called 3x per step")
