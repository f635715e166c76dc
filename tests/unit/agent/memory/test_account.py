"""Accounts of this process's memory."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from profilednn_tui.agent.memory import account
from profilednn_tui.agent.memory.account import CREDIT_NS, FIRST_STEP, MOST_TIME, MemoryAccounts
from profilednn_tui.agent.steps.root_modules import RootModules
from profilednn_tui.protocol.events import MemoryAccountEvent, NoticeEvent
from profilednn_tui.session.model.memory_account import MemoryAccountSeries

SECOND = 1_000_000_000


def accounts_of(model: nn.Module, reported: list[Any]) -> MemoryAccounts:
    roots = RootModules()
    roots.look_up(model)
    return MemoryAccounts(torch, roots, [], 1_000_000, reported.append)


def test_one_that_is_asked_for_is_taken_whenever() -> None:
    accounts = accounts_of(nn.Linear(2, 2), [])
    assert not accounts.due(1, SECOND, by_itself=False)
    accounts.want_now()
    assert accounts.due(1, SECOND, by_itself=False)
    accounts.take(1)
    assert not accounts.due(1, SECOND, by_itself=False)


def test_they_come_by_themselves_only_as_often_as_they_cost_next_to_nothing() -> None:
    accounts = accounts_of(nn.Linear(2, 2), [])
    assert not accounts.due(FIRST_STEP - 1, 10 * SECOND, by_itself=True)
    assert accounts.due(FIRST_STEP, 10 * SECOND, by_itself=True)
    accounts.spent_ns = int(0.1 * CREDIT_NS)
    assert not accounts.due(FIRST_STEP, 10 * SECOND, by_itself=True)
    later_ns = int(2 * account.FIRST_COST_NS / MOST_TIME)
    assert accounts.due(FIRST_STEP, later_ns, by_itself=True)
    assert not accounts.due(FIRST_STEP, later_ns, by_itself=False)


def test_two_come_on_credit_and_no_more() -> None:
    """Found in a fresh clone: a small training had eight in its first 162 steps."""
    accounts = accounts_of(nn.Linear(2, 2), [])
    for step in (8, 9):
        assert accounts.due(step, 10 * SECOND, by_itself=True)
        accounts.take(step)
        accounts.spent_ns = accounts._cost_ns = 1_000_000 * step
    assert not accounts.due(10, 10 * SECOND, by_itself=True)
    assert accounts.due(10, int(18_000_000 / MOST_TIME), by_itself=True)


def test_the_owners_of_this_process_explain_its_memory() -> None:
    model = nn.Linear(4096, 4096)
    blocks = [torch.ones(16 << 20, dtype=torch.uint8) for _ in range(4)]
    reported: list[Any] = []
    accounts = accounts_of(model, reported)
    accounts.take(9)
    (event,) = reported
    assert isinstance(event, MemoryAccountEvent)
    assert event.step == 9
    assert event.parameters_bytes == 4 * (4096 * 4096 + 4096)
    assert event.other_tensors_bytes >= 64 << 20
    assert event.files_bytes > 20 << 20
    assert accounts.spent_ns >= event.cost_ns > 0
    series = MemoryAccountSeries()
    series.add(event)
    view = series.view(0)
    assert view is not None
    assert view.unexplained_bytes is not None
    assert abs(view.unexplained_bytes) < 0.1 * view.total_bytes
    del blocks


def test_there_is_none_while_other_threads_train() -> None:
    """Found in a review: another thread freed a tensor that was looked at (SIGSEGV)."""
    reported: list[Any] = []
    accounts_of(nn.Linear(2, 2), reported).take(9, others_train=True)
    (notice,) = reported
    assert notice.text == "who holds the memory is unknown (several threads train at once)"


def test_a_failure_is_told_once_and_ends_those_nobody_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[Any] = []
    accounts = accounts_of(nn.Linear(2, 2), reported)

    def fail() -> None:
        raise PermissionError("not allowed")

    monkeypatch.setattr(account, "read_mappings", fail)
    accounts.take(9)
    (notice,) = reported
    assert isinstance(notice, NoticeEvent)
    assert notice.text == "who holds the memory is unknown (PermissionError: not allowed)"
    assert not accounts.due(1000, 1000 * SECOND, by_itself=True)
