"""The run before this one, after running again with other optimizations."""

from __future__ import annotations

from dataclasses import dataclass

from profilednn_tui import units
from profilednn_tui.session.view import SessionView
from profilednn_tui.tui.renderables.line import Line


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """What is known of it."""

    median_ns: float | None
    """Of its steps; None without any."""
    optimizations: tuple[str, ...] = ()

    @classmethod
    def of(cls, view: SessionView) -> EarlierRun:
        return cls(view.steps.median_ns, view.target.optimizations)


def before_line(before: EarlierRun, view: SessionView) -> Line:
    """Both medians and the optimizations that differ. One run each is no verdict: nothing is called faster."""
    now = view.target.optimizations
    switched = [f"+{name}" for name in now if name not in before.optimizations]
    switched += [f"-{name}" for name in before.optimizations if name not in now]
    return (
        (" median step before ", "muted"), (units.duration(before.median_ns), "bold"),
        (", now ", "muted"), (units.duration(view.steps.median_ns), "bold"),
        (", with ", "muted"), (" ".join(switched) or "the same optimizations", "primary" if switched else "muted"),
    )  # fmt: skip
