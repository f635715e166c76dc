"""Threads and worker processes of the target."""

from __future__ import annotations

from dataclasses import dataclass

from profilednn_tui import units
from profilednn_tui.session.view import SessionView, Thread, Worker
from profilednn_tui.tui.present.table import Column
from profilednn_tui.tui.renderables.line import Line, clip

INVOLUNTARY_WARNING_PER_S = 200.0
"""A thread that is preempted this often competes with others."""


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A thread, or a child process."""

    key: tuple[str, int]
    role: str
    name: str
    cpu_percent: float
    core: int | None = None
    voluntary_per_s: float | None = None
    involuntary_per_s: float | None = None
    rss_bytes: int | None = None


def task_rows(view: SessionView) -> tuple[TaskRow, ...]:
    """Threads first, then child processes."""
    return (*(_thread(thread) for thread in view.threads), *(_worker(worker) for worker in view.workers))


def title_note(view: SessionView) -> str:
    """``37 threads · 2 workers``"""
    parts = [units.counted(view.thread_count, "thread")] if view.thread_count else []
    if view.workers:
        parts.append(f"{len(view.workers)} {'worker' if len(view.workers) == 1 else 'workers'}")
    return " · ".join(parts)


def _thread(thread: Thread) -> TaskRow:
    return TaskRow(
        ("thread", thread.tid), thread.role, thread.name, thread.cpu_percent, thread.core,
        thread.voluntary_per_s, thread.involuntary_per_s,
    )  # fmt: skip


def _worker(worker: Worker) -> TaskRow:
    name = f"pid {worker.pid}"
    return TaskRow(("process", worker.pid), worker.role, name, worker.cpu_percent, rss_bytes=worker.rss_bytes)


def _role(row: TaskRow, width: int) -> Line:
    role = row.role.replace("DataLoader", "loader")
    return ((clip(role, width), "primary" if row.key[0] == "process" else ""),)


def _involuntary(row: TaskRow, width: int) -> Line:
    if row.involuntary_per_s is None:
        return ()
    role = "warning" if row.involuntary_per_s > INVOLUNTARY_WARNING_PER_S else "muted"
    return ((units.fixed(row.involuntary_per_s, 0), role),)


def _voluntary(row: TaskRow, width: int) -> Line:
    return _optional(units.fixed(row.voluntary_per_s, 0), row.voluntary_per_s is not None)


def _optional(text: str, known: bool) -> Line:
    return ((text, "muted"),) if known else ()


COLUMNS: tuple[Column[TaskRow], ...] = (
    Column("role", 13, _role, lambda row: row.role, descending=False, right=False, grow=1, most=18),
    Column("cpu %", 6, lambda row, width: ((units.fixed(row.cpu_percent, 1), ""),), lambda row: row.cpu_percent),
    Column("core", 5, lambda row, width: _optional(str(row.core), row.core is not None), lambda row: row.core,
           descending=False, drop=2),
    Column("invol/s", 8, _involuntary, lambda row: row.involuntary_per_s, drop=1),
    Column("vol/s", 7, _voluntary, lambda row: row.voluntary_per_s, drop=3),
    Column("rss", 8, lambda row, width: _optional(units.bytes_size(row.rss_bytes), row.rss_bytes is not None),
           lambda row: row.rss_bytes, drop=4),
    Column("id", 8, lambda row, width: ((str(row.key[1]), "faint"),), lambda row: row.key[1], descending=False, drop=5),
    Column("name", 10, lambda row, width: ((clip(row.name, width), "faint"),), lambda row: row.name, descending=False,
           right=False, grow=1, most=24, drop=6),
)  # fmt: skip


def search_text(row: TaskRow) -> str:
    return f"{row.role} {row.name} {row.key[1]}"


def copy_text(row: TaskRow) -> str:
    return f"{row.role}\t{row.name}\t{row.key[1]}\t{units.percent(row.cpu_percent)}"
