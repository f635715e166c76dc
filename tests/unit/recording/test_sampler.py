from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from profilednn_tui.clock import Clock
from profilednn_tui.collect import machine
from profilednn_tui.protocol.codec import encode
from profilednn_tui.protocol.events import (
    ByeEvent,
    DistributedEvent,
    ExitEvent,
    HelloEvent,
    NoticeEvent,
    current_header,
)
from profilednn_tui.recording import sampler as sampler
from profilednn_tui.recording.participants import Participants
from profilednn_tui.recording.sampler import RESERVE_BYTES, RESERVE_FILE, EventFile, Sampler, next_due_s
from profilednn_tui.recording.viewers import viewing


class HandClock:
    """A clock that advances only when told to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def clock(self) -> Clock:
        return Clock(unix_ns=lambda: int(self.now_s * 1e9), monotonic_s=lambda: self.now_s)


def events(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "host.jsonl").read_bytes().splitlines()]


def kinds(folder: Path) -> list[str]:
    return [event["event"] for event in events(folder)]


def test_the_head_the_samples_and_the_end(tmp_path: Path) -> None:
    hand = HandClock()
    target = Sampler(tmp_path, os.getpid(), hand.clock())
    target.start()
    assert kinds(tmp_path) == ["header", "machine"]
    hand.now_s += 1
    target.sample_if_due()
    assert kinds(tmp_path)[2:] == ["cores", "threads", "memory", "workers"]
    target.finish(ExitEvent(3, 1, 0.1, 0.2, 4))
    assert events(tmp_path)[-1]["exit_code"] == 3
    assert (tmp_path / "host.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_target_that_was_pinned_for_a_moment_is_described_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 2: importing torch pins the process for some milliseconds, and the session said "1 core" until its end."""
    hand = HandClock()
    target = Sampler(tmp_path, os.getpid(), hand.clock())
    with monkeypatch.context() as patched:
        patched.setattr(machine, "affinity", lambda pid: [3])
        target.start()
    for _ in range(3):
        hand.now_s += 1
        target.sample_if_due()
    told = [event["affinity"] for event in events(tmp_path) if event["event"] == "machine"]
    assert told == [[3], sorted(os.sched_getaffinity(0))]


def test_the_openmp_runtimes_of_a_training_process_are_told_once(tmp_path: Path) -> None:
    (tmp_path / f"agent-{os.getpid()}.jsonl").write_bytes(hello(os.getpid(), None))
    hand = HandClock()
    target = Sampler(tmp_path, os.getpid(), hand.clock())
    target.start()
    for _ in range(40):
        hand.now_s += 1
        target.sample_if_due()
    (told,) = [event for event in events(tmp_path) if event["event"] == "openmp"]
    assert told["pid"] == os.getpid()


def test_samples_neither_drift_nor_catch_up(tmp_path: Path) -> None:
    hand = HandClock()
    target = Sampler(tmp_path, os.getpid(), hand.clock())
    target.start()
    hand.now_s = 101.3
    target.sample_if_due()
    assert target.wait_s() == pytest.approx(0.7)
    hand.now_s = 105.9  # the machine was suspended
    target.sample_if_due()
    assert target.wait_s() == pytest.approx(1.1), "a tenth of a second is too short an interval"
    assert kinds(tmp_path).count("cores") == 2


def test_nothing_is_due_before_its_time(tmp_path: Path) -> None:
    hand = HandClock()
    target = Sampler(tmp_path, os.getpid(), hand.clock())
    target.start()
    hand.now_s += 0.9
    target.sample_if_due()
    assert kinds(tmp_path) == ["header", "machine"]


def test_a_collector_that_fails_is_one_notice_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(interval: object) -> None:
        raise ValueError("a new kernel")

    monkeypatch.setattr(sampler, "COLLECTORS", (("cores", fail), *sampler.COLLECTORS[1:]))
    hand = HandClock()
    target = Sampler(tmp_path, os.getpid(), hand.clock())
    target.start()
    for _ in range(3):
        hand.now_s += 1
        target.sample_if_due()
    assert kinds(tmp_path).count("notice") == 1
    assert kinds(tmp_path).count("threads") == 3
    (notice,) = (event for event in events(tmp_path) if event["event"] == "notice")
    assert "a new kernel" in notice["text"]


