"""The machine, as the target sees it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

import psutil

from profilednn_tui.collect import procfs
from profilednn_tui.collect.cgroup import cgroup_of
from profilednn_tui.protocol.events import MachineEvent

FEATURES = (
    "avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "avx_vnni", "avx_ne_convert",
    "amx_tile", "amx_int8", "amx_bf16", "amx_fp16",
    "asimd", "asimdhp", "asimddp", "sve", "sve2", "i8mm", "bf16", "svebf16", "sme",
)  # fmt: skip
"""The instruction sets, of x86 and Arm, that decide how fast products and convolutions are."""


def describe(pid: int, unix_ns: int) -> MachineEvent:
    """The part of this machine that the process may use."""
    cores = os.cpu_count() or 1
    machine_bytes = psutil.virtual_memory().total
    cgroup = cgroup_of(pid)
    cpuinfo = _cpuinfo()
    allowed = affinity(pid)
    return MachineEvent(
        cpu=cpu_name(cpuinfo),
        cores=cores,
        physical_cores=psutil.cpu_count(logical=False) or cores,
        affinity=allowed,
        quota=cgroup.quota_cpus,
        memory_bytes=min(machine_bytes, cgroup.memory_limit_bytes() or machine_bytes),
        numa_nodes=max(1, sum(_is_numa_node(name) for name in procfs.names("/sys/devices/system/node"))),
        kernel=os.uname().release,
        unix_ns=unix_ns,
        features=features(cpuinfo),
        usable_physical_cores=physical_cores(cpuinfo, allowed),
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


def features(cpuinfo: str) -> list[str]:
    """Those of `FEATURES` that all processors have, as in the list of the first; empty if the kernel lists none."""
    for line in cpuinfo.splitlines():
        label, _, value = line.partition(":")
        if label.strip() in ("flags", "Features"):
            return [name for name in FEATURES if name in value.split()]
    return []


def physical_cores(cpuinfo: str, allowed: Iterable[int]) -> int:
    """The physical cores of some logical CPUs, of which siblings share one; 0 if the kernel does not tell."""
    cores: set[tuple[str, str]] = set()
    wanted = frozenset(allowed)
    for block in cpuinfo.split("\n\n"):
        entries = (line.partition(":") for line in block.splitlines())
        facts = {label.strip(): value.strip() for label, _, value in entries}
        number, package, core = (facts.get(label, "") for label in ("processor", "physical id", "core id"))
        if number.isdigit() and int(number) in wanted:
            if not core:
                return 0
            cores.add((package, core))
    return len(cores)


def _cpuinfo() -> str:
    """Longer than one read: a kilobyte and a half for each CPU."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            return lines.read()
    except OSError:
        return ""


def _is_numa_node(name: str) -> bool:
    return name.startswith("node") and name[4:].isdigit()
