"""The ranks of a distributed training: a row each, with who waits for it over the newest steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from profilednn_tui import units
from profilednn_tui.ranks.account import RankAccount, Ranks
from profilednn_tui.ranks.words import clock_words, doubt, end_words, lives_words, ranks_words
from profilednn_tui.session.view import SessionView
from profilednn_tui.tui.present.states import Message
from profilednn_tui.tui.present.table import Column
from profilednn_tui.tui.renderables.line import Line, Span, merge, wrap

HEAT = " ░▒▓█"
HEAT_FULL = 0.4
"""Share of the step from which a cell is full."""
MOST_HEAD_LINES = 8


@dataclass(frozen=True, slots=True)
class RankRow:
    """One rank."""

    account: RankAccount
    late: bool
    """Whether it is the one that is named."""
    shown: bool
    """Whether the other screens show its process."""
    end: str = ""
    """How it ended; empty while it runs, and if that is not known."""


def rank_rows(view: SessionView, ranks: Ranks) -> tuple[RankRow, ...]:
    """Those that the others wait for most come first."""
    late = ranks.straggler.rank if ranks.straggler is not None else None
    shown = next((entry.key for entry in view.processes if entry.shown), None)
    ends = {entry.key: end_words(entry.end) for entry in view.processes}
    rows = (RankRow(row, row.rank == late, row.key == shown, ends.get(row.key, "")) for row in ranks.rows)
    return tuple(sorted(rows, key=lambda row: (-row.account.caused_ns, row.account.rank)))


def ranks_message(view: SessionView, ranks: Ranks) -> Message | None:
    """Why there are no rows."""
    if ranks.rows:
        return None
    if len(view.ranks) > 1:
        return Message("The ranks have made too few steps")
    return Message(
        "No other rank here",
        ("Ranks appear when several processes of this session have joined a process group of torch.distributed.",),
    )


def head_lines(view: SessionView, ranks: Ranks, width: int) -> tuple[Line, ...]:
    """What is known in one sentence, what is not, and how the lives of the ranks ended, the newest first."""
    told: list[tuple[str, str]] = []
    if ranks.rows:
        told.append((ranks_words(ranks), "bold warning" if ranks.straggler else "bold"))
        told += [(doubt(ranks), "muted"), (clock_words(ranks), "muted")]
    told += [(words, "warning") for words in reversed(lives_words(view.processes, view.target.working_directory))]
    wrapped = [line for words, role in told if words for line in wrap(words, max(10, width - 2), role)]
    return tuple(((" ", ""), *line) for line in wrapped[:MOST_HEAD_LINES]) or ((),)


def search_text(row: RankRow) -> str:
    """What `/` searches."""
    return f"rank {row.account.rank} {row.account.host} pid {row.account.pid}"


def copy_text(row: RankRow) -> str:
    """What `y` copies."""
    one = row.account
    times = (one.own_ns, one.late_ns, one.transfer_ns, one.caused_ns)
    own, late, transfer, caused = map(units.duration, times)
    return (
        f"rank {one.rank} (pid {one.pid}, {one.host}): own work {own}, waiting {late}, transfer {transfer}, "
        f"waited for {caused} per step"
    )


def heat(shares: Sequence[float], width: int) -> Line:
    """How long the others waited for a rank, in as many cells; each is the mean of neighbouring steps."""
    if width <= 0 or not shares:
        return ()
    newest = shares[-width * max(1, len(shares) // width) :]
    each = max(1, len(newest) // width)
    means = [fmean(newest[place : place + each]) for place in range(0, len(newest), each)][-width:]
    return merge(_cell(mean) for mean in means)


def _cell(share: float) -> Span:
    level = min(len(HEAT) - 1, round(share / HEAT_FULL * (len(HEAT) - 1)))
    return (HEAT[level], "warning" if level > 1 else "muted")


def _rank(row: RankRow, width: int) -> Line:
    mark = "▶" if row.shown else " "
    return ((f"{mark}{row.account.rank}", "bold warning" if row.late else ""),)


def _time(name: str, role: str = "") -> Callable[[RankRow, int], Line]:
    def cell(row: RankRow, width: int) -> Line:
        return ((units.milliseconds(getattr(row.account, name)), role),)

    return cell


def _share(nanoseconds: float | None, row: RankRow) -> str:
    return units.share(None if nanoseconds is None else nanoseconds / row.account.step_ns)


COLUMNS: tuple[Column[RankRow], ...] = (
    Column("rank", 5, _rank, lambda row: row.account.rank, descending=False, right=False),
    Column("host", 10, lambda row, width: ((row.account.host, "muted"),), lambda row: row.account.host,
           descending=False, right=False, drop=5),
    Column("step ms", 8, _time("median_ns"), lambda row: row.account.median_ns),
    Column("own ms", 8, _time("own_ns", "bold"), lambda row: row.account.own_ns),
    Column("waiting", 8, _time("late_ns"), lambda row: row.account.late_ns),
    Column("transfer", 8, _time("transfer_ns"), lambda row: row.account.transfer_ns, drop=1),
    Column("caused", 8, _time("caused_ns", "warning"), lambda row: row.account.caused_ns),
    Column("cpu", 7, lambda row, width: ((_share(row.account.cpu_ns, row), "muted"),),
           lambda row: row.account.cpu_ns or 0.0, drop=3),
    Column("no core", 7, lambda row, width: ((_share(row.account.delay_ns, row), "muted"),),
           lambda row: row.account.delay_ns or 0.0, drop=2),
    Column("threads", 7, lambda row, width: ((units.count(row.account.intra_op_threads), "muted"),),
           lambda row: row.account.intra_op_threads, drop=4),
    Column("end", 12, lambda row, width: ((row.end, "" if row.end == "ended" else "warning"),), lambda row: row.end,
           descending=False, right=False, drop=6),
    Column("waited for, newest steps", 10, lambda row, width: heat(row.account.caused_shares, width), right=False,
           grow=1, most=64, drop=7),
)  # fmt: skip
