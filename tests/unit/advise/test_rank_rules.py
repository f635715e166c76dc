"""The rules on ranks: data, collectives and cores that they do not share as they should."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from profilednn_tui.advise.advisor import advise
from profilednn_tui.session.view import Exchange, Inputs, ProcessEnd, ProcessEntry, SessionView
from tests.unit.advise.sessions import TRAIN, session
from tests.unit.advise.test_rules import found, rules_of
from tests.unit.ranks.records import trained

LOOKS = (4, 8, 16, 32, 64, 128, 256, 512)
WAITING = {"communication": 30.0}


def rank(number: int, **facts: Any) -> ProcessEntry:
    fields: dict[str, Any] = {
        "key": 100 + number, "pid": 100 + number,
        "rank": number, "argv": ("train.py",), "steps": 40, "ended": False, "world_size": 2,
        "exchange": Exchange(2, ("gloo",), 39, 39), "shown": number == 0,
    }  # fmt: skip
    return ProcessEntry(**{**fields, **facts})


def training(*ranks: ProcessEntry, own_ms: tuple[float, ...] = (10.0, 10.0), **changes: Any) -> SessionView:
    """A session of ranks, of which rank 0 is shown; `own_ms` is the time of each in the backward pass."""
    healthy = session(phases=WAITING, **changes)
    records = trained(40, [{"backward": ms} for ms in own_ms])
    target = replace(healthy.target, rank=0, world_size=len(ranks), pid=100, intra_op_threads=1)
    return replace(healthy, target=target, processes=ranks, ranks=records)


def reason(view: SessionView, rule: str) -> str:
    """Why a rule cannot tell."""
    return next(one.reason for one in advise(view).abstained if one.rule == rule)


def looks(batch: int, elements: int = 1_000, steps: tuple[int, ...] = LOOKS) -> tuple[Inputs, ...]:
    return tuple(Inputs(step, batch, elements) for step in steps)


def test_a_healthy_training_of_two_ranks_has_no_finding_about_them() -> None:
    view = training(rank(0, inputs=looks(16)), rank(1, inputs=looks(16)))
    assert set(rules_of(view)).isdisjoint({"unequal-batches", "silent-rank", "missing-ranks", "shared-cores"})


# ---------------------------------------------------------------- unequal-batches


def test_unequal_batches_are_told_with_what_the_larger_one_costs() -> None:
    view = training(rank(0, inputs=looks(16)), rank(1, inputs=looks(64)), own_ms=(10.0, 30.0))
    finding = found(view, "unequal-batches")
    assert finding.sentence == "The ranks have batches of unequal size: 64 on rank 1 and 16 on rank 0"
    assert 0.1 < finding.ceiling < 0.5
    assert [one.value for one in finding.evidence[:2]] == [16, 64]


def test_unequal_batches_are_a_fault_even_if_they_cost_nothing() -> None:
    finding = found(training(rank(0, inputs=looks(16)), rank(1, inputs=looks(32))), "unequal-batches")
    assert finding.ceiling == 0.0


def test_a_smaller_last_batch_is_not_unequal() -> None:
    short = (*looks(16)[:-1], Inputs(512, 3, 200))
    assert "unequal-batches" not in rules_of(training(rank(0, inputs=looks(16)), rank(1, inputs=short)))


def test_inputs_that_are_always_larger_on_one_rank() -> None:
    view = training(rank(0, inputs=looks(16)), rank(1, inputs=looks(16, 2_500)), own_ms=(10.0, 20.0))
    finding = found(view, "unequal-batches")
    assert finding.sentence == (
        "Rank 1 always has the largest inputs, 2.50x those of rank 0, in batches of the same size"
    )


def test_inputs_of_sequences_of_all_lengths_are_equal() -> None:
    one = tuple(Inputs(step, 16, 1_000 + 500 * (place % 2)) for place, step in enumerate(LOOKS))
    other = tuple(Inputs(step, 16, 1_500 - 500 * (place % 2)) for place, step in enumerate(LOOKS))
    assert "unequal-batches" not in rules_of(training(rank(0, inputs=one), rank(1, inputs=other)))


def test_one_look_is_not_enough() -> None:
    view = training(rank(0, inputs=looks(16, steps=(4,))), rank(1, inputs=looks(64, steps=(4,))))
    assert reason(view, "unequal-batches") == "the inputs of the ranks were looked at too rarely"


# ---------------------------------------------------------------- silent-rank


def silent(steps: int = 39) -> Exchange:
    return Exchange(2, ("gloo",), 0, steps)


def test_ranks_that_have_joined_no_group_train_models_of_their_own() -> None:
    """transformers #17581."""
    view = training(rank(0, exchange=None), rank(1, exchange=None))
    finding = found(view, "silent-rank")
    assert finding.sentence == (
        "None of the 2 ranks has exchanged anything in 40 steps: each trains a model of its own"
    )
    assert "init_process_group" in finding.remedy.change
    assert finding.ceiling == 0.0


