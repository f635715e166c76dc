"""CPU and memory limits of a process's control groups, for versions 1 and 2 of the interface."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from profilednn_tui.collect import procfs

NO_LIMIT_BYTES = 1 << 60
"""Version 1 reports "unlimited" as a number near 2**63."""


@dataclass(frozen=True, slots=True)
class Throttling:
    """Scheduler periods since the group was created, and those in which the quota throttled it."""

    periods: int
    throttled: int


@dataclass(frozen=True, slots=True)
class Cgroup:
    """The folders of one process's groups, innermost first; empty if there is no such controller."""

    cpu: tuple[str, ...] = ()
    memory: tuple[str, ...] = ()

    @property
    def quota_cpus(self) -> float | None:
        """The tightest quota up to the root, in CPUs; None if there is none."""
        return min((quota for quota in map(_quota, self.cpu) if quota is not None), default=None)

    def throttling(self) -> Throttling | None:
        """The counters of the innermost group that has them; None if none has."""
        for folder in self.cpu:
            text = procfs.read(f"{folder}/cpu.stat")
            periods, throttled = (procfs.number_after(text, label) for label in (b"nr_periods", b"nr_throttled"))
            if periods is not None and throttled is not None:
                return Throttling(periods, throttled)
        return None

    def memory_limit_bytes(self) -> int | None:
        """The tightest limit up to the root; None if there is none."""
        return min((limit for limit in map(_memory_limit, self.memory) if limit is not None), default=None)

    def memory_left_bytes(self) -> int | None:
        """The least memory left below any limit; file pages that the kernel would drop count as free."""
        return min((left for left in map(_memory_left, self.memory) if left is not None), default=None)


def cgroup_of(pid: int, proc: str = "/proc") -> Cgroup:
    """The groups of a process, as far as they are mounted here."""
    mounts = dict(_mounts(procfs.read(f"{proc}/self/mountinfo").decode("utf-8", "replace")))
    members = dict(_memberships(procfs.read(f"{proc}/{pid}/cgroup").decode("utf-8", "replace")))
    return Cgroup(_folders("cpu", mounts, members), _folders("memory", mounts, members))


UNIFIED = ""
"""The controller name used by version 2 in ``/proc/PID/cgroup``."""


def _mounts(mountinfo: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Controller -> (mount point, the group mounted there)."""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        place, kind = before.split(), after.split()
        if len(place) < 5 or len(kind) < 3:
            continue
        if kind[0] == "cgroup2":
            yield UNIFIED, (place[4], place[3])
        elif kind[0] == "cgroup":
            for option in kind[2].split(","):
                yield option, (place[4], place[3])


def _memberships(text: str) -> Iterator[tuple[str, str]]:
    """Controller -> path of the process's group."""
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            yield controller, path


def _folders(controller: str, mounts: dict[str, tuple[str, str]], members: dict[str, str]) -> tuple[str, ...]:
    key = controller if controller in mounts and controller in members else UNIFIED
    if key not in mounts or key not in members:
        return ()
    point, mounted = mounts[key]
    path = PurePosixPath(members[key])
    # In a container, the mount may show only part of the tree, or the path may lie outside the mount.
    inside = path.relative_to(mounted) if path.is_relative_to(mounted) else PurePosixPath()
    if ".." in inside.parts:
        inside = PurePosixPath()
    full = PurePosixPath(point) / inside
    return tuple(str(folder) for folder in (full, *full.parents) if folder.is_relative_to(point))


def _quota(folder: str) -> float | None:
    unified = procfs.read(f"{folder}/cpu.max").split()
    if unified:
        quota, period = unified[0], unified[1]
    else:
        quota = procfs.read(f"{folder}/cpu.cfs_quota_us").strip()
        period = procfs.read(f"{folder}/cpu.cfs_period_us").strip()
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() else None


def _memory_limit(folder: str) -> int | None:
    text = (procfs.read(f"{folder}/memory.max") or procfs.read(f"{folder}/memory.limit_in_bytes")).strip()
    return int(text) if text.isdigit() and int(text) < NO_LIMIT_BYTES else None


def _memory_left(folder: str) -> int | None:
    limit = _memory_limit(folder)
    used = (procfs.read(f"{folder}/memory.current") or procfs.read(f"{folder}/memory.usage_in_bytes")).strip()
    if limit is None or not used.isdigit():
        return None
    droppable = procfs.number_after(procfs.read(f"{folder}/memory.stat"), b"\ninactive_file") or 0
    return max(0, limit - int(used) + droppable)
