"""The ranks of a distributed training: JSON, and a table for text and Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from profilednn_tui import units
from profilednn_tui.export.session.frames import frame_text
from profilednn_tui.ranks.account import RankAccount, Ranks
from profilednn_tui.ranks.ends import Death, Life, last_death
from profilednn_tui.ranks.straggler import Straggler
from profilednn_tui.session.view import ProcessEnd, ProcessEntry

COLUMNS = ("rank", "steps", "median ms", "own ms", "waiting ms", "transfer ms", "caused ms")
MOST_ROWS = 16
_NS_PER_MS = 1e6


def rank_documents(ranks: Ranks, processes: Iterable[ProcessEntry], working_directory: str) -> list[dict[str, Any]]:
    """One object for each rank; times are means per step."""
    ends = {entry.key: entry.end for entry in processes}
    return [_document(row) | {"end": end_document(ends.get(row.key), working_directory)} for row in ranks.rows]


def end_document(end: ProcessEnd | None, working_directory: str) -> dict[str, Any] | None:
    """How a process ended; None while it runs, and if that is not known."""
    if end is None:
        return None
    return {
        "unix_ns": end.unix_ns,
        "alive_unix_ns": end.alive_unix_ns,
        "error": end.error or None,
        "source": None if end.source is None else frame_text(end.source, working_directory).rstrip(),
        "exit_code": end.exit_code,
        "said_bye": end.said_bye,
    }


def life_documents(lives: Sequence[Life]) -> list[dict[str, Any]]:
    """One object for each life of the ranks, oldest first."""
    return [
        {"life": life.number, "world_size": life.world_size, "steps": life.steps, "running": life.running}
        for life in lives
    ]


def death_document(lives: Sequence[Life], working_directory: str) -> dict[str, Any] | None:
    """Which rank died first in the newest life in which one died, and which followed; None if none died.

    There are several first ones if they died of the same, or if it is not known which was first."""
    life = last_death(lives)
    if life is None:
        return None

    def of(deaths: Iterable[Death]) -> list[dict[str, Any]]:
        return [
            {"rank": death.rank, "pid": death.pid, "steps": death.steps}
            | (end_document(death.end, working_directory) or {})
            for death in deaths
        ]

    return {
        "life": life.number,
        "first": of(life.first),
        "cause_is_known": life.cause_is_known,
        "followers": of(life.followers),
    }


def clock_documents(ranks: Ranks) -> list[dict[str, Any]]:
    """One object for each other machine: how its clock is aligned with that of the first rank."""
    return [
        {
            "host": clock.host,
            "offset_ms": clock.ns / _NS_PER_MS,
            "bound_ms": clock.bound_ns / _NS_PER_MS,
            "collectives": clock.collectives,
        }
        for clock in ranks.clocks
    ]


def straggler_document(straggler: Straggler | None, working_directory: str) -> dict[str, Any] | None:
    """The late rank; None if none is."""
    if straggler is None:
        return None
    return {
        "rank": straggler.rank,
        "phase": straggler.phase,
        "cause": straggler.cause,
        "share": straggler.share,
        "late_ms": straggler.late_ns / _NS_PER_MS,
        "operator": straggler.operator,
        "source": None if straggler.source is None else frame_text(straggler.source, working_directory),
        "steps": straggler.steps,
        "of_steps": straggler.of_steps,
    }


def rank_rows(ranks: Ranks) -> Iterator[tuple[str, ...]]:
    """Cells below `COLUMNS`; of many ranks, those that the others wait for most."""
    worst = sorted(ranks.rows, key=lambda row: -row.caused_ns)[:MOST_ROWS]
    for row in sorted(worst, key=lambda row: row.rank):
        times = row.median_ns, row.own_ns, row.late_ns, row.transfer_ns, row.caused_ns
        host = f" ({row.host})" if len({one.host for one in ranks.rows}) > 1 else ""
        yield (f"{row.rank}{host}", units.count(row.count), *map(units.milliseconds, times))


def _document(row: RankAccount) -> dict[str, Any]:
    return {
        "rank": row.rank,
        "host": row.host,
        "pid": row.pid,
        "steps": row.count,
        "ended": row.ended,
        "intra_op_threads": row.intra_op_threads,
        "median_ms": row.median_ns / _NS_PER_MS,
        "step_ms": row.step_ns / _NS_PER_MS,
        "compute_ms": row.own_ns / _NS_PER_MS,
        "late_arrival_wait_ms": row.late_ns / _NS_PER_MS,
        "transfer_ms": row.transfer_ns / _NS_PER_MS,
        "caused_wait_ms": row.caused_ns / _NS_PER_MS,
        "cpu_ms": None if row.cpu_ns is None else row.cpu_ns / _NS_PER_MS,
        "delay_ms": None if row.delay_ns is None else row.delay_ns / _NS_PER_MS,
        "phases": [{"name": name, "mean_ms": mean / _NS_PER_MS} for name, mean in row.phases_ns.items()],
    }
