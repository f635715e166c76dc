"""Ranks that are bound to the same cores while others are idle."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.advise.account import Covered
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals, no_samples
from profilednn_tui.advise.rules._affinity import Crowd, crowd
from profilednn_tui.advise.rules._ranks import ALONE, ranks, trained_ranks
from profilednn_tui.advise.rules.thread_oversubscription import involuntary
from profilednn_tui.protocol.vocabulary import COMMUNICATION
from profilednn_tui.ranks.words import MOST_TOLD, numbered


class SharedCores:
    """Compares the logical CPUs that each rank may run on."""

    name = "shared-cores"

    def missing(self, signals: Signals) -> str:
        if len(trained_ranks(signals)) < 2:
            return ALONE
        return no_samples(signals) or ("" if signals.bound_cpus else "the CPUs of the ranks are not known")

    def look(self, signals: Signals) -> Finding | None:
        found = crowd(signals)
        if found is None:
            return None
        who, cpus = numbered(found.ranks), sorted(found.cpus)
        bound = f"CPU {cpus[0]}" if len(cpus) == 1 else f"the same {units.count(len(cpus))} CPUs"
        others = "another one is" if found.free == 1 else f"{units.count(found.free)} others are"
        return Finding(
            self.name,
            f"R{who[1:]}, which have {units.count(found.threads)} threads together, are bound to {bound}, and {others} "
            "idle",
            (
                Evidence(f"CPUs that {who} may run on", len(cpus), "CPUs", "3"),
                Evidence(f"intra-op threads of {who}", found.threads, "threads", "4"),
                Evidence("idle CPUs that no rank may use", found.free, "CPUs", "3"),
                *_without_core(signals, found),
                *involuntary(signals.view),
            ),
            Remedy(
                change="Give each rank cores of its own: see what binds them (taskset, GOMP_CPU_AFFINITY, a cpuset; "
                "with Open MPI --bind-to and --map-by, with srun --cpu-bind and --cpus-per-task), and leave it out, or "
                "let it depend on the local rank."
            ),
            _covered(signals, found),
        )


def _without_core(signals: Signals, found: Crowd) -> list[Evidence]:
    """For how long their training threads were ready to run and had no core."""
    rows = [row for row in ranks(signals).rows if row.rank in found.ranks and row.delay_ns is not None]
    what = "was ready to run and had no core"
    return [
        Evidence(f"time that rank {row.rank} {what}", (row.delay_ns or 0.0) / 1e6, "ms per step")
        for row in rows[:MOST_TOLD]
    ]


def _covered(signals: Signals, found: Crowd) -> Covered:
    """What as many cores as threads, or as there are, would win: of operators; on other ranks, of waiting for these."""
    account, within = signals.account, min(found.threads, len(found.cpus) + found.free)
    fraction = 1 - len(found.cpus) / within
    if signals.view.target.rank not in found.ranks:
        return account.of_phase(COMMUNICATION, fraction)
    return account.where(lambda part: part.operator is not None or not account.has_operators, fraction)
