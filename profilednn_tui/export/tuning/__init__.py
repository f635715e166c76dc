"""The result of a search as text, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from profilednn_tui.compare.tuning import TuneReport
from profilednn_tui.export.tuning.json_tuning import json_text
from profilednn_tui.export.tuning.markdown import markdown_text
from profilednn_tui.export.tuning.text import tuning_text

TUNING_FORMATS: Mapping[str, Callable[[TuneReport], str]] = MappingProxyType(
    {"text": tuning_text, "markdown": markdown_text, "json": json_text}
)
