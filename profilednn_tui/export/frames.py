"""Frames and files as text."""

from __future__ import annotations

import os

from profilednn_tui.session.records import Frame


def frame_text(frame: Frame, working_directory: str) -> str:
    """``train.py:10 main``; the file relative to the working directory when it lies inside."""
    line = f":{frame.line}" if frame.line else ""
    return f"{short_file(frame.file, working_directory)}{line} {frame.function}"


def short_file(file: str, working_directory: str) -> str:
    root = working_directory.rstrip(os.sep) + os.sep
    return file[len(root) :] if len(root) > 1 and file.startswith(root) else file
