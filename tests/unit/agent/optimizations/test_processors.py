"""Cores, nodes and quotas of other machines."""

from __future__ import annotations

from pathlib import Path

import pytest

from profilednn_tui.agent.optimizations._processors import one_for_each_core, quota, usable_threads


def machine(folder: Path, siblings: dict[int, str], nodes: list[str]) -> str:
    for cpu, text in siblings.items():
        topology = folder / f"cpu/cpu{cpu}/topology"
        topology.mkdir(parents=True)
        (topology / "thread_siblings_list").write_text(f"{text}\n")
    for number, cpus in enumerate(nodes):
        node = folder / f"node/node{number}"
        node.mkdir(parents=True)
        (node / "cpulist").write_text(f"{cpus}\n")
    return str(folder)


def test_of_two_hardware_threads_of_a_core_one_is_taken(tmp_path: Path) -> None:
    system = machine(tmp_path, {0: "0,4", 1: "1,5", 4: "0,4", 5: "1,5"}, ["0-1,4-5"])
    assert one_for_each_core({0, 1, 4, 5}, system) == (0, 1)


def test_the_node_with_most_of_the_allowed_processors_is_taken(tmp_path: Path) -> None:
    system = machine(tmp_path, {cpu: str(cpu) for cpu in range(6)}, ["0-1", "2-5"])
    assert one_for_each_core({0, 1, 2, 3, 4}, system) == (2, 3, 4)


def test_a_machine_that_tells_nothing_has_one_core_for_each_processor(tmp_path: Path) -> None:
    assert one_for_each_core({3, 1}, str(tmp_path)) == (1, 3)


@pytest.mark.parametrize(("cores", "quota", "threads"), [(8, None, 8), (8, 2.5, 2), (8, 0.5, 1), (2, 16.0, 2)])
def test_threads_stay_within_the_quota(cores: int, quota: float | None, threads: int) -> None:
    assert usable_threads(cores, quota) == threads


def test_the_quota_is_the_lowest_on_the_way_to_the_root(tmp_path: Path) -> None:
    (tmp_path / "own").write_text("0::/jobs/mine\n")
    for folder, text in (("", "max 100000"), ("jobs", "150000 100000"), ("jobs/mine", "400000 100000")):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "cpu.max").write_text(text)
    assert quota(str(tmp_path), str(tmp_path / "own")) == 1.5
    assert quota(str(tmp_path / "none"), str(tmp_path / "own")) is None
