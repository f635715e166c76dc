"""The training thread waits for its DataLoader."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals, no_steps

LEAST_SHARE = 0.05
_SINGLE_PROCESS = "_SingleProcessDataLoaderIter"
_LOADER = "enumerate(DataLoader)#"


class DataWait:
    """Compares the data phase with the step."""

    name = "data-wait"

    def missing(self, signals: Signals) -> str:
        return no_steps(signals)

    def look(self, signals: Signals) -> Finding | None:
        covered = signals.account.of_phase("data")
        share = signals.account.share(covered)
        if share < LEAST_SHARE:
            return None
        view = signals.view
        loaders = signals.operators(lambda row: row.key.name.startswith(_LOADER))
        line = signals.place(loaders[0]) if loaders else ""
        where = signals.at(loaders[0]) if loaders else ""
        workers = [worker for worker in view.workers if worker.role == "DataLoader worker"]
        alone = any(_SINGLE_PROCESS in row.key.name for row in loaders) or (not loaders and not workers)
        evidence = [Evidence("time in the data phase", sum(covered.values()) / 1e6, "ms per step", line or "1")]
        if alone:
            how = "it prepares every batch itself, for lack of DataLoader workers"
            change = (
                f"Prepare batches in other processes: DataLoader(..., num_workers=N){where}, with N from an experiment."
            )
        else:
            how = _how(len(workers))
            evidence += [
                Evidence(f"CPU use of DataLoader worker {worker.pid}", worker.cpu_percent, "percent", "4")
                for worker in workers[:4]
            ]
            advice = f"Give the DataLoader more workers, or less to do per sample{where}"
            change = f"{advice}: Enter on a worker shows where it is."
        sentence = f"The training thread waits for data in {units.share(share)} of the step: {how}"
        return Finding(self.name, sentence, tuple(evidence), Remedy(change=change), covered)


def _how(workers: int) -> str:
    if not workers:
        return "its DataLoader workers do not keep up, or are started anew too often"
    return f"{units.count(workers)} DataLoader worker{'s do' if workers > 1 else ' does'} not keep up"
