"""Comparisons written by hand."""

from __future__ import annotations

from functools import partial

import numpy as np

from profilednn_tui.compare.comparison import Comparison, compare
from profilednn_tui.compare.runs import Side
from profilednn_tui.errors import ProfilerError
from profilednn_tui.session.view import Memory, Operators
from profilednn_tui.tui.present.comparison import RunRow
from profilednn_tui.tui.screens.runs import RunChoice
from tests.tui.feeds import operator
from tests.unit.compare.sides import MS, noisy, run

LOSSES = [2.0 / number for number in range(1, 61)]


def side(name: str, step_ms: float, *rows: tuple[str, float], losses: list[float] = LOSSES) -> Side:
    found = Operators(windows=(1,), rows=tuple(operator(row, ms) for row, ms in rows), stacks=True)
    generator = np.random.default_rng(round(step_ms))
    runs = (
        run(f"{name}-{number}", list(noisy(generator, 60, step_ms * MS)), losses, operators=found,
            memory=Memory(peak_rss_bytes=800_000_000))
        for number in range(4)
    )  # fmt: skip
    return Side(name, tuple(runs))


def comparison(candidate: str = "fast", step_ms: float = 12, losses: list[float] = LOSSES) -> Comparison:
    before = side("stock", 20, ("aten::conv2d", 9.0), ("aten::log", 3.0))
    return compare(before, side(candidate, step_ms, ("aten::conv2d", 4.0), ("ours::focal", 1.0), losses=losses))


def related(key: str, compared: Comparison | None) -> RunChoice:
    """An entry of the run list; without a comparison, it cannot be read."""

    def answer(found: Comparison | None) -> Comparison:
        if found is None:
            raise ProfilerError("its recording is damaged")
        return found

    return RunChoice(RunRow(key, key, "bf16", "3 h 12 min"), partial(answer, compared))
