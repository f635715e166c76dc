"""The calls of the newest window, in time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from profilednn_tui import units
from profilednn_tui.export.session.page.markup import Markup, data, element, joined
from profilednn_tui.protocol.vocabulary import PHASES
from profilednn_tui.session.trace import UNKNOWN, Trace
from profilednn_tui.session.words import operator_text

MOST_CALLS = 6_000
"""The longest calls of a window; a page is to be sent around."""
MOST_PRIMITIVES = 2_000
_BUTTONS = {"closer": "zoom in", "wider": "zoom out", "before": "earlier", "after": "later", "step": "whole step"}


def timeline_section(trace: Trace | None) -> Markup:
    """The lanes as data, with what the page's script needs to draw them; empty without a window's calls."""
    if trace is None or not len(trace.calls):
        return Markup("")
    labels: dict[str, int] = {}
    lanes = [_phases(trace, labels), *_threads(trace, labels), *_primitives(trace, labels)]
    left_out = len(trace.calls) - MOST_CALLS
    some = f", the {MOST_CALLS:,} longest of {len(trace.calls):,} calls" if left_out > 0 else ""
    buttons = (element("button", text, type="button", id=f"timeline-{name}") for name, text in _BUTTONS.items())
    tools = element("div", *buttons, class_="tools")
    content = {"span": trace.duration_ns, "labels": list(labels), "phases": [*PHASES, "unknown"], "lanes": lanes}
    return joined(
        (
            element("h2", f"Timeline of step {trace.step:,} ({units.duration(trace.duration_ns)}{some})"),
            tools,
            element("div", id="timeline-told", class_="quiet"),
            element("div", id="timeline"),
            data("timeline-data", content),
        )
    )


def _phases(trace: Trace, labels: dict[str, int]) -> dict[str, Any]:
    boxes: list[list[int]] = []
    began: int | None = None
    for ended, phase in zip(trace.phases.end_ns.tolist(), trace.phases.phase.tolist(), strict=True):
        if began is not None and 0 <= phase < len(PHASES):
            name = labels.setdefault(PHASES[phase], len(labels))
            if boxes and boxes[-1][3] == name and boxes[-1][0] + boxes[-1][1] == began:
                boxes[-1][1] += ended - began
            else:
                boxes.append([began, ended - began, 0, name, phase])
        began = ended
    return {"name": "phases", "rows": 1, "boxes": boxes}


def _threads(trace: Trace, labels: dict[str, int]) -> Iterator[dict[str, Any]]:
    import numpy as np

    calls = trace.calls
    longest = np.sort(np.argsort(-calls.duration_ns, kind="stable")[:MOST_CALLS])
    for thread, name in enumerate(trace.threads):
        chosen = longest[calls.thread[longest] == thread]
        boxes = []
        for call in chosen.tolist():
            place = int(calls.place[call])
            phase = trace.places[place].phase if place != UNKNOWN else ""
            label = labels.setdefault(operator_text(trace.name(call)), len(labels))
            number = PHASES.index(phase) if phase in PHASES else len(PHASES)
            boxes.append(
                [int(calls.start_ns[call]), int(calls.duration_ns[call]), int(calls.depth[call]), label, number]
            )
        if boxes:
            yield {"name": name, "rows": 1 + max(box[2] for box in boxes), "boxes": boxes}


def _primitives(trace: Trace, labels: dict[str, int]) -> Iterator[dict[str, Any]]:
    uses = trace.primitives
    boxes = [
        [start, duration, 0, labels.setdefault(trace.primitive_names[name], len(labels)), len(PHASES)]
        for start, duration, name in zip(
            uses.start_ns.tolist(), uses.duration_ns.tolist(), uses.name.tolist(), strict=True
        )
    ]
    if boxes:
        boxes.sort(key=lambda box: -box[1])
        yield {"name": "oneDNN", "rows": 1, "boxes": sorted(boxes[:MOST_PRIMITIVES])}
