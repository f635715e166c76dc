"""The phrases and figures common to all reports."""

from __future__ import annotations

from collections.abc import Sequence

from profilednn_tui import units
from profilednn_tui.compare.ablation import Ablation
from profilednn_tui.compare.alignment import Aligned, Change, Figure, Key, RankPart
from profilednn_tui.compare.certificate import Certificate, Sameness
from profilednn_tui.compare.comparison import Comparison
from profilednn_tui.compare.intervals import MOST_RUNS, Interval
from profilednn_tui.compare.losses import LossAgreement
from profilednn_tui.compare.verdict import Outcome, Verdict

LIMIT = 0.05
"""The default difference for which a verdict says how many runs would detect it."""
SMALL = 1e-4
"""Deviations below are written as powers of ten."""
SENSIBLE = 1.0
"""Detectable differences above 100 % are not worth a figure."""
TOP_OPERATORS = 12
TOP_MODULES = 8
TOP_RANKS = 8

_FIGURE_TEXTS = {"bytes": units.bytes_size, "count": units.count, "percent": units.percent}


def verdict_text(verdict: Verdict, limit: float = LIMIT) -> str:
    """The verdict with its numbers in one sentence."""
    interval = verdict.interval
    if verdict.outcome is Outcome.NOT_COMPARABLE:
        return f"{verdict.outcome.value}: {'; '.join(verdict.reasons)}"
    assert interval is not None
    if verdict.outcome is Outcome.NOT_JUDGED:
        few = "one run" if interval.runs == 1 else f"{interval.runs} groups in lockstep"
        below = interval.smallest_difference
        tell = "cannot tell" if below > SENSIBLE else f"cannot detect differences below {units.share(below)}"
        needed = f"{_more_runs(interval, limit)} would detect {units.share(limit)}"
        return f"{verdict.outcome.value}: {few} per side {tell}; {needed}"
    if verdict.outcome is Outcome.NO_DIFFERENCE:
        return f"{verdict.outcome.value} {interval_text(interval)}"
    return (
        f"{verdict.outcome.value}: step time {units.change(interval.ratio)} {interval_text(interval)}{speed(interval)}"
    )


def precision_text(verdict: Verdict, limit: float = LIMIT) -> str:
    """What these runs could detect, and how many more would detect `limit`; empty if the verdict says so itself."""
    interval = verdict.interval
    if interval is None or verdict.outcome in (Outcome.NOT_JUDGED, Outcome.NOT_COMPARABLE):
        return ""
    smallest = interval.smallest_difference
    detectable = f"{units.share(smallest)} or more would have been detected"
    text = "these runs cannot tell" if smallest > SENSIBLE else detectable
    if interval.more_runs(limit):
        return f"{text}; {_more_runs(interval, limit)} would detect {units.share(limit)}"
    return text


def whole_verdict_text(verdict: Verdict, limit: float = LIMIT) -> str:
    """The verdict and what these runs could tell, where one line holds both."""
    return "; ".join(filter(None, (verdict_text(verdict, limit), precision_text(verdict, limit))))


def undecided_text(verdict: Verdict, limit: float) -> str:
    """Why these runs cannot tell whether there is a regression of `limit`."""
    if verdict.interval is None or verdict.outcome in (Outcome.NOT_JUDGED, Outcome.NOT_COMPARABLE):
        return verdict_text(verdict, limit)
    return f"{precision_text(verdict, limit)}, {units.share(limit)} was asked for"


def _more_runs(interval: Interval, limit: float) -> str:
    more = interval.more_runs(limit)
    if more >= MOST_RUNS:
        return f"more than {units.count(MOST_RUNS)} runs"
    return f"{units.counted(more, 'more run')} per side"


def interval_text(interval: Interval) -> str:
    """The confidence interval as changes of the step time: ``(-3.1 % to +0.4 %)``."""
    return f"({units.change(interval.low)} to {units.change(interval.high)})"


def speed(interval: Interval) -> str:
    """A large speedup as a factor, as is customary; empty for smaller ones."""
    return f", {units.ratio(1 / interval.ratio)} as fast" if interval.ratio < 0.8 else ""


