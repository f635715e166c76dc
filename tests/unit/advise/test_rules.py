"""Each rule on a session with its cause, and all of them on a healthy one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from profilednn_tui.advise.advisor import advise
from profilednn_tui.advise.findings import Finding, Remedy
from profilednn_tui.advise.rules import RULES
from profilednn_tui.onednn.records import Primitive, PrimitiveLog, PrimitiveUse, Tally
from profilednn_tui.session.view import (
    Frame,
    Loader,
    Machine,
    Memory,
    Module,
    Notice,
    Operator,
    Optimization,
    OutsideTime,
    Primitives,
    SessionView,
    Stacks,
    Stepping,
    Steps,
    Target,
    Thread,
    ThreadStack,
    Worker,
)
from tests.unit.advise.sessions import TRAIN, conditions, operator, session, steps

LOADER = "enumerate(DataLoader)#_SingleProcessDataLoaderIter.__next__"


def found(view: SessionView, rule: str) -> Finding:
    """What a rule finds; fails if it finds nothing."""
    findings = {finding.rule: finding for finding in advise(view).findings}
    assert rule in findings, f"only {sorted(findings)}"
    return findings[rule]


def rules_of(view: SessionView) -> list[str]:
    return [finding.rule for finding in advise(view).findings]


def test_a_healthy_training_has_no_finding() -> None:
    advice = advise(session())
    assert advice.findings == ()
    assert {one.rule for one in advice.abstained} == {
        "loader-workers", "periodic-stall", "reference-kernels", "reorders", "weight-gradient-rate",
        "bf16-available", "bf16-no-hardware", "primitive-cache-misses", "two-openmp-runtimes",
        "straggler-rank", "slow-communication", "unequal-batches", "silent-rank", "missing-ranks", "shared-cores",
        "dtype-refused",
    }  # fmt: skip


def test_waiting_for_data_names_the_line_of_the_loop() -> None:
    memory = Memory(10**9, stepping=Stepping(0.0, 90.0, 2.0))
    view = session(operator(LOADER, 0.2, "data"), phases={"data": 300.0}, memory=memory)
    finding = found(view, "data-wait")
    assert finding.sentence == (
        "The training thread waits for data in 75 % of the step: it prepares every batch itself, for lack of "
        "DataLoader workers"
    )
    assert finding.ceiling == pytest.approx(300 / 399, rel=0.01)
    assert finding.remedy.optimizations == ("loader",)
    assert finding.evidence[0].place == "train.py:24"


def test_workers_need_the_cores_that_computing_leaves() -> None:
    """Seen on 2 cores: of the 75 % that batches take, workers can win 37 % at most, for they compute as much."""
    view = session(operator(LOADER, 0.2, "data"), phases={"data": 300.0})
    busy = replace(
        view,
        target=replace(view.target, intra_op_threads=2),
        machine=replace(view.machine, affinity=2),
        memory=Memory(10**9, stepping=Stepping(0.0, 140.0, 2.0)),
    )
    finding = found(busy, "data-wait")
    work_ms = 300 + 2 * 99  # threads that spin while they wait make the use larger than that
    assert finding.ceiling == pytest.approx(1 - work_ms / 2 / 399, rel=0.01)
    assert finding.remedy == Remedy(("loader",), {"OMP_NUM_THREADS": "1"})
    sleeping = found(replace(busy, memory=Memory(10**9, stepping=Stepping(0.0, 30.0, 2.0))), "data-wait")
    assert sleeping.ceiling == pytest.approx(300 / 399, rel=0.01), "waiting for a disk takes no core"


def test_workers_that_do_not_keep_up_are_told_with_their_use() -> None:
    name = LOADER.replace("SingleProcess", "MultiProcessing")
    worker = Worker(9, "DataLoader worker", 99.0, 10**8)
    finding = found(session(operator(name, 0.2, "data"), phases={"data": 300.0}, workers=(worker,)), "data-wait")
    assert "1 DataLoader worker does not keep up" in finding.sentence
    assert [one.value for one in finding.evidence] == [pytest.approx(300.0), 99.0]


def loader(workers: int = 2, **changes: Any) -> Loader:
    """A DataLoader whose training thread waits 10 ms for each batch, in 25 epochs of 4 batches."""
    fields: dict[str, Any] = {
        "dataset": "Images", "iterable": False, "workers": workers, "prefetch_factor": 2 if workers else None,
        "persistent": False, "batch_size": 16, "iterators": 25, "starts": 25,
        "batches": 100, "start_ns": 0, "first_ns": 250_000_000,
        "end_ns": 0, "wait_ns": 750_000_000, "source": TRAIN,
    }  # fmt: skip
    return Loader(**{**fields, **changes})


def workers(count: int, cpus: int, cores: tuple[int, ...]) -> dict[str, Any]:
    """The samples of workers that are always busy, each on one of some cores."""
    pids = range(10, 10 + count)
    return {
        "workers": tuple(Worker(pid, "DataLoader worker", 99.0, 10**8, cpus) for pid in pids),
        "threads": tuple(
            Thread(pid, pid, "pt_data_worker", "DataLoader worker", 99.0, 0.0, 0.0, cores[pid % len(cores)])
            for pid in pids
        ),
    }


def test_workers_started_anew_are_told_with_what_starting_them_takes() -> None:
    """The complaint behind this: 2 workers were started for 4 steps each, and nothing named that."""
    ms = 1_000_000
    started = loader(start_ns=1000 * ms, first_ns=2000 * ms, end_ns=500 * ms, wait_ns=100 * ms)
    advice = advise(session(phases={"data": 1900.0}, loaders=(started,)))
    finding = next(one for one in advice.findings if one.rule == "loader-workers")
    assert finding.sentence == "2 DataLoader workers are started anew every 4 steps: 89 % of the step"
    assert finding.in_few_steps
    assert finding.ceiling == pytest.approx(1900 / 1999 * 3500 / 3600 * 24 / 25, rel=0.001)
    assert finding.remedy.optimizations == ("loader",)
    assert [one.value for one in finding.evidence] == pytest.approx([25, 40.0, 80.0, 20.0])
    assert {one.place for one in finding.evidence} == {"train.py:24"}
    (waiting,) = (one for one in advice.findings if one.rule == "data-wait")
    assert waiting.ceiling + finding.ceiling == pytest.approx(1900 / 1999), "no time is claimed twice"


@pytest.mark.parametrize("changes", [{"persistent": True, "starts": 1}, {"workers": 0, "starts": 0}, {"starts": 1}])
def test_only_workers_that_are_started_again_count_as_such(changes: dict[str, Any]) -> None:
    view = session(phases={"data": 300.0}, loaders=(loader(**changes, first_ns=10**9, wait_ns=0),))
    assert "loader-workers" not in rules_of(view)
    assert "data-wait" in rules_of(view)


def test_workers_pinned_to_one_core() -> None:
    view = session(phases={"data": 300.0}, loaders=(loader(persistent=True, starts=1),), **workers(3, 1, (2,)))
    finding = found(view, "loader-workers")
    assert finding.sentence == (
        "3 DataLoader workers share one core, to which they are pinned: the training thread waits for data in 75 % of "
        "the step"
    )
    assert "data-wait" not in rules_of(view), "it would say the same"
    apart = replace(view, **workers(3, 1, (0, 1, 2)))
    assert "loader-workers" not in rules_of(apart), "each has a core of its own"
    assert "data-wait" in rules_of(apart)


def test_more_workers_than_cores() -> None:
    waiting = {
        "phases": {"data": 300.0},
        "loaders": (loader(8, persistent=True, starts=1),),
        **workers(8, 4, (0, 1, 2, 3)),
    }
    finding = found(session(**waiting), "loader-workers")
    assert finding.sentence.startswith("8 DataLoader workers share 4 cores with the training: ")
    assert "num_workers=3" in finding.remedy.change
    assert "loader-workers" not in rules_of(session(**{**waiting, "phases": {}})), "nothing waits for them"


def test_more_workers_than_cores_are_told_after_the_end_too() -> None:
    """Found with a recording: its workers had ended, and only the time in the data phase was named."""
    ended = session(phases={"data": 300.0}, loaders=(loader(8, persistent=True, starts=1),))
    finding = found(ended, "loader-workers")
    assert finding.sentence.startswith("8 DataLoader workers share 4 cores with the training: ")
    assert "data-wait" not in rules_of(ended)


def test_workers_that_compute_in_threads_of_their_own() -> None:
    few = workers(2, 4, (0, 1))
    extra = tuple(Thread(pid, pid + 90, "python", "DataLoader thread", 50.0, 0, 0, 2) for pid in (10, 10, 11, 11))
    few["threads"] += extra
    view = session(phases={"data": 300.0}, loaders=(loader(persistent=True, starts=1),), **few)
    finding = found(view, "loader-workers")
    assert finding.sentence.startswith("Each of 2 DataLoader workers computes in 3 threads, on 4 cores: ")
    feeding = tuple(replace(thread, name="QueueFeederThre") for thread in extra)
    assert "loader-workers" not in rules_of(replace(view, threads=few["threads"][:2] + feeding))


def test_where_workers_stand_is_evidence() -> None:
    inside = Frame("/home/me/images.py", 31, "decode")
    stack = ThreadStack(10, 10, "MainThread", True, True, (TRAIN, inside))
    view = session(
        phases={"data": 300.0},
        loaders=(loader(persistent=True, starts=1),),
        stacks=Stacks((stack,)),
        **workers(1, 4, (0,)),
    )
    finding = found(view, "data-wait")
    assert finding.sentence.endswith("2 DataLoader workers do not keep up")
    assert finding.evidence[-1].text == "DataLoader worker 10 is at images.py:31 in decode"
    assert finding.evidence[-1].place == "images.py:31"


def test_data_prepared_by_the_training_thread_can_be_tried_with_workers() -> None:
    waiting = session(phases={"data": 300.0}, loaders=(loader(0),))
    finding = found(waiting, "data-wait")
    assert finding.remedy.optimizations == ("loader",)
    assert finding.evidence[1].value == pytest.approx(10.0), "milliseconds per batch"
    tried = replace(waiting, optimizations=(Optimization("loader", "declined", "because its sampler is its own"),))
    change = found(tried, "data-wait").remedy.change
    assert change.startswith("loader was asked for here: declined, because its sampler is its own. ")
    assert "num_workers=N" in change
    stream = replace(waiting, loaders=(loader(0, iterable=True),))
    assert "num_workers=N" in found(stream, "data-wait").remedy.change, "the optimization declines such datasets"


def test_a_quick_loader_without_workers_is_healthy() -> None:
    view = session(loaders=(loader(0, wait_ns=40_000_000, first_ns=2_000_000),))
    assert advise(view).findings == ()


def test_more_threads_than_cores() -> None:
    switched = Thread(7, 7, "python", "main", 90.0, 3.0, 400.0, 0)
    view = session(target=replace(session().target, intra_op_threads=16), threads=(switched,))
    finding = found(view, "thread-oversubscription")
    assert finding.sentence.startswith("16 threads share 4 cores: threads may wait for each other in ")
    assert finding.remedy.optimizations == ("threads",)
    assert finding.ceiling <= 0.75
    assert [one.value for one in finding.evidence] == [16, 4, 400.0]


def test_a_quota_counts_as_fewer_cores() -> None:
    finding = found(session(machine=Machine("A processor", 4, 4, 4, quota=2.0)), "thread-oversubscription")
    assert "4 threads share 2 cores" in finding.sentence


def test_fewer_threads_than_idle_cores() -> None:
    healthy = session()
    idle = replace(healthy.cores, cores=tuple(replace(core, target=25.0) for core in healthy.cores.cores))
    view = replace(healthy, target=replace(healthy.target, intra_op_threads=1), cores=idle)
    finding = found(view, "thread-undersubscription")
    assert dict(finding.remedy.environment) == {"OMP_NUM_THREADS": "4"}
    assert "thread-undersubscription" not in rules_of(replace(view, cores=healthy.cores)), "no core is idle"


def one_thread(*rows: Operator, **cores: Any) -> SessionView:
    """A session with one thread and a sample of idle cores."""
    healthy = session(*rows)
    idle = replace(healthy.cores, cores=tuple(replace(core, target=25.0) for core in healthy.cores.cores), **cores)
    return replace(healthy, target=replace(healthy.target, intra_op_threads=1), cores=idle)


def test_one_thread_is_enough_for_short_operators() -> None:
    """Found with a healthy program: its small products are no faster on two threads."""
    short = one_thread(operator("aten::addmm", 30.0, calls=1000), operator("aten::mm", 60.0, "backward", calls=2000))
    long = one_thread(operator("aten::addmm", 30.0, calls=100), operator("aten::mm", 60.0, "backward", calls=200))
    assert "thread-undersubscription" not in rules_of(short)
    assert found(long, "thread-undersubscription").ceiling == pytest.approx(0.675, abs=0.01)


def test_cores_that_are_idle_only_at_the_end_leave_no_room_for_threads() -> None:
    busy, idle = (98.0,) * 9, (300.0,) * 9
    assert "thread-undersubscription" in rules_of(one_thread(target_history=busy, others_history=(0.0,) * 9))
    assert "thread-undersubscription" not in rules_of(one_thread(target_history=busy, others_history=idle))


def test_ranks_share_the_cores() -> None:
    healthy = session()
    idle = replace(healthy.cores, cores=tuple(replace(core, target=50.0) for core in healthy.cores.cores))
    ranks = tuple(replace(healthy.processes[0], pid=pid) for pid in (7, 8))
    view = replace(healthy, target=replace(healthy.target, intra_op_threads=1), cores=idle, processes=ranks)
    assert dict(found(view, "thread-undersubscription").remedy.environment) == {"OMP_NUM_THREADS": "2"}


def test_a_quota_that_stops_the_training() -> None:
    healthy = session()
    throttled = replace(healthy.cores, mean_throttled_percent=40.0)
    finding = found(replace(healthy, cores=throttled, machine=Machine("A processor", 8, 8, 8, 2.0)), "quota-throttled")
    assert finding.ceiling == pytest.approx(0.2), "4 threads use up a quota of 2 cores in half a period"
    assert finding.sentence == (
        "The container's CPU quota of 2 cores is used up in 40 % of its periods: all threads then stand still until "
        "the next one"
    )
    assert dict(finding.remedy.environment) == {"OMP_NUM_THREADS": "2"}


def test_a_neighbour() -> None:
    healthy = session()
    disturbed = replace(healthy.cores, mean_others_percent=200.0, mean_target_percent=200.0)
    finding = found(replace(healthy, cores=disturbed), "neighbour")
    assert finding.ceiling == pytest.approx(0.5, abs=0.05)


def test_a_neighbour_that_leaves_the_target_its_core_costs_little() -> None:
    """Found by trying as a new user: a program of one thread was told that it could win 51 %."""
    healthy = session()
    cores = replace(healthy.cores, mean_others_percent=200.0, mean_target_percent=97.0)
    view = replace(healthy, target=replace(healthy.target, intra_op_threads=1), cores=cores)
    assert found(view, "neighbour").ceiling == pytest.approx(0.03, abs=0.01)


def test_page_faults_with_time_in_the_kernel() -> None:
    memory = Memory(10**9, stepping=Stepping(80_000.0, 70.0, 30.0))
    finding = found(session(memory=memory), "allocator-faults")
    assert finding.sentence.startswith("8,000 page faults per step: the kernel takes 30 % of the CPU time")
    assert finding.remedy.optimizations == ("allocator",)


def test_an_optimizer_in_many_operators() -> None:
    rows = (
        operator("aten::convolution_backward", 58.0, "backward"),
        operator("aten::add_", 30.0, "optimizer", calls=120),
    )
    finding = found(session(*rows, phases={"optimizer": 30.0}), "optimizer-unfused")
    assert finding.ceiling == pytest.approx(0.85 * 30 / 125, rel=0.01)
    assert "optimizer-unfused" not in rules_of(session()), "it is fused"


def test_double_precision() -> None:
    finding = found(session(operator("aten::mm", 29.0, dtypes="double")), "float64")
    assert finding.ceiling == pytest.approx(0.75 * 0.29, rel=0.01)
    assert "train.py:24" in finding.remedy.change


def test_dense_gradients_of_embeddings() -> None:
    def of(name: str, ms: float, phase: str, shapes: str) -> Operator:
        row = operator(name, ms, phase)
        return replace(row, key=replace(row.key, input_shapes=shapes))

    view = session(
        of("aten::embedding_dense_backward", 40.0, "backward", "[[32, 64], [32], [], [], []]"),
        of("aten::embedding", 0.1, "forward", "[[100000, 64], [32], [], [], []]"),
        of("aten::mul_", 3.0, "optimizer", "[[100000, 64], []]"),
        of("aten::addcdiv_", 1.0, "optimizer", "[[64, 64], [64, 64]]"),
    )
    finding = found(view, "dense-embedding-gradient")
    assert "sparse=True" in finding.remedy.change
    assert finding.ceiling == pytest.approx(0.43)


@pytest.mark.parametrize("formats", ["strided", "strided to contiguous", "channels_last to contiguous"])
def test_copies_for_another_layout(formats: str) -> None:
    view = session(operator("aten::copy_", 25.0, memory_format=formats, calls=30))
    assert found(view, "layout-copies").ceiling == pytest.approx(0.25)


@pytest.mark.parametrize("formats", ["contiguous", "channels_last"])
def test_copies_that_keep_the_layout_are_other_copies(formats: str) -> None:
    view = session(operator("aten::copy_", 25.0, memory_format=formats, calls=30))
    assert "layout-copies" not in rules_of(view)


def test_an_optimizer_that_torch_cannot_fuse_is_no_finding() -> None:
    """Told by a new user: LBFGS was to be fused, and the optimization knew that it cannot be."""
    rows = [operator(f"aten::add_{place}", 0.4, "optimizer", calls=40) for place in range(10)]
    lbfgs = operator("Optimizer.step#LBFGS.step", 0.1, "optimizer")
    adam = operator("Optimizer.step#Adam.step", 0.1, "optimizer")
    assert "optimizer-unfused" in rules_of(session(*rows, adam))
    assert "optimizer-unfused" not in rules_of(session(*rows, lbfgs))


def test_short_operators_that_prepare_data_are_not_to_be_compiled() -> None:
    rows = operator("aten::select", 30.0, "data", calls=9_000), operator("aten::mm", 60.0, "backward")
    assert "small-operators" not in rules_of(session(*rows, phases={"data": 40.0}))


def test_batches_that_are_quick_to_prepare_need_no_workers() -> None:
    rows = operator(LOADER, 0.2, "data"), operator("aten::mm", 60.0, "backward")

    def advised(wait_ns: int) -> Finding:
        loaders = (loader(0, batches=40, starts=0, first_ns=0, wait_ns=wait_ns),)
        return found(session(*rows, phases={"data": 40.0}, loaders=loaders), "data-wait")

    assert "whole batches at once" in advised(40_000_000).remedy.change
    assert advised(4_000_000_000).remedy.optimizations == ("loader",)


def test_small_operators_and_python_in_between() -> None:
    rows = [operator(f"aten::op{number}", 0.2, calls=40) for number in range(100)]
    view = session(*rows, phases={"forward": 60.0})
    assert found(view, "small-operators").remedy.optimizations == ("compile",)
    outside = (OutsideTime((TRAIN,), 30e6),)
    python = found(replace(view, operators=replace(view.operators, outside=outside)), "python-overhead")
    assert python.sentence.endswith("no operator runs, most of it at train.py:24")
    assert "See what train.py:24 does" in python.remedy.change, "one line is no cost of Python in general"
    # Found by a new user: the time of single lines, from profiled steps, added up to more than that of plain ones.
    assert sum(one.value for one in python.evidence[1:]) <= python.evidence[0].value


def test_a_line_with_less_than_half_of_some_time_has_not_most_of_it() -> None:
    """A new user found: "most of it at" a line that had 8 % of it."""
    rows = [operator(f"aten::op{number}", 0.2, calls=40) for number in range(100)]
    lines = tuple(OutsideTime((replace(TRAIN, line=line),), 3e6) for line in range(11, 21))
    view = session(*rows, phases={"forward": 60.0})
    python = found(replace(view, operators=replace(view.operators, outside=lines)), "python-overhead")
    assert python.sentence.endswith("no operator runs, 10 % of that at train.py:11")
    spread = tuple(
        replace(row, stacks=tuple(replace(stack, frames=(replace(TRAIN, line=n % 4),)) for stack in row.stacks))
        for n, row in enumerate(view.operators.rows, start=1)
    )
    small = found(replace(view, operators=replace(view.operators, rows=spread)), "small-operators")
    assert "25 % of that at train.py:" in small.sentence


def test_an_operator_of_many_lines_is_not_put_at_one() -> None:
    row = operator("aten::mm", 90.0, dtypes="double")
    stacks = [replace(row.stacks[0], frames=(replace(TRAIN, line=line),), self_ns_per_step=30e6) for line in (3, 4, 5)]
    finding = found(session(replace(row, stacks=stacks), phases={"forward": 100.0}), "float64")
    assert "(train.py:3 and 2 other lines)" in finding.remedy.change


def test_waiting_in_a_few_steps_is_told_as_an_average() -> None:
    """A new user found "24 ms per step in the data phase" beside "mean wait 41 ms": the former was of a median step."""
    view = session(phases={"data": 40.0})
    phases = tuple(replace(one, mean_ns=90e6) if one.name == "data" else one for one in view.phases)
    first, *_ = found(replace(view, phases=phases), "data-wait").evidence
    assert (first.text, first.value, first.unit) == ("time in the data phase", 90.0, "ms per step, on average")


def test_a_recurrent_layer_without_fused_code() -> None:
    rows = (
        operator("aten::lstm", 0.5, modules=("lstm",), dtypes="double"),
        operator("aten::mm", 28.0, modules=("lstm",), dtypes="double", calls=400),
    )
    finding = found(session(*rows), "slow-recurrent")
    assert "torch has no fused code for double here" in finding.sentence
    fused = (*rows, operator("aten::mkldnn_rnn_layer", 5.0, modules=("lstm",)))
    assert "slow-recurrent" not in rules_of(session(*fused))


def test_a_recurrent_cell_in_a_loop() -> None:
    rows = (
        operator("aten::lstm_cell", 5.0, modules=("cell",), calls=50),
        operator("aten::addmm", 28.0, modules=("cell",), calls=100),
    )
    finding = found(session(*rows), "slow-recurrent")
    assert finding.sentence.startswith("A recurrent cell is called for each time step")
    assert "train.py:24" in finding.remedy.change


def test_a_recurrent_cell_that_is_called_once_is_no_loop() -> None:
    rows = (
        operator("aten::lstm_cell", 5.0, modules=("cell",)),
        operator("aten::addmm", 28.0, modules=("cell",), calls=2),
    )
    assert "slow-recurrent" not in rules_of(session(*rows))


def test_a_focal_loss_in_many_operators() -> None:
    rows = (operator("aten::mul", 25.0, function="sigmoid_focal_loss", calls=30), operator("aten::mm", 4.0))
    assert found(session(*rows), "fused-loss").remedy.optimizations == ("fused_focal_loss",)


def test_frozen_batch_norms() -> None:
    modules = (Module("bn", "FrozenBatchNorm2d", 0, 1.0, 20e6, 0.0, ()),)
    view = session(operator("aten::mul", 20.0, modules=("bn",), calls=8), modules=modules)
    assert found(view, "frozen-batch-norm").remedy.optimizations == ("frozen_bn",)


def test_a_profiler_of_the_program_itself() -> None:
    notice = Notice("info", "foreign_profiler", "the program is running torch.profiler itself")
    finding = found(session(notices=(notice,)), "own-profiler")
    assert finding.ceiling == 0.0


def test_a_stall_with_a_period() -> None:
    durations = tuple(400_000_000 if number % 20 == 0 else 100_000_000 for number in range(1, 201))
    finding = found(session(steps=steps(100.0, 200, durations_ns=durations)), "periodic-stall")
    assert finding.sentence.startswith("About every 20 steps, one takes 300.0 ms longer")


def test_outliers_at_random_are_no_stall() -> None:
    """A new user found: "About every 2 steps, one takes longer", of the noise of steps of 0.25 ms."""
    for seed in range(20):
        late = np.random.default_rng(seed).random(400) < 0.45
        durations = tuple(500_000 if one else 250_000 for one in late)
        assert "periodic-stall" not in rules_of(session(steps=steps(0.25, 400, durations_ns=durations)))
    durations = tuple(500_000 if number % 3 == 0 else 250_000 for number in range(1, 401))
    sentence = found(session(steps=steps(0.25, 400, durations_ns=durations)), "periodic-stall").sentence
    assert sentence.startswith("About every 3 steps")


def test_outliers_without_a_period_are_no_stall() -> None:
    late = {7, 9, 60, 120, 121, 190}
    durations = tuple(400_000_000 if number in late else 100_000_000 for number in range(1, 201))
    assert "periodic-stall" not in rules_of(session(steps=steps(100.0, 200, durations_ns=durations)))


def test_memory_that_grows_for_no_reason_seen_in_the_graphs() -> None:
    growing = Memory(10**9, rss_history=tuple(10**9 + 10**7 * second for second in range(60)))
    finding = found(session(memory=growing), "memory-growth-graph")
    assert finding.sentence == "Memory grows by 1.00 MB per step, though the graphs of earlier steps are freed"
    early = found(session(memory=growing, conditions=None), "memory-growth-graph")
    assert "perhaps because graphs" in early.sentence


def test_graphs_that_outlive_their_steps() -> None:
    kept = conditions(watched_graphs=5, kept_graphs=5)
    finding = found(session(conditions=kept), "memory-growth-graph")
    assert finding.sentence.startswith("The graphs of earlier steps stay in memory: all 5 that are watched")
    assert "loss.item()" in finding.remedy.change
    assert finding.ceiling == 0
    few = conditions(watched_graphs=5, kept_graphs=4)
    assert "memory-growth-graph" not in rules_of(session(conditions=few))


def test_a_backward_pass_through_earlier_steps() -> None:
    longer = conditions(graph_nodes=((4, 70), (8, 134), (16, 262), (32, 518)))
    finding = found(session(conditions=longer), "memory-growth-graph")
    assert "has grown from 70 nodes in step 4 to 518 in step 32" in finding.sentence
    assert ".detach()" in finding.remedy.change
    assert finding.ceiling == pytest.approx(0.6 * (1 - 70 / 198))


def test_graphs_of_sequences_of_all_lengths_do_not_grow() -> None:
    varying = conditions(graph_nodes=((4, 70), (8, 300), (16, 150), (32, 518)))
    assert "memory-growth-graph" not in rules_of(session(conditions=varying))


def elementwise(name: str, ns_per_element: float, phase: str = "optimizer") -> Operator:
    row = operator(f"aten::{name}", ns_per_element, phase)
    return replace(row, key=replace(row.key, input_shapes="[[1000, 1000]]"))


def test_denormals_need_the_flag_and_operators_that_are_slow_among_their_peers() -> None:
    rows = elementwise("sqrt", 21.0), elementwise("mul", 0.3), elementwise("addcdiv_", 0.3), elementwise("lerp_", 0.4)
    phases = {"optimizer": 25.0}
    finding = found(session(*rows, phases=phases, conditions=conditions(denormals=True)), "denormals")
    assert finding.sentence.startswith("Denormal numbers: aten::sqrt (train.py:24) takes 70 times as long per element")
    assert finding.remedy.optimizations == ("flush_denormals",)
    assert finding.ceiling == pytest.approx(20.7 / 120)
    assert "denormals" not in rules_of(session(*rows, phases=phases))
    flushed = conditions(denormals=True, flushes_denormals=True)
    assert "denormals" not in rules_of(session(*rows, phases=phases, conditions=flushed))


def test_a_fused_update_computes_with_the_same_denormal_numbers() -> None:
    """Tried for an Adam whose second moments were denormal: 1 % won of a ceiling of 64 %."""
    rows = [elementwise("sqrt", 40.0), *(elementwise(name, 0.3) for name in ("mul", "add", "lerp_", "addcdiv_"))]
    rows = [rows[0], *(replace(row, calls_per_step=10.0, self_ns_per_step=3e6) for row in rows[1:])]
    view = session(*rows, phases={"optimizer": 52.0}, conditions=conditions(denormals=True))
    unfused = found(view, "optimizer-unfused")
    assert unfused.ceiling == pytest.approx(0.85 * (52 - 39.7) / 147, rel=0.02)
    assert found(view, "denormals").ceiling == pytest.approx(39.7 / 147, rel=0.02)


def test_denormals_without_slow_operators_are_no_finding() -> None:
    rows = elementwise("sqrt", 0.6), elementwise("mul", 0.3), elementwise("add", 0.3)
    assert "denormals" not in rules_of(session(*rows, conditions=conditions(denormals=True)))


def test_anomaly_detection() -> None:
    view = session(
        operator("aten::isnan", 9.0, "backward"), operator("aten::mm", 40.0, "backward"), operator("aten::mm", 20.0),
        conditions=conditions(anomaly_mode=True),
    )  # fmt: skip
    finding = found(view, "anomaly-mode")
    assert finding.ceiling == pytest.approx((9 + 11 + 10 + 2) / 100)
    assert "set_detect_anomaly" in finding.remedy.change


def test_onednn_switched_off_by_the_program() -> None:
    view = session(operator("aten::_slow_conv2d_forward", 28.0), conditions=conditions(onednn=False))
    finding = found(view, "mkldnn-disabled")
    assert finding.sentence.startswith("The program has switched oneDNN off")
    assert finding.ceiling == pytest.approx(0.28 * 0.75)


def test_gradients_that_no_optimizer_uses() -> None:
    rows = (
        operator("aten::convolution_backward", 40.0, "backward", modules=("backbone.layer1",)),
        operator("aten::mm", 10.0, "backward", modules=("neck",)),
        operator("aten::addmm", 5.0, "backward", modules=("head",)),
    )
    seen = conditions(unneeded=("backbone",), unneeded_weights=("neck",))
    finding = found(session(*rows, conditions=seen), "frozen-backward")
    assert finding.sentence == "45 % of the step computes gradients of backbone, neck, which no optimizer updates"
    assert finding.ceiling == pytest.approx(0.45)
    assert finding.remedy.optimizations == ("frozen_backward",)


def checkpointed(*functions: str) -> Operator:
    torch = "/venv/lib/python3.11/site-packages/torch"
    files = {"checkpoint": f"{torch}/utils/checkpoint.py", "_engine_run_backward": f"{torch}/autograd/graph.py"}
    frames = tuple(Frame(files.get(name, f"{torch}/nn/modules/module.py"), 5, name) for name in functions)
    backward = "_engine_run_backward" in functions
    row = operator("aten::addmm", 20.0 if backward else 21.0, "backward" if backward else "forward")
    return replace(row, stacks=(replace(row.stacks[0], frames=(TRAIN, *frames)),))


def test_activations_computed_again_name_the_line_of_the_checkpoint() -> None:
    again = checkpointed("_engine_run_backward", "checkpoint", "_call_impl")
    forward = checkpointed("checkpoint", "_call_impl")
    memory = Memory(10**9, peak_rss_bytes=10**9, available_bytes=2 * 10**10)
    finding = found(session(again, forward, memory=memory), "recomputed-activations")
    assert "for 20 % of the step" in finding.sentence
    assert "though 20.0 GB of memory are free" in finding.sentence
    assert "torch.utils.checkpoint (train.py:24)" in finding.remedy.change


def test_gradients_inside_a_reentrant_checkpoint_are_not_computed_again() -> None:
    inner = checkpointed("_engine_run_backward", "checkpoint", "_engine_run_backward")
    assert "recomputed-activations" not in rules_of(session(inner))


def test_memory_that_only_starts_is_no_growth() -> None:
    started = Memory(10**9, rss_history=(*(10**8 * second for second in range(10)), *([10**9] * 40)))
    assert "memory-growth-graph" not in rules_of(session(memory=started))


@pytest.mark.parametrize("view", [SessionView(), session(steps=Steps())])
def test_what_cannot_be_told_is_said_with_its_reason(view: SessionView) -> None:
    advice = advise(view)
    assert advice.findings == ()
    telling = {rule.name for rule in RULES} - {one.rule for one in advice.abstained}
    assert telling <= {"memory-growth-graph", "own-profiler"}, "these need no steps"
    assert all(one.reason for one in advice.abstained)


def test_the_order_is_that_of_recoverable_time_and_never_more_than_the_step() -> None:
    healthy: dict[str, Any] = {"target": Target("train.py", intra_op_threads=16, pid=7)}
    advice = advise(session(operator(LOADER, 0.2, "data"), operator("aten::mm", 29.0, dtypes="double"),
                            phases={"data": 300.0}, **healthy))  # fmt: skip
    ceilings = [finding.ceiling for finding in advice.findings]
    assert ceilings == sorted(ceilings, reverse=True)
    assert max(ceilings) <= advice.ceiling <= 1.0
    assert advice.ceiling < sum(ceilings), "they overlap"


def test_rules_have_distinct_names_of_the_contract() -> None:
    names = [rule.name for rule in RULES]
    assert len(names) == len(set(names))
    assert all(name == name.lower() and " " not in name for name in names)


def convolutions(layout: str, gradient_ms: float) -> SessionView:
    """A session whose convolutions take 10 ms forward and some time for weight gradients in its only window."""
    forward = operator("aten::mkldnn_convolution", 40.0)
    gradient = operator("aten::convolution_backward", 60.0, "backward")
    problem = "mb8_ic32oc32_ih48oh48kh3sh1dh0ph1_iw48ow48kw3sw1dw0pw1"
    described = f"src:f32:a:blocked:{layout}::f0 wei:f32:a:blocked:abcd::f0 dst:f32:a:blocked:{layout}::f0"
    uses = {
        forward.key: PrimitiveUse(
            Primitive("convolution", "forward_training", "jit:avx2", problem, described), Tally(1, 10.0, 10.0, 10.0)
        ),
        gradient.key: PrimitiveUse(
            Primitive("convolution", "backward_weights", "jit:avx2", problem, described),
            Tally(1, gradient_ms, gradient_ms, gradient_ms),
        ),
    }
    logs = {key: PrimitiveLog((use,)) for key, use in uses.items()}
    return session(
        forward, gradient, primitives=Primitives((1,), PrimitiveLog(tuple(uses.values())), logs, joined_share=1.0)
    )


def test_slow_weight_gradients_of_convolutions() -> None:
    finding = found(convolutions("abcd", 40.0), "weight-gradient-rate")
    assert "0.25x the rate" in finding.sentence
    assert finding.remedy.optimizations == ("channels_last",)
    assert finding.ceiling == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize(("layout", "gradient_ms"), [("abcd", 12.0), ("acdb", 40.0)])
def test_weight_gradients_that_are_fast_or_already_in_channels_last(layout: str, gradient_ms: float) -> None:
    assert "weight-gradient-rate" not in rules_of(convolutions(layout, gradient_ms))
