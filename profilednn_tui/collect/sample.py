"""Everything the collectors need, read at one instant; each measurement compares two samples."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from profilednn_tui.clock import Clock
from profilednn_tui.collect import procfs
from profilednn_tui.collect.cgroup import Throttling, cgroup_of
from profilednn_tui.collect.procfs import Stat
from profilednn_tui.collect.terminal_input import awaits_terminal
from profilednn_tui.collect.tree import ProcessTree, TreeReader

Agents = Mapping[int, int | None]
"""The processes that have an agent: PID -> rank, or None outside a distributed run."""


@dataclass(frozen=True, slots=True)
class CoreTicks:
    """CPU time of one logical CPU since boot, in ticks."""

    busy: int
    steal: int
    total: int


@dataclass(frozen=True, slots=True)
class Sample:
    """The state of the target and the machine at one instant."""

    unix_ns: int
    monotonic_s: float
    boot_ticks: int
    """Time since boot, in the unit of thread start times."""
    tree: ProcessTree
    main_pid: int | None
    """The process that trains; the busiest one while no agent is known."""
    agents: Agents = field(default_factory=dict)
    cores: Mapping[int, CoreTicks] = field(default_factory=dict)
    host: Mapping[int, Stat] = field(default_factory=dict)
    """profilednn-tui's own processes, by PID."""
    companion_ticks: int = 0
    """CPU time so far of other targets, which are stopped while this one trains."""
    throttling: Throttling | None = None
    peak_rss_bytes: int = 0
    """Of the main process."""
    available_bytes: int = 0
    awaits_input: bool = False
    """Whether a process waits for input from a terminal, as far as `terminal_input` can tell."""


class SampleReader:
    """Takes samples of one target."""

    def __init__(
        self,
        root_pid: int,
        agents: Callable[[], Agents],
        host_pids: Callable[[], Iterable[int]],
        companion_ticks: Callable[[], int],
        clock: Clock,
    ) -> None:
        self._tree = TreeReader(root_pid)
        self._agents = agents
        self._host_pids = host_pids
        self._companion_ticks = companion_ticks
        self._clock = clock
        self._cgroup = cgroup_of(root_pid)
        self._main_pid: int | None = root_pid

    def read(self) -> Sample:
        tree = self._tree.read()
        agents = self._agents()
        self._main_pid = choose_main(tree, agents, self._main_pid)
        status = procfs.read(f"/proc/{self._main_pid}/status")
        return Sample(
            unix_ns=self._clock.unix_ns(),
            monotonic_s=self._clock.monotonic_s(),
            boot_ticks=int(time.clock_gettime(time.CLOCK_BOOTTIME) * procfs.TICKS_PER_S),
            tree=tree,
            main_pid=self._main_pid,
            agents=agents,
            cores=core_ticks(procfs.read("/proc/stat")),
            host={pid: stat for pid in self._host_pids() if (stat := procfs.process(pid)) is not None},
            companion_ticks=self._companion_ticks(),
            throttling=self._cgroup.throttling(),
            peak_rss_bytes=(procfs.number_after(status, b"\nVmHWM:") or 0) * 1024,
            available_bytes=self._available_bytes(),
            awaits_input=any(awaits_terminal(pid) for pid in tree.processes),
        )

    def _available_bytes(self) -> int:
        machine = (procfs.number_after(procfs.read("/proc/meminfo"), b"\nMemAvailable:") or 0) * 1024
        left = self._cgroup.memory_left_bytes()
        return machine if left is None else min(machine, left)


def choose_main(tree: ProcessTree, agents: Agents, current: int | None) -> int | None:
    """The process whose memory is shown: the busiest of those with an agent, or of all while there is no agent.

    The choice stays until another process has used twice its CPU time, so that it does not alternate between the ranks
    of a distributed run.
    """
    trained = [process for pid, process in tree.processes.items() if pid in agents]
    candidates = trained or list(tree.processes.values())
    if not candidates:
        return None
    busiest = max(candidates, key=lambda process: process.stat.cpu_ticks)
    kept = next((process for process in candidates if process.pid == current), busiest)
    return kept.pid if busiest.stat.cpu_ticks <= 2 * kept.stat.cpu_ticks else busiest.pid


def core_ticks(proc_stat: bytes) -> dict[int, CoreTicks]:
    """The lines ``cpuN user nice system idle iowait irq softirq steal ...`` of ``/proc/stat``."""
    cores: dict[int, CoreTicks] = {}
    for line in proc_stat.splitlines()[1:]:
        if not line.startswith(b"cpu"):
            break
        index, *counts = line[3:].split()
        user, nice, system, idle, iowait, irq, softirq, steal = map(int, counts[:8])
        busy = user + nice + system + irq + softirq
        cores[int(index)] = CoreTicks(busy, steal, busy + steal + idle + iowait)
    return cores