def losses_text(losses: LossAgreement) -> str:
    """The agreement of the losses and the figures behind it."""
    if losses.largest is None:
        return losses.text
    lost = f"; {losses.lost_text}" if losses.lost_text else ""
    if not losses.largest:
        return f"{losses.text}, to the last digit{lost}"
    own = "" if losses.spread is None else f", the baseline's own runs by {_percent(losses.spread)}"
    return f"{losses.text} (by at most {_percent(losses.largest)}, in step {losses.at_step}{own}){lost}"


def certificate_text(certificate: Certificate) -> str:
    """Whether both train the same, in one line with the largest deviation."""
    if certificate.sameness is not Sameness.ROUNDING or certificate.largest is None:
        return certificate.text
    largest = certificate.largest
    where = f" of {largest.where}" if largest.where else ""
    size = f"{largest.relative:.0e}" if largest.relative < SMALL else units.share(largest.relative)
    text = f"{certificate.text} (by at most {size}, in the {largest.quantity}{where} in step {largest.step})"
    hidden = certificate.steps < certificate.recorded
    return f"{text}; later, rounding errors have grown so much that they would hide any difference" if hidden else text


def steps_text(comparison: Comparison) -> str:
    """The two step times and the numbers of runs and steps behind them."""
    verdict = comparison.verdict
    sides = (
        (comparison.baseline, verdict.baseline_ns, comparison.baseline_steps),
        (comparison.candidate, verdict.candidate_ns, comparison.candidate_steps),
    )
    texts = [
        f"{side.name} {units.duration(median_ns)} "
        f"({units.counted(len(side.runs), 'run')}, {units.counted(sum(map(len, series)), 'step')})"
        for side, median_ns, series in sides
    ]
    paired = verdict.interval is not None and verdict.interval.pairs
    pairs = f" in {paired} pairs" if paired else ""
    return f"{texts[0]} -> {texts[1]}{pairs}, {units.counted(comparison.warm_up_steps, 'warm-up step')} left out"


def figure_texts(figure: Figure) -> tuple[str, str]:
    """Both values of a figure in its unit."""
    text = _FIGURE_TEXTS[figure.unit]
    return text(figure.baseline), text(figure.candidate)


def change_text(row: Aligned[Key]) -> str:
    """How a part changed: ``+12.0 %``, in parentheses if the runs do not show that it did, or that only one side has
    it."""
    if row.change in (Change.ADDED, Change.GONE, Change.NOT_JUDGED) or not row.baseline_ns:
        return row.change.value
    text = units.change((row.candidate_ns or 0.0) / row.baseline_ns)
    return f"({text})" if row.change in (Change.FEW_RUNS, Change.UNCHANGED) else text


def notable(rows: Sequence[Aligned[Key]], limit: int) -> tuple[Aligned[Key], ...]:
    """The parts that changed most."""
    return tuple(row for row in rows if row.change is not Change.UNCHANGED)[:limit]


def of_ranks(comparison: Comparison) -> tuple[Aligned[RankPart], ...]:
    """The parts of the steps of the ranks that changed most."""
    changed: dict[int, float] = {}
    for row in comparison.ranks:
        changed[row.key.rank] = changed.get(row.key.rank, 0.0) + abs(row.difference_ns)
    chosen = sorted(changed, key=lambda rank: (-changed[rank], rank))[:TOP_RANKS]
    return tuple(row for row in comparison.ranks if row.key.rank in chosen)


def _percent(fraction: float) -> str:
    return units.share(fraction) if fraction else "0"


def factor_text(interval: Interval | None) -> str:
    """A factor of the step time with its interval: ``0.62 (0.60 to 0.65)``."""
    if interval is None:
        return units.UNKNOWN
    return f"{units.fixed(interval.ratio, 3)} ({units.fixed(interval.low, 3)} to {units.fixed(interval.high, 3)})"


def product_sentences(ablation: Ablation) -> tuple[str, ...]:
    """How well the individual contributions explain the total."""
    total = ablation.total
    if total is None:
        return ()
    products = (("alone", ablation.product_alone), ("left out", ablation.product_left_out))
    known = [(name, product) for name, product in products if product is not None]
    return tuple(
        f"'{name}' multiplies to {units.fixed(product, 3)}, {units.change(product / total.ratio)} off the total"
        for name, product in known
    )
