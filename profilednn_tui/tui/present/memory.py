"""Memory of the target."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.session.view import Memory
from profilednn_tui.tui.renderables.line import Line, Span
from profilednn_tui.tui.renderables.sparkline import area

LOW_MEMORY_BYTES = 1_000_000_000


def memory_lines(memory: Memory, width: int, height: int) -> tuple[Line, ...]:
    """Figures, two per line, then the history of resident memory and of page faults."""
    if memory.rss_bytes is None:
        return ((("No sample yet.", "muted"),),)
    low = memory.available_bytes is not None and memory.available_bytes < LOW_MEMORY_BYTES
    figures = (
        ("rss", units.bytes_size(memory.rss_bytes), "bold"),
        ("peak", units.bytes_size(memory.peak_rss_bytes), ""),
        ("workers", units.bytes_size(memory.workers_rss_bytes) if memory.workers_rss_bytes else units.UNKNOWN, ""),
        ("free", units.bytes_size(memory.available_bytes), "warning" if low else ""),
        ("faults", units.rate(memory.minor_faults_per_s), ""),
        ("major", units.rate(memory.major_faults_per_s), "warning" if (memory.major_faults_per_s or 0) > 1 else ""),
        ("user", units.percent(memory.user_percent), ""),
        ("sys", units.percent(memory.system_percent), ""),
    )
    lines: list[Line] = []
    for left, right in zip(figures[::2], figures[1::2], strict=True):
        lines.append((*_figure(*left, max(18, width // 2), 8), *_figure(*right, width - max(18, width // 2), 6)))
    lines = lines[:height]
    room = height - len(lines)
    if room >= 3 and len(memory.rss_history) > 1:
        rss_height = room - 1 if room < 6 else (room - 1) // 2 + 1
        lines.append(())
        lines += _graph("rss", memory.rss_history, width, rss_height, "primary")
        if room - 1 > rss_height and memory.faults_history:
            lines += _graph("flt", memory.faults_history, width, room - 1 - rss_height, "secondary")
    return tuple(lines[:height])


def _figure(label: str, value: str, role: str, width: int, label_width: int) -> tuple[Span, ...]:
    return ((label.ljust(label_width), "muted"), (value.ljust(max(0, width - label_width)), role))


def _graph(label: str, values: tuple[float, ...], width: int, height: int, role: str) -> list[Line]:
    graph = area(values, width - 4, height, max(values) * 1.15 or 1.0)
    return [(((label if row == 0 else "").ljust(4), "muted"), (line, role)) for row, line in enumerate(graph)]
