"""Places of a flame tree as text."""

from __future__ import annotations

from profilednn_tui.export.session.frames import short_frame_text
from profilednn_tui.flame.tree import Label


def place_text(label: Label, working_directory: str) -> str:
    """``train.py:10 main`` for a line, else its name."""
    frame = label.frame
    return short_frame_text(frame, working_directory) if frame is not None else label.text
