"""The rules on threads, cores and quotas, on machines that are not here."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profilednn_tui.advise.findings import Finding
from profilednn_tui.session.view import Core, Cores, Machine, ProcessEntry, SessionView, Thread
from tests.unit.advise.sessions import session
from tests.unit.advise.test_rules import found, rules_of

GOMP, IOMP = "/venv/lib/python3.11/site-packages/torch/lib/libgomp.so.1", "/opt/intel/lib/libiomp5.so"


def on(machine: Machine, threads: int, target: dict[int, float], **changes: object) -> SessionView:
    """A training on another machine: `target` is its use of the CPUs that it may use, in percent; the rest are idle."""
    healthy = session()
    allowed = target if machine.affinity != machine.cores else range(machine.cores or 0)
    cores = Cores(
        tuple(Core(index, target.get(index, 0.0), 0.0, 0.0, index in allowed) for index in range(machine.cores or 0)),
        sum(target.values()), 0.0, 0.0, mean_target_percent=sum(target.values()), mean_others_percent=0.0,
        mean_throttled_percent=0.0,
    )  # fmt: skip
    view = replace(healthy, machine=machine, cores=cores, target=replace(healthy.target, intra_op_threads=threads))
    return replace(view, **changes)  # type: ignore[arg-type]


def throttled(view: SessionView, percent: float) -> SessionView:
    return replace(view, cores=replace(view.cores, mean_throttled_percent=percent))


def ranks(count: int, ended: bool = False) -> tuple[ProcessEntry, ...]:
    return tuple(ProcessEntry(7 + rank, 7 + rank, rank, ("train.py",), 40, ended) for rank in range(count))


def test_a_host_of_384_cores_with_a_quota_of_8() -> None:
    """Wish of onyx #12351: torch sees 192 threads, and 95 % of the periods are throttled."""
    view = throttled(on(Machine("EPYC", 384, 192, 384, quota=8.0), 192, dict.fromkeys(range(192), 4.0)), 95.0)
    threads = found(view, "thread-oversubscription")
    assert threads.sentence.startswith("192 threads share 8 cores (the CPU quota): threads may wait for each other in ")
    assert threads.remedy.optimizations == ("threads",)
    stopped = found(view, "quota-throttled")
    assert stopped.sentence.startswith("The container's CPU quota of 8 cores is used up in 95 % of its periods")
    assert dict(stopped.remedy.environment) == {"OMP_NUM_THREADS": "8"}
    assert stopped.ceiling == pytest.approx(0.95 * (1 - 8 / 192), abs=0.01)
    assert "thread-undersubscription" not in rules_of(view)


def test_idle_cores_beyond_a_quota_are_not_free() -> None:
    busy = on(Machine("EPYC", 384, 192, 384, quota=8.0), 7, dict.fromkeys(range(8), 100.0))
    assert "thread-undersubscription" not in rules_of(busy)
    one = on(Machine("EPYC", 384, 192, 384, quota=8.0), 1, {0: 100.0})
    finding = found(one, "thread-undersubscription")
    assert finding.sentence.startswith("1 intra-op thread on 8 cores: 7 of them are idle while")
    assert dict(finding.remedy.environment) == {"OMP_NUM_THREADS": "8"}


def test_a_quota_that_workers_use_up_is_not_blamed_on_the_threads() -> None:
    view = throttled(on(Machine("EPYC", 64, 32, 64, quota=4.0), 4, dict.fromkeys(range(64), 6.0)), 30.0)
    finding = found(view, "quota-throttled")
    assert finding.ceiling == pytest.approx(0.3)
    assert "fewer DataLoader workers" in finding.remedy.change


def test_one_thread_per_rank_as_torchrun_sets_it() -> None:
    """dgl #2812: torchrun sets OMP_NUM_THREADS=1, which slows training on CPUs."""
    view = on(Machine("Xeon", 32, 32, 32), 1, dict.fromkeys(range(4), 100.0), processes=ranks(4))
    finding = found(view, "thread-undersubscription")
    assert finding.sentence.startswith("1 intra-op thread in each of 4 processes on 32 cores: 28 of them are idle")
    assert dict(finding.remedy.environment) == {"OMP_NUM_THREADS": "8"}
    ended = replace(view, processes=ranks(4, ended=True))
    assert dict(found(ended, "thread-undersubscription").remedy.environment) == {"OMP_NUM_THREADS": "8"}


def test_ranks_that_each_take_all_cores() -> None:
    view = on(Machine("Xeon", 32, 32, 32), 32, dict.fromkeys(range(32), 100.0), processes=ranks(4, ended=True))
    finding = found(view, "thread-oversubscription")
    assert finding.sentence.startswith("4 processes with 32 threads each share 32 cores: ")
    assert dict(finding.remedy.environment) == {"OMP_NUM_THREADS": "8"}
    assert finding.ceiling == pytest.approx(0.75, abs=0.05)


