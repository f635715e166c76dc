"""The machine, as the target sees it."""

from __future__ import annotations

import os
from dataclasses import dataclass

import psutil

from profilednn_tui.collect import procfs
from profilednn_tui.collect.cgroup import cgroup_of
from profilednn_tui.protocol.events import MachineEvent


def describe(pid: int, unix_ns: int) -> MachineEvent:
    """The part of this machine that the process may use."""
    cores = os.cpu_count() or 1
    machine_bytes = psutil.virtual_memory().total
    cgroup = cgroup_of(pid)
    return MachineEvent(
        cpu=cpu_name(procfs.read("/proc/cpuinfo").decode("utf-8", "replace")),
        cores=cores,
        physical_cores=psutil.cpu_count(logical=False) or cores,
        affinity=affinity(pid),
        quota=cgroup.quota_cpus,
        memory_bytes=min(machine_bytes, cgroup.memory_limit_bytes() or machine_bytes),
        numa_nodes=max(1, sum(_is_numa_node(name) for name in procfs.names("/sys/devices/system/node"))),
        kernel=os.uname().release,
        unix_ns=unix_ns,
    )


@dataclass(frozen=True, slots=True)
class OwnCores:
    """The cores of this machine that this process may use."""

    cpu: str
    allowed: tuple[int, ...]
    physical: int
    """Number of physical cores, at most that of `allowed`."""


def own_cores() -> OwnCores:
    """Those of this process."""
    event = describe(os.getpid(), unix_ns=0)
    return OwnCores(event.cpu, tuple(event.affinity), min(event.physical_cores, len(event.affinity)))


def own_hardware() -> str:
    """That of this machine, as far as this process may use it."""
    return hardware(describe(os.getpid(), unix_ns=0))


def hardware(event: MachineEvent) -> str:
    """The processor, the cores and the quota of a machine: runs on equal ones differ by as much."""
    quota = f", quota {event.quota:g}" if event.quota is not None else ""
    return f"{event.cpu}, {len(event.affinity)} of {event.cores} cores{quota}"


def affinity(pid: int) -> list[int]:
    """The logical CPUs a process may run on; ours if it has already ended."""
    try:
        return sorted(os.sched_getaffinity(pid))
    except OSError:
        return sorted(os.sched_getaffinity(0))


def cpu_name(cpuinfo: str) -> str:
    """The processor's name; the architecture if the machine does not report one."""
    for line in cpuinfo.splitlines():
        label, _, value = line.partition(":")
        if label.strip() in ("model name", "Model", "cpu model") and value.strip():
            return " ".join(value.split())
    return os.uname().machine


def _is_numa_node(name: str) -> bool:
    return name.startswith("node") and name[4:].isdigit()
