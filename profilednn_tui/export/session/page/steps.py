"""The durations of the steps as a drawing."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.export.session.page.markup import Markup, element
from profilednn_tui.session.view import Steps

COLUMNS = 240
"""Of the drawing: each is the median of so many steps that all fit, with its largest above."""
WIDTH, HEIGHT, BELOW, LEFT = 960, 150, 18, 70


def steps_chart(steps: Steps) -> Markup:
    """A column for each step, or for some steps; empty without any."""
    durations = steps.durations_ns
    if not durations:
        return Markup("")
    each = -(-len(durations) // COLUMNS)
    groups = [sorted(durations[begin : begin + each]) for begin in range(0, len(durations), each)]
    top_ns = max(group[-1] for group in groups) or 1
    width = (WIDTH - LEFT) / len(groups)
    room = HEIGHT - BELOW
    marks = []
    for number, group in enumerate(groups):
        x = LEFT + number * width
        for value, opacity in ((group[-1], "0.35"), (group[len(group) // 2], "1")):
            height = room * value / top_ns
            marks.append(
                element("rect", x=f"{x:.1f}", y=f"{room - height:.1f}", width=f"{max(width - 0.5, 0.5):.2f}",
                        height=f"{height:.1f}", class_="mark", opacity=opacity)
            )  # fmt: skip
    first, last = steps.numbers[0], steps.numbers[-1]
    unit = "step" if each == 1 else f"{units.count(each)} steps, their median and longest"
    texts = (
        element("text", units.duration(top_ns), x="0", y="12"),
        element("text", "0", x="0", y=f"{room}"),
        element("text", f"step {units.count(first)}", x=f"{LEFT}", y=f"{HEIGHT - 3}"),
        element("text", f"a column: one {unit}" if each == 1 else f"a column: {unit}", x=f"{WIDTH / 2}",
                y=f"{HEIGHT - 3}", text_anchor="middle"),
        element("text", units.count(last), x=f"{WIDTH}", y=f"{HEIGHT - 3}", text_anchor="end"),
    )  # fmt: skip
    axis = element("line", x1=f"{LEFT}", x2=f"{WIDTH}", y1=f"{room}", y2=f"{room}", class_="axis")
    label = f"Durations of steps {first} to {last}"
    return element("svg", *marks, axis, *texts, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=label)
