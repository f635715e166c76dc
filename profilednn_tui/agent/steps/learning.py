"""What each update does to every parameter, for the proof that two runs train the same: norms and checksums.

A `LearningRecorder` exists only in runs for a certificate. It reads gradients and parameters around the updates of
every optimizer, changes none of them, draws no random number, and holds a copy of all parameters as they were at first.
"""

from __future__ import annotations

import ctypes
import math
import time
import weakref
import zlib
from typing import Any, Callable, NamedTuple

from ...protocol.events import LearningEvent, NoticeEvent, ParametersEvent
from ...protocol.vocabulary import CERTIFICATE_NOTICE, WARNING
from ..isolation.guard import Guard
from .optimizer_hooks import hook_updates
from .readable import has_closure, is_readable, unseen
from .root_modules import RootModules

MOST_UPDATES = 100
"""Of each optimizer."""
MOST_OPTIMIZERS = 8
MOST_ROWS = 1_000
"""Per optimizer; the parameters beyond are summed, in one row for each group."""
MEMORY_SHARE = 0.25
"""Share of the available memory that the copy of the parameters may take."""


class _Parameter(NamedTuple):
    tensor: weakref.ref[Any]
    start: Any
    """Its values before the first update."""
    row: int


class _Optimizer(NamedTuple):
    optimizer: weakref.ref[Any]
    number: int
    parameters: list[_Parameter]
    rows: int


