"""The session as Markdown: a summary that fits into an issue or a report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from profilednn_tui import units
from profilednn_tui.advise.advisor import advise
from profilednn_tui.export.advice.text import finding_line, first_findings
from profilednn_tui.export.session import facts
from profilednn_tui.export.session.frames import called_from
from profilednn_tui.export.session.rank_rows import COLUMNS, rank_rows
from profilednn_tui.onednn.breakdown import By, breakdown
from profilednn_tui.ranks.account import ranks_of
from profilednn_tui.ranks.words import clock_words, doubt, lives_words, ranks_words
from profilednn_tui.session.notices import notices
from profilednn_tui.session.view import SessionView
from profilednn_tui.session.words import operator_text
from profilednn_tui.tables import escape, markdown_code, markdown_table

TOP_OPERATORS = 20
TOP_MODULES = 15


def markdown_text(view: SessionView) -> str:
    parts = (
        _head, _findings, _processes, _lives, _ranks, _phases, _operators, _primitives, _modules, _optimizations,
        _notices,
    )  # fmt: skip
    return "\n".join(line for part in parts for line in part(view))


def _head(view: SessionView) -> Iterator[str]:
    yield f"# {escape(view.target.name or 'session')}"
    yield ""
    for name, text in facts.figures(view):
        yield f"- {name.capitalize()}: {markdown_code(text) if name == 'target' else text}"
    yield from (f"- {text}" for text in facts.missing(view))
    yield ""


def _findings(view: SessionView) -> Iterator[str]:
    found = first_findings(advise(view))
    if found:
        yield from ("## What holds it back", "")
        yield from (f"- {escape(finding_line(finding))}" for finding in found)
        yield ""


def _processes(view: SessionView) -> Iterator[str]:
    rows = [
        (
            facts.process_name(entry) + (" (shown)" if entry.shown else ""),
            facts.process_end(view, entry),
            units.count(entry.steps),
            units.milliseconds(entry.median_ns),
        )
        for entry in facts.trained_processes(view)
    ]
    if rows:
        yield from section("Processes that trained", ("process", "end", "steps", "median ms"), rows, left=2)


def _lives(view: SessionView) -> Iterator[str]:
    lives = lives_words(view.processes, view.target.working_directory)
    if lives:
        yield from ("## Lives", "", *(f"- {escape(words)}" for words in lives), "")


def _ranks(view: SessionView) -> Iterator[str]:
    ranks = ranks_of(view.ranks)
    if ranks.rows:
        yield from section("Ranks", COLUMNS, list(rank_rows(ranks)), left=1)
        told = filter(None, (ranks_words(ranks), doubt(ranks), clock_words(ranks)))
        yield from (f"- {escape(text)}" for text in told)
        yield ""


def _phases(view: SessionView) -> Iterator[str]:
    if view.phases:
        rows = [
            (
                phase.name,
                units.milliseconds(phase.median_ns),
                units.milliseconds(phase.mean_ns),
                units.share(phase.share),
            )
            for phase in view.phases
        ]
        yield from section("Phases", ("phase", "median ms", "mean ms", "share"), rows, left=1)


def _operators(view: SessionView) -> Iterator[str]:
    shown = view.operators.rows[:TOP_OPERATORS]
    if not shown:
        return
    count = len(view.operators.rows)
    some = f"{len(shown)} of {count}, " if count > len(shown) else ""
    title = f"Operators ({some}{facts.operators_title(view)})"
    columns = ("operator", "input shapes", "called from", "self ms/step", "share", "calls/step", "total ms/step")
    rows = [
        (
            markdown_code(operator_text(row.key.name)),
            markdown_code(row.key.input_shapes),
            markdown_code(called_from(row, view.target.working_directory)),
            units.milliseconds(row.self_ns_per_step),
            units.share(row.share),
            units.count(row.calls_per_step),
            units.milliseconds(row.total_ns_per_step),
        )
        for row in shown
    ]
    yield from section(title, columns, rows, left=3)
    note = facts.operators_note(view)
    if note is not None:
        yield from (note, "")


def _primitives(view: SessionView) -> Iterator[str]:
    windows = len(view.primitives.windows)
    rows = [
        (
            markdown_code(" ".join(group.label).strip()),
            units.milliseconds(group.execution.total_ms * 1e6 / windows),
            units.share(group.share),
            units.count(group.execution.count / windows),
        )
        for group in breakdown(view.primitives.log, By.DIRECTION)
    ]
    if rows:
        yield from section("oneDNN primitives", ("primitive", "ms/step", "share", "calls/step"), rows, left=1)


def _modules(view: SessionView) -> Iterator[str]:
    rows = [
        (
            markdown_code(module.path),
            markdown_code(module.class_name),
            units.milliseconds(module.forward_ns),
            units.milliseconds(module.backward_ns),
        )
        for module in facts.busiest_modules(view, TOP_MODULES)
    ]
    if rows:
        yield from section("Modules", ("module", "class", "forward ms", "backward ms"), rows, left=2)


def _optimizations(view: SessionView) -> Iterator[str]:
    rows = [(markdown_code(one.name), one.state, escape(one.text)) for one in view.optimizations]
    rows += [
        (markdown_code(one.name), f"{one.state} ({facts.process_name(entry)})", escape(one.text))
        for entry, one in facts.other_receipts(view)
    ]
    if rows:
        yield from section("Optimizations", ("optimization", "state", "receipt"), rows, left=3)


def _notices(view: SessionView) -> Iterator[str]:
    lines = [f"- {level}: {escape(text)}" for level, text in notices(view)]
    if lines:
        yield from ("## Notices", "", *lines, "")


def section(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], left: int) -> Iterator[str]:
    """A table whose first `left` columns are text."""
    yield f"## {title}"
    yield ""
    yield from markdown_table(columns, rows, left)
    yield ""