def test_a_line_cut_by_a_full_disk_does_not_spoil_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = EventFile(tmp_path / "host.jsonl")
    real_write = os.write
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda descriptor, data: real_write(descriptor, data[:10]))
        file.append(ByeEvent("lost", 1))
    file.append(ByeEvent("kept", 2))
    *torn, account, whole = (tmp_path / "host.jsonl").read_bytes().splitlines()
    assert all(len(piece) <= 10 for piece in torn)
    assert json.loads(account)["text"].startswith("1 of the profiler's own lines are lost: The disk is full")
    assert json.loads(whole)["reason"] == "kept"


def test_a_session_keeps_room_to_say_that_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / RESERVE_FILE).write_bytes(bytes(RESERVE_BYTES))
    target = Sampler(tmp_path, os.getpid())
    real_write = os.write

    def full(descriptor: int, data: bytes) -> int:
        if (tmp_path / RESERVE_FILE).stat().st_size == RESERVE_BYTES:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real_write(descriptor, data)

    monkeypatch.setattr(os, "write", full)
    target.tell(NoticeEvent("warning", "output-disk", "10 B of the target's output are lost.", 1))
    target.finish(ExitEvent(0, 1, 0.0, 0.0, 0))
    assert [event.get("code", event["event"]) for event in events(tmp_path)] == ["host-disk", "exit"]
    assert "No space left" in str(target.trouble())
    assert target.trouble() is None
    target.finish(ExitEvent(0, 1, 0.0, 0.0, 0))
    assert events(tmp_path)[2]["code"] == "output-disk"


def test_a_folder_that_is_gone_is_no_error(tmp_path: Path) -> None:
    EventFile(tmp_path / "gone" / "host.jsonl").append(ByeEvent("lost", 1))
    assert list(tmp_path.iterdir()) == []


def hello(pid: int, rank: int | None) -> bytes:
    said = HelloEvent(pid, 1, pid, [], "/", "python", "3.11", "2.14", 1, 1, rank, None, 2.0, [], "launch", 1)
    return encode(current_header("agent", pid, 1)) + encode(said)


def test_the_roster_knows_agents_once_they_have_said_hello(tmp_path: Path) -> None:
    participants = Participants(tmp_path)
    (tmp_path / "agent-11.jsonl").write_bytes(encode(current_header("agent", 11, 1)))
    (tmp_path / "agent-12.jsonl").write_bytes(hello(12, 3))
    assert dict(participants.agents()) == {12: 3}
    (tmp_path / "agent-11.jsonl").write_bytes(hello(11, None)[:-20])
    assert dict(participants.agents()) == {12: 3}
    (tmp_path / "agent-11.jsonl").write_bytes(hello(11, None))
    assert dict(participants.agents()) == {12: 3, 11: None}


def test_the_roster_learns_a_rank_that_comes_late(tmp_path: Path) -> None:
    """Found in code review: only the rank in the hello was known, which is missing for spawned ranks."""
    participants = Participants(tmp_path)
    recording = tmp_path / "agent-11.jsonl"
    recording.write_bytes(hello(11, None))
    assert dict(participants.agents()) == {11: None}
    with recording.open("ab") as stream:
        stream.write(encode(DistributedEvent(1, 2, 1)))
    assert dict(participants.agents()) == {11: 1}


def test_viewers_count_as_ours_while_they_watch(tmp_path: Path) -> None:
    (tmp_path / "viewer-12").touch()
    with viewing(tmp_path):
        assert sorted(Participants(tmp_path).host_pids()) == sorted([12, os.getpid()])
    assert not (tmp_path / f"viewer-{os.getpid()}").exists()


def test_a_snapshot_can_be_viewed_too(tmp_path: Path) -> None:
    (tmp_path / "run.pdnn").touch()
    with viewing(tmp_path / "run.pdnn"):
        assert [path.name for path in tmp_path.iterdir()] == ["run.pdnn"]


@pytest.mark.parametrize(("due_s", "now_s", "next_s"), [(10, 10.1, 11), (10, 10.4, 11), (10, 10.6, 12), (10, 15.9, 17)])
def test_the_next_sample_is_at_least_half_an_interval_away(due_s: float, now_s: float, next_s: float) -> None:
    """Issue 18: a second of CPU time stood against a millisecond when a sample came late."""
    assert next_due_s(due_s, now_s) == next_s
