"""The flame graphs of the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from profilednn_tui.export.session.page.markup import Markup, data, element, joined
from profilednn_tui.export.session.places import place_text
from profilednn_tui.flame.tree import Label, Node, Shape, Weight, flame_tree
from profilednn_tui.session.view import SessionView

GRAPHS: Mapping[str, tuple[Shape, str]] = {
    "self time by lines": (Shape(), "ns"),
    "self time by modules": (Shape(by_module=True), "ns"),
    "time of operators and between them": (Shape(Weight.TOTAL), "ns"),
    "calls by lines": (Shape(Weight.CALLS), "calls"),
}
SMALLEST = 0.0002
"""Nodes with less of the whole are left out: they are too narrow to see, and there may be thousands."""


def flame_section(view: SessionView) -> Markup:
    """The graphs as data, with what the page's script needs to draw them; empty without operators."""
    graphs = {name: _graph(view, shape, unit) for name, (shape, unit) in GRAPHS.items()}
    there = {name: graph for name, graph in graphs.items() if graph is not None}
    if not there:
        return Markup("")
    choices = (element("option", name, value=name) for name in there)
    tools = element(
        "div",
        element("select", *choices, id="graph", aria_label="graph"),
        element("input", type="search", id="search", placeholder="search", aria_label="search"),
        element("button", "whole graph", type="button", id="whole"),
        class_="tools",
    )
    return joined(
        (
            element("h2", "Flame graph"),
            tools,
            element("div", id="told", class_="quiet"),
            element("div", id="flame"),
            data("flame-data", there),
        )
    )


def _graph(view: SessionView, shape: Shape, unit: str) -> dict[str, Any] | None:
    tree = flame_tree(view.operators, view.primitives, shape)
    if not tree.value:
        return None
    labels: dict[Label, int] = {}
    phases: dict[str, int] = {}
    packed = _packed(tree, tree.value * SMALLEST, labels, phases)
    directory = view.target.working_directory
    return {
        "unit": unit,
        "labels": [place_text(label, directory) for label in labels],
        "phases": list(phases),
        "tree": packed,
    }


def _packed(node: Node, least: float, labels: dict[Label, int], phases: dict[str, int]) -> list[Any]:
    """``[label, value, phase, children]`` with three significant digits more than are shown."""
    label, phase = labels.setdefault(node.label, len(labels)), phases.setdefault(node.phase, len(phases))
    children = [_packed(child, least, labels, phases) for child in node.children if child.value >= least]
    return [label, float(f"{node.value:.6g}"), phase, children]
