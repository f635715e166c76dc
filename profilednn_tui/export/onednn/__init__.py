"""Logs and comparisons as text for people and for other programs: one module per format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from profilednn_tui.export.onednn.csv_primitives import primitives_csv, templates_csv
from profilednn_tui.export.onednn.json_primitives import comparison_json, primitives_json
from profilednn_tui.export.onednn.markdown import comparison_markdown, log_markdown
from profilednn_tui.export.onednn.svg import donut_svg
from profilednn_tui.onednn.compare import LogComparison
from profilednn_tui.onednn.records import PrimitiveLog
from profilednn_tui.onednn.templates import command_lines

LOG_FORMATS: Mapping[str, Callable[[PrimitiveLog], str]] = MappingProxyType(
    {
        "json": primitives_json,
        "csv": primitives_csv,
        "markdown": log_markdown,
        "svg": donut_svg,
        "templates": templates_csv,
        "benchdnn": lambda log: "".join(f"{line}\n" for line in command_lines(log)),
    }
)
"""Formats other than ``text``, which needs a terminal's width."""

COMPARISON_FORMATS: Mapping[str, Callable[[LogComparison], str]] = MappingProxyType(
    {"json": comparison_json, "markdown": comparison_markdown}
)
