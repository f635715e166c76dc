"""Memory of the target."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.session.view import Memory
from profilednn_tui.tui.present.over_time import Curve, curve_lines
from profilednn_tui.tui.renderables.line import Line, Span
from profilednn_tui.tui.renderables.scale import nice_ceiling

LOW_MEMORY_BYTES = 1_000_000_000


def memory_lines(memory: Memory, width: int, height: int) -> tuple[Line, ...]:
    """Figures, two per line, then resident memory and page faults over time."""
    if memory.rss_bytes is None:
        return ((("No sample yet.", "muted"),),)
    low = memory.available_bytes is not None and memory.available_bytes < LOW_MEMORY_BYTES
    figures = (
        ("rss", units.bytes_size(memory.rss_bytes), "bold"),
        ("peak", units.bytes_size(memory.peak_rss_bytes), ""),
        ("others", units.bytes_size(memory.workers_rss_bytes) if memory.workers_rss_bytes else units.UNKNOWN, ""),
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
    if room >= 3 and len(memory.history_unix_ns) > 1:
        lines += curve_lines(memory.history_unix_ns, _curves(memory, room - 1), width)
    return tuple(lines[:height])


def _curves(memory: Memory, height: int) -> list[Curve]:
    """Resident memory, and page faults if there is room for both."""
    faults_height = (height - 1) // 2 if height >= 5 else 0
    most_bytes = nice_ceiling(max(memory.rss_history))
    curves = [
        Curve("rss", memory.rss_history, most_bytes, units.bytes_size(most_bytes), "primary", height - faults_height)
    ]
    if faults_height:
        most_per_s = nice_ceiling(max(memory.faults_history))
        text = units.rate(most_per_s)
        curves.append(Curve("faults", memory.faults_history, most_per_s, text, "secondary", faults_height))
    return curves


def _figure(label: str, value: str, role: str, width: int, label_width: int) -> tuple[Span, ...]:
    return ((label.ljust(label_width), "muted"), (value.ljust(max(0, width - label_width)), role))
