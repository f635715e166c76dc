"""Facts of a session in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profilednn_tui.export.session.facts import process_end
from profilednn_tui.session.view import ProcessEnd, ProcessEntry, SessionView, State, Target

ENTRY = ProcessEntry(11, 11, 0, ("python", "train.py"), 20, ended=True)


@pytest.mark.parametrize(
    ("detached", "entry", "words"),
    [
        (True, ENTRY, "detached"),
        (False, ENTRY, "ended"),
        (True, replace(ENTRY, end=ProcessEnd(1, 1, exit_code=0)), "ended"),
    ],
)
def test_a_process_that_was_left_has_not_ended(detached: bool, entry: ProcessEntry, words: str) -> None:
    """Found in a review: after `attach --steps`, ranks that went on training were said to have ended."""
    view = SessionView(state=State.ENDED, target=Target("train.py", detached=detached))
    assert process_end(view, entry).startswith(words)
