"""Frames as text."""

from __future__ import annotations

from profilednn_tui.session.frames import call_site, relative_file, short_file
from profilednn_tui.session.view import Frame, Operator


def frame_text(frame: Frame, working_directory: str) -> str:
    """``train.py:10 main``; the file as recorded, or relative to the working directory if it lies inside."""
    return _text(relative_file(frame.file, working_directory), frame)


def short_frame_text(frame: Frame, working_directory: str) -> str:
    """``train.py:10 main``; the file relative to the working directory, or to where its package was installed."""
    return _text(short_file(frame.file, working_directory), frame)


def called_from(operator: Operator, working_directory: str) -> str:
    """The call site with most of an operator's time; for a backward one, the forward line that created its work."""
    stack = operator.stacks[0] if operator.stacks else None
    frame = call_site(stack.forward_frames or stack.frames) if stack else None
    return short_frame_text(frame, working_directory) if frame else ""


def _text(file: str, frame: Frame) -> str:
    return f"{file}:{frame.line} {frame.function}" if frame.line else f"{file} {frame.function}"
