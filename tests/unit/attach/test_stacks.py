"""py-spy's output in terms of the protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from profilednn_tui.attach.stacks import dump, stacks_event

FRAMES: list[dict[str, Any]] = [
    {"name": "forward", "filename": "/m.py", "line": 4},
    {"name": "<module>", "filename": "/t.py", "line": 9},
]
THREAD = {
    "pid": 7, "os_thread_id": 8, "thread_name": "MainThread", "active": True, "owns_gil": False, "frames": FRAMES,
}  # fmt: skip


def test_frames_go_from_the_outermost_to_the_innermost_and_share_their_texts() -> None:
    event = stacks_event([THREAD, {**THREAD, "os_thread_id": 9}], [], 5)
    first, second = event.threads
    assert first[:2] == [7, 8]
    assert [event.strings[number] for number in first[5][::3]] == ["<module>", "forward"]
    assert first[5][2::3] == [9, 4]
    assert second[5] == first[5]
    assert len(event.strings) == 5


def test_a_thread_without_a_name_or_frames_is_still_one() -> None:
    event = stacks_event([{**THREAD, "thread_name": None, "frames": []}], ["x"], 5)
    assert event.strings[event.threads[0][2]] == ""
    assert event.failures == ["x"]


def test_a_failure_is_told_with_its_cause(tmp_path: Path) -> None:
    # Found by hand on a process in a chroot: only the last line of py-spy's own backtrace was shown.
    program = tmp_path / "py-spy"
    program.write_text("#!/bin/sh\nprintf 'Error: No such file\\n\\nStack backtrace:\\n   0: main\\n' >&2\nexit 1\n")
    program.chmod(0o755)
    threads: list[dict[str, Any]] = []
    failures: list[str] = []
    dump(str(program), 7, threads, failures)
    assert (threads, failures) == ([], ["py-spy on process 7: Error: No such file"])
