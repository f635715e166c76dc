"""Advice as text, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from profilednn_tui.advise.findings import Advice
from profilednn_tui.export.advice.json_advice import json_text
from profilednn_tui.export.advice.markdown import markdown_text
from profilednn_tui.export.advice.text import advice_text
from profilednn_tui.session.view import SessionView

ADVICE_FORMATS: Mapping[str, Callable[[Advice, SessionView], str]] = MappingProxyType(
    {"text": advice_text, "markdown": markdown_text, "json": json_text}
)
