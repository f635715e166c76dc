"""DataLoader workers that are set up so that they cannot do what they are for."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals, no_steps
from profilednn_tui.advise.rules import _loaders

OFTEN = 1.5
"""Steps per start, from which on most steps are without one."""


class LoaderWorkers:
    """Adds up what starting workers anew takes; otherwise looks at their cores and threads."""

    name = "loader-workers"

    def missing(self, signals: Signals) -> str:
        if not signals.view.loaders and not _loaders.workers_of(signals):
            return no_steps(signals) or "no DataLoader and no worker of one was recorded"
        return no_steps(signals)

    def look(self, signals: Signals) -> Finding | None:
        covered = _loaders.anew(signals)
        if signals.account.share(covered) >= _loaders.LEAST_SHARE:
            return self._started_anew(signals)
        found = _loaders.fault(signals)
        covered = _loaders.in_between(signals)
        share = signals.account.share(covered)
        if found is None or share < _loaders.LEAST_SHARE:
            return None
        clause, change, evidence = found
        return Finding(
            self.name,
            f"{clause[0].upper()}{clause[1:]}: the training thread waits for data in {units.share(share)} of the step",
            (*evidence, *_loaders.use(signals), *_loaders.standing(signals)),
            Remedy(change=change),
            covered,
        )

    def _started_anew(self, signals: Signals) -> Finding:
        covered = _loaders.anew(signals)
        loader = _loaders.restarted(signals)[0]
        line = signals.line(loader.source)
        where = f" ({line})" if line else ""
        often = loader.batches / loader.starts
        every = "every step" if often < OFTEN else f"every {units.count(round(often))} steps"
        verb = "is" if loader.workers == 1 else "are"
        each_ms = loader.iterators * 1e6
        return Finding(
            self.name,
            f"{_loaders.plural(loader.workers)} {verb} started anew {every}: "
            f"{units.share(signals.account.share(covered))} of the step",
            (
                Evidence("iterations that started workers", loader.starts, "starts", line or "1"),
                Evidence("starting workers", loader.start_ns / each_ms, "ms per start", line or "1"),
                Evidence("waiting for the first batches", loader.first_ns / each_ms, "ms per start", line or "1"),
                Evidence("ending workers", loader.end_ns / each_ms, "ms per start", line or "1"),
            ),
            _loaders.remedy(
                signals,
                f"Keep workers from one epoch to the next: DataLoader(..., persistent_workers=True){where}.",
                loader,
            ),
            covered,
            in_few_steps=often >= OFTEN,
        )
