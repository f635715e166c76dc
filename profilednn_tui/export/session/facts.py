"""The facts in the summary of a session, one by one, shared by text and Markdown."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from profilednn_tui import units
from profilednn_tui.ranks.words import end_words
from profilednn_tui.session.ending import exit_words
from profilednn_tui.session.notices import damage
from profilednn_tui.session.view import Module, Optimization, ProcessEntry, SessionView, State
from profilednn_tui.session.words import change_words, gap_words, remaining_words, windows_words

LARGEST_OWNERS = 3
"""Of the memory, in the summary."""


def figures(view: SessionView) -> Iterator[tuple[str, str]]:
    """Name and text of each fact that is known, as a reader wants them first."""
    named = (
        ("target", target_fact(view)),
        ("end", end_fact(view)),
        ("process", process_fact(view)),
        ("machine", machine_fact(view)),
        ("steps", steps_fact(view)),
        ("loss", loss_fact(view)),
        ("cores", cores_fact(view)),
        ("memory", memory_fact(view)),
        ("overhead", overhead_fact(view)),
    )
    yield from ((name, text) for name, text in named if text is not None)


def target_fact(view: SessionView) -> str:
    target = view.target
    versions = [
        f"{name} {version}" for name, version in (("Python", target.python), ("torch", target.torch)) if version
    ]
    return " · ".join([shlex.join(target.argv) or target.name, *versions, *target.optimizations])


def process_fact(view: SessionView) -> str | None:
    """The process that the figures belong to, and the number of processes."""
    shown = next((entry for entry in view.processes if entry.shown), None)
    if shown is None:
        return None
    trained = sum(entry.steps > 0 for entry in view.processes)
    if len(view.processes) == 1 or not trained:
        return process_name(shown)
    idle = len(view.processes) - trained
    without = f", {idle} more had no step" if idle else ""
    return f"{process_name(shown)}; trained: {trained} process{'' if trained == 1 else 'es'}{without}"


def process_name(entry: ProcessEntry) -> str:
    """``rank 0, pid 123, second life``."""
    rank = [f"rank {entry.rank}"] if entry.rank is not None else []
    return ", ".join([*rank, f"pid {entry.pid}", *([f"{units.ordinal(entry.life)} life"] if entry.life > 1 else [])])


def trained_processes(view: SessionView) -> tuple[ProcessEntry, ...]:
    """All processes that trained; empty if there are not several."""
    trained = tuple(entry for entry in view.processes if entry.steps)
    return trained if len(trained) > 1 else ()


def process_end(view: SessionView, entry: ProcessEntry) -> str:
    """How a process ended, or that it runs."""
    return end_words(entry.end) or process_state(view, entry)


def process_state(view: SessionView, entry: ProcessEntry) -> str:
    """``ended``, ``running``, ``detached`` or ``end unknown``."""
    if entry.ended and entry.end is None and view.target.detached:
        return "detached"
    running = view.live or view.state is State.EXCERPT
    return "ended" if entry.ended else "running" if running else "end unknown"


def other_receipts(view: SessionView) -> Iterator[tuple[ProcessEntry, Optimization]]:
    """Outcomes of optimizations in other training processes, where they differ from those in the one shown."""
    for entry in view.processes:
        if entry.steps and not entry.shown:
            yield from ((entry, one) for one in entry.optimizations if one not in view.optimizations)


def end_fact(view: SessionView) -> str:
    code = view.target.exit_code
    elapsed = units.duration(_elapsed_ns(view))
    if view.target.detached:
        return f"detached after {elapsed}, the target keeps running"
    if view.state is State.ENDED and code is None:
        return f"ended after {elapsed}, {exit_words(code)}"
    if code is None:
        return f"{view.state.value} after {elapsed}"
    return f"{exit_words(code)} after {elapsed}"


def machine_fact(view: SessionView) -> str:
    machine = view.machine
    if machine.cores is None:
        return "unknown"
    parts = [machine.cpu or "unknown CPU", units.counted(machine.cores, "core")]
    if machine.affinity is not None and machine.affinity < machine.cores:
        parts.append(f"{machine.affinity} for the target")
    if machine.quota is not None:
        parts.append(f"quota {machine.quota:g}")
    parts.append(units.bytes_size(machine.memory_bytes))
    return ", ".join(parts)


def steps_fact(view: SessionView) -> str:
    steps = view.steps
    if not steps.count:
        return "none"
    source = f", ended by {steps.source}" if steps.source else ""
    return (
        f"{units.count(steps.count)}{source}, median {units.duration(steps.median_ns)}, "
        f"p95 {units.duration(steps.p95_ns)}, {units.rate(steps.steps_per_s)}"
    )


def remaining_fact(view: SessionView) -> str:
    """``37 to 41 min left of 20 epochs (for epoch in range(20), train.py:40)``, or why that is unknown."""
    remaining = view.remaining
    source = f" ({remaining.source})" if remaining.source else ""
    if remaining.seconds is None:
        return f"unknown: {remaining.reason}{source}" if remaining.reason else ""
    if remaining.epochs is not None and remaining.epochs > 1:
        return f"{remaining_words(remaining)} of {units.count(remaining.epochs)} epochs{source}"
    return f"{remaining_words(remaining)} of {units.counted(remaining.steps, 'step')}{source}"


def loss_fact(view: SessionView) -> str | None:
    losses = [loss for loss in view.steps.losses if loss is not None]
    if not losses:
        return None
    first = "" if view.steps.numbers and view.steps.numbers[0] == 1 else f" (step {view.steps.numbers[0]})"
    return f"{units.loss(losses[0])}{first} -> {units.loss(losses[-1])}"


def cores_fact(view: SessionView) -> str | None:
    cores = view.cores
    if cores.mean_target_percent is None:
        return None
    threads = f", {view.target.intra_op_threads} intra-op threads" if view.target.intra_op_threads else ""
    return (
        f"target {units.percent(cores.mean_target_percent)} of one core, "
        f"others {units.percent(cores.mean_others_percent)} (means){threads}"
    )


def memory_fact(view: SessionView) -> str | None:
    memory = view.memory
    if memory.peak_rss_bytes is None:
        return None
    others = f", other processes {units.bytes_size(memory.workers_rss_bytes)}" if memory.workers_rss_bytes else ""
    return f"peak {units.bytes_size(memory.peak_rss_bytes)}{others}{_holders(view)}"


def _holders(view: SessionView) -> str:
    """The largest owners of the memory between steps."""
    account = view.memory_account
    if account is None:
        return ""
    largest = ", ".join(f"{one.name} {units.bytes_size(one.size_bytes)}" for one in account.owners[:LARGEST_OWNERS])
    return f"; between steps {units.bytes_size(account.total_bytes)}: {largest}, ..."


def overhead_fact(view: SessionView) -> str | None:
    agent = view.agent
    if agent.overhead_percent is None:
        return None
    budget = f" (budget {units.percent(agent.budget_percent)})" if agent.budget_percent is not None else ""
    return f"{units.percent(agent.overhead_percent)}{budget}, {units.counted(agent.windows, 'window')}"


def missing(view: SessionView) -> Iterator[str]:
    """What a reader would expect but not find, and why."""
    if not view.steps.count:
        yield _no_steps(view)
    elif not view.operators.windows:
        yield _no_operators(view)
    elif view.operators.truncated:
        yield "Operators that take little time were left out of the recording; shares are of the time of all operators."
    if view.operators.since is not None:
        yield f"The operators are from the {windows_words(view.operators)}; {change_words(view.operators)}."


def operators_title(view: SessionView) -> str:
    """``1 window`` or ``median of 4 windows``."""
    count = len(view.operators.windows)
    return "1 window" if count == 1 else f"median of {count} windows"


def operators_note(view: SessionView) -> str | None:
    """Why the rows do not add up; None if they do."""
    text = gap_words(view.operators)
    return f"{text[:1].upper()}{text[1:]}." if text else None


def busiest_modules(view: SessionView, limit: int) -> tuple[Module, ...]:
    """The modules with the most time; one that only wraps a single child is left out."""
    by_path = {module.path: module for module in view.operators.modules}

    def wraps(module: Module) -> bool:
        child = by_path.get(module.children[0]) if len(module.children) == 1 else None
        return child is not None and child.time_ns > 0.98 * module.time_ns

    chosen = [module for module in view.operators.modules if module.time_ns > 0 and not wraps(module)]
    return tuple(sorted(chosen, key=lambda module: module.time_ns, reverse=True)[:limit])


def _elapsed_ns(view: SessionView) -> int | None:
    end = view.target.end_unix_ns or view.unix_ns
    return end - view.target.start_unix_ns if view.target.start_unix_ns and end else None


_NO_WINDOW = frozenset({"no_profiler", "foreign_profiler", "window_failed"})
"""Codes of the notices that explain why there is no window."""


def _no_operators(view: SessionView) -> str:
    agent = view.agent
    advice = ""
    if agent.budget_percent == 0:
        reason = "the overhead budget of 0 % allows none"
    elif any(notice.code in _NO_WINDOW for notice in view.notices):
        reason = "a notice below says why"
    elif agent.paused:
        reason = "windows were paused"
    elif agent.windows_percent:
        reason = "as the program forked or ended in each before it was complete"
    else:
        steps = units.count(view.steps.count)
        reason = f"the {steps} steps were too short: the first window may take a tenth of the time"
        advice = " A longer run, or a larger --overhead, leaves time for one."
    return f"No operators: no window was recorded, {reason}.{advice}"


def _no_steps(view: SessionView) -> str:
    if view.target.pid is None and view.target.attached:
        return "No steps: there was no agent in the process, only the view from outside."
    if damaged := damage(view):
        return f"No steps can be read. {damaged}"
    if view.target.pid is None:
        return "No steps: the target never imported torch in a process that could be watched."
    progress = view.progress
    seen = (
        (progress.batches, "batches"),
        (progress.forwards, "forward passes"),
        (progress.inferences, "module calls without gradients"),
        (progress.backwards, "backward passes"),
        (progress.optimizer_steps, "optimizer updates"),
    )
    counts = ", ".join(f"{units.count(number)} {what}" for number, what in seen if number)
    seen_text = f", only {counts}" if counts else "; a kill loses the last half second"
    return f"No steps: torch was imported, but no training step was seen{seen_text}."
