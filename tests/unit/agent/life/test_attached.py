"""When the agent leaves a process that it was attached to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from profilednn_tui.agent.life.attached import PATIENCE_S, UNREAD_LIMIT_S, Attached
from profilednn_tui.agent.life.states import FINISHING, LEAVING, LISTENING, Life, Request
from profilednn_tui.protocol.files import HEARTBEAT
from profilednn_tui.protocol.vocabulary import DETACH, UNREAD


class Scene:
    def __init__(self, folder: Path) -> None:
        self.now_s = 0.0
        self.heartbeat = folder / HEARTBEAT
        self.heartbeat.touch()
        self.window_open = False
        self.life = Life()
        self.life.ask(Request.LISTEN)
        self.attached = Attached(str(folder), lambda: None, lambda: self.now_s)

    def look_after(self, seconds: float) -> None:
        self.now_s += seconds
        self.attached.look(self.life, self.window_open)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_it_stays_while_somebody_reads(scene: Scene) -> None:
    for beat in range(5):
        os.utime(scene.heartbeat, ns=(beat, beat))
        scene.look_after(UNREAD_LIMIT_S)
    assert scene.life.state == LISTENING


def test_it_leaves_when_nobody_reads_any_more(scene: Scene) -> None:
    scene.look_after(0)
    scene.look_after(UNREAD_LIMIT_S + 1)
    assert (scene.life.state, scene.life.reason) == (FINISHING, UNREAD)


def test_a_folder_that_is_gone_is_read_by_nobody(scene: Scene) -> None:
    scene.look_after(0)
    scene.heartbeat.unlink()
    scene.look_after(UNREAD_LIMIT_S + 1)
    assert scene.life.state == FINISHING


def test_without_a_boundary_it_leaves_after_some_patience(scene: Scene) -> None:
    scene.life.ask(Request.LEAVE, DETACH)
    scene.look_after(0)
    assert scene.life.state == FINISHING
    scene.look_after(PATIENCE_S + 1)
    assert (scene.life.state, scene.life.reason) == (LEAVING, DETACH)


def test_an_open_window_is_waited_for(scene: Scene) -> None:
    scene.life.ask(Request.LEAVE, DETACH)
    scene.window_open = True
    scene.look_after(0)
    scene.look_after(PATIENCE_S + 1)
    assert scene.life.state == FINISHING
    scene.window_open = False
    scene.look_after(1)
    assert scene.life.state == LEAVING


def test_what_the_way_in_has_left_is_undone(tmp_path: Path) -> None:
    undone: list[str] = []
    moments = iter((0.0, 100.0))
    Attached(str(tmp_path), lambda: undone.append("page"), lambda: next(moments)).gone()
    assert undone == ["page"]
