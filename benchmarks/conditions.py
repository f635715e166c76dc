"""The machine on which a figure was measured, and how busy it was otherwise."""

from __future__ import annotations

import os
import platform
import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

RESULTS = Path(__file__).with_name("results")


def machine() -> Iterator[str]:
    """The machine in Markdown."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    yield f"- Machine: {cpu}, {len(os.sched_getaffinity(0))} cores, Linux {platform.release()}"


def versions(*names: str) -> str:
    """Versions of Python and of installed packages in Markdown."""
    from importlib.metadata import version

    found = ", ".join(f"{name} {version(name)}" for name in names)
    return f"- Versions: Python {platform.python_version()}, {found}"


class Contention:
    """How much of the machine other processes use from now on; `os.times` includes our own ended children."""

    def __init__(self) -> None:
        self._begin = self._clocks()

    def others(self) -> float:
        """The cores that other processes used on average."""
        wall_s, own_s, busy_s = (now - then for now, then in zip(self._clocks(), self._begin, strict=True))
        return max(0.0, busy_s - own_s) / wall_s

    def line(self) -> str:
        """The result in Markdown."""
        load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
        return f"- Contention: other processes used {self.others():.2f} cores on average; load average {load}."

    @staticmethod
    def _clocks() -> tuple[float, float, float]:
        user, nice, system, _, _, irq, softirq, *_ = (int(n) for n in Path("/proc/stat").read_text().split()[1:9])
        times = os.times()
        own = times.user + times.system + times.children_user + times.children_system
        return time.monotonic(), own, (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def interval_95(units: Sequence[T], middle: Callable[[list[T]], float], draws: int) -> tuple[float, float]:
    """The 95 % bootstrap interval of the middle of some units, which are resampled whole."""
    chance = random.Random(0)
    drawn = sorted(middle(chance.choices(units, k=len(units))) for _ in range(draws))
    return drawn[draws * 25 // 1000], drawn[draws * 975 // 1000]


def write(name: str, lines: list[str]) -> None:
    """Print a part's result and keep it under benchmarks/results."""
    text = "\n".join(lines) + "\n"
    print(text, flush=True)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text)
