"""Accounts of the memory as a session shows them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from profilednn_tui.protocol.events import AllocationsEvent, MemoryAccountEvent, PssEvent
from profilednn_tui.protocol.vocabulary import PHASES
from profilednn_tui.session import memory_owners as owners
from profilednn_tui.session.model import memory_account
from profilednn_tui.session.model.memory_account import MemoryAccountSeries, workers_pss
from profilednn_tui.session.view import MemoryAccount, StepAllocations
from tests.unit.session import recordings as r

MB = 1_000_000
FORWARD, BACKWARD = PHASES.index("forward"), PHASES.index("backward")


def account(step: int = 20, **changes: Any) -> MemoryAccountEvent:
    fields: dict[str, Any] = {
        "step": step, "unix_ns": r.START_UNIX_NS, "cost_ns": 40 * MB, "pss_bytes": 1000 * MB,
        "anonymous_pss_bytes": 800 * MB, "files_bytes": 190 * MB, "shared_bytes": 10 * MB, "code_bytes": 5 * MB,
        "stack_bytes": 1 * MB, "heaps_bytes": 300 * MB, "others_bytes": 494 * MB, "allocator": "glibc",
        "in_use_bytes": 700 * MB, "in_heaps_bytes": 240 * MB, "allocator_bytes": None, "interpreter_bytes": 30 * MB,
        "agent_bytes": 20 * MB, "parameters_bytes": 100 * MB, "gradients_bytes": 100 * MB,
        "optimizer_state_bytes": 200 * MB, "saved_bytes": 0, "saved_complete": True, "other_tensors_bytes": 50 * MB,
    }  # fmt: skip
    return MemoryAccountEvent(**fields | changes)


def allocations(**changes: Any) -> AllocationsEvent:
    fields: dict[str, Any] = {
        "step": 21, "unix_ns": r.START_UNIX_NS, "duration_ns": 50_000_000, "cost_ns": 1, "events": 340,
        "peak_ns": 30_000_000, "peak_bytes": 640 * MB, "end_bytes": 8 * MB,
        "levels": [[0, 0], [10_000_000, 300 * MB], [30_000_000, 640 * MB], [50_000_000, 8 * MB]],
        "phases": [[FORWARD, 600 * MB, 700 * MB, 200], [BACKWARD, 640 * MB, 90 * MB, 140]],
        "peak": [[0, 600 * MB], [1, 30 * MB], [3, 10 * MB]], "freed_bytes": 100 * MB,
        "kept": [[FORWARD, 8 * MB]], "strings": ["aten::relu"],
        "owners": [[0, 0, 500 * MB, 12], [-1, 3, MB, 1]],
    }  # fmt: skip
    return AllocationsEvent(**fields | changes)


def viewed(*events: Any, workers_pss_bytes: int = 0) -> MemoryAccount:
    series = MemoryAccountSeries()
    for event in events:
        series.add(event)
    view = series.view(workers_pss_bytes)
    assert view is not None
    return view


def sizes(view: MemoryAccount) -> dict[str, int]:
    return {owner.name: owner.size_bytes for owner in view.owners}


def test_owners_and_what_none_explains_add_up_to_the_whole() -> None:
    view = viewed(account())
    assert view.total_bytes == 1000 * MB
    assert sizes(view) == {
        owners.HEAP: 230 * MB, owners.OPTIMIZER_STATE: 200 * MB, owners.FILES: 190 * MB, owners.PARAMETERS: 100 * MB,
        owners.GRADIENTS: 100 * MB, owners.SLACK: 60 * MB, owners.TENSORS: 50 * MB, owners.INTERPRETER: 30 * MB,
        owners.AGENT: 20 * MB, owners.SHARED: 10 * MB, owners.CODE: 5 * MB, owners.STACK: 1 * MB,
    }  # fmt: skip
    assert view.unexplained_bytes == 1000 * MB - sum(sizes(view).values()) == 4 * MB
    assert [owner.size_bytes for owner in view.owners] == sorted(sizes(view).values(), reverse=True)


def test_memory_that_was_asked_for_and_not_touched_is_in_no_memory() -> None:
    """Found with a GPT: owners added up to 8 % more than the process had."""
    view = viewed(account(in_use_bytes=1900 * MB, in_heaps_bytes=1000 * MB))
    assert sizes(view)[owners.HEAP] == (300 + 494 - 30 - 470) * MB
    assert owners.SLACK not in sizes(view)
    assert view.unexplained_bytes == 0


def test_another_allocator_tells_its_slack_itself() -> None:
    view = viewed(
        account(
            allocator="jemalloc",
            in_heaps_bytes=700 * MB,
            allocator_bytes=760 * MB,
            heaps_bytes=0,
            others_bytes=794 * MB,
        )
    )
    assert sizes(view)[owners.SLACK] == 60 * MB


def test_an_allocator_that_tells_nothing_leaves_heap_and_slack_together() -> None:
    view = viewed(account(allocator="", in_use_bytes=None, in_heaps_bytes=None))
    assert view.unexplained_bytes is None
    assert sizes(view)[owners.HEAP_AND_SLACK] == (300 + 494 - 30 - 470) * MB
    assert sum(sizes(view).values()) == view.total_bytes


def test_pages_that_workers_share_with_the_process_are_the_process_own() -> None:
    view = viewed(account(anonymous_pss_bytes=500 * MB, pss_bytes=700 * MB), workers_pss_bytes=420 * MB)
    assert sizes(view)[owners.WORKERS] == 120 * MB
    assert view.total_bytes == 1120 * MB


def test_growth_is_that_over_all_accounts() -> None:
    view = viewed(account(step=10), account(step=110, saved_bytes=300 * MB, in_use_bytes=1000 * MB))
    growth = {owner.name: owner.growth_bytes for owner in view.owners}
    assert growth[owners.SAVED] == 3 * MB
    assert growth[owners.PARAMETERS] == 0
    assert view.steps == (10, 110)
    assert viewed(account()).owners[0].growth_bytes is None


def test_workers_grow_and_due_shares_do_not() -> None:
    """Found in a review: a leak in workers was never told, and other programs' ends were told as growth."""
    series = MemoryAccountSeries()
    series.add(account(step=10), 100 * MB)
    series.add(account(step=110, files_bytes=290 * MB), 400 * MB)
    view = series.view(400 * MB)
    assert view is not None
    growth = {owner.name: owner.growth_bytes for owner in view.owners}
    assert growth[owners.WORKERS] == 3 * MB
    assert growth[owners.FILES] is None


