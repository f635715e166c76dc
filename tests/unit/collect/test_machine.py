from __future__ import annotations

import os

from profilednn_tui.collect import machine
from tests.unit.session import recordings as r


def test_this_machine_is_described() -> None:
    event = machine.describe(os.getpid(), 5)
    assert event.cores == os.cpu_count()
    assert event.affinity == sorted(os.sched_getaffinity(0))
    assert 1 <= event.physical_cores <= event.cores
    assert event.memory_bytes > 100_000_000
    assert event.numa_nodes >= 1
    assert event.cpu


def test_the_affinity_of_a_process_that_is_gone_is_ours() -> None:
    assert machine.affinity(r.PID) == sorted(os.sched_getaffinity(0))


def test_a_processor_is_named_as_its_kernel_names_it() -> None:
    assert machine.cpu_name("processor : 0\nmodel name\t: Some   CPU @ 2 GHz\n") == "Some CPU @ 2 GHz"
    assert machine.cpu_name("processor : 0\n") == os.uname().machine
