"""The session for people: a summary that fits into an issue or a report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from profilednn_tui import units
from profilednn_tui.export import facts
from profilednn_tui.export.frames import called_from
from profilednn_tui.session.records import SessionView

TOP_OPERATORS = 20
TOP_MODULES = 15


def markdown_text(view: SessionView) -> str:
    sections = (_head(view), _phases(view), _operators(view), _modules(view), _optimizations(view), _notices(view))
    return "\n".join(line for section in sections for line in section)


def _head(view: SessionView) -> Iterator[str]:
    yield f"# {_escape(view.target.name or 'session')}"
    yield ""
    figures = (
        ("Target", f"{_code(facts.target_fact(view))}"),
        ("End", facts.end_fact(view)),
        ("Machine", facts.machine_fact(view)),
        ("Steps", facts.steps_fact(view)),
        ("Loss", facts.loss_fact(view)),
        ("Cores", facts.cores_fact(view)),
        ("Memory", facts.memory_fact(view)),
        ("Overhead", facts.overhead_fact(view)),
    )
    yield from (f"- {name}: {text}" for name, text in figures if text is not None)
    yield from (f"- {text}" for text in facts.missing(view))
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
        yield from _section("Phases", ("phase", "median ms", "mean ms", "share"), rows, left=1)


def _operators(view: SessionView) -> Iterator[str]:
    shown = view.operators.rows[:TOP_OPERATORS]
    if not shown:
        return
    count = len(view.operators.rows)
    title = f"Operators ({len(shown)} of {count})" if count > len(shown) else "Operators"
    columns = ("operator", "input shapes", "called from", "self ms/step", "share", "calls/step", "total ms/step")
    rows = [
        (
            _code(row.key.name),
            _code(row.key.input_shapes),
            _code(called_from(row, view.target.working_directory)),
            units.milliseconds(row.self_ns_per_step),
            units.share(row.share),
            units.count(row.calls_per_step),
            units.milliseconds(row.total_ns_per_step),
        )
        for row in shown
    ]
    yield from _section(title, columns, rows, left=3)


def _modules(view: SessionView) -> Iterator[str]:
    rows = [
        (
            _code(module.path),
            _code(module.class_name),
            units.milliseconds(module.forward_ns),
            units.milliseconds(module.backward_ns),
        )
        for module in facts.busiest_modules(view, TOP_MODULES)
    ]
    if rows:
        yield from _section("Modules", ("module", "class", "forward ms", "backward ms"), rows, left=2)


def _optimizations(view: SessionView) -> Iterator[str]:
    rows = [(_code(one.name), one.state, _escape(one.text)) for one in view.optimizations]
    if rows:
        yield from _section("Optimizations", ("optimization", "state", "receipt"), rows, left=3)


def _notices(view: SessionView) -> Iterator[str]:
    lines = [f"- {_escape(text)}" for text in facts.notices(view)]
    if lines:
        yield from ("## Notices", "", *lines, "")


def _section(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], left: int) -> Iterator[str]:
    """A table whose first `left` columns are text."""
    yield f"## {title}"
    yield ""
    yield _row(columns)
    yield _row([":--" if index < left else "--:" for index in range(len(columns))])
    yield from (_row(row) for row in rows)
    yield ""


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _code(text: str) -> str:
    return f"`{text.replace('|', chr(92) + '|').replace('`', chr(39))}`" if text else ""


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
