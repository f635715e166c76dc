from __future__ import annotations

from pathlib import Path

from profilednn_tui.collect.cgroup import Throttling, cgroup_of


def proc(root: Path, mountinfo: str, cgroup: str) -> str:
    for name, text in (("self/mountinfo", mountinfo), ("7/cgroup", cgroup)):
        (root / "proc" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "proc" / name).write_text(text)
    return str(root / "proc")


def group(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def unified(root: Path) -> str:
    return f"31 23 0:28 / {root}/cg rw - cgroup2 cgroup2 rw\n"


def test_the_tightest_quota_on_the_way_up_counts(tmp_path: Path) -> None:
    group(tmp_path / "cg/slice", cpu__max="150000 100000\n", cpu__stat="nr_periods 9\nnr_throttled 2\n")
    group(tmp_path / "cg/slice/job", cpu__max="max 100000\n", cpu__stat="nr_periods 40\nnr_throttled 10\n")
    cgroup = cgroup_of(7, proc(tmp_path, unified(tmp_path), "0::/slice/job\n"))
    assert cgroup.quota_cpus == 1.5
    assert cgroup.throttling() == Throttling(40, 10)


def test_a_container_of_8_cores_on_a_host_of_384(tmp_path: Path) -> None:
    """Wish of onyx #12351: torch starts 192 threads there."""
    stat = (
        "usage_usec 4817263548\nuser_usec 4102938475\nsystem_usec 714325073\ncore_sched.force_idle_usec 0\n"
        "nr_periods 20000\nnr_throttled 19012\nthrottled_usec 361284710293\nnr_bursts 0\nburst_usec 0\n"
    )
    group(tmp_path / "cg", cpu__max="800000 100000\n", cpu__stat=stat)
    cgroup = cgroup_of(7, proc(tmp_path, unified(tmp_path), "0::/\n"))
    assert cgroup.quota_cpus == 8.0
    assert cgroup.throttling() == Throttling(20000, 19012)


def test_version_one_has_its_own_files(tmp_path: Path) -> None:
    mounts = (
        f"32 31 0:29 / {tmp_path}/cg/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
        f"35 31 0:32 / {tmp_path}/cg/memory rw - cgroup cgroup rw,memory\n"
    )
    group(tmp_path / "cg/cpu/job", cpu__cfs_quota_us="50000\n", cpu__cfs_period_us="100000\n")
    group(tmp_path / "cg/memory/job", memory__limit_in_bytes="1000\n", memory__usage_in_bytes="700\n")
    group(tmp_path / "cg/memory", memory__limit_in_bytes=f"{2**63 - 4096}\n")
    cgroup = cgroup_of(7, proc(tmp_path, mounts, "3:cpu,cpuacct:/job\n2:memory:/job\n0::/\n"))
    assert cgroup.quota_cpus == 0.5
    assert cgroup.memory_limit_bytes() == 1000
    assert cgroup.memory_left_bytes() == 300


def test_droppable_file_pages_are_free_memory(tmp_path: Path) -> None:
    group(
        tmp_path / "cg",
        memory__max="1000\n",
        memory__current="900\n",
        memory__stat="anon 5\ninactive_file 250\nactive_file 9\n",
    )
    cgroup = cgroup_of(7, proc(tmp_path, unified(tmp_path), "0::/\n"))
    assert cgroup.memory_left_bytes() == 350


def test_a_container_shows_a_part_of_the_tree_only(tmp_path: Path) -> None:
    group(tmp_path / "cg", cpu__max="200000 100000\n")
    mounts = f"31 23 0:28 /docker/abc {tmp_path}/cg rw - cgroup2 cgroup2 rw\n"
    assert cgroup_of(7, proc(tmp_path, mounts, "0::/docker/abc\n")).quota_cpus == 2.0
    assert cgroup_of(7, proc(tmp_path, mounts, "0::/../../elsewhere\n")).quota_cpus == 2.0


def test_nothing_mounted_is_no_limit(tmp_path: Path) -> None:
    cgroup = cgroup_of(7, proc(tmp_path, "1 1 0:1 / / rw - ext4 disk rw\n", "0::/\n"))
    assert cgroup.quota_cpus is None
    assert cgroup.throttling() is None
    assert cgroup.memory_left_bytes() is None
