"""From the queue to the file."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from profilednn_tui.agent.recording import outbox as module
from profilednn_tui.agent.recording.outbox import FinishedStep, Outbox
from profilednn_tui.agent.steps.timeline import Cut
from profilednn_tui.protocol.events import ByeEvent


def step(number: int) -> FinishedStep:
    return number, Cut(number * 10, (0,) * 8), Cut(number * 10 + 10, (1, 2, 3, 0, 0, 4, 0, 0)), 0.5, 0


def lines_of(outbox: Outbox) -> list[dict[str, object]]:
    return [json.loads(line) for line in Path(outbox.path).read_text().splitlines()]


def test_a_stream_begins_with_its_header(tmp_path: Path) -> None:
    outbox = Outbox(str(tmp_path))
    outbox.flush()

    assert lines_of(outbox)[0]["magic"] == "profilednn"
    assert os.stat(outbox.path).st_mode & 0o777 == 0o600


def test_consecutive_steps_share_a_line(tmp_path: Path) -> None:
    outbox = Outbox(str(tmp_path))
    for number in (1, 2, 3, 7):
        outbox.put_step(step(number))
    outbox.flush()

    first, second = lines_of(outbox)[1:]
    assert (first["first"], len(list(first["rows"]))) == (1, 3)  # type: ignore[call-overload]
    assert second["first"] == 7


def test_a_full_queue_drops_and_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_STEPS", 2)
    outbox = Outbox(str(tmp_path))
    for number in range(1, 6):
        outbox.put_step(step(number))

    assert outbox.dropped == 3


def test_what_the_disk_refuses_waits_and_a_torn_line_is_set_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox(str(tmp_path))
    outbox.flush()
    outbox.put(ByeEvent("exit", 1))
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:5]))
    outbox.flush()
    monkeypatch.setattr(os, "write", write)
    outbox.flush()

    texts = Path(outbox.path).read_text().splitlines()
    assert texts[1] == '{"eve'
    assert json.loads(texts[2])["code"] == "disk"
    assert json.loads(texts[3])["reason"] == "exit"


def test_a_full_disk_keeps_what_it_could_not_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outbox = Outbox(str(tmp_path))

    def full(*arguments: object) -> int:
        raise OSError(errno.ENOSPC, "no space")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        outbox.put(ByeEvent("exit", 1))
        outbox.flush()
    outbox.flush()

    assert [line["event"] for line in lines_of(outbox)] == ["header", "notice", "bye"]
    assert "nothing is lost" in str(lines_of(outbox)[1]["text"])


def test_what_a_full_disk_never_takes_is_forgotten_and_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would wait in the training process's memory, which must not pay for a full disk."""
    outbox = Outbox(str(tmp_path))
    outbox.flush()

    def full(*arguments: object) -> int:
        raise OSError(errno.ENOSPC, "no space")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        for _ in range(30):
            outbox.put(ByeEvent("x" * 1_000_000, 1))
            outbox.flush()
        assert sum(map(len, outbox._lines)) < 2 * module.MAX_WAITING_BYTES
    outbox.put(ByeEvent("exit", 1))
    outbox.flush()

    lines = lines_of(outbox)
    (notice,) = [line for line in lines if line["event"] == "notice"]
    assert str(notice["text"]).startswith(f"{outbox.dropped} lines of the recording of process {os.getpid()} are lost")
    assert lines[-1]["reason"] == "exit"
    outbox.put(ByeEvent("later", 1))
    outbox.flush()
    assert [line["event"] for line in lines_of(outbox)].count("notice") == 1
