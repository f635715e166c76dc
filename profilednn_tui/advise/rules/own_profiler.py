"""The program's own profiler is on."""

from __future__ import annotations

from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals

NOTICE = "foreign_profiler"


class OwnProfiler:
    """Reads the notice that the agent's windows had to wait for another profiler."""

    name = "own-profiler"

    def missing(self, signals: Signals) -> str:
        return ""

    def look(self, signals: Signals) -> Finding | None:
        notice = next((one for one in signals.view.notices if one.code == NOTICE), None)
        if notice is None:
            return None
        return Finding(
            self.name,
            "The program runs torch.profiler itself, which slows each step and leaves no operators to be recorded here",
            (Evidence(notice.text, 1, "notice", "8"),),
            Remedy(change="Leave out torch.profiler.profile or torch.autograd.profiler.profile in the script."),
        )