def test_ranks_whose_model_is_not_wrapped_exchange_nothing() -> None:
    finding = found(training(rank(0, exchange=silent()), rank(1, exchange=silent())), "silent-rank")
    assert "in 39 steps: each trains" in finding.sentence
    assert "DistributedDataParallel" in finding.remedy.change
    assert "init_process_group" not in finding.remedy.change


def test_one_rank_that_takes_part_in_nothing_is_named() -> None:
    finding = found(training(rank(0), rank(1, exchange=silent())), "silent-rank")
    assert finding.sentence == "Rank 1 has taken part in no collective in 39 steps, and the others in some"


@pytest.mark.parametrize(
    ("exchange", "told"),
    [
        (Exchange(2, ("mpi",), None, 39), "it is not known how many collectives the ranks had"),
        (silent(12), "the ranks have too few steps"),
    ],
)
def test_what_is_not_counted_and_short_runs_are_not_judged(exchange: Exchange, told: str) -> None:
    assert reason(training(rank(0), rank(1, exchange=exchange)), "silent-rank") == told


# ---------------------------------------------------------------- missing-ranks


def started(view: SessionView, *words: str) -> SessionView:
    return replace(view, target=replace(view.target, argv=words))


def test_accelerate_starts_one_process_of_two() -> None:
    """accelerate #2741."""
    alone = ProcessEntry(100, 100, None, ("train.py",), 40, False, shown=True)
    view = started(session(processes=(alone,)), "accelerate", "launch", "--num_processes", "2", "--cpu", "train.py")
    finding = found(view, "missing-ranks")
    assert finding.sentence == "2 processes were asked for, but 1 trains here, in no process group"
    assert "torchrun --nproc-per-node 2" in finding.remedy.change


def test_a_process_group_that_is_smaller_than_what_was_asked_for() -> None:
    alone = rank(0, asked_size=4, world_size=1, exchange=Exchange(1, ("gloo",), 39, 39))
    finding = found(session(processes=(alone,)), "missing-ranks")
    assert finding.sentence == "4 processes were asked for, but the process group has 1 rank"


def test_ranks_on_other_machines_are_not_missing() -> None:
    here = rank(0, asked_size=4, world_size=4, exchange=Exchange(4, ("gloo",), 39, 39))
    assert "missing-ranks" not in rules_of(session(processes=(here,)))


def test_ranks_without_a_group_are_silent_and_not_missing() -> None:
    view = training(*(rank(number, exchange=None, asked_size=2) for number in range(2)))
    assert "missing-ranks" not in rules_of(view)


def test_an_elastic_training_that_goes_on_with_fewer_ranks_has_what_was_asked_for() -> None:
    before = [rank(number, asked_size=4, life=1, ended=True) for number in range(4)]
    now = rank(0, asked_size=1, life=2, exchange=Exchange(1, ("gloo",), 39, 39))
    assert "missing-ranks" not in rules_of(session(processes=(*before, now)))


def test_other_ranks_may_still_be_starting() -> None:
    view = session(processes=(rank(0, asked_size=2, steps=3, exchange=None),))
    assert reason(view, "missing-ranks") == "too few steps have been made"


# ---------------------------------------------------------------- cores of ranks


