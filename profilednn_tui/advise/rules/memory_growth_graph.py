"""Graphs of earlier steps that stay alive, and memory that grows with the steps."""

from __future__ import annotations

from itertools import pairwise
from statistics import median

from profilednn_tui import units
from profilednn_tui.advise.account import NOTHING
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals
from profilednn_tui.session.memory_owners import SAVED

FEWEST_SAMPLES = 20
LEAST_GROWTH_BYTES = 50_000_000
LEAST_OWNER_BYTES = 1_000.0
"""Per step: less says nothing of what grows."""
LEAST_GROWTH = 0.05
STEADY = 0.7
"""Share of the samples that must exceed the one before, counted over the second half."""
FEWEST_LOOKS = 4
"""At a graph before its growth counts."""
FEWEST_KEPT = 3
GROWN = 2.0
"""How many times as many nodes the newest graph must have as the first."""


class MemoryGrowthGraph:
    """Looks at the size of the graph, at graphs that outlive their step, and at the resident memory after start-up."""

    name = "memory-growth-graph"

    def missing(self, signals: Signals) -> str:
        if signals.view.conditions is not None or len(signals.view.memory.rss_history) >= FEWEST_SAMPLES:
            return ""
        return f"the agent has not looked at graphs, and fewer than {FEWEST_SAMPLES} samples of the memory were taken"

    def look(self, signals: Signals) -> Finding | None:
        return _growing_graph(signals) or _kept_graphs(signals) or _growing_memory(signals)


def _growing_graph(signals: Signals) -> Finding | None:
    """Each backward pass goes through the graphs of earlier steps."""
    nodes = signals.view.conditions.graph_nodes if signals.view.conditions else ()
    counts = [count for _, count in nodes]
    if len(counts) < FEWEST_LOOKS or counts[-1] < GROWN * counts[0] or any(b <= a for a, b in pairwise(counts)):
        return None
    (first_step, first), (last_step, last) = nodes[0], nodes[-1]
    backward = signals.account.of_phase("backward")
    covered = {part: time_ns * (1 - first / median(counts)) for part, time_ns in backward.items()}
    return Finding(
        "memory-growth-graph",
        f"The backward pass goes through the graphs of earlier steps, too: its graph has grown from "
        f"{units.count(first)} nodes in step {first_step} to {units.count(last)} in step {last_step}",
        (
            Evidence("nodes added per step", (last - first) / (last_step - first_step), "nodes", "1"),
            Evidence("time in the backward phase", sum(backward.values()) / 1e6, "ms per step", "1"),
            *_memory(signals),
        ),
        Remedy(
            change="Detach what is carried from step to step, such as hidden states: h = h.detach(); leave out "
            "retain_graph=True."
        ),
        covered,
    )


def _kept_graphs(signals: Signals) -> Finding | None:
    """Something refers to the losses of earlier steps."""
    conditions = signals.view.conditions
    if conditions is None or conditions.kept_graphs < max(FEWEST_KEPT, conditions.watched_graphs):
        return None
    return Finding(
        "memory-growth-graph",
        f"The graphs of earlier steps stay in memory: all {units.count(conditions.kept_graphs)} that are watched are "
        f"still there in step {conditions.step}, because something keeps their losses as tensors",
        (
            Evidence("graphs of earlier steps that are watched", conditions.watched_graphs, "graphs"),
            Evidence("of these, still in memory", conditions.kept_graphs, "graphs"),
            *_memory(signals),
        ),
        Remedy(change="Keep numbers instead of tensors: total += loss.item(); leave out retain_graph=True."),
        NOTHING,
    )


def _growing_memory(signals: Signals) -> Finding | None:
    """The resident memory grows, and no graph is seen to do so."""
    history, steps = signals.view.memory.rss_history, signals.view.steps
    if len(history) < FEWEST_SAMPLES:
        return None
    recent = history[len(history) // 2 :]
    growth = recent[-1] - recent[0]
    grows = sum(later > earlier for earlier, later in pairwise(recent))
    if growth < max(LEAST_GROWTH_BYTES, LEAST_GROWTH * recent[0]) or grows < STEADY * (len(recent) - 1):
        return None
    per_step = growth / (len(recent) - 1) / steps.steps_per_s if steps.steps_per_s else 0.0
    seen = signals.view.conditions is not None
    why = "though the graphs of earlier steps are freed" if seen else "perhaps because graphs of earlier steps are kept"
    return Finding(
        "memory-growth-graph",
        f"Memory grows by {units.bytes_size(per_step)} per step, {why}",
        (
            Evidence("growth of the resident memory", growth / 1e6, "MB", "5"),
            Evidence("growth per step", per_step / 1e6, "MB", "5"),
            *_grows_most(signals),
        ),
        Remedy(
            change="Look for tensors that are kept from step to step: lists of outputs, caches with a key per input, "
            "arrays that are appended to."
            if seen
            else "Keep numbers instead of tensors: total += loss.item(); leave out retain_graph=True."
        ),
        NOTHING,
    )


def _memory(signals: Signals) -> tuple[Evidence, ...]:
    """The growth of the resident memory since the first sample, if there are two, and of what graphs keep of it."""
    history = signals.view.memory.rss_history
    found = []
    if len(history) > 1:
        found.append(Evidence("growth of the resident memory", (history[-1] - history[0]) / 1e6, "MB", "5"))
    owners = signals.view.memory_account.owners if signals.view.memory_account is not None else ()
    saved = next((owner.growth_bytes for owner in owners if owner.name == SAVED), None)
    if saved:
        found.append(Evidence("growth of saved activations per step", saved / 1e6, "MB", "M"))
    return tuple(found)


def _grows_most(signals: Signals) -> tuple[Evidence, ...]:
    """The owner of memory that grows most, if accounts were taken."""
    owners = signals.view.memory_account.owners if signals.view.memory_account is not None else ()
    growing = max(owners, key=lambda owner: owner.growth_bytes or 0.0, default=None)
    if growing is None or not growing.growth_bytes or growing.growth_bytes < LEAST_OWNER_BYTES:
        return ()
    return (Evidence(f"of this, {growing.name}", growing.growth_bytes / 1e6, "MB", "M"),)