def test_processes_that_trained_one_after_the_other_are_not_added_up() -> None:
    sweep = tuple(ProcessEntry(pid, pid, None, ("train.py",), 40, True) for pid in range(7, 12))
    view = on(Machine("Xeon", 4, 4, 4), 4, dict.fromkeys(range(4), 100.0), processes=sweep)
    assert "thread-oversubscription" not in rules_of(view)


def test_siblings_are_no_idle_cores() -> None:
    """Four threads, one on each physical core: the idle capacity is that of the siblings."""
    view = on(Machine("Xeon", 8, 4, 8, usable_physical_cores=4), 4, {0: 100.0, 1: 100.0, 2: 100.0, 3: 100.0})
    assert rules_of(view) == []
    half = on(Machine("Xeon", 8, 4, 8, usable_physical_cores=4), 2, {0: 100.0, 1: 100.0})
    finding = found(half, "thread-undersubscription")
    assert finding.sentence.startswith("2 intra-op threads on 4 cores: 2 of them are idle")


def test_cores_outside_of_the_affinity_are_not_idle_cores_of_the_training() -> None:
    view = on(Machine("Xeon", 64, 32, 2, usable_physical_cores=2), 1, {4: 95.0, 5: 90.0})
    assert "thread-undersubscription" not in rules_of(view)


@pytest.mark.parametrize(("affinity", "bound"), [(1, "1 CPU"), (2, "2 CPUs of one core")])
def test_one_cpu_as_slurm_gives_it_unless_asked_for_more(affinity: int, bound: str) -> None:
    """lightning #18650 and sample-factory #182."""
    machine = Machine("Xeon", 64, 32, affinity, usable_physical_cores=1)
    view = on(machine, 1, dict.fromkeys(range(affinity), 99.0 / affinity))
    finding = found(view, "thread-undersubscription")
    assert finding.sentence == (
        f"The training is bound to {bound} out of 64 (its affinity), and most of the others are idle"
    )
    assert "--cpus-per-task" in finding.remedy.change
    assert rules_of(view) == ["thread-undersubscription"]


def test_what_runs_on_other_cores_is_no_neighbour() -> None:
    """Seen here: a benchmark on the other core counted as 138 % of the one core that the target may use."""
    machine = Machine("EPYC", 2, 2, 1, usable_physical_cores=1)
    view = on(machine, 1, {0: 98.0})
    apart = replace(view.cores, mean_others_percent=101.0, mean_target_percent=96.0, mean_percent=(98.0, 99.0))
    assert "neighbour" not in rules_of(replace(view, cores=apart))
    beside = replace(apart, mean_target_percent=50.0)
    assert "Other processes use 48 % of one core, out of 1" in found(replace(view, cores=beside), "neighbour").sentence


def computing(count: int, percent: float = 90.0) -> tuple[Thread, ...]:
    return tuple(Thread(7, 7 + n, "python", "OpenMP" if n else "main", percent, 1.0, 50.0, n % 4) for n in range(count))


def test_two_openmp_runtimes_whose_threads_fill_the_cores_twice() -> None:
    view = session(openmp_runtimes=(GOMP, IOMP), threads=computing(7))
    finding: Finding = found(view, "two-openmp-runtimes")
    assert finding.sentence == (
        "2 OpenMP runtimes are loaded, each with its own threads: 7 computing threads share 4 cores"
    )
    assert finding.evidence[0].text == "OpenMP runtimes loaded (torch/lib/libgomp.so.1, intel/lib/libiomp5.so)"
    assert finding.ceiling == pytest.approx((1 - 4 / 7) * 0.937, abs=0.01)
    assert f"LD_PRELOAD set to the runtime that torch uses ({GOMP})" in finding.remedy.change


def test_two_runtimes_of_which_one_sleeps_are_no_finding() -> None:
    assert "two-openmp-runtimes" not in rules_of(session(openmp_runtimes=(GOMP, IOMP), threads=computing(4)))
    sleeping = (*computing(4), *computing(7, 0.5)[4:])
    assert "two-openmp-runtimes" not in rules_of(session(openmp_runtimes=(GOMP, IOMP), threads=sleeping))
    assert "two-openmp-runtimes" not in rules_of(session(openmp_runtimes=(GOMP,), threads=computing(9)))


def test_the_time_of_too_many_threads_of_torch_itself_is_claimed_once() -> None:
    healthy = session()
    view = session(
        openmp_runtimes=(GOMP, IOMP), threads=computing(8), target=replace(healthy.target, intra_op_threads=8)
    )
    finding = found(view, "two-openmp-runtimes")
    assert finding.sentence.endswith("each with its own threads: torch's 8 threads alone share 4 cores")
    assert finding.ceiling == 0.0
    assert found(view, "thread-oversubscription").ceiling > 0.4