def on_cpus(*cpus: tuple[int, ...], command: int = 4, threads: int = 1, busy: tuple[float, ...] = ()) -> SessionView:
    """Ranks on a machine of four CPUs, each bound to some."""
    ranks = [rank(number, cpus=mine, intra_op_threads=threads) for number, mine in enumerate(cpus)]
    view = training(*ranks)
    machine = replace(view.machine, affinity=len(cpus[0]), command_cpus=tuple(range(command)))
    cores = replace(view.cores, mean_percent=busy or (100.0, 0.0, 0.0, 0.0))
    return replace(view, machine=machine, cores=cores, target=replace(view.target, intra_op_threads=threads))


def test_ranks_that_are_bound_to_the_same_cpu() -> None:
    view = on_cpus((0,), (0,))
    finding = found(view, "shared-cores")
    assert finding.sentence == (
        "Ranks 0 and 1, which have 2 threads together, are bound to CPU 0, and 3 others are idle"
    )
    assert 0.3 < finding.ceiling <= 0.5
    assert set(rules_of(view)).isdisjoint({"thread-oversubscription", "thread-undersubscription"}), "one cause"


def test_ranks_that_overlap_share_cores() -> None:
    finding = found(on_cpus((0, 1), (1, 2), threads=2), "shared-cores")
    assert "4 threads together, are bound to the same 3 CPUs, and another one is idle" in finding.sentence


def test_ranks_with_cpus_of_their_own_do_not_crowd_each_other() -> None:
    """As `mpirun --bind-to core` binds them: the mask of one rank is not what all have."""
    assert set(rules_of(on_cpus((0,), (1,)))).isdisjoint({"shared-cores", "thread-oversubscription"})


def test_a_command_with_few_cpus_has_none_to_give() -> None:
    rules = rules_of(on_cpus((0,), (0,), command=1))
    assert "shared-cores" not in rules
    finding = found(on_cpus((0,), (0,), command=1), "thread-oversubscription")
    assert finding.remedy.change.startswith("Start fewer processes, or give them more cores")


def test_cpus_that_others_use_are_not_idle() -> None:
    assert "shared-cores" not in rules_of(on_cpus((0,), (0,), busy=(100.0, 90.0, 90.0, 90.0)))


def test_ranks_whose_cpus_are_not_known_are_not_judged() -> None:
    assert reason(training(rank(0), rank(1)), "shared-cores") == "the CPUs of the ranks are not known"


def test_a_single_thread_that_torchrun_has_chosen_is_told_as_such() -> None:
    each = {"cpus": (0, 1, 2, 3), "restarts": 0, "omp_num_threads": 1}
    view = training(rank(0, **each), rank(1, **each))
    idle = tuple(replace(core, target=50.0, others=0.0) for core in view.cores.cores)
    finding = found(replace(view, cores=replace(view.cores, cores=idle)), "thread-undersubscription")
    assert finding.sentence.startswith(
        "1 intra-op thread in each of 2 processes on 4 cores (torchrun sets OMP_NUM_THREADS=1 unless it is set): "
    )
    assert dict(finding.remedy.environment) == {"OMP_NUM_THREADS": "2"}


# ---------------------------------------------------------------- dtype-refused


@pytest.mark.parametrize(
    "error",
    [
        "RuntimeError: Invalid scalar type",
        "RuntimeError: Input tensor data type is not supported for NCCL process group: BFloat16",
    ],
)
def test_a_type_that_the_backend_refuses_is_told_by_how_the_rank_died(error: str) -> None:
    end = ProcessEnd(1, 1, error, replace(TRAIN, line=30), 1)
    finding = found(session(processes=(rank(0, end=end, ended=True), rank(1))), "dtype-refused")
    assert finding.sentence == (
        f"The ranks exchange data of a type that their backend (gloo) refuses: rank 0 died of {error} (train.py:30)"
    )
    assert finding.evidence[0].place == "train.py:30"


def test_a_rank_that_died_of_something_else_was_not_refused() -> None:
    end = ProcessEnd(1, 1, "RuntimeError: expected scalar type Float but found BFloat16", None, 1)
    assert "dtype-refused" not in rules_of(session(processes=(rank(0, end=end, ended=True), rank(1))))
