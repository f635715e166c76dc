"""Advice written by hand."""

from __future__ import annotations

from profilednn_tui.advise.findings import Abstention, Advice, Evidence, Finding, Remedy
from profilednn_tui.session.proof import Effect, Proof, TrackRecord
from profilednn_tui.session.view import SessionView
from profilednn_tui.tui.app import ProfilerApp
from profilednn_tui.tui.controllers.advising import Advised
from tests.tui.apps import save_nothing
from tests.tui.feeds import FakeFeed, running_view

PROOF = Proof(
    "thread-oversubscription", "a-session", "--with threads", 0.41, Effect.HELPED, 0.31, 0.28, 0.34, "lockstep", 4,
    "the same", 1,
)  # fmt: skip
THREADS = Finding(
    "thread-oversubscription",
    "8 threads share 2 cores: threads may wait for each other in 41 % of the step",
    (
        Evidence("intra-op threads", 8, "threads", "9"),
        Evidence("involuntary context switches of computing threads", 1234.5, "per second", "4"),
        Evidence("self time of aten::mm", 50.25, "ms per step", "aten::mm"),
        Evidence("time in reorders", 3.5, "ms per step", "d"),
        Evidence("outside of operators at model.py:4", 12.0, "ms per step", "model.py:4"),
        Evidence("notices of the agent", 1, "notice"),
    ),
    Remedy(("threads",)),
    ceiling=0.41,
    measured=PROOF,
    record=TrackRecord(helped=3, no_difference=1),
)
DATA = Finding(
    "data-wait",
    "The training thread waits for data in 94 % of the step",
    (Evidence("time in the data phase", 940.0, "ms per step", "train.py:24"),),
    Remedy(change="Prepare batches in other processes, at train.py:24."),
    ceiling=0.94,
)
ALLOCATOR = Finding("allocator-faults", "Page faults take 6.0 % of the step", (), Remedy(("allocator",)), ceiling=0.06)
ADVICE = Advice(
    (DATA, THREADS, ALLOCATOR), (Abstention("reorders", "no window has data on oneDNN primitives"),), ceiling=0.97
)


def advised_app(view: SessionView | None = None, advice: Advice = ADVICE, **options: object) -> ProfilerApp:
    """The app with this advice instead of that of the rules."""
    app = ProfilerApp(FakeFeed(view or running_view()), False, save_nothing, **options)  # type: ignore[arg-type]

    def answer(view: SessionView) -> None:
        app.post_message(Advised(advice, 0.0))

    app.advising._ask = answer  # type: ignore[method-assign]
    return app
