"""What the host knows about optimizations, and what it asks the target's interpreter."""

from __future__ import annotations

import json
import sys

import pytest

from profilednn_tui.launch import optimizations
from profilednn_tui.launch.command import TargetCommand
from profilednn_tui.launch.optimizations import launch_plan, own_optimizations
from profilednn_tui.launch.options import LaunchOptions

COMMAND = TargetCommand((sys.executable, "t.py"), ("t.py",), "t.py", "/", sys.executable)


def test_without_optimizations_nothing_is_asked() -> None:
    assert launch_plan(TargetCommand((), (), "", "", "/no/python"), LaunchOptions(), {}).environment == {}


def test_a_library_is_preloaded_before_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"environment": {}, "preload": ["/lib/ours.so"], "processors": [1]}
    monkeypatch.setattr(optimizations, "ask", lambda *words, **options: json.dumps(answer))
    plan = launch_plan(COMMAND, LaunchOptions(optimizations=("iomp",)), {"LD_PRELOAD": "theirs.so"})
    assert plan.environment == {"LD_PRELOAD": "/lib/ours.so:theirs.so"}
    assert plan.processors == {1}


def test_an_interpreter_that_cannot_answer_leaves_all_to_the_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimizations, "ask", lambda *words, **options: "")
    assert launch_plan(COMMAND, LaunchOptions(optimizations=("threads",)), {}).environment == {}


def test_every_optimization_of_the_package_is_known_by_its_file() -> None:
    assert {"allocator", "bf16", "channels_last", "fused_focal_loss", "ipex"} <= set(own_optimizations())
    assert not any(name.startswith("_") for name in own_optimizations())
