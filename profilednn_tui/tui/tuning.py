"""Searching for the fastest setting of the session's target: ``tune`` in a process of its own."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from profilednn_tui.session.open_session import OpenSession

MINUTES = 20.0


def why_not(session: OpenSession) -> str:
    """Why no search can be made for a session, in a sentence or two; empty if one can."""
    from profilednn_tui.experiment.again import why_not_again  # not needed before the first frame

    return why_not_again(session)


def begin_search(session: OpenSession) -> Path:
    """The folder of a new search; raises a `ProfilerError` if the target cannot be started here."""
    from profilednn_tui.compare.variant_names import STOCK
    from profilednn_tui.experiment.again import experiment_again
    from profilednn_tui.experiment.variants import Variant
    from profilednn_tui.launch.rerun import Rerun
    from profilednn_tui.tune.record import MANY_STEPS, Wishes, new_search

    again = Rerun.of(session.location)
    stock = Variant(STOCK, again.options.optimizations)
    base = experiment_again(session, again.command.display_name, (stock,), MANY_STEPS)
    base = replace(base, overhead_percent=0.0)
    return new_search(base, Wishes(MINUTES))


def search_command(folder: Path) -> tuple[str, ...]:
    """The command that carries out a search."""
    return (sys.executable, "-m", "profilednn_tui", "tune", "--resume", str(folder))
