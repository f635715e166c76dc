"""Many trials of several cases, one at a time, each appended to a file, so that a benchmark can continue later."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Row = dict[str, Any]


class Trials:
    """The trials made so far, in a file of JSON lines; each row has its ``case``."""

    def __init__(self, record: Path) -> None:
        self._record = record

    def rows(self, case: str | None = None) -> list[Row]:
        """All trials so far, or those of one case."""
        lines = self._record.read_text().splitlines() if self._record.exists() else []
        rows: list[Row] = [json.loads(line) for line in lines]
        return [row for row in rows if case is None or row["case"] == case]

    def keep(self, wanted: Callable[[Row], bool]) -> None:
        """Discard the trials that are not wanted."""
        rows = [row for row in self.rows() if wanted(row)]
        if len(rows) < len(self.rows()):
            self._record.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def minutes_asked_for(self, description: str | None, minutes: float) -> float:
        """Read the command line: ``--minutes`` to spend now, and ``--anew`` to start over."""
        parser = argparse.ArgumentParser(description=description)
        parser.add_argument("--minutes", type=float, default=minutes)
        parser.add_argument("--anew", action="store_true")
        options = parser.parse_args()
        if options.anew:
            self._record.unlink(missing_ok=True)
        return float(options.minutes)

    def go_on(self, minutes: float, wanted: Mapping[str, int], make: Callable[[str], Row]) -> None:
        """Make missing trials for some minutes; `wanted` is the number of each case.

        The cases take turns, so that conditions that change over time affect all of them.
        """
        deadline_s = time.monotonic() + 60 * minutes
        longest_s = 0.0
        while time.monotonic() + longest_s < deadline_s:
            made = {case: len(self.rows(case)) for case in wanted}
            missing = [case for case, count in wanted.items() if made[case] < count]
            if not missing:
                return
            case = min(missing, key=lambda one: made[one] / wanted[one])
            begin_s = time.monotonic()
            row = {"case": case, **make(case)}
            longest_s = max(longest_s, time.monotonic() - begin_s)
            self._record.parent.mkdir(exist_ok=True)
            with self._record.open("a") as stream:
                stream.write(json.dumps(row) + "\n")
            print(row, flush=True)


def step_time_text(step_time: Row) -> str:
    """A ratio of step times with its interval, from a comparison in JSON."""
    low, high = (1 + step_time[f"{end}_percent"] / 100 for end in ("low", "high"))
    return f"{step_time['ratio']:.3f} ({low:.3f} to {high:.3f})"
