"""Why rules on ranks cannot tell."""

from __future__ import annotations

from profilednn_tui.advise.rule import Signals


def no_ranks(signals: Signals) -> str:
    """The reason of rules that compare ranks."""
    if len({process.rank for process in signals.view.processes if process.rank is not None and process.steps}) < 2:
        return "only one rank trains here"
    return "the steps of the ranks are not compared with each other yet"
