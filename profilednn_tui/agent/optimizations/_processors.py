"""Which logical CPUs share a core, and which cores share a NUMA node."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable

SYSTEM = "/sys/devices/system"


def one_for_each_core(allowed: Iterable[int], system: str = SYSTEM) -> tuple[int, ...]:
    """The first logical CPU of each physical core, on the NUMA node with the most allowed CPUs."""
    allowed = set(allowed)
    nodes = [allowed.intersection(_list(path)) for path in sorted(glob.glob(f"{system}/node/node[0-9]*/cpulist"))]
    node = max(nodes, key=len, default=allowed) or allowed
    cores: dict[str, int] = {}
    for cpu in sorted(node):
        siblings = _read(f"{system}/cpu/cpu{cpu}/topology/thread_siblings_list") or str(cpu)
        cores.setdefault(siblings, cpu)
    return tuple(sorted(cores.values()))


def usable_threads(cores: int, quota: float | None) -> int:
    """Number of threads that need not wait for each other; `quota` is in processors."""
    return cores if quota is None else max(1, min(cores, int(quota)))


def _list(path: str) -> set[int]:
    """The numbers in a list like ``0-3,8``."""
    found: set[int] = set()
    for part in _read(path).split(","):
        first, _, last = part.partition("-")
        if first.isdigit():
            found.update(range(int(first), int(last or first) + 1))
    return found


def _read(path: str) -> str:
    try:
        with open(path) as stream:
            return stream.read().strip()
    except OSError:
        return ""


def quota(control_groups: str = "/sys/fs/cgroup", own: str = "/proc/self/cgroup") -> float | None:
    """Number of processors that this process's container may use; None without a limit."""
    found = []
    path = next((line[3:].strip() for line in _read(own).splitlines() if line.startswith("0::")), "/")
    while True:
        allowed, _, period = _read(f"{control_groups}{path.rstrip('/')}/cpu.max").partition(" ")
        if allowed.isdigit() and period.isdigit():
            found.append(int(allowed) / int(period))
        if path in ("", "/"):
            break
        path = os.path.dirname(path)
    allowed, period = (_read(f"{control_groups}/cpu/cpu.cfs_{name}_us") for name in ("quota", "period"))
    if allowed.isdigit() and period.isdigit():
        found.append(int(allowed) / int(period))
    return min(found, default=None)


def processors_online() -> int:
    """Number of logical CPUs of the machine."""
    return len(_list(f"{SYSTEM}/cpu/online")) or os.cpu_count() or 1