def test_two_accounts_right_after_each_other_tell_no_growth() -> None:
    assert {owner.growth_bytes for owner in viewed(account(step=10), account(step=11)).owners} == {None}


def test_parameters_in_a_mapped_file_count_once() -> None:
    """Found in a review: they counted for the parameters and for the files."""
    view = viewed(account(parameters_bytes=200 * MB, elsewhere_bytes=150 * MB, files_bytes=40 * MB))
    assert view.total_bytes == 1000 * MB
    assert sizes(view)[owners.HEAP] == 280 * MB
    assert view.unexplained_bytes == 4 * MB


def test_a_torch_that_does_not_tell_what_graphs_keep_is_said() -> None:
    view = viewed(account(saved_bytes=None))
    assert not view.tells_saved
    assert owners.SAVED not in sizes(view)


def test_accounts_are_bounded_and_keep_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_account, "KEPT_ACCOUNTS", 4)
    view = viewed(*(account(step=step) for step in range(10, 60, 10)))
    assert view.steps[0] == 10
    assert view.steps[-1] == 50
    assert len(view.steps) <= 4


def test_workers_of_workers_belong_to_the_process() -> None:
    rows = [(11, 10, 5), (12, 11, 7), (21, 20, 100), (31, 31, 3)]
    assert workers_pss(rows, 10) == 12
    assert workers_pss(rows, 99) == 0


def test_the_view_has_the_account_and_the_step() -> None:
    worker = PssEvent(r.START_UNIX_NS, [[r.PID + 1, r.PID, 60 * MB]])
    view = r.view_of(r.hello(), r.training(30), account(), worker, allocations())
    assert view.memory_account is not None
    assert sizes(view.memory_account)[owners.WORKERS] == 60 * MB
    step = view.allocations
    assert isinstance(step, StepAllocations)
    assert step.at_peak == (("saved", 600 * MB), ("gradients", 30 * MB), ("temporary", 10 * MB))
    assert step.kept == (("forward", 8 * MB),)
    assert [one.operator for one in step.owners] == ["aten::relu", ""]
    assert [one.phase for one in step.phases] == ["forward", "backward"]


@pytest.mark.parametrize("wrong", [{"peak": [[9, 1]]}, {"owners": [[5, 0, 1, 1]]}, {"owners": [[0, -1, 1, 1]]}])
def test_tables_that_refer_to_what_is_not_there_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="of"):
        memory_account.allocations_of(replace(allocations(), **wrong))
