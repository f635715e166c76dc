"""What is asked of the target's interpreter."""

from __future__ import annotations

import sys

import pytest

from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch.command import TargetCommand
from profilednn_tui.launch.interpreter import interpreter_version, package_versions
from profilednn_tui.launch.optimizations import check_names, launch_plan
from profilednn_tui.launch.options import LaunchOptions


def test_an_interpreter_tells_its_version_and_packages() -> None:
    assert interpreter_version(sys.executable) == sys.version_info[:3]
    assert package_versions(sys.executable, ("click", "no-such-package")).keys() == {"click"}


COMMAND = TargetCommand((sys.executable, "t.py"), ("t.py",), "t.py", "/", sys.executable)


def test_a_wrong_name_is_told_with_the_right_ones() -> None:
    check_names(["bf16", "threads"], sys.executable)
    with pytest.raises(ProfilerError, match=r"no optimization magic\. There are: .*channels_last"):
        check_names(["bf16", "magic"], sys.executable)


def test_the_allocators_variables_are_set_unless_the_user_has_set_them() -> None:
    options = LaunchOptions(optimizations=("allocator", "bf16"), environment={"MALLOC_TOP_PAD_": "1"})
    plan = launch_plan(COMMAND, options, {"MALLOC_MMAP_MAX_": "7"})
    if "LD_PRELOAD" not in plan.environment:
        assert set(plan.environment) == {"MALLOC_TRIM_THRESHOLD_"}
