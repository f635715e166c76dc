"""Ranks that train without exchanging anything with the others."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals
from profilednn_tui.advise.rules._ranks import ALONE, trained_ranks
from profilednn_tui.ranks.words import MOST_TOLD, numbered
from profilednn_tui.session.view import ProcessEntry

FEWEST_STEPS = 20
"""Without a collective; gradients are accumulated over fewer, as a rule."""


class SilentRank:
    """Compares how often each rank took part in a collective, as its process groups count them."""

    name = "silent-rank"

    def missing(self, signals: Signals) -> str:
        entries = trained_ranks(signals)
        if len(entries) < 2:
            return ALONE
        if any(entry.exchange is not None and entry.exchange.collectives is None for entry in entries):
            return "it is not known how many collectives the ranks had"
        return "" if all(_steps(entry) >= FEWEST_STEPS for entry in entries) else "the ranks have too few steps"

    def look(self, signals: Signals) -> Finding | None:
        entries = trained_ranks(signals)
        silent = [entry for entry in entries if entry.exchange is None or not entry.exchange.collectives]
        if not silent:
            return None
        some = silent[:MOST_TOLD]
        outside = [entry for entry in silent if entry.exchange is None]
        steps = units.count(min(map(_steps, silent)))
        who = numbered([entry.rank or 0 for entry in silent])
        if len(silent) == len(entries):
            ranks = units.count(len(entries))
            sentence = (
                f"None of the {ranks} ranks has exchanged anything in {steps} steps: each trains a model of its own"
            )
        else:
            have = "has" if len(silent) == 1 else "have"
            sentence = f"R{who[1:]} {have} taken part in no collective in {steps} steps, and the others in some"
        return Finding(
            self.name,
            sentence,
            (
                *(
                    Evidence(f"steps of rank {entry.rank} without a collective", _steps(entry), "steps")
                    for entry in some
                ),
                Evidence("ranks that have joined no process group", len(outside), "ranks"),
                Evidence("ranks that train here", len(entries), "ranks"),
            ),
            Remedy(change=_JOIN if outside else _WRAP),
        )


_JOIN = (
    'Let the program join the ranks: torch.distributed.init_process_group("gloo"), and the model in '
    "DistributedDataParallel; tell a trainer that it trains on CPUs with several processes, as with "
    'TrainingArguments(use_cpu=True, ddp_backend="gloo").'
)
_WRAP = (
    "Wrap the model in DistributedDataParallel, and call that, not the model inside; or average the gradients with "
    "all_reduce before each update."
)


def _steps(entry: ProcessEntry) -> int:
    """In how many steps it is known what a rank has exchanged."""
    return entry.steps if entry.exchange is None else entry.exchange.steps
