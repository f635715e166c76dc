"""Activations that are computed twice to save memory."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.advise.account import Part
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals, no_operators
from profilednn_tui.session.frames import call_site
from profilednn_tui.session.view import Frame, Operator

CHECKPOINT = "torch/utils/checkpoint.py"
ENGINE = "_engine_run_backward"
"""The function of torch that starts a backward pass."""
LEAST_SHARE = 0.02


class RecomputedActivations:
    """Looks for torch's checkpointing in the call stacks of the backward pass."""

    name = "recomputed-activations"

    def missing(self, signals: Signals) -> str:
        return no_operators(signals) or (
            "" if signals.view.operators.stacks else "operators were recorded without call stacks"
        )

    def look(self, signals: Signals) -> Finding | None:
        view, account = signals.view, signals.account
        shares = {row.key: _recomputed_share(row) for row in view.operators.rows}
        covered = {
            part: time_ns * shares[part.operator]
            for part, time_ns in account.parts.items()
            if part.operator is not None and shares.get(part.operator)
        }
        rest = Part("backward")
        outside_ns = sum(one.ns_per_step for one in view.operators.outside if _is_recomputed(one.frames))
        if outside_ns and rest in account.parts:
            covered[rest] = min(outside_ns, account.parts[rest])
        share = account.share(covered)
        if not covered or share < LEAST_SHARE:
            return None
        line = _line(signals)
        at = f" ({line})" if line else ""
        memory = view.memory
        evidence = [Evidence("operators run again", sum(covered.values()) / 1e6, "ms per step", line or "2")]
        free = ""
        if memory.available_bytes is not None and memory.peak_rss_bytes is not None:
            free = f", though {units.bytes_size(memory.available_bytes)} of memory are free"
            evidence += [
                Evidence("free memory", memory.available_bytes / 1e9, "GB", "5"),
                Evidence("peak of the training", memory.peak_rss_bytes / 1e9, "GB", "5"),
            ]
        return Finding(
            self.name,
            f"The backward pass runs parts of the forward pass again for {units.share(share)} of the step, to keep "
            f"fewer activations{free}",
            tuple(evidence),
            Remedy(change=f"Leave out torch.utils.checkpoint{at} where memory allows."),
            covered,
        )


def _is_recomputed(frames: tuple[Frame, ...]) -> bool:
    """Whether checkpointing was at work inside the innermost backward pass."""
    for frame in reversed(frames):
        if frame.function == ENGINE:
            return False
        if frame.file.endswith(CHECKPOINT):
            return any(outer.function == ENGINE for outer in frames)
    return False


def _recomputed_share(row: Operator) -> float:
    """The part of an operator's self time that is spent on computing something again."""
    again = sum(stack.self_ns_per_step for stack in row.stacks if _is_recomputed(stack.frames))
    return min(1.0, again / row.self_ns_per_step) if row.self_ns_per_step else 0.0


def _line(signals: Signals) -> str:
    """The user's line that uses checkpointing in the forward pass; empty if unknown."""
    for row in signals.view.operators.rows:
        for stack in row.stacks:
            places = [place for place, frame in enumerate(stack.frames) if frame.file.endswith(CHECKPOINT)]
            if places and not _is_recomputed(stack.frames):
                return signals.line(call_site(stack.frames[: places[0]]))
    return ""
