"""One method after another, until the agent says hello."""

from __future__ import annotations

import json
from dataclasses import replace

from profilednn_tui.attach.methods import AttachTarget, Attempt, Method
from profilednn_tui.attach.strategy import AttachStrategy
from tests.unit.attach.test_checks import HERE, TRAINING

HELLO = b'{"event":"header"}\n{"event":"hello","pid":4711}\n'


class Exchange:
    """A folder in which the target answers after a number of checks, or never."""

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
    """A target, the methods of attaching to it, and a clock that advances while waiting."""

    def __init__(self) -> None:
        self.exchange = Exchange()
        self.now_s = 0.0
        self.alive = True
        self.tried: list[str] = []

    def method(self, name: str, failure: str = "", says: bytes = b"", file: str = "agent-4711.jsonl") -> Method:
        def go(target: AttachTarget) -> Attempt:
            self.tried.append(name)
            if says:
                self.exchange.files[file] = says
            return Attempt(failure, 0.001)

        return Method(name, name, lambda facts, here: True, go)

    def run(self, *methods: Method) -> tuple[str, list[str]]:
        def wait(seconds: float) -> None:
            self.now_s += seconds

        target = AttachTarget(TRAINING, self.exchange, 2.0, None)
        ladder = AttachStrategy(target, HERE, methods, wait, lambda: self.now_s, lambda pid: self.alive)
        attached = ladder.run()
        return attached.way, attached.reasons


def test_the_first_way_that_is_answered_is_the_last_that_is_tried() -> None:
    scene = Scene()
    assert scene.run(scene.method("one", says=HELLO), scene.method("two")) == ("one", [])
    assert scene.tried == ["one"]


def test_a_way_that_fails_leaves_its_reason() -> None:
    scene = Scene()
    assert scene.run(scene.method("one", failure="no"), scene.method("two", says=HELLO)) == ("two", ["one: no"])


def test_without_an_answer_the_next_way_is_tried_and_all_reasons_are_kept() -> None:
    scene = Scene()
    method, reasons = scene.run(scene.method("one"), scene.method("two", failure="no"))
    assert method == ""
    assert reasons == ["one: no answer within 1.2 s", "two: no"]


def test_an_agent_that_is_there_already_is_named_with_its_session() -> None:
    scene = Scene()
    present = json.dumps({"event": "present", "folder": "/other"}).encode() + b"\n"
    method, reasons = scene.run(scene.method("one", says=present, file="answer-4711.jsonl"), scene.method("two"))
    assert method == ""
    assert "/other" in reasons[0]
    assert scene.tried == ["one"]


def test_nobody_waits_for_a_process_that_has_ended() -> None:
    scene = Scene()
    scene.alive = False
    assert scene.run(scene.method("one")) == ("", ["process 4711 has ended"])
    assert scene.now_s < 1


def test_what_the_checks_find_stops_the_climb() -> None:
    scene = Scene()
    target = AttachTarget(replace(TRAINING, torch=False), scene.exchange, 2.0, None)
    attached = AttachStrategy(target, HERE, (scene.method("one"),)).run()
    assert attached.reasons == ["process 4711 has not imported torch"]
    assert not scene.tried
