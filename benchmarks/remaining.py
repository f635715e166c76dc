"""Whether the remaining time is within its interval: trainings of many epochs, judged at several points of their way.

`python -m benchmarks.remaining [--minutes M] [--anew]` continues until there are twenty trainings of 20 to 30
epochs, each with a validation after every or every second epoch and a checkpoint every few; how many of each is drawn
anew for every training. Each is watched like any other; what the screen would have shown at some moment is what its
recording gives, read up to there.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.conditions import RESULTS, Contention, machine, versions, write
from benchmarks.trials import Row, Trials
from profilednn_tui import units
from profilednn_tui.paths import SESSION_FILE
from profilednn_tui.protocol.events import StepsEvent
from profilednn_tui.protocol.files import recording_pid
from profilednn_tui.session.model.part import Part
from profilednn_tui.session.model.session import Session
from profilednn_tui.session.storage.folder import SessionFile
from profilednn_tui.session.storage.reader import RecordingReader
from profilednn_tui.session.storage.store import FolderStore

PROGRAM = Path(__file__).resolve().parents[1] / "tests" / "targets" / "epochs.py"
CASE = "epochs"
RUNS = 20
SHARES = (0.1, 0.25, 0.5, 0.75)
WANTED_HOLD, WANTED_HALF_WIDTH = 18, 0.15
MINUTES = 20.0
TRIALS = Trials(RESULTS / "remaining.jsonl")


def train(number: int) -> Row:
    """Watch one training; the remaining time at each of the `SHARES` of its way."""
    chance = random.Random(number)
    epochs, batches = chance.randint(20, 30), chance.randint(20, 40)
    words = [epochs, batches, chance.randint(1, 2), chance.randint(3, 6), chance.randint(0, 1)]
    with tempfile.TemporaryDirectory() as home:
        contention = Contention()
        done = subprocess.run(
            [sys.executable, "-m", "profilednn_tui", "run", "--headless", str(PROGRAM), *map(str, words)],
            env={**os.environ, "PROFILEDNN_HOME": home, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            check=True,
            text=True,
        )
        (folder,) = (path.parent for path in Path(home).glob(f"*/{SESSION_FILE}"))
        estimates = judge(folder, int(done.stdout))
    return {"number": number, "words": words, "contention": contention.line(), "estimates": estimates}


def judge(folder: Path, end_unix_ns: int) -> list[Row]:
    """What a recording tells at each of the `SHARES` of a training, and how long it then took."""
    events = list(recorded(folder))
    first = next(event for _, event in events if isinstance(event, StepsEvent))
    begin_unix_ns = int(first.rows[0][0]) - int(first.rows[0][1])
    rows = []
    for share in SHARES:
        now_unix_ns = begin_unix_ns + int(share * (end_unix_ns - begin_unix_ns))
        session = Session([Part(SessionFile.load(folder), live=True)])
        for pid, event in events:
            known = until(event, now_unix_ns)
            if known is not None:
                session.apply(pid, known)
        view = session.view()
        remaining = view.remaining
        rows.append(
            {
                "share": share,
                "truth_s": (end_unix_ns - view.unix_ns) / 1e9,
                "seconds": remaining.seconds,
                "low_s": remaining.low_s,
                "high_s": remaining.high_s,
                "reason": remaining.reason,
            }
        )
    return rows


def recorded(folder: Path) -> Iterator[tuple[int, Any]]:
    """The events of all agents, with their process."""
    store = FolderStore(folder, started_here=True)
    for name in store.recordings():
        pid = recording_pid(name)
        if pid is not None:
            reader = RecordingReader(name, store.open(name))
            while chunk := reader.read():
                for event in reader.events(chunk):
                    yield pid, event


def until(event: Any, now_unix_ns: int) -> Any:
    """What was known of an event at some moment; None if nothing was."""
    if isinstance(event, StepsEvent):
        rows = [row for row in event.rows if int(row[0]) <= now_unix_ns]
        return replace(event, rows=rows) if rows else None
    moment_unix_ns = int(getattr(event, "unix_ns", 0) or getattr(event, "end_unix_ns", 0))
    return event if moment_unix_ns <= now_unix_ns else None


def holds(estimate: Row) -> bool:
    """Whether the truth is in the interval."""
    return estimate["seconds"] is not None and estimate["low_s"] <= estimate["truth_s"] <= estimate["high_s"]


def half_width(estimate: Row) -> float:
    """Of the interval, relative to its middle."""
    return float((estimate["high_s"] - estimate["low_s"]) / (estimate["high_s"] + estimate["low_s"]))


def used_cores(row: Row) -> float:
    """How many cores other processes used meanwhile."""
    return float(row["contention"].partition("used ")[2].split()[0])


def report(rows: list[Row]) -> Iterator[str]:
    """The table."""
    yield "## Remaining time"
    yield ""
    yield from machine()
    yield versions("torch")
    yield f"- {len(rows)} trainings of 20 to 30 epochs, with a validation after every or every second one and a"
    yield f"  checkpoint every 3 to 6. Wanted: {WANTED_HOLD} of {RUNS} intervals hold the truth, with a half width of"
    yield f"  at most {units.share(WANTED_HALF_WIDTH)}."
    yield ""
    yield "| done | known | intervals that hold the truth | median half width | largest half width | median error |"
    yield "|---:|---:|---:|---:|---:|---:|"
    for share in SHARES:
        estimates = [one for row in rows for one in row["estimates"] if one["share"] == share]
        known = [one for one in estimates if one["seconds"] is not None]
        widths = sorted(map(half_width, known)) or [1.0]
        errors = sorted(abs(one["seconds"] / one["truth_s"] - 1) for one in known) or [1.0]
        cells = [
            units.share(share),
            f"{len(known)} of {len(estimates)}",
            f"{sum(map(holds, known))} of {len(known)}",
            *(units.share(value) for value in (widths[len(widths) // 2], widths[-1], errors[len(errors) // 2])),
        ]
        yield f"| {' | '.join(cells)} |"
    estimates = [one for row in rows for one in row["estimates"] if one["seconds"] is not None]
    wide = sum(half_width(one) > WANTED_HALF_WIDTH for one in estimates)
    cores = sorted(map(used_cores, rows))
    middle = cores[len(cores) // 2]
    yield ""
    yield f"- {wide} of {len(estimates)} intervals have a larger half width than wanted."
    yield f"- Contention: other processes used {cores[0]:.2f} to {cores[-1]:.2f} cores, {middle:.2f} in the median."


def main() -> None:
    """Make the missing trainings and write the table."""
    minutes = TRIALS.minutes_asked_for(__doc__, MINUTES)
    TRIALS.go_on(minutes, {CASE: RUNS}, lambda case: train(len(TRIALS.rows(case))))
    write("remaining", list(report(TRIALS.rows(CASE))))


if __name__ == "__main__":
    main()
