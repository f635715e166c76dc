"""The page: summary, findings, steps, flame graphs, timeline and tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files

from profilednn_tui import units
from profilednn_tui.advise.advisor import advise
from profilednn_tui.advise.findings import Finding
from profilednn_tui.export.advice.text import caveat_text, nothing_found, proof_lines
from profilednn_tui.export.advice.words import ceiling_text, evidence_text, experiment_command, remedy_text
from profilednn_tui.export.session import facts
from profilednn_tui.export.session.frames import called_from
from profilednn_tui.export.session.page.flame import flame_section
from profilednn_tui.export.session.page.markup import Markup, element, joined, table
from profilednn_tui.export.session.page.steps import steps_chart
from profilednn_tui.export.session.page.timeline import timeline_section
from profilednn_tui.export.session.rank_rows import COLUMNS, rank_rows
from profilednn_tui.ranks.account import ranks_of
from profilednn_tui.ranks.words import lives_words, ranks_words
from profilednn_tui.session.notices import notices
from profilednn_tui.session.trace import Trace
from profilednn_tui.session.view import SessionView
from profilednn_tui.session.words import operator_text

TOP_OPERATORS, TOP_MODULES = 60, 40
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
"""Nothing is loaded, and nothing is sent, whatever the names in the session say."""


def html_text(view: SessionView, trace: Trace | None = None) -> str:
    """The whole page, with the calls of a window if there are some."""
    name = view.target.name or "session"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{name} - profilednn-tui"),
        element("style", _resource("page.css")),
    )
    above = (_summary, _findings, _ranks, _steps, flame_section)
    below = (_operators, _modules, _optimizations, _notices)
    body = element(
        "body",
        element("h1", name),
        *(part(view) for part in above),
        timeline_section(trace),
        *(part(view) for part in below),
        element("script", _resource("page.js")),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _resource(name: str) -> Markup:
    return Markup(files(__package__).joinpath(name).read_text("utf-8"))


def _summary(view: SessionView) -> Markup:
    rows = (element("dt", name) + element("dd", text) for name, text in facts.figures(view))
    missing = (element("p", text, class_="quiet") for text in facts.missing(view))
    return joined((element("dl", *map(Markup, rows)), *missing))


def _findings(view: SessionView) -> Markup:
    advice = advise(view)
    caveat = caveat_text(view)
    lines: list[Markup] = [element("h2", "What holds it back")]
    if caveat:
        lines.append(element("p", caveat))
    if not advice.findings:
        lines.append(element("p", nothing_found(view)))
    lines += (_finding(finding, view) for finding in advice.findings)
    return joined(lines)


def _finding(finding: Finding, view: SessionView) -> Markup:
    command = experiment_command(finding.remedy, view.target)
    proof = [element("p", "prove it: ", element("code", command))] if command else []
    return element(
        "div",
        element("p", element("strong", finding.sentence), f" ({ceiling_text(finding)})"),
        element("ul", *(element("li", evidence_text(evidence)) for evidence in finding.evidence)),
        element("p", f"try: {remedy_text(finding.remedy)}"),
        *proof,
        *(element("p", line) for line in proof_lines(finding)),
        class_="finding",
    )


def _ranks(view: SessionView) -> Markup:
    ranks = ranks_of(view.ranks)
    lives = [element("p", words) for words in lives_words(view.processes, view.target.working_directory)]
    if not ranks.rows:
        return joined(lives)
    told = element("p", ranks_words(ranks))
    return joined((element("h2", "Ranks"), told, _scrolling(table(COLUMNS, rank_rows(ranks), left=1)), *lives))


def _steps(view: SessionView) -> Markup:
    if not view.phases:
        return Markup("")
    bar = element(
        "div",
        *(
            element(
                "div", phase.name, class_=phase.name, style=f"flex: {phase.share:.4f}", title=_phase_text(phase.share)
            )
            for phase in view.phases
            if phase.share > 0
        ),
        class_="bar",
    )
    rows = (
        (phase.name, units.milliseconds(phase.median_ns), units.milliseconds(phase.mean_ns), units.share(phase.share))
        for phase in view.phases
    )
    phases = table(("phase", "median ms", "mean ms", "share"), rows, left=1)
    return joined((element("h2", "Steps"), steps_chart(view.steps), bar, _scrolling(phases)))


def _phase_text(share: float) -> str:
    return f"{units.share(share)} of the step"


def _operators(view: SessionView) -> Markup:
    shown = view.operators.rows[:TOP_OPERATORS]
    if not shown:
        return Markup("")
    count = len(view.operators.rows)
    some = f"{len(shown)} of {count}, " if count > len(shown) else ""
    columns = ("operator", "input shapes", "called from", "self ms/step", "share", "calls/step", "total ms/step")
    rows = (
        (
            operator_text(row.key.name), row.key.input_shapes, called_from(row, view.target.working_directory),
            units.milliseconds(row.self_ns_per_step), units.share(row.share), units.count(row.calls_per_step),
            units.milliseconds(row.total_ns_per_step),
        )
        for row in shown
    )  # fmt: skip
    note = facts.operators_note(view)
    below = [element("p", note, class_="quiet")] if note is not None else []
    title = element("h2", f"Operators ({some}{facts.operators_title(view)})")
    return joined((title, _scrolling(table(columns, rows, left=3)), *below))


def _modules(view: SessionView) -> Markup:
    rows = [
        (module.path, module.class_name, units.milliseconds(module.forward_ns), units.milliseconds(module.backward_ns))
        for module in facts.busiest_modules(view, TOP_MODULES)
    ]
    return _section("Modules", ("module", "class", "forward ms", "backward ms"), rows, left=2)


def _optimizations(view: SessionView) -> Markup:
    rows = [(one.name, one.state, one.text) for one in view.optimizations]
    rows += [
        (one.name, f"{one.state} ({facts.process_name(entry)})", one.text) for entry, one in facts.other_receipts(view)
    ]
    return _section("Optimizations", ("optimization", "state", "receipt"), rows, left=3)


def _notices(view: SessionView) -> Markup:
    return joined(_notice_lines(view))


def _notice_lines(view: SessionView) -> Iterator[Markup]:
    lines = [element("li", f"{level}: {text}") for level, text in notices(view)]
    if lines:
        yield from (element("h2", "Notices"), element("ul", *lines))


def _section(title: str, columns: tuple[str, ...], rows: Sequence[Sequence[str]], left: int) -> Markup:
    return joined((element("h2", title), _scrolling(table(columns, rows, left)))) if rows else Markup("")


def _scrolling(content: Markup) -> Markup:
    """A table that is wider than a phone's screen scrolls by itself."""
    return element("div", content, class_="scroll")
