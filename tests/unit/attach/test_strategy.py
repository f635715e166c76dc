"""One way after another, until somebody says hello."""

from __future__ import annotations

import json
from dataclasses import replace

from profilednn_tui.attach.methods import Attempt, Target, Way
from profilednn_tui.attach.strategy import Ladder
from tests.unit.attach.test_checks import HERE, TRAINING

HELLO = b'{"event":"header"}\n{"event":"hello","pid":4711}\n'


class Place:
    """A folder in which the target answers after a number of looks, or never."""

    folder_there = "/session"
    pid_there = 4711

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def read(self, name: str) -> bytes:
        return self.files.get(name, b"")

    def write(self, name: str, data: bytes) -> None:
        self.files[name] = data

    def carry(self) -> None: ...

    def close(self) -> None: ...


class Scene:
    """A target, the ways into it, and a clock that runs while one waits."""

    def __init__(self) -> None:
        self.place = Place()
        self.now_s = 0.0
        self.alive = True
        self.tried: list[str] = []

    def way(self, name: str, failure: str = "", says: bytes = b"", file: str = "agent-4711.jsonl") -> Way:
        def go(target: Target) -> Attempt:
            self.tried.append(name)
            if says:
                self.place.files[file] = says
            return Attempt(failure, 0.001)

        return Way(name, name, lambda facts, here: True, go)

    def climb(self, *ways: Way) -> tuple[str, list[str]]:
        def wait(seconds: float) -> None:
            self.now_s += seconds

        target = Target(TRAINING, self.place, 2.0, None)
        ladder = Ladder(target, HERE, ways, wait, lambda: self.now_s, lambda pid: self.alive)
        attached = ladder.climb()
        return attached.way, attached.reasons


def test_the_first_way_that_is_answered_is_the_last_that_is_tried() -> None:
    scene = Scene()
    assert scene.climb(scene.way("one", says=HELLO), scene.way("two")) == ("one", [])
    assert scene.tried == ["one"]


def test_a_way_that_fails_leaves_its_reason() -> None:
    scene = Scene()
    assert scene.climb(scene.way("one", failure="no"), scene.way("two", says=HELLO)) == ("two", ["one: no"])


def test_without_an_answer_the_next_way_is_tried_and_all_reasons_are_kept() -> None:
    scene = Scene()
    way, reasons = scene.climb(scene.way("one"), scene.way("two", failure="no"))
    assert way == ""
    assert reasons == ["one: no answer within 1.2 s", "two: no"]


def test_an_agent_that_is_there_already_is_named_with_its_session() -> None:
    scene = Scene()
    present = json.dumps({"event": "present", "folder": "/other"}).encode() + b"\n"
    way, reasons = scene.climb(scene.way("one", says=present, file="answer-4711.jsonl"), scene.way("two"))
    assert way == ""
    assert "/other" in reasons[0]
    assert scene.tried == ["one"]


def test_nobody_waits_for_a_process_that_has_ended() -> None:
    scene = Scene()
    scene.alive = False
    assert scene.climb(scene.way("one")) == ("", ["process 4711 has ended"])
    assert scene.now_s < 1


def test_what_the_checks_find_stops_the_climb() -> None:
    scene = Scene()
    target = Target(replace(TRAINING, torch=False), scene.place, 2.0, None)
    attached = Ladder(target, HERE, (scene.way("one"),)).climb()
    assert attached.reasons == ["process 4711 has not imported torch"]
    assert not scene.tried
