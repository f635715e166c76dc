"""Fewer ranks than were asked for."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals
from profilednn_tui.ranks.launchers import asked_ranks, launcher_of

FEWEST_STEPS = 10
"""Until then, other ranks may still be starting."""


class MissingRanks:
    """Compares the launcher's request with the process group, or with the processes that train."""

    name = "missing-ranks"

    def missing(self, signals: Signals) -> str:
        if _asked(signals) < 2:
            return "nobody asked for several processes"
        enough = max((process.steps for process in signals.training), default=0) >= FEWEST_STEPS
        return "" if enough else "too few steps have been made"

    def look(self, signals: Signals) -> Finding | None:
        asked, training = _asked(signals), signals.training
        joined = max((process.exchange.world_size for process in training if process.exchange is not None), default=0)
        if (joined or len(training)) >= asked:
            return None
        if joined:
            there = f"the process group has {units.count(joined)} rank{'' if joined == 1 else 's'}"
        else:
            alone = len(training) == 1
            there = f"{units.count(len(training))} {'trains' if alone else 'train'} here, in no process group"
        return Finding(
            self.name,
            f"{units.count(asked)} processes were asked for, but {there}",
            (
                Evidence("processes that the launcher was asked for", asked, "processes"),
                Evidence("processes that train here", len(training), "processes", "4"),
                Evidence("ranks in the largest process group", joined, "ranks"),
            ),
            Remedy(change=_change(signals, asked)),
        )


def _asked(signals: Signals) -> int:
    """By the command, or by the variables that its launcher has set."""
    variables = [process.asked_size or 0 for process in signals.training]
    return max(asked_ranks(signals.view.target.argv) or 0, *variables, 0)


def _change(signals: Signals, asked: int) -> str:
    launcher = launcher_of(signals.view.target.argv)
    if launcher is not None and launcher.name == "accelerate":
        return (
            "On CPUs, accelerate launch starts one process itself, whatever --num_processes says: start the script "
            f"with torchrun --nproc-per-node {asked}, which Accelerator() recognizes, or give accelerate an "
            "--mpirun_hostfile."
        )
    return (
        "See that the launcher has started all processes, and that the program passes their number to "
        "torch.distributed.init_process_group, or leaves it to the launcher's variables."
    )
