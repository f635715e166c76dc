"""Collapsed stacks: one line per place, as flamegraph.pl, inferno, speedscope and Firefox Profiler read them.

Readers take the number of a line as a count of samples, and some make an object of each: the self times are scaled.
"""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.export.session.places import place_text
from profilednn_tui.flame.tree import Shape, Weight, flame_tree
from profilednn_tui.session.view import SessionView

MOST_SAMPLES = 100_000
"""In all lines together."""


def collapsed_text(view: SessionView) -> str:
    """The stacks of all operators by self time per step; the outermost frame says what a sample stands for."""
    tree = flame_tree(view.operators, view.primitives, Shape(Weight.SELF, libraries=True))
    if not tree.value:
        return ""
    sample_ns = max(1.0, tree.value / MOST_SAMPLES)
    root = _name(f"{view.target.name} (a sample: {units.duration(sample_ns)} per step)")
    lines = []
    for path, node in tree.walk():
        samples = round(node.own / sample_ns)
        if samples:
            names = (_name(place_text(label, view.target.working_directory)) for label in path)
            lines.append(f"{';'.join((root, *names))} {samples}\n")
    return "".join(lines)


def _name(text: str) -> str:
    """Without what separates frames."""
    return text.replace(";", ":")
