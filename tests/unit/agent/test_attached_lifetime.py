"""When the agent leaves a process that was running before."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from profilednn_tui.agent.attached_lifetime import PATIENCE_S, UNREAD_LIMIT_S, AttachedLifetime


@dataclass
class Windows:
    open: bool = False


@dataclass
class StepTracker:
    windows: Windows | None = field(default_factory=Windows)
    leaving: bool = False
    detach_wanted: bool = False


class Scene:
    def __init__(self, folder: Path) -> None:
        self.now_s = 0.0
        self.heartbeat = folder / "heartbeat"
        self.heartbeat.touch()
        self.tracker = StepTracker()
        self.lifetime = AttachedLifetime(str(self.heartbeat), lambda: None, lambda: self.now_s)

    def look_after(self, seconds: float) -> None:
        self.now_s += seconds
        self.lifetime.look(self.tracker)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_it_stays_while_somebody_reads(scene: Scene) -> None:
    for beat in range(5):
        os.utime(scene.heartbeat, ns=(beat, beat))
        scene.look_after(UNREAD_LIMIT_S)
    assert not scene.tracker.leaving


def test_it_leaves_when_nobody_reads_any_more(scene: Scene) -> None:
    scene.look_after(0)
    scene.look_after(UNREAD_LIMIT_S + 1)
    assert scene.tracker.leaving
    assert scene.lifetime.reason == "unread"


def test_a_folder_that_is_gone_is_read_by_nobody(scene: Scene) -> None:
    scene.look_after(0)
    scene.heartbeat.unlink()
    scene.look_after(UNREAD_LIMIT_S + 1)
    assert scene.tracker.leaving


def test_without_a_boundary_it_leaves_after_some_patience(scene: Scene) -> None:
    scene.tracker.leaving = True
    scene.look_after(0)
    assert not scene.tracker.detach_wanted
    scene.look_after(PATIENCE_S + 1)
    assert scene.tracker.detach_wanted
    assert scene.lifetime.reason == "detach"


def test_an_open_window_is_waited_for(scene: Scene) -> None:
    scene.tracker.leaving = True
    scene.tracker.windows = Windows(open=True)
    scene.look_after(0)
    scene.look_after(PATIENCE_S + 1)
    assert not scene.tracker.detach_wanted
    scene.tracker.windows.open = False
    scene.look_after(1)
    assert scene.tracker.detach_wanted
