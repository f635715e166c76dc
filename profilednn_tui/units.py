"""The only place where numbers become text.

Every function returns text of bounded width, so that columns stay aligned and nothing jumps; ``None`` (unknown) becomes
a dash.
"""

from __future__ import annotations

import time

UNKNOWN = "–"

_BYTES = ("B", "kB", "MB", "GB", "TB")
_COUNTS = ("", "k", "M", "G", "T")


def milliseconds(duration_ns: float | None) -> str:
    """A duration in a column of milliseconds: ``0.012``, ``3.40``, ``127.3``, ``4215``."""
    if duration_ns is None:
        return UNKNOWN
    value = duration_ns / 1e6
    if abs(value) < 1:
        return f"{value:.3f}"
    return _three_figures(value)


def duration(duration_ns: float | None) -> str:
    """A duration with its own unit: ``340 ns``, ``12.4 µs``, ``31.0 ms``, ``2 min 05 s``, ``3 h 12 min``."""
    if duration_ns is None:
        return UNKNOWN
    if abs(duration_ns) >= 3599.5e9:
        minutes = round(duration_ns / 60e9)
        return f"{minutes // 60} h {minutes % 60:02d} min"
    if abs(duration_ns) >= 99.95e9:
        seconds = round(duration_ns / 1e9)
        return f"{seconds // 60} min {seconds % 60:02d} s"
    for limit, factor, unit in ((999.5, 1.0, "ns"), (999.5e3, 1e3, "µs"), (999.5e6, 1e6, "ms")):
        if abs(duration_ns) < limit:
            value = duration_ns / factor
            return f"{value:.0f} ns" if unit == "ns" else f"{_three_figures(value)} {unit}"
    return f"{_three_figures(duration_ns / 1e9)} s"


def span(low_s: float, high_s: float) -> str:
    """An interval of time: ``42 to 55 s``, ``37 to 41 min``, ``58 min to 2 h 10 min``, or ``about 12 min``."""
    if high_s < 99.5:
        low, high, unit = f"{low_s:.0f}", f"{high_s:.0f}", " s"
    elif high_s < 99.5 * 60:
        decimals = 1 if high_s < 9.95 * 60 else 0
        low, high, unit = f"{low_s / 60:.{decimals}f}", f"{high_s / 60:.{decimals}f}", " min"
    else:
        low = duration(low_s * 1e9) if low_s >= 3600 else f"{low_s / 60:.0f} min"
        high, unit = duration(high_s * 1e9), ""
    return f"about {high}{unit}" if low == high else f"{low} to {high}{unit}"


def percent(value: float | None) -> str:
    """A percentage: ``0.42 %``, ``8.1 %``, ``31 %``, ``400 %``, or ``<0.01 %``."""
    if value is None:
        return UNKNOWN
    if 0 < abs(value) < 0.01:
        return "<0.01 %"
    if abs(value) < 0.995:
        return f"{value:.2f} %"
    return f"{value:.1f} %" if abs(value) < 9.95 else f"{value:.0f} %"


def share(fraction: float | None) -> str:
    """A fraction as a percentage."""
    return percent(None if fraction is None else fraction * 100)


def ratio(value: float | None) -> str:
    """A ratio of two figures: ``1.25x``."""
    return UNKNOWN if value is None else f"{value:.2f}x"


def change(of_ratio: float | None) -> str:
    """A ratio of two figures as a change: ``+10.0 %``, ``-0.3 %``, ``+140 %``."""
    if of_ratio is None:
        return UNKNOWN
    value = 100 * (of_ratio - 1)
    return f"{value:+.0f} %" if abs(value) >= 99.95 else f"{value:+.1f} %"


def bytes_size(size_bytes: float | None) -> str:
    """A size in decimal units: ``812 kB``, ``1.42 GB``."""
    if size_bytes is None:
        return UNKNOWN
    value, unit = _scaled(size_bytes, _BYTES)
    return f"{value:.0f} B" if unit == "B" else f"{_three_figures(value)} {unit}"


def fixed(number: float | None, decimals: int) -> str:
    """A number for a column whose header names the unit and whose decimal points align: ``1204.30``."""
    return UNKNOWN if number is None else f"{number:.{decimals}f}"


def count(number: float | None) -> str:
    """A count: ``12``, ``0.5``, ``1,204``, ``35.1k``, ``2.40M``."""
    if number is None:
        return UNKNOWN
    if abs(number) < 9_999.5:
        return f"{number:,.0f}" if number == int(number) or abs(number) >= 100 else f"{number:.1f}"
    value, unit = _scaled(number, _COUNTS)
    return f"{_three_figures(value)}{unit}"


def counted(number: float | None, noun: str) -> str:
    """``1 window``, ``12 windows``: a number of what a noun with a plural in -s names."""
    text = count(number)
    return f"{text} {noun}{'' if text == '1' else 's'}"


def short(number: float, figures: int = 3) -> str:
    """A number in at most six characters, for an axis: ``0.693``, ``31.2``, ``1,204``, ``12.3k``, ``1.2e-7``. It has up
    to so many significant figures, unless its integer part has more."""
    if abs(number) >= 999.5:
        return count(number) if abs(number) < 999.5e12 else f"{number:.0e}".replace("e+", "e")
    texts = [f"{number:.{digits}g}".replace("e-0", "e-") for digits in range(figures, 0, -1)]
    return next((text for text in texts if len(text) <= 6), texts[-1])


def round_duration(duration_ns: float) -> str:
    """A duration that is a round number of the largest unit that it fills: ``250 ms``, ``90 s``, ``2 min``, ``1 h``."""
    for factor, unit in ((3600e9, "h"), (60e9, "min"), (1e9, "s"), (1e6, "ms")):
        if duration_ns >= factor and duration_ns % factor == 0:
            return f"{duration_ns / factor:.0f} {unit}"
    return duration(duration_ns)


def ordinal(number: int) -> str:
    """``first`` to ``fifth``, ``11th``, ``22nd``."""
    words = ("first", "second", "third", "fourth", "fifth")
    if 1 <= number <= len(words):
        return words[number - 1]
    ending = "th" if number // 10 % 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def moment(unix_ns: int) -> str:
    """A time by the local clock: ``2026-11-30 14:05:09``."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(unix_ns / 1e9))


def rate(per_s: float | None) -> str:
    """A rate: ``0.03/s``, ``31.2/s``, ``1,204/s``."""
    if per_s is None:
        return UNKNOWN
    return f"{count(per_s) if abs(per_s) >= 999.95 else _three_figures(per_s)}/s"


def loss(value: float | None) -> str:
    """A loss with five significant figures: ``0.69315``, ``1.2346e-07``."""
    return UNKNOWN if value is None else f"{value:.5g}"


def _scaled(value: float, units: tuple[str, ...]) -> tuple[float, str]:
    for unit in units[:-1]:
        if abs(value) < 999.5:
            return value, unit
        value /= 1000
    return value, units[-1]


def _three_figures(value: float) -> str:
    magnitude = abs(value)
    if magnitude < 9.995:
        return f"{value:.2f}"
    return f"{value:.1f}" if magnitude < 999.95 else f"{value:.0f}"
