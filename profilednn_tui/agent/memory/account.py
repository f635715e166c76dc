"""Who holds the memory of this process between two steps: looked at rarely, or when asked for."""

from __future__ import annotations

import time
from collections.abc import Iterable
from time import perf_counter_ns
from typing import Any, Callable

from ...protocol.events import MemoryAccountEvent, NoticeEvent
from ...protocol.vocabulary import INFO
from ..isolation.guard import attempt
from ..steps.readable import unseen
from ..steps.root_modules import RootModules
from .footprint import small_objects_bytes
from .heap import read_heap
from .mappings import read_mappings
from .owners import TensorOwners

FIRST_STEP = 8
FIRST_COST_NS = 60_000_000
"""What the first account is expected to cost."""
CREDIT, CREDIT_NS = 0.1, 1_500_000_000
"""Share of this much time since the agent's start that the first accounts may take."""
ON_CREDIT = 2
"""How many those are: a short run has one or two."""
MOST_TIME = 0.0005
"""Share of the time that they may take beyond that."""
WALK_NS = 20_000_000
"""For graphs that are still in memory; what is not reached is said to be missing."""
ASKED_WALK_NS = 500_000_000


class MemoryAccounts:
    """Takes accounts on the training thread at the end of a step; changes nothing of the program."""

    def __init__(
        self,
        torch: Any,
        roots: RootModules,
        optimizers: Iterable[Any],
        agent_bytes: int,
        report: Callable[[Any], None],
    ) -> None:
        """`agent_bytes` is what the process grew by when the agent started."""
        self._torch = torch
        self._owners = TensorOwners(torch, roots, optimizers)
        self._agent_bytes = agent_bytes
        self._report = report
        self._wanted = False
        self._failed = False
        self._taken = 0
        self._cost_ns = FIRST_COST_NS
        """Of the last account."""
        self.spent_ns = 0
        """By all accounts."""

    def want_now(self) -> None:
        """Take one at the next boundary."""
        self._wanted = True
        self._failed = False

    def due(self, steps: int, run_ns: int, by_itself: bool) -> bool:
        """Whether to take one after `steps` steps, `run_ns` after the agent's start; `by_itself` if it may be taken
        without being asked for."""
        if self._wanted:
            return True
        if self._failed or not by_itself or steps < FIRST_STEP:
            return False
        credit_ns = CREDIT * min(run_ns, CREDIT_NS) if self._taken < ON_CREDIT else 0.0
        allowed_ns = credit_ns + MOST_TIME * run_ns
        return self.spent_ns + self._cost_ns <= allowed_ns

    def take(self, step: int, others_train: bool = False) -> None:
        """Take an account after `step`; a failure is reported once and ends those that nobody has asked for.

        There is none if other threads train, too: they may free at any time what is looked at.
        """
        began_ns = perf_counter_ns()
        asked, self._wanted = self._wanted, False
        if others_train:
            self._refuse("several threads train at once")
            return
        self._taken += 1
        event, error = attempt(self._account, step, began_ns, asked)
        self._cost_ns = perf_counter_ns() - began_ns
        self.spent_ns += self._cost_ns
        if event is not None:
            self._report(event)
        elif error is not None:
            self._refuse(" ".join(f"{type(error).__name__}: {error}".split())[:300])

    def _refuse(self, cause: str) -> None:
        self._failed = True
        text = f"who holds the memory is unknown ({cause})"
        self._report(NoticeEvent(INFO, "no_memory_account", text, time.time_ns()))

    def _account(self, step: int, began_ns: int, asked: bool) -> MemoryAccountEvent:
        heap = read_heap()
        interpreter_bytes = small_objects_bytes()
        mapped = read_mappings()
        with unseen(self._torch):
            owned = self._owners.look(perf_counter_ns() + (ASKED_WALK_NS if asked else WALK_NS), mapped.spans)
        return MemoryAccountEvent(
            step=step,
            unix_ns=time.time_ns(),
            cost_ns=perf_counter_ns() - began_ns,
            pss_bytes=mapped.pss,
            anonymous_pss_bytes=mapped.anonymous_pss,
            files_bytes=max(0, mapped.files - owned.in_files),
            shared_bytes=max(0, mapped.shared - owned.in_shared),
            elsewhere_bytes=owned.in_files + owned.in_shared,
            code_bytes=mapped.code,
            stack_bytes=mapped.stack,
            heaps_bytes=mapped.heaps,
            others_bytes=mapped.others,
            allocator=heap.allocator if heap is not None else "",
            in_use_bytes=heap.in_use if heap is not None else None,
            in_heaps_bytes=heap.in_heaps if heap is not None else None,
            allocator_bytes=heap.resident if heap is not None else None,
            interpreter_bytes=interpreter_bytes,
            agent_bytes=self._agent_bytes,
            parameters_bytes=owned.parameters,
            gradients_bytes=owned.gradients,
            optimizer_state_bytes=owned.optimizer_state,
            saved_bytes=owned.saved,
            saved_complete=owned.saved_complete,
            other_tensors_bytes=owned.others,
        )
