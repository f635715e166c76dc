"""Encodes events and commands as lines of a file, and decodes commands."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from .events import Command
from .vocabulary import ACTIONS


def encode(event: Any) -> bytes:
    """Encode an event or command as one line; numbers that JSON cannot represent become strings ("nan", "inf")."""
    body = {"event": event.kind}
    for entry in fields(event):
        body[entry.name] = getattr(event, entry.name)
    try:
        text = json.dumps(body, separators=(",", ":"), allow_nan=False)
    except ValueError:
        text = json.dumps(_spell_non_finite(body), separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "backslashreplace") + b"\n"


def decode_command(line: bytes) -> Command | None:
    """Decode a line of a control file; None if it is not a valid command."""
    try:
        body = json.loads(line)
        command = Command(str(body["action"]), float(body.get("value", 0.0)))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return command if command.action in ACTIONS else None


def _spell_non_finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0.0 else str(value)
    if isinstance(value, dict):
        return {key: _spell_non_finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_spell_non_finite(item) for item in value]
    return value
