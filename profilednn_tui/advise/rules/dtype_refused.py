"""A data type that the ranks' backend does not exchange."""

from __future__ import annotations

import re

from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals
from profilednn_tui.ranks.ends import lives_of
from profilednn_tui.ranks.words import cause_words, numbered

_REFUSED = re.compile(
    r"invalid scalar type"  # gloo: of float8 and uint16; before torch 2.3, of bfloat16 as well
    r"|(data ?type|scalar ?type|dtype)\b.{0,60}\b(not|un)\s?supported"  # NCCL, and oneCCL
    r"|unsupported\b.{0,60}\b(data ?type|scalar ?type|dtype)",
    re.IGNORECASE,
)


class DtypeRefused:
    """Reads of which exception ranks died."""

    name = "dtype-refused"

    def missing(self, signals: Signals) -> str:
        known = any(process.rank is not None and process.end is not None for process in signals.view.processes)
        return "" if known else "no rank has ended, or it is not known how"

    def look(self, signals: Signals) -> Finding | None:
        view = signals.view
        deaths = [death for life in lives_of(view.processes) for death in (*life.first, *life.followers)]
        refused = [death for death in deaths if _REFUSED.search(death.end.error)]
        if not refused:
            return None
        backends = {name for process in view.processes if process.exchange for name in process.exchange.backends}
        backend = f" ({', '.join(sorted(backends))})" if backends else ""
        who, cause = numbered({death.rank for death in refused}), cause_words(refused[0], view.target.working_directory)
        return Finding(
            self.name,
            f"The ranks exchange data of a type that their backend{backend} refuses: {who} died of {cause}",
            (Evidence("ranks that died of it", len(refused), "ranks", signals.line(refused[0].end.source)),),
            Remedy(
                change="Exchange another type: keep parameters and gradients in float32 and compute in bfloat16 under "
                "torch.autocast, or convert before a collective by hand. gloo takes bfloat16 since torch 2.3, and "
                "neither float8 nor uint16; see which types the backend takes."
            ),
        )
