"""The result of a search as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from profilednn_tui import units
from profilednn_tui.compare.tuning import TuneReport
from profilednn_tui.export.comparison.words import whole_verdict_text
from profilednn_tui.export.session.markdown import section
from profilednn_tui.export.tuning import words
from profilednn_tui.export.tuning.by_hand import by_hand_lines
from profilednn_tui.tables import escape, markdown_code


def markdown_text(report: TuneReport) -> str:
    """The winner first, then the tables."""
    return "".join(f"{line}\n" for line in _lines(report))


def _lines(report: TuneReport) -> Iterator[str]:
    yield from (f"# The fastest setting of {escape(report.name)}", "", f"**{escape(words.result_text(report))}**", "")
    if report.comparison is not None:
        yield f"- proof: {escape(whole_verdict_text(report.comparison.verdict))}"
        yield f"- training: {escape(words.training_text(report))}"
    yield f"- found in {units.duration(report.duration_s * 1e9)}"
    if report.unfinished:
        yield f"- {escape(report.unfinished)}"
    yield from (f"- use it: {markdown_code(line)}" for line in words.use_lines(report))
    if report.winner is not None:
        yield from (f"- by hand: {markdown_code(line)}" for line in by_hand_lines(report.winner, report.words))
    yield ""
    for title, effects in (("Switched between steps", report.factors), ("In processes of their own", report.raced)):
        rows = [words.effect_cells(one) for one in sorted(effects, key=lambda one: one.ratio)]
        if rows:
            cells = [(markdown_code(name), *rest) for name, *rest in rows]
            yield from section(title, ("", "step time", "95 % interval", "steps"), cells, left=1)
    yield from (f"- {escape(words.pair_text(*pair))}" for pair in report.pairs)
    if report.eliminated:
        out = [(markdown_code(one.name), escape(one.reason)) for one in report.eliminated]
        yield from section("Out", ("", "because"), out, left=2)
