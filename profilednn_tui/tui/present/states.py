"""The state of a session in words: the messages of panes while there is nothing to show."""

from __future__ import annotations

from dataclasses import dataclass

from profilednn_tui import units
from profilednn_tui.session.ending import exit_words, was_killed
from profilednn_tui.session.notices import damage
from profilednn_tui.session.view import Progress, SessionView, State
from profilednn_tui.tui.renderables.line import Span


@dataclass(frozen=True, slots=True)
class Message:
    """A message shown instead of figures: a title, and sentences with the reason and what is already known.

    In sentences, ``{name}`` stands for the key of an action.
    """

    title: str
    sentences: tuple[str, ...] = ()


def state_badge(view: SessionView) -> Span:
    """The state for the header."""
    exit_code = view.target.exit_code
    if view.target.detached:
        return ("■ detached", "muted")
    return {
        State.STARTING: ("○ attaching" if view.target.attached else "○ waiting for torch", "muted"),
        State.OUTSIDE: ("● from outside", "primary"),
        State.WAITING: ("○ no step yet", "muted"),
        State.WARMING: ("● warming up", "primary"),
        State.RUNNING: ("● running", "success"),
        State.ENDED: (_ended(exit_code), "warning" if exit_code else "muted"),
        State.EXCERPT: ("■ snapshot of a running training", "primary"),
        State.LOST: ("■ incomplete recording", "warning"),
    }[view.state]


def _ended(exit_code: int | None) -> str:
    words = exit_words(exit_code)
    return f"■ training {words}" if was_killed(exit_code) else f"■ training ended ({words})"


def steps_message(view: SessionView) -> Message | None:
    """Why there are no steps; None if there are some."""
    if view.steps.count:
        return None
    if not view.target.name and not view.unix_ns:
        return Message("Reading the session …")
    since = f" for {units.duration(age_ns)}" if (age_ns := _age_ns(view)) else ""
    if not view.live and (damaged := damage(view)):
        return Message("The recording is damaged, and no step can be read", (damaged,))
    if view.state is State.OUTSIDE or (view.state is State.STARTING and view.target.attached):
        return _outside_message(view)
    if view.state is State.STARTING:
        return Message(
            f"Waiting for torch{since}",
            ("The target runs and has not imported torch yet; its output is in pane 6.",),
        )
    if view.state is State.WAITING:
        torch = f"torch {view.target.torch}" if view.target.torch else "torch"
        return Message(f"{torch} is loaded, no step yet{since}", (progress_text(view.progress), _why_no_step(view)))
    if view.state is State.EXCERPT:
        return Message("The snapshot was taken before the first step", (progress_text(view.progress),))
    if view.state is State.LOST:
        return Message("Incomplete recording", ("Target and profiler were killed before the first step ended.",))
    if view.target.detached:
        return Message("Detached without a step", (progress_text(view.progress),))
    if view.state is State.ENDED:
        reason = "torch was never imported." if view.target.torch is None else progress_text(view.progress)
        return Message(f"The target ended, no training step was seen ({exit_words(view.target.exit_code)})", (reason,))
    return Message("No step yet")


def progress_text(progress: Progress) -> str:
    """``Seen so far: 3 batches, 2 forwards, 1 backward, 0 optimizer steps.``"""
    counts = (
        (progress.batches, "batch", "batches"), (progress.forwards, "forward", "forwards"),
        (progress.backwards, "backward", "backwards"), (progress.optimizer_steps, "optimizer step", "optimizer steps"),
        *([(progress.inferences, "call without gradients", "calls without gradients")] if progress.inferences else []),
    )  # fmt: skip
    return "Seen so far: " + ", ".join(f"{n:,} {one if n == 1 else many}" for n, one, many in counts) + "."


def operators_message(view: SessionView) -> Message | None:
    """Why there are no operators; None if there are some."""
    if view.operators.rows:
        return None
    if view.state is State.OUTSIDE or (view.state is State.STARTING and view.target.attached):
        return _outside_message(view)
    if view.state is State.STARTING or view.state is State.WAITING:
        return Message("No operators yet", ("They come from the first profiled step.",))
    if view.live and view.agent.paused:
        return Message(
            "Windows are paused", ("Press {pause-windows} to go on, or {take-window} to take one window now.",)
        )
    failed = next((notice.text for notice in view.notices if notice.code == "window_failed"), None)
    if failed is not None:
        return Message("No operators", (f"{failed[:1].upper()}{failed[1:]}.",))
    if view.live:
        return Message(
            "Warming up",
            (f"{units.counted(view.steps.count, 'step')} so far; "
             "the first window waits until it costs no more than a tenth of the time.",
             "Press {take-window} to take a window now."),
        )  # fmt: skip
    if view.state is State.EXCERPT:
        return Message("No operators yet", ("The snapshot was taken before the first window.",))
    return Message("No operators were recorded", ("The target ended before it could afford a window, or 8 Notices say "
                                                  "why there is none.",))  # fmt: skip


def modules_message(view: SessionView) -> Message | None:
    if view.operators.modules:
        return None
    if view.operators.rows:
        return Message("No nn.Module was seen in this window")
    return operators_message(view)


def _outside_message(view: SessionView) -> Message:
    look = "Press {thread-stacks} for the Python stack of every thread; cores, threads and memory are in their panes."
    if view.state is State.STARTING:
        return Message("The agent is on its way", (look,))
    return Message(
        "The view from outside has no steps or operators",
        ("They need the agent; 8 Notices say why there is none.", look),
    )


def _age_ns(view: SessionView) -> int:
    end_ns = view.target.end_unix_ns or view.unix_ns
    return max(0, end_ns - view.target.start_unix_ns) if view.target.start_unix_ns and end_ns else 0


def _why_no_step(view: SessionView) -> str:
    progress = view.progress
    if progress.backwards and not progress.optimizer_steps:
        return "A step ends when the optimizer updates: gradients are being accumulated, or no torch optimizer is used."
    if progress.forwards or progress.batches:
        return (
            "A step ends when the optimizer updates; without one, at the next batch or forward pass after a backward."
        )
    if progress.inferences:
        return "Calls without gradients are not training: there is no step before the first backward pass."
    return "The model is not being called yet: data or weights may still be loading."
