from __future__ import annotations

from pathlib import Path

from profilednn_tui.launch.environment import BOOT_FOLDER, recorded_environment, target_environment
from profilednn_tui.launch.options import LaunchOptions

SESSION = Path("/sessions/one")


def test_the_agent_is_found_first_and_the_users_path_stays() -> None:
    environment = target_environment({"PYTHONPATH": "mine"}, SESSION, LaunchOptions())
    assert environment["PYTHONPATH"] == f"{BOOT_FOLDER}:mine"


def test_an_empty_path_does_not_become_the_working_directory() -> None:
    assert target_environment({"PYTHONPATH": ""}, SESSION, LaunchOptions())["PYTHONPATH"] == str(BOOT_FOLDER)


def test_the_boot_folder_is_there() -> None:
    assert (BOOT_FOLDER / "sitecustomize.py").is_file()


def test_orders_are_passed_on() -> None:
    options = LaunchOptions(overhead_percent=0.5, steps=7, optimizations=("one", "two"), seed=3, certificate=True)
    environment = target_environment({}, SESSION, options)
    ours = {name: value for name, value in environment.items() if name.startswith("PROFILEDNN_")}
    assert ours == {
        "PROFILEDNN_SESSION": "/sessions/one",
        "PROFILEDNN_OVERHEAD": "0.5",
        "PROFILEDNN_STEPS": "7",
        "PROFILEDNN_WITH": "one,two",
        "PROFILEDNN_SEED": "3",
        "PROFILEDNN_CERTIFICATE": "1",
    }
    assert environment["PYTHONHASHSEED"] == "3"


def test_orders_of_a_run_around_this_one_are_not() -> None:
    outer = {"PROFILEDNN_STEPS": "3", "PROFILEDNN_WITH": "x", "PROFILEDNN_HOME": "/h", "PROFILEDNN_PRIMITIVES": "0"}
    outer["PROFILEDNN_CERTIFICATE"] = "1"
    environment = target_environment(outer, SESSION, LaunchOptions())
    assert "PROFILEDNN_STEPS" not in environment
    assert "PROFILEDNN_WITH" not in environment
    assert "PROFILEDNN_CERTIFICATE" not in environment
    assert environment["PROFILEDNN_HOME"] == "/h"
    assert environment["PROFILEDNN_PRIMITIVES"] == "0", "the user's own"


def test_the_users_additions_win_over_the_environment() -> None:
    options = LaunchOptions(environment={"PYTHONPATH": "theirs", "KINETO_LOG_LEVEL": "0"})
    environment = target_environment({"PYTHONPATH": "mine"}, SESSION, options)
    assert environment["PYTHONPATH"] == f"{BOOT_FOLDER}:theirs"
    assert environment["KINETO_LOG_LEVEL"] == "0"


def test_what_another_run_needs_is_recorded_and_nothing_else() -> None:
    shell = {
        "OMP_NUM_THREADS": "8",
        "LD_PRELOAD": "/lib/a.so",
        "HOME": "/home/me",
        "API_TOKEN": "secret",
        "MKL_X": "\udcff",
    }
    options = LaunchOptions(environment={"OMP_NUM_THREADS": "2", "DATA": "/data"})
    assert recorded_environment(shell, options) == {
        "OMP_NUM_THREADS": "2",
        "LD_PRELOAD": "/lib/a.so",
        "DATA": "/data",
    }
