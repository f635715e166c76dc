"""Plans as text, JSON and Markdown: schema ``profilednn.plan/1``."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from statistics import median
from types import MappingProxyType
from typing import Any

from profilednn_tui import units
from profilednn_tui.export.estimates import estimate_document
from profilednn_tui.plan.convergence import Convergence
from profilednn_tui.plan.fit import Predictor
from profilednn_tui.plan.planner import Choice, Plan
from profilednn_tui.plan.reach import Kind
from profilednn_tui.ranks.efficiency import CONFIDENCE, Estimate
from profilednn_tui.tables import aligned, escape, markdown_table

SCHEMA = "profilednn.plan/1"
MOST_NAMED = 4
"""Settings in a sentence."""


def plan_text(plan: Plan) -> str:
    """A table, which setting is best, and what that rests on."""
    rows = [_columns(plan), *(_row(plan, one) for one in plan.choices)]
    last = len(rows[0]) - 1
    lines = [f"{plan.name}: {_counts(plan)}", "", *aligned(rows, range(last)), "", *_words(plan)]
    return "\n".join(lines) + "\n"


def plan_markdown(plan: Plan) -> str:
    """The same in Markdown."""
    columns = _columns(plan)
    # What is known comes first: the columns of text are on the left.
    rows = ((row[-1], *row[:-1]) for row in (_row(plan, one) for one in plan.choices))
    table = markdown_table((columns[-1], *columns[:-1]), rows, left=1)
    words = (f"- {escape(word)}" for word in _words(plan))
    return "\n".join([f"## {escape(plan.name)}: {_counts(plan)}", "", *table, "", *words]) + "\n"


def plan_json(plan: Plan) -> str:
    """The same as JSON."""
    weights, convergence = plan.model.weights, plan.training.convergence
    document = {
        "schema": SCHEMA,
        "name": plan.name,
        "machine": {"cores": plan.place.cores, "memory_bytes": plan.place.memory_bytes},
        "samples": plan.training.samples,
        "epochs": plan.training.epochs,
        "convergence": {
            "assumed": True,
            "source": convergence.source,
            "reference_batch": convergence.reference_batch,
        },
        "best": _name(plan.best),
        "ties": [_name(one) for one in plan.ties],
        "maybe_faster": _name(plan.hope),
        "best_batches": [_name(one) for one in plan.best_batches],
        "settings": [_document(plan, one) for one in plan.choices],
        "model": {
            "points": len(plan.model.points),
            "confidence": plan.model.step.confidence,
            "step_ms": {name: one_ns / 1e6 for name, one_ns in asdict(weights).items()} if weights else None,
            "step_left_out": _left_out(plan.model.step),
            "memory_left_out": _left_out(plan.model.memory),
        },
        "notes": list(plan.notes),
    }
    return json.dumps(document, indent=1) + "\n"


FORMATS: Mapping[str, Callable[[Plan], str]] = MappingProxyType(
    {"text": plan_text, "json": plan_json, "markdown": plan_markdown}
)


def _counts(plan: Plan) -> str:
    found = [(kind, sum(one.kind is kind for one in plan.choices)) for kind in Kind]
    settings = "1 setting" if len(plan.choices) == 1 else f"{len(plan.choices)} settings"
    return f"{settings}, {', '.join(f'{count} {kind.value}' for kind, count in found if count)}"


def _columns(plan: Plan) -> tuple[str, ...]:
    training = plan.training
    timed = [*(["epoch"] if training.samples is not None else []), *(["epochs"] if training.epochs is not None else [])]
    whole = "time to train" if training.samples is not None and training.epochs is not None else "against best"
    return (
        "ranks", "threads", "batch", "global", "step ms", "samples/s", "interval", "memory/rank", *timed, whole,
        "known",
    )  # fmt: skip


def _row(plan: Plan, choice: Choice) -> tuple[str, ...]:
    setting, training = choice.setting, plan.training
    four = (setting.ranks, setting.threads, setting.batch, setting.global_batch)
    step, throughput, peak = choice.outlook.step_ns, choice.throughput, choice.outlook.peak_bytes
    epoch, train = plan.epoch_ns(choice), plan.train_ns(choice)
    timed = [units.duration(epoch.value if epoch else None)] if training.samples is not None else []
    timed += [units.count(plan.epochs(choice))] if training.epochs is not None else []
    whole = units.ratio(plan.relative(choice))
    if training.samples is not None and training.epochs is not None:
        whole = units.duration(train.value if train else None)
    return (
        *map(units.count, four),
        units.milliseconds(step.value if step else None),
        units.rate(throughput.value if throughput else None).removesuffix("/s"),
        _interval(throughput),
        units.bytes_size(peak.value if peak else None),
        *timed,
        whole,
        f"{choice.kind.value}{', too large for the memory' if choice.fits is False else ''}",
    )


def _interval(one: Estimate | None) -> str:
    if one is None or one.low is None or one.high is None:
        return units.UNKNOWN
    return f"{units.rate(one.low).removesuffix('/s')} to {units.rate(one.high).removesuffix('/s')}"


def _words(plan: Plan) -> Iterator[str]:
    yield _best_words(plan)
    if len(plan.best_batches) > 1:
        batches = (f"{one.setting.ranks} x {one.setting.threads}: {one.setting.batch}" for one in plan.best_batches)
        yield f"Best local batch by ranks x threads: {', '.join(batches)}."
    if plan.hope is not None:
        yield f"{_name(plan.hope)} may be faster still, but that is only assumed: measure it."
    yield _convergence_words(plan)
    yield from _model_words(plan)
    yield from _doubts(plan)
    yield from (f"Left out: {note}." for note in plan.notes)


def _best_words(plan: Plan) -> str:
    if plan.best is None:
        return "Best: none can be named, as nothing is known about any of these settings."
    best = (
        f"Best: {_name(plan.best)} ({plan.best.kind.value}, global batch {units.count(plan.best.setting.global_batch)}"
    )
    train = plan.train_ns(plan.best)
    best += f", {units.duration(train.value)})" if train is not None else ")"
    return f"{best}; not told apart from {_some(plan.ties)}." if plan.ties else f"{best}."


def _convergence_words(plan: Plan) -> str:
    convergence: Convergence = plan.training.convergence
    if convergence.reference_batch is None:
        return f"Convergence, assumed: {convergence.source}. --convergence or --noise-scale say what larger ones need."
    beyond = "" if all(one.ratio is not None for one in plan.choices) else "; beyond its end nothing is said"
    return (
        f"Convergence, assumed: {convergence.source}, with a global batch of "
        f"{units.count(convergence.reference_batch)} as its reference{beyond}."
    )


def _model_words(plan: Plan) -> Iterator[str]:
    """``A step is 3.10 ms + 0.42 ms per sample, each further rank adds 2.00 ms + 0.05 ms per sample.``"""
    found = plan.model.weights
    if found is None:
        return
    settings = [point.setting for point in plan.model.points]
    parts = [f"{_ms(found.overhead + found.shared_overhead)} + {_ms(found.sample + found.shared_sample)} per sample"]
    if len({one.threads for one in settings}) > 1:
        parts.append(f"of which threads share {_ms(found.shared_overhead)} + {_ms(found.shared_sample)} per sample")
        parts.append(f"each further thread adds {_ms(found.further_thread)}")
    if len({one.ranks for one in settings}) > 1:
        parts.append(f"each further rank adds {_ms(found.further_rank)} + {_ms(found.further_rank_sample)} per sample")
    yield f"Fitted to {len(settings)} points: a step is {', '.join(parts)}."


def _ms(duration_ns: float) -> str:
    return f"{units.milliseconds(duration_ns)} ms"


def _doubts(plan: Plan) -> Iterator[str]:
    """How far the figures can be trusted."""
    step, memory = plan.model.step, plan.model.memory
    if step.confidence is None:
        yield "Too few points to say how far off a prediction may be: predicted settings have no interval."
    else:
        count = len(step.left_out)
        held = f"{units.share(step.confidence)} of the time" if count >= 9 else f"{count} times in {count + 1}"
        yield (
            f"Predicted intervals come from leaving out each point in turn and hold about {held}; "
            f"measured ones are of {units.share(CONFIDENCE)}, from the spread of the runs."
        )
        missed = _left_out(step)
        assert missed is not None
        text = f"Points left out were missed by {units.percent(missed['median_percent'])} in the median"
        text += f" and {units.percent(missed['worst_percent'])} at worst"
        missed = _left_out(memory)
        yield f"{text}, their memory by {units.percent(missed['worst_percent'])} at worst." if missed else f"{text}."
    by_reason: dict[str, list[Choice]] = {}
    for one in plan.choices:
        if one.outlook.reach.reason:
            by_reason.setdefault(f"{one.kind.value}: {one.outlook.reach.reason}", []).append(one)
    yield from (f"{_some(choices)}, {reason}." for reason, choices in by_reason.items())


def _left_out(found: Predictor | None) -> dict[str, float] | None:
    """By how much points were missed that were left out."""
    if found is None or found.confidence is None:
        return None
    misses = [100 * math.expm1(one.miss) for one in found.left_out]
    return {"median_percent": median(misses), "worst_percent": max(misses)}


def _document(plan: Plan, choice: Choice) -> dict[str, Any]:
    setting, outlook = choice.setting, choice.outlook
    return {
        "name": setting.name,
        "ranks": setting.ranks,
        "threads": setting.threads,
        "batch": setting.batch,
        "global_batch": setting.global_batch,
        "known": choice.kind.value,
        "reason": outlook.reach.reason,
        "nearest": outlook.reach.edge.name,
        "runs": outlook.runs,
        "step_ms": estimate_document(outlook.step_ns, 1e-6),
        "samples_per_s": estimate_document(choice.throughput),
        "memory_per_rank_bytes": estimate_document(outlook.peak_bytes),
        "fits_memory": choice.fits,
        "epochs_ratio": choice.ratio,
        "epochs": plan.epochs(choice),
        "epoch_s": estimate_document(plan.epoch_ns(choice), 1e-9),
        "train_s": estimate_document(plan.train_ns(choice), 1e-9),
        "relative_time": plan.relative(choice),
    }


def _some(choices: Sequence[Choice]) -> str:
    names = ", ".join(one.setting.name for one in choices[:MOST_NAMED])
    return f"{names} and {len(choices) - MOST_NAMED} more" if len(choices) > MOST_NAMED else names


def _name(choice: Choice | None) -> str | None:
    return None if choice is None else choice.setting.name
