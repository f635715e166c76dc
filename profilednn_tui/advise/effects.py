"""What a session tells about each optimization: what it could win, or why it cannot have an effect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from profilednn_tui.advise.findings import Advice, Finding, Remedy
from profilednn_tui.protocol.vocabulary import ASKED
from profilednn_tui.session.view import Operators, Optimization, SessionView

_CONVOLUTIONS = ("conv",)
_PRODUCTS = (*_CONVOLUTIONS, "mm", "matmul", "linear", "addmv", "dot", "lstm", "gru", "rnn", "attention")


def asked_for(advice: Advice) -> Mapping[str, Finding]:
    """The findings whose remedy is an optimization, by its name; of several, that with the highest ceiling."""
    findings: dict[str, Finding] = {}
    for finding in advice.findings:
        for name in finding.remedy.optimizations:
            findings.setdefault(name, finding)
    return findings


def not_yet_tried(remedy: Remedy, view: SessionView) -> Remedy:
    """A remedy without the optimizations that were on in the session; if none is left, what became of them."""
    receipts = {one.name: one for one in view.optimizations}
    left = tuple(name for name in remedy.optimizations if name not in receipts)
    if left or not remedy.optimizations:
        return replace(remedy, optimizations=left, change="" if left else remedy.change)
    told = [f"{name} was asked for here: {_receipt(receipts[name])}." for name in remedy.optimizations]
    return Remedy(change=" ".join([*told, remedy.change]).rstrip())


def _receipt(one: Optimization) -> str:
    if one.state == ASKED:
        return "what came of it is not known yet"
    return f"{one.state}, {one.text.rstrip('.')}" if one.text else one.state


def without_effect(view: SessionView) -> Mapping[str, str]:
    """The optimizations with nothing to act on in this session, with the reason.

    Without operators, or with some left out of the recording, nothing is said.
    """
    operators = view.operators
    if not operators.rows or operators.truncated:
        return {}
    return {name: reason for name, (reason, lacks) in _LACKS.items() if lacks(operators)}


def _no_operator(*parts: str) -> Callable[[Operators], bool]:
    def lacks(operators: Operators) -> bool:
        names = {row.key.name.partition("::")[2] for row in operators.rows}
        return not any(part in name for name in names for part in parts)

    return lacks


def _no_batch_norm(operators: Operators) -> bool:
    return bool(operators.modules) and not any("BatchNorm" in module.class_name for module in operators.modules)


_NO_CONVOLUTION = "no recorded step ran a convolution", _no_operator(*_CONVOLUTIONS)
_NO_PRODUCT = "no recorded step ran a convolution or a matrix product", _no_operator(*_PRODUCTS)

_LACKS: Mapping[str, tuple[str, Callable[[Operators], bool]]] = {
    "bf16": _NO_PRODUCT,
    "bf16_matmul": _NO_PRODUCT,
    "channels_last": _NO_CONVOLUTION,
    "frozen_bn": ("no module of the model is a batch norm", _no_batch_norm),
    "winograd": _NO_CONVOLUTION,
}
