"""Comparisons as Markdown, for an issue, a pull request or a report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from profilednn_tui import units
from profilednn_tui.compare.ablation import Ablation
from profilednn_tui.compare.alignment import Aligned, Key
from profilednn_tui.compare.comparison import Comparison
from profilednn_tui.export.comparison import words
from profilednn_tui.export.comparison.report import Report
from profilednn_tui.export.session.markdown import section
from profilednn_tui.session.words import operator_text
from profilednn_tui.tables import escape, markdown_code


def markdown_text(report: Report) -> str:
    """The verdicts first, then the details of each comparison."""
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    yield from (f"# {escape(report.name)}", "")
    rows = [_verdict_cells(comparison, report.limit) for comparison in report.comparisons]
    yield from section("Verdicts", ("variant", "verdict", "losses", "step", "baseline's step"), rows, left=3)
    if report.ablation is not None:
        yield from _ablation(report.ablation)
    for comparison in report.comparisons:
        yield from _details(comparison)
    if report.notes:
        yield from ("## Notes", "", *(f"- {escape(note)}" for note in report.notes), "")


def _verdict_cells(comparison: Comparison, limit: float) -> tuple[str, ...]:
    verdict = comparison.verdict
    return (
        markdown_code(comparison.candidate.name),
        escape(words.whole_verdict_text(verdict, limit)),
        escape(words.losses_text(comparison.losses)),
        units.duration(verdict.candidate_ns),
        units.duration(verdict.baseline_ns),
    )


def _details(comparison: Comparison) -> Iterator[str]:
    title = f"{comparison.candidate.name} against {comparison.baseline.name}"
    figures = [(figure.name, *words.figure_texts(figure)) for figure in comparison.figures]
    columns = ("", escape(comparison.baseline.name), escape(comparison.candidate.name))
    yield from section(escape(title), columns, figures, left=1)
    yield from _parts("Phases", ("phase",), comparison.phases, [(row.key,) for row in comparison.phases])
    ranks = words.of_ranks(comparison)
    names_of_ranks = [(str(row.key.rank), row.key.part) for row in ranks]
    yield from _parts("Ranks", ("rank", "part of the step"), ranks, names_of_ranks)
    operators = words.notable(comparison.operators, words.TOP_OPERATORS)
    names = [(markdown_code(operator_text(row.key.name)), markdown_code(row.key.input_shapes)) for row in operators]
    yield from _parts("Operators that changed most", ("operator", "input shapes"), operators, names)
    modules = words.notable(comparison.modules, words.TOP_MODULES)
    paths = [(markdown_code(row.key.path), markdown_code(row.key.class_name)) for row in modules]
    yield from _parts("Modules that changed most", ("module", "class"), modules, paths)
    certified = comparison.certificate
    notes = [] if certified is None else [f"- training: {escape(words.certificate_text(certified))}"]
    notes += [f"- {escape(note)}" for note in comparison.notes]
    if notes:
        yield from (*notes, "")


def _parts(
    title: str, columns: tuple[str, ...], rows: Sequence[Aligned[Key]], names: Sequence[tuple[str, ...]]
) -> Iterator[str]:
    cells = [
        (*name, units.milliseconds(row.baseline_ns), units.milliseconds(row.candidate_ns), words.change_text(row))
        for row, name in zip(rows, names, strict=True)
    ]
    if cells:
        yield from section(title, (*columns, "baseline ms", "candidate ms", "change"), cells, left=len(columns))


def _ablation(ablation: Ablation) -> Iterator[str]:
    rows = [
        (markdown_code(row.optimization), words.factor_text(row.left_out), words.factor_text(row.alone))
        for row in ablation.rows
    ]
    rows.append(("all together", words.factor_text(ablation.total), ""))
    columns = ("optimization", "all against all without it", "alone against none")
    yield from section("Contributions, as factors of the step time", columns, rows, left=1)
    yield from (*(f"- {sentence}" for sentence in words.product_sentences(ablation)), "")
