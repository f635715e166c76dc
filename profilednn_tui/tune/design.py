"""Which setting comes in which block: balanced from the first few on, in random order.

Settings come in rounds after Plackett and Burman ("The Design of Optimum Multifactorial Experiments", Biometrika 33,
1946): within one, each switch is on in half of the blocks, and so is every other one while it is. That is why few
blocks tell much about each of many switches. The next round has the opposite of every setting, so that the effect of a
switch is not taken for that of a pair (Box and Wilson's foldover, 1951).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import count
from math import isqrt

from profilednn_tui.compare.factorial import Switch
from profilednn_tui.protocol.switching import Setting, SwitchingPlan

SEED = 20
"""The same switches always get the same design."""
BLOCKS = 2_000
"""After that, the design is repeated."""
BLOCK_STEPS = 6
FIRST_STEPS = 8
"""Optimizations observe the first steps of a training, and some begin only then."""


def designed(
    switches: Sequence[Switch], block_steps: int = BLOCK_STEPS, blocks: int = BLOCKS, first_steps: int = FIRST_STEPS
) -> SwitchingPlan:
    """A plan in which each switch is on in about half of any few dozen blocks.

    Numbers of threads exclude each other: each block has one of them or the program's own, all equally often. One
    alone is a switch like any other.
    """
    chance = random.Random(SEED)
    optimizations = [one.optimization for one in switches if one.optimization]
    threads = [one.threads for one in switches if one.threads]
    columns = [*optimizations, *(map(str, threads) if len(threads) == 1 else ())]
    rows = plackett_burman(len(columns))
    settings: list[Setting] = []
    queue: list[int] = []
    while len(settings) < blocks:
        places = chance.sample(range(len(rows) - 1), len(columns))
        for opposite in (False, True):
            for row in chance.sample(rows, len(rows)):
                on = {one for one, place in zip(columns, places, strict=True) if row[place] != opposite}
                if len(threads) > 1 and not queue:
                    queue = chance.sample([0, *threads], 1 + len(threads))
                number = queue.pop() if queue else next((one for one in threads if str(one) in on), 0)
                settings.append(Setting(tuple(sorted(on.intersection(optimizations))), number))
    return SwitchingPlan(first_steps, block_steps, tuple(settings[:blocks]))


def plackett_burman(columns: int) -> list[tuple[bool, ...]]:
    """An orthogonal array of strength two: any two of its columns have each pair of values in a quarter of the rows.

    It has at least so many columns, and one row more than columns. The first row, shifted from row to row, is that of
    the quadratic residues of a prime that is 3 modulo 4 (Paley's construction, 1933); the last row is empty.
    """
    size = next(number for number in count(max(3, columns)) if number % 4 == 3 and _is_prime(number))
    residues = {number * number % size for number in range(size)}
    return [
        *(tuple((place + shift) % size in residues for place in range(size)) for shift in range(size)),
        (False,) * size,
    ]


def _is_prime(number: int) -> bool:
    return all(number % divisor for divisor in range(2, isqrt(number) + 1))


def switches_on(setting: Setting, switches: Sequence[Switch]) -> frozenset[str]:
    """The names of the switches that a setting has on."""
    return frozenset(
        one.name
        for one in switches
        if (one.optimization and one.optimization in setting.optimizations)
        or (one.threads and one.threads == setting.threads)
    )
