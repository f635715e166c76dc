"""The one error that users see as a sentence."""

from __future__ import annotations


class ProfilerError(Exception):
    """An error the user can fix: one sentence with the cause and the fix. `cli` prints it and returns `exit_code`."""

    def __init__(self, message: str, exit_code: int = 2) -> None:
        super().__init__(message)
        self.exit_code = exit_code
