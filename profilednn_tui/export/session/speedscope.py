"""The file format of speedscope, https://www.speedscope.app/file-format-schema.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from profilednn_tui.flame.tree import Label, Node, Shape, Weight, flame_tree
from profilednn_tui.session.frames import relative_file
from profilednn_tui.session.view import SessionView

SCHEMA = "https://www.speedscope.app/file-format-schema.json"
PROFILES: Mapping[str, tuple[Shape, str]] = {
    "time of operators and between them": (Shape(Weight.TOTAL, libraries=True), "nanoseconds"),
    "self time of operators": (Shape(Weight.SELF, libraries=True), "nanoseconds"),
    "self time of operators, by module": (Shape(Weight.SELF, by_module=True), "nanoseconds"),
    "calls of operators": (Shape(Weight.CALLS, libraries=True), "none"),
}
"""Shape and unit of each profile; speedscope opens the first one."""


def speedscope_text(view: SessionView) -> str:
    """All profiles, per step; a sample is a place with its weight."""
    frames: dict[Label, int] = {}
    profiles = []
    for name, (shape, unit) in PROFILES.items():
        tree = flame_tree(view.operators, view.primitives, shape)
        if tree.value:
            profiles.append(_profile(name, tree, unit, frames))
    body = {
        "$schema": SCHEMA,
        "name": f"{view.target.name}, one step",
        "exporter": "profilednn-tui",
        "activeProfileIndex": 0,
        "shared": {"frames": [_frame(label, view.target.working_directory) for label in frames]},
        "profiles": profiles,
    }
    return json.dumps(body, allow_nan=False) + "\n"


def _profile(name: str, tree: Node, unit: str, frames: dict[Label, int]) -> dict[str, Any]:
    samples, weights = [], []
    for path, node in tree.walk():
        if node.own:
            samples.append([frames.setdefault(label, len(frames)) for label in path])
            weights.append(node.own)
    return {
        "type": "sampled",
        "name": name,
        "unit": unit,
        "startValue": 0,
        "endValue": sum(weights),
        "samples": samples,
        "weights": weights,
    }


def _frame(label: Label, working_directory: str) -> dict[str, Any]:
    place = {"file": relative_file(label.file, working_directory)} if label.file else {}
    line = {"line": label.line} if label.line else {}
    return {"name": label.text, **place, **line}
