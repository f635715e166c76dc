"""Comparisons as plain text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from profilednn_tui import units
from profilednn_tui.compare.ablation import Ablation
from profilednn_tui.compare.alignment import Aligned, Key
from profilednn_tui.compare.comparison import Comparison
from profilednn_tui.export.comparison import words
from profilednn_tui.export.comparison.report import Report
from profilednn_tui.session.words import operator_text

LABEL_WIDTH = 10
NAME_WIDTH = 44


def report_text(report: Report) -> str:
    """All comparisons, one below the other."""
    blocks = [list(_comparison(comparison, report.limit)) for comparison in report.comparisons]
    remarks = remark_lines(report)
    if remarks:
        blocks.append(remarks)
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def remark_lines(report: Report) -> list[str]:
    """The parts common to all comparisons: the contributions of an ablation, and the notes."""
    contributions = [] if report.ablation is None else list(_ablation(report.ablation))
    return contributions + [_labelled("note", note) for note in report.notes]


def _comparison(comparison: Comparison, limit: float) -> Iterator[str]:
    yield f"{comparison.candidate.name} against {comparison.baseline.name}"
    yield _labelled("verdict", words.verdict_text(comparison.verdict, limit))
    precision = words.precision_text(comparison.verdict, limit)
    if precision:
        yield _labelled("precision", precision)
    yield _labelled("steps", words.steps_text(comparison))
    yield _labelled("losses", words.losses_text(comparison.losses))
    if comparison.certificate is not None:
        yield _labelled("training", words.certificate_text(comparison.certificate))
    for figure in comparison.figures:
        before, after = words.figure_texts(figure)
        if (before, after) != (units.UNKNOWN, units.UNKNOWN):
            yield _labelled("", f"{figure.name} {before} -> {after}")
    yield from _parts("phases", comparison.phases, [row.key for row in comparison.phases])
    ranks = words.of_ranks(comparison)
    yield from _parts("ranks", ranks, [f"rank {row.key.rank}, {row.key.part}" for row in ranks])
    operators = words.notable(comparison.operators, words.TOP_OPERATORS)
    yield from _parts(
        "operators", operators, [f"{operator_text(row.key.name)} {row.key.input_shapes}" for row in operators]
    )
    modules = words.notable(comparison.modules, words.TOP_MODULES)
    yield from _parts("modules", modules, [f"{row.key.path} ({row.key.class_name})" for row in modules])
    for note in comparison.notes:
        yield _labelled("note", note)


def _parts(label: str, rows: Sequence[Aligned[Key]], names: Sequence[str]) -> Iterator[str]:
    for row, name in zip(rows, names, strict=True):
        short = name if len(name) <= NAME_WIDTH else name[: NAME_WIDTH - 1] + "…"
        before, after = units.milliseconds(row.baseline_ns), units.milliseconds(row.candidate_ns)
        yield _labelled(label, f"{short:{NAME_WIDTH}} {before:>8} -> {after:>8} ms  {words.change_text(row)}")
        label = ""


def _ablation(ablation: Ablation) -> Iterator[str]:
    yield "Contributions, as factors of the step time (below 1 is faster)"
    yield f"{'':{LABEL_WIDTH}} {'optimization':24} {'left out':26} {'alone':26}"
    for row in ablation.rows:
        cells = [words.factor_text(factor) for factor in (row.left_out, row.alone)]
        yield f"{'':{LABEL_WIDTH}} {row.optimization:24} {cells[0]:26} {cells[1]:26}"
    yield _labelled("total", words.factor_text(ablation.total))
    yield from (_labelled("product", sentence) for sentence in words.product_sentences(ablation))


def _labelled(label: str, text: str) -> str:
    return f"{label:{LABEL_WIDTH}} {text}"