class LearningRecorder:
    """Hooks into the updates of all optimizers, from `install` to `remove`."""

    def __init__(
        self, torch: Any, roots: RootModules, report: Callable[[Any], None], guard: Guard, available_bytes: float
    ) -> None:
        self._torch = torch
        self._roots = roots
        self._report = report
        self._guard = guard
        self._room_bytes = MEMORY_SHARE * available_bytes
        """What further copies may take."""
        self._optimizers: dict[int, _Optimizer | None] = {}
        """By ``id``; None for one that is not recorded."""
        self._updates: dict[int, int] = {}
        """Updates so far, by the optimizer's number."""
        self._gradients: list[float | None] = []
        """Norms of the current update, by row."""
        self._undo: Callable[[], None] | None = None

    def install(self) -> None:
        """Begin to record; other hooks that end the run have to be installed later."""

        def before(optimizer: Any, arguments: Any, keywords: Any) -> None:
            self._guard.run(self.before_update, optimizer, arguments, keywords)

        def after(optimizer: Any, arguments: Any, keywords: Any) -> None:
            self._guard.run(self.after_update, optimizer, arguments, keywords)

        self._undo = hook_updates(before, after)

    def remove(self) -> None:
        """End recording and free the copy."""
        undo, self._undo = self._undo, None
        if undo is not None:
            undo()
        self._optimizers.clear()

    def before_update(self, optimizer: Any, arguments: Any, keywords: Any) -> None:
        """An optimizer is about to update its parameters."""
        with unseen(self._torch), self._torch.no_grad():
            known = self._look_up(optimizer)
            if known is not None and not has_closure(arguments, keywords):
                self._gradients = self._gradient_norms(optimizer, known)

    def after_update(self, optimizer: Any, arguments: Any, keywords: Any) -> None:
        """An optimizer has updated its parameters."""
        known = self._optimizers.get(id(optimizer))
        if known is None or known.optimizer() is not optimizer or self._updates[known.number] >= MOST_UPDATES:
            return
        with unseen(self._torch), self._torch.no_grad():
            if has_closure(arguments, keywords):  # it has only now computed the gradients
                self._gradients = self._gradient_norms(optimizer, known)
            movements: list[float | None] = [None] * known.rows
            checksums = [0] * known.rows
            for one in known.parameters:
                tensor = one.tensor()
                if tensor is None or not is_readable(self._torch, tensor) or tensor.shape != one.start.shape:
                    continue
                tensor = tensor.detach()
                movements[one.row] = _with(movements[one.row], self._distance(tensor, one.start))
                checksums[one.row] = _checksum(tensor, checksums[one.row])
        self._updates[known.number] += 1
        rows = [list(row) for row in zip(self._gradients, movements, checksums)]
        self._report(LearningEvent(known.number, self._updates[known.number], rows, time.time_ns()))
        self._gradients = []

    def _look_up(self, optimizer: Any) -> _Optimizer | None:
        known = self._optimizers.get(id(optimizer))
        if id(optimizer) not in self._optimizers or (known is not None and known.optimizer() is not optimizer):
            known = self._optimizers[id(optimizer)] = self._add(optimizer)
        return known

    def _add(self, optimizer: Any) -> _Optimizer | None:
        """Announce an optimizer and copy its parameters."""
        number = len(self._updates)
        members = [(group, place, one) for group, its in enumerate(optimizer.param_groups)
                   for place, one in enumerate(its["params"])]  # fmt: skip
        readable = [member for member in members if is_readable(self._torch, member[2])]
        needed_bytes = sum(one.numel() * one.element_size() for _, _, one in readable)
        reason = ""
        if number >= MOST_OPTIMIZERS:
            reason = f"there are more than {MOST_OPTIMIZERS} optimizers"
        elif needed_bytes > self._room_bytes:
            reason = (
                f"a copy of the parameters of {type(optimizer).__name__} would take {needed_bytes / 1e9:.1f} GB, more "
                f"than {MEMORY_SHARE:.0%} of the available memory"
            )
        if reason:
            self._report(NoticeEvent(WARNING, CERTIFICATE_NOTICE, f"{reason}: not recorded", time.time_ns()))
            return None
        self._room_bytes -= needed_bytes
        self._updates[number] = 0
        paths = self._roots.parameter_paths()
        names: list[str] = []
        groups: list[int] = []
        dtypes: list[str] = []
        rests: dict[int, int] = {}
        parameters = []
        for group, place, one in readable:
            row = rests.get(group)
            if row is None:
                row = len(names)
                names.append(paths.get(id(one), f"parameter {place} of group {group}"))
                if row >= MOST_ROWS - len(optimizer.param_groups):
                    names[row] = f"the other parameters of group {group}"
                    rests[group] = row
                groups.append(group)
                dtypes.append(str(one.dtype).replace("torch.", ""))
            parameters.append(_Parameter(weakref.ref(one), one.detach().clone(), row))
        kind, unread = type(optimizer).__name__, len(members) - len(readable)
        self._report(ParametersEvent(number, kind, names, groups, dtypes, unread, time.time_ns()))
        return _Optimizer(weakref.ref(optimizer), number, parameters, len(names))

    def _gradient_norms(self, optimizer: Any, known: _Optimizer) -> list[float | None]:
        scale = _loss_scale(optimizer)
        norms: list[float | None] = [None] * known.rows
        for one in known.parameters:
            gradient = getattr(one.tensor(), "grad", None)
            if gradient is None:
                continue
            if gradient.layout == self._torch.sparse_coo:
                gradient = gradient.coalesce()._values()
            if is_readable(self._torch, gradient):
                norms[one.row] = _with(norms[one.row], self._norm(gradient.detach()) / scale)
        return norms

    def _distance(self, tensor: Any, start: Any) -> float:
        if tensor.element_size() == 2:  # the difference would be rounded to its 8 or 11 bits
            tensor, start = tensor.float(), start.float()
        return self._norm(tensor - start)

    def _norm(self, tensor: Any) -> float:
        """The Euclidean norm, summed in float64 so that it does not depend on the order of the elements."""
        torch = self._torch
        if not tensor.numel():
            return 0.0
        if tensor.dtype.is_complex:
            tensor = torch.view_as_real(tensor.resolve_conj())
        return float(torch.linalg.vector_norm(tensor, dtype=torch.float64))


def available_bytes() -> float:
    """Memory that this process can still take, on the machine and in its cgroup; infinite if unknown."""
    found = [math.inf]
    try:
        with open("/proc/meminfo") as lines:
            found += [int(line.split()[1]) * 1024.0 for line in lines if line.startswith("MemAvailable:")]
        with open("/sys/fs/cgroup/memory.max") as limit, open("/sys/fs/cgroup/memory.current") as used:
            found.append(float(limit.read().replace("max", "inf")) - float(used.read()))
    except (OSError, ValueError):
        pass
    return min(found)


def _with(norm: float | None, other: float) -> float:
    """The norm of two vectors together."""
    return other if norm is None else math.hypot(norm, other)


def _loss_scale(optimizer: Any) -> float:
    """The factor that a GradScaler has left in the gradients for a fused optimizer to remove; 1 in general."""
    scale = getattr(optimizer, "grad_scale", None)
    return 1.0 if scale is None else float(scale) or 1.0


def _checksum(tensor: Any, before: int) -> int:
    """CRC-32 of a tensor's bits in the order of its indices, whatever its layout in memory."""
    if not tensor.numel():
        return before
    tensor = tensor.resolve_conj().resolve_neg().contiguous()
    size = tensor.numel() * tensor.element_size()
    return zlib.crc32((ctypes.c_char * size).from_address(tensor.data_ptr()), before)
