"""Made-up machines: how long a step takes there and how much memory a rank needs, for tests only."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from profilednn_tui.plan.points import Observation, Point, Setting, points_of

MS = 1_000_000
PAIRS = ((1, 1), (1, 2), (2, 1))
BATCHES = (8, 16, 32, 64)
GRID = tuple(Setting(*pair, batch) for pair in PAIRS for batch in BATCHES)
CORNERS = tuple(one for one in GRID if one.batch in (8, 64))


def step_ns(one: Setting) -> float:
    """3 ms and 0.5 ms per sample, of which threads share most; other ranks slow both down."""
    own = 2.0 + 1.0 / one.threads + one.batch * (0.1 + 0.4 / one.threads)
    return MS * (own + (one.ranks - 1) * (1.5 + 0.05 * one.batch))


def peak_bytes(one: Setting) -> float:
    return 300e6 + 2e6 * one.batch + (20e6 if one.ranks > 1 else 0.0)


def measured(settings: Iterable[Setting], runs: int = 4, noise: float = 0.0, seed: int = 0) -> tuple[Point, ...]:
    generator = np.random.default_rng(seed)
    return points_of(
        Observation(
            one,
            step_ns(one) * float(np.exp(noise * generator.standard_normal())),
            round(peak_bytes(one) * float(np.exp(noise / 10 * generator.standard_normal()))),
        )
        for one in settings
        for _ in range(runs)
    )
