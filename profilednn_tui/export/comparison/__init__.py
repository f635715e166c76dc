"""Comparisons as text, JSON and Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from profilednn_tui.export.comparison.json_comparison import json_text
from profilednn_tui.export.comparison.markdown import markdown_text
from profilednn_tui.export.comparison.report import Report
from profilednn_tui.export.comparison.text import report_text

FORMATS: Mapping[str, Callable[[Report], str]] = MappingProxyType(
    {"text": report_text, "json": json_text, "markdown": markdown_text}
)
