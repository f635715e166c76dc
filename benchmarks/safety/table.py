"""Cells of the safety table and their Markdown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

MIN_ON = 3
"""Number of programs in which each optimization has to be actually on."""


@dataclass(frozen=True)
class Cell:
    """One program with one optimization."""

    program: str
    optimization: str
    verdict: str
    """One of the verdicts in the package's docstring."""
    reason: str
    """The receipt, or what was harmed."""
    false: bool
    """Whether it refuses for a reason that is not true of this program."""
    traces: list[str]
    misread: list[str]
    """Where what the tool shows differs from the program's own log."""
    losses_apart: float
    """The largest relative difference of losses."""
    seconds: float
    assumed: bool = False
    """Whether bfloat16 was computed without instructions for it."""

    @property
    def failed(self) -> bool:
        return self.verdict in ("HARMED", "CRASHED")

    def __str__(self) -> str:
        return f"{self.program} with {self.optimization}: {self.verdict}{', ' if self.reason else ''}{self.reason}"


def lines(cells: list[Cell], unavailable: dict[str, str]) -> Iterator[str]:
    """The table, and every refusal with its reason."""
    names = list(dict.fromkeys(cell.optimization for cell in cells))
    by_program: dict[str, dict[str, Cell]] = defaultdict(dict)
    for cell in cells:
        by_program[cell.program][cell.optimization] = cell
    yield from summary(cells)
    yield from (f"- Not available here: {name}, because {reason}." for name, reason in sorted(unavailable.items()))
    yield ""
    yield f"| program | {' | '.join(names)} |"
    yield "|---|" + "---|" * len(names)
    for program, row in sorted(by_program.items()):
        yield f"| {program} | {' | '.join(_word(row.get(name)) for name in names)} |"
    yield from _listed("Harmed or crashed", [cell for cell in cells if cell.failed])
    yield from _listed("Refused for a reason that is not true of the program", [cell for cell in cells if cell.false])
    yield from ("", "Refusals:", "")
    for name in names:
        reasons: dict[str, list[str]] = defaultdict(list)
        for cell in cells:
            if cell.optimization == name and cell.verdict in ("no effect", "declined"):
                reasons[f"{cell.verdict} {cell.reason}"].append(cell.program)
        yield from (f"- {name}, {reason} ({', '.join(programs)})" for reason, programs in reasons.items())
    yield from _listed(
        "Steps, losses or operators that differ from the program's own log",
        [cell for cell in cells if cell.misread],
        lambda cell: f"{cell.program} with {cell.optimization}: {'; '.join(cell.misread[:3])}",
    )
    yield from _listed(
        "Left in memory, though in no checkpoint",
        [cell for cell in cells if cell.traces],
        lambda cell: f"{cell.program} with {cell.optimization}: {'; '.join(cell.traces[:3])}",
    )


def summary(cells: list[Cell]) -> Iterator[str]:
    """The figures by which the table is judged."""
    count = {word: sum(cell.verdict == word for cell in cells) for word in ("HARMED", "CRASHED")}
    false = sum(cell.false for cell in cells)
    yield (
        f"- {len(cells)} cells: **{count['HARMED']} harmed, {count['CRASHED']} crashed**, "
        f"{false} refused for a reason that is not true of the program."
    )
    on: dict[str, int] = defaultdict(int)
    for cell in cells:
        on[cell.optimization] += cell.verdict == "on"
    yield f"- Actually on, in number of programs: {', '.join(f'{name} {number}' for name, number in on.items())}."
    if few := [name for name, number in on.items() if number < MIN_ON]:
        yield f"- **In fewer than {MIN_ON}**: {', '.join(few)}."
    if any(cell.assumed for cell in cells):
        yield "- Cells with * were computed without bfloat16 instructions, which gives the same numbers more slowly."


def _word(cell: Cell | None) -> str:
    if cell is None:
        return ""
    word = {"no effect": "–"}.get(cell.verdict, cell.verdict)
    return (
        ("**{}**" if cell.failed else "{}").format(word) + ("!" if cell.false else "") + ("*" if cell.assumed else "")
    )


def _listed(title: str, cells: list[Cell], text: object = str) -> Iterator[str]:
    if cells and callable(text):
        yield from ("", f"{title}:", "", *(f"- {text(cell)}" for cell in cells))
