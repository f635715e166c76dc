"""How many iterations a running loop has: read, never computed by the program's code."""

from __future__ import annotations

import sys
from types import FrameType, SimpleNamespace
from typing import Any

import pytest

from profilednn_tui.agent.steps.counting import Count, count_of
from profilednn_tui.agent.steps.loops import Line, Source


class tqdm:  # noqa: N801
    """Named like the progress bar."""

    def __init__(self, iterable: Any) -> None:
        self.iterable = iterable


class Lazy:
    @property
    def epochs(self) -> int:
        raise AssertionError


def running(epoch: Any) -> FrameType:
    """A frame with variables as a program has them."""
    args = SimpleNamespace(epochs=20, model=SimpleNamespace(layers=[1, 2, 3]))  # noqa: F841
    config = {"epochs": 8, "stages": ("a", "b")}  # noqa: F841
    epochs, begin, names = 10, 3, ["one", "two", "two"]  # noqa: F841
    bar, lazy = tqdm(range(6)), Lazy()  # noqa: F841
    return sys._getframe()


def count(header: str, epoch: Any = 5) -> Count | None:
    (loop,) = Source(f"{header}:\n    step()\n".encode()).around(Line("running", 1, 2, -1))
    return count_of(running(epoch), loop)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("for epoch in range(20)", Count(20, 5)),
        ("for epoch in range(args.epochs)", Count(20, 5)),
        ("for epoch in range(1, epochs + 1)", Count(10, 4)),
        ("for epoch in range(begin, epochs)", Count(7, 2)),
        ("for epoch in range(0, 20, 5)", Count(4, 1)),
        ("for epoch in range(20, 0, -1)", Count(20, 15)),
        ("for epoch in range(int(args.epochs) // 2)", Count(10, 5)),
        ("for epoch in range(config['epochs'])", Count(8, 5)),
        ("for epoch in range(len(args.model.layers) * 2)", Count(6, 5)),
        ("for epoch in trange(9)", Count(9, 5)),
        ("for epoch in tqdm(range(9))", Count(9, 5)),
        ("for epoch in bar", Count(6, 5)),
        ("for epoch, _ in enumerate(range(7))", Count(7, 5)),
        ("for epoch in range(3)", Count(3, -1)),
        ("for _ in range(3)", Count(3, -1)),
    ],
)
def test_a_range_whose_bounds_are_stored_is_known(header: str, expected: Count) -> None:
    assert count(header) == expected


def test_lists_tell_by_their_current_item() -> None:
    assert count("for epoch in ['train', 'val']", "val") == Count(2, 1)
    assert count("for epoch in names", "one") == Count(3, 0)
    assert count("for epoch in names", "two") == Count(3, -1), "there are two of them"
    assert count("for epoch in config['stages']", "b") == Count(2, 1)
    assert count("for epoch in [begin, epochs]", 10) == Count(2, 1)


@pytest.mark.parametrize(
    "header",
    [
        "for epoch in range(lazy.epochs)",
        "for epoch in range(nowhere)",
        "for epoch in range(compute())",
        "for epoch in range(args.rate)",
        "for epoch in range(True)",
        "for epoch in range(10 ** 18)",
        "for epoch in range(1000000000000000)",
        "for epoch in range(*bounds)",
        "for epoch in zip(names, names)",
        "for epoch in itertools.count()",
        "for epoch in {1, 2}",
        "while epoch < 20",
    ],
)
def test_everything_else_is_unknown(header: str) -> None:
    assert count(header) is None
