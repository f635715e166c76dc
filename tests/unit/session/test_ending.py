"""Descriptions of how a target ended."""

from __future__ import annotations

import pytest

from profilednn_tui.session.ending import exit_words, was_killed


@pytest.mark.parametrize(
    ("exit_code", "words", "killed"),
    [
        (0, "exit code 0", False),
        (3, "exit code 3", False),
        (-9, "killed by SIGKILL (9)", True),
        (-11, "killed by SIGSEGV (11)", True),
        (-40, "killed by signal 40", True),
        (None, "exit code unknown", False),
    ],
)
def test_exit_codes_in_words(exit_code: int | None, words: str, killed: bool) -> None:
    assert exit_words(exit_code) == words
    assert was_killed(exit_code) is killed
