"""What the host knows of optimizations, and what it asks of the target's interpreter."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch import optimizations
from profilednn_tui.launch.affinity import on_processors
from profilednn_tui.launch.command import TargetCommand
from profilednn_tui.launch.optimizations import check_names, launch_plan, own_optimizations
from profilednn_tui.launch.options import LaunchOptions
from profilednn_tui.launch.rerun import Rerun
from profilednn_tui.session.storage.folder import SessionFile

COMMAND = TargetCommand((sys.executable, "t.py"), ("t.py",), "t.py", "/", sys.executable)


def test_a_wrong_name_is_told_with_the_right_ones() -> None:
    check_names(["bf16", "threads"], sys.executable)
    with pytest.raises(ProfilerError, match=r"no optimization magic\. There are: .*channels_last"):
        check_names(["bf16", "magic"], sys.executable)


def test_without_optimizations_nothing_is_asked() -> None:
    assert launch_plan(TargetCommand((), (), "", "", "/no/python"), LaunchOptions(), {}).environment == {}


def test_the_allocators_variables_are_set_unless_the_user_has_set_them() -> None:
    options = LaunchOptions(optimizations=("allocator", "bf16"), environment={"MALLOC_TOP_PAD_": "1"})
    plan = launch_plan(COMMAND, options, {"MALLOC_MMAP_MAX_": "7"})
    if "LD_PRELOAD" not in plan.environment:
        assert set(plan.environment) == {"MALLOC_TRIM_THRESHOLD_"}


def test_a_library_is_preloaded_before_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"environment": {}, "preload": ["/lib/ours.so"], "processors": [1]}
    monkeypatch.setattr(optimizations, "ask", lambda *words, **options: json.dumps(answer))
    plan = launch_plan(COMMAND, LaunchOptions(optimizations=("iomp",)), {"LD_PRELOAD": "theirs.so"})
    assert plan.environment == {"LD_PRELOAD": "/lib/ours.so:theirs.so"}
    assert plan.processors == {1}


def test_an_interpreter_that_cannot_answer_leaves_all_to_the_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimizations, "ask", lambda *words, **options: "")
    assert launch_plan(COMMAND, LaunchOptions(optimizations=("threads",)), {}).environment == {}


def test_a_target_is_started_on_the_processors_and_we_are_where_we_were() -> None:
    before = os.sched_getaffinity(0)
    one = min(before)
    with on_processors({one, 4_000}):
        assert os.sched_getaffinity(0) == {one}
    assert os.sched_getaffinity(0) == before
    with on_processors(()):
        assert os.sched_getaffinity(0) == before


def test_a_session_can_be_run_again_with_another_set(tmp_path: Path) -> None:
    """Its words are those that were started; what is shown of them steers no terminal."""
    words = ["t.py", "--title", "a\tb\x1b]0;c\x07"]
    SessionFile("mine", words, str(tmp_path), sys.executable, 0, 0, optimizations=["bf16"]).save(tmp_path)
    again = Rerun.of(tmp_path).with_optimizations({"threads", "channels_last"})
    assert again.command.argv == (sys.executable, *words)
    assert again.text.isprintable()
    assert again.command.working_directory == str(tmp_path)
    assert again.options == LaunchOptions(optimizations=("channels_last", "threads"), name="mine")


def test_every_optimization_of_the_package_is_known_by_its_file() -> None:
    assert {"allocator", "bf16", "channels_last", "fused_focal_loss", "ipex"} <= set(own_optimizations())
    assert not any(name.startswith("_") for name in own_optimizations())
