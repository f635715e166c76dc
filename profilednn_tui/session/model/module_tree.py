"""The modules of several windows merged into one tree."""

from __future__ import annotations

from collections.abc import Sequence

from profilednn_tui.session.model.tables import NONE, NumberedWindow, Tables
from profilednn_tui.session.view import Module


def merged_modules(tables: Tables, windows: Sequence[NumberedWindow]) -> tuple[Module, ...]:
    """The modules in tree order, each with its medians over the windows."""
    import numpy as np

    # A module may have several rows in a window; the newest window decides the order.
    numbers = {module: None for window in reversed(windows) for module in window.modules.tolist()}
    index = {module: place for place, module in enumerate(numbers)}
    by_window = np.zeros((len(windows), len(numbers), 3))
    for row, window in enumerate(windows):
        np.add.at(by_window[row], [index[module] for module in window.modules.tolist()], window.module_rows)
    medians = dict(zip(numbers, np.median(by_window, axis=0).tolist(), strict=True))
    children: dict[int, list[int]] = {}
    for module in numbers:
        children.setdefault(tables.module_values[module][0], []).append(module)

    modules: list[Module] = []
    pending = [(module, 0) for module in reversed(children.get(NONE, []))]
    while pending:
        module, depth = pending.pop()
        _, path, class_name = tables.module_values[module]
        calls, forward_ns, backward_ns = medians[module]
        below = children.get(module, [])
        modules.append(
            Module(
                path, class_name, depth, calls, forward_ns, backward_ns,
                tuple(tables.module_path(child) for child in below),
            )
        )  # fmt: skip
        pending.extend((child, depth + 1) for child in reversed(below))
    return tuple(modules)
