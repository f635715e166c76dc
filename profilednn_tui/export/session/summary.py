"""Summaries as plain text: at the end of a headless run, and after the screen was left."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from profilednn_tui import units
from profilednn_tui.advise.advisor import advise
from profilednn_tui.export.advice.text import finding_line, first_findings
from profilednn_tui.export.session import facts
from profilednn_tui.export.session.rank_rows import COLUMNS, rank_rows
from profilednn_tui.plain import plain
from profilednn_tui.ranks.account import ranks_of
from profilednn_tui.ranks.words import clock_words, doubt, lives_words, ranks_words
from profilednn_tui.session.notices import notices
from profilednn_tui.session.view import Operator, Optimization, SessionView
from profilednn_tui.session.words import operator_text

TOP_OPERATORS = 10
CLOSING_OPERATORS = 3
TOP_MODULES = 5
MAX_PROCESSES = 16
LABEL_WIDTH = 11
PHASE_WIDTH = 11
NAME_WIDTH = 36
SHAPES_WIDTH = 36

_ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


def summary_lines(view: SessionView) -> tuple[str, ...]:
    """Plain text, aligned, some 25 lines of at most 100 columns where names allow it."""
    return tuple(
        line.rstrip()
        for part in (_head, _findings, _processes, _lives, _ranks, _phases, _operators, _modules, _tail)
        for line in part(view)
    )


def closing_lines(view: SessionView, word: str, output: bytes, width: int) -> tuple[str, ...]:
    """What stays on the terminal after the screen: six lines of at most `width` columns, and the last one of a crash.

    `word` names the session in a command; `output` is the end of the target's output.
    """
    rows = view.operators.rows[:CLOSING_OPERATORS]
    lines = _labelled(
        (
            ("session", f"{view.target.name}, {facts.end_fact(view)}"),
            *((("error", line) for line in _last_line(output)) if view.target.exit_code else ()),
            ("steps", facts.steps_fact(view)),
            *(("" if number else "operators", _closing_operator(row)) for number, row in enumerate(rows)),
        )
    )
    # The command is never cut: it is there to be copied.
    command = f"{'open':<{LABEL_WIDTH}}profilednn-tui {'attach' if view.live else 'open'} {word}"
    return (*(_cut(line, width) for line in lines), command)


def _last_line(output: bytes) -> Iterator[str]:
    """What the target wrote last, without colours; nothing if that is blank."""
    text = _ESCAPE.sub("", output.decode("utf-8", "replace")).strip()
    if text:
        yield plain(text.splitlines()[-1].strip())


def _closing_operator(row: Operator) -> str:
    name = _cut(operator_text(row.key.name), NAME_WIDTH)
    return f"{name:{NAME_WIDTH}} {units.share(row.share):>8} {_self_ms(row):>12} ms/step"


def _self_ms(row: Operator) -> str:
    return units.milliseconds(row.self_ns_per_step)


def _head(view: SessionView) -> Iterator[str]:
    yield from _labelled(
        (
            ("target", facts.target_fact(view)),
            ("", facts.end_fact(view)),
            ("process", facts.process_fact(view)),
            ("machine", facts.machine_fact(view)),
            ("steps", facts.steps_fact(view)),
            ("loss", facts.loss_fact(view)),
        )
    )
    yield from _labelled(("missing", text) for text in facts.missing(view))


def _findings(view: SessionView) -> Iterator[str]:
    found = first_findings(advise(view))
    if found:
        yield ""
        yield from _labelled(("finding", finding_line(finding)) for finding in found)


def _processes(view: SessionView) -> Iterator[str]:
    trained = facts.trained_processes(view)
    if not trained:
        return
    yield ""
    yield f"{'process that trained':{NAME_WIDTH}} {'steps':>12} {'median':>12}"
    for entry in trained[:MAX_PROCESSES]:
        figures = f"{units.count(entry.steps):>12} {units.duration(entry.median_ns):>12}"
        shown = ", shown here" if entry.shown else ""
        yield f"{facts.process_name(entry):{NAME_WIDTH}} {figures}  {facts.process_end(view, entry)}{shown}"
    if len(trained) > MAX_PROCESSES:
        yield f"and {len(trained) - MAX_PROCESSES} more"


def _lives(view: SessionView) -> Iterator[str]:
    lives = lives_words(view.processes, view.target.working_directory)
    if lives:
        yield ""
        yield from _labelled(("lives" if not number else "", words) for number, words in enumerate(lives))


def _ranks(view: SessionView) -> Iterator[str]:
    ranks = ranks_of(view.ranks)
    if not ranks.rows:
        return
    yield ""
    for first, *others in (COLUMNS, *rank_rows(ranks)):
        yield f"{first:<14}" + "".join(f"{cell:>12}" for cell in others)
    yield from filter(None, (ranks_words(ranks), doubt(ranks), clock_words(ranks)))


def _phases(view: SessionView) -> Iterator[str]:
    if not view.phases:
        return
    yield ""
    widths = [max(PHASE_WIDTH, len(phase.name) + 2) for phase in view.phases]
    for label, cells in (
        ("phase", [phase.name for phase in view.phases]),
        ("median ms", [units.milliseconds(phase.median_ns) for phase in view.phases]),
        ("share", [units.share(phase.share) for phase in view.phases]),
    ):
        yield f"{label:<{LABEL_WIDTH}}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))


def _operators(view: SessionView) -> Iterator[str]:
    rows = view.operators.rows[:TOP_OPERATORS]
    if not rows:
        return
    yield ""
    yield _row(f"operator ({facts.operators_title(view)})", "self ms/step", "share", "calls", "input shapes")
    yield from (_operator(row) for row in rows)
    note = facts.operators_note(view)
    if note is not None:
        yield note


def _operator(row: Operator) -> str:
    figures = _self_ms(row), units.share(row.share), units.count(row.calls_per_step)
    return _row(operator_text(row.key.name), *figures, _cut(row.key.input_shapes, SHAPES_WIDTH))


def _row(name: str, self_ms: str, share: str, calls: str, shapes: str) -> str:
    return f"{_cut(name, NAME_WIDTH):{NAME_WIDTH}} {self_ms:>12} {share:>8} {calls:>7}  {shapes}"


def _modules(view: SessionView) -> Iterator[str]:
    modules = facts.busiest_modules(view, TOP_MODULES)
    if modules:
        yield ""
        yield f"{'module':{NAME_WIDTH}} {'forward ms':>12} {'backward ms':>12}  class"
    for module in modules:
        forward, backward = units.milliseconds(module.forward_ns), units.milliseconds(module.backward_ns)
        yield f"{_cut(module.path, NAME_WIDTH):{NAME_WIDTH}} {forward:>12} {backward:>12}  {module.class_name}"


def _tail(view: SessionView) -> Iterator[str]:
    yield ""
    yield from _labelled(_last_facts(view))


def _last_facts(view: SessionView) -> Iterator[tuple[str, str | None]]:
    yield "cores", facts.cores_fact(view)
    yield "memory", facts.memory_fact(view)
    yield "overhead", facts.overhead_fact(view)
    for one in view.optimizations:
        yield "with", _receipt(one)
    for entry, one in facts.other_receipts(view):
        yield "", f"{facts.process_name(entry)}: {_receipt(one)}"
    yield from notices(view)


def _receipt(one: Optimization) -> str:
    return f"{one.name}: {one.state}" + (f", {one.text}" if one.text else "")


def _labelled(entries: Iterable[tuple[str, str | None]]) -> Iterator[str]:
    return (f"{label:<{LABEL_WIDTH}}{text}" for label, text in entries if text is not None)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
