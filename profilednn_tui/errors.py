"""The one error a user sees as a sentence."""

from __future__ import annotations


class ProfilerError(Exception):
    """Something the user can mend: one sentence with the cause and the fix. `cli` prints it and returns `exit_code`."""

    def __init__(self, message: str, exit_code: int = 2) -> None:
        super().__init__(message)
        self.exit_code = exit_code
