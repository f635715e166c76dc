"""A session beside its reference, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from profilednn_tui import units
from profilednn_tui.advise.reference import Passes, Reference

LONGEST_NAME = 100
"""Characters in the JSON."""


def reference_lines(reference: Reference) -> Iterator[str]:
    """A sentence for each thing that was found."""
    if reference.unknown:
        yield f"Kernels cannot be compared: {reference.unknown}."
    else:
        for one in reference.missing:
            yield f"{one.name} takes {units.share(one.there)} of the operators' time there, and is missing here."
        for one in reference.moved:
            here, there = units.share(one.here), units.share(one.there)
            yield f"{one.name} takes {here} of the operators' time here, {there} there."
        for gradient in reference.gradients:
            extra = units.duration(1e6 * gradient.ms_per_step)
            yield f"{gradient.name} has a backward pass of {extra} here, and none there: does it need its gradient?"
        if not (reference.missing or reference.moved or reference.gradients):
            yield "All kernels of the reference are there, with the same shares of the time."
    here, there = _passes_text(reference.here, "here"), _passes_text(reference.there, "there")
    if here:
        yield here + (": look at what is no kernel, such as the loss and copies." if reference.here.disagree else ".")
    if there:
        yield f"{there}."


def reference_facts(reference: Reference) -> dict[str, Any]:
    """The same for programs; ratios are of backward to forward time."""
    return {
        "name": _short(reference.name),
        "missing": [{"name": _short(one.name), "share": round(one.there, 4)} for one in reference.missing],
        "moved": [
            {"name": _short(one.name), "share": round(one.here, 4), "reference_share": round(one.there, 4)}
            for one in reference.moved
        ],
        "gradients": [
            {"name": _short(one.name), "ms_per_step": round(one.ms_per_step, 4)} for one in reference.gradients
        ],
        "backward_to_forward": _passes_facts(reference.here),
        "reference_backward_to_forward": _passes_facts(reference.there),
        "unknown": reference.unknown,
    }


def _short(name: str) -> str:
    """The document is short, whatever the names are."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _passes_text(passes: Passes, where: str) -> str:
    """A sentence without its end; empty if the phases are not known."""
    if passes.model is None:
        return ""
    text = f"The backward pass takes {units.ratio(passes.model)} the forward pass {where}"
    if passes.kernels is not None:
        text += f", its kernels {units.ratio(passes.kernels)} those of the forward pass"
    return text


def _passes_facts(passes: Passes) -> dict[str, Any]:
    return {
        "model": None if passes.model is None else round(passes.model, 3),
        "kernels": None if passes.kernels is None else round(passes.kernels, 3),
        "disagree": passes.disagree,
    }
