"""Which recordings are complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from profilednn_tui.session.storage.farewell import said_bye
from tests.unit.session import recordings as r


@pytest.mark.parametrize(
    ("written", "ended"),
    [
        (r.lines(r.hello(), r.bye()), True),
        (r.lines(r.hello(), *[r.training(40)] * 20, r.bye("detach")), True),
        (r.lines(r.bye(), r.training(1)), False),
        (r.lines(r.hello()), False),
        (b"", False),
    ],
)
def test_a_recording_ends_with_a_goodbye(tmp_path: Path, written: bytes, ended: bool) -> None:
    (tmp_path / "agent.jsonl").write_bytes(written)
    assert said_bye(tmp_path / "agent.jsonl") is ended


def test_what_is_no_file_has_not_ended(tmp_path: Path) -> None:
    (tmp_path / "there.jsonl").write_bytes(r.lines(r.bye()))
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "there.jsonl")
    assert not said_bye(tmp_path / "link.jsonl")
    assert not said_bye(tmp_path / "gone.jsonl")
    assert not said_bye(tmp_path)
