"""Who holds the memory of tensors: models, optimizers, graphs, or the program's own variables."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from time import perf_counter_ns
from typing import Any, NamedTuple

from ..optimizations._tensors import tensors_of
from ..steps.root_modules import RootModules
from .mappings import resident_bytes
from .reachable import reachable_tensors

LARGE_BYTES = 1 << 20
"""Memory of smaller storages is taken to be resident, and not in a mapped file."""
_SAVED = "_raw_saved_"
"""Autograd nodes have an attribute of this prefix for each tensor that they save, and for each list of them."""


class Owned(NamedTuple):
    """Memory of tensors by its owner, in bytes; each storage counts once, for the first owner that has it."""

    parameters: int
    """With the buffers of modules."""
    gradients: int
    optimizer_state: int
    saved: int | None
    """Kept by graphs for a backward pass; None if this torch does not tell."""
    others: int
    """Other tensors that the program's variables lead to: inputs, outputs, data sets."""
    in_files: int
    """Of all these, what is in mapped files."""
    in_shared: int
    """Of all these, what is in shared memory."""
    saved_complete: bool
    """Whether all variables were followed, and all graphs walked to their ends."""


class TensorOwners:
    """Adds up storages; computes nothing, and unpacks nothing that a graph has saved."""

    def __init__(self, torch: Any, roots: RootModules, optimizers: Iterable[Any]) -> None:
        self._torch = torch
        self._roots = roots
        self._optimizers = optimizers
        saved_tensor = getattr(torch._C._autograd, "SavedTensor", None)
        self._tells_saved = hasattr(saved_tensor, "data")
        self._types = {torch.Tensor, torch.nn.Parameter}
        self._names: dict[type, tuple[str, ...]] = {}
        self._spans: Sequence[tuple[int, int, str]] = ()
        self._begins: list[int] = []
        self._elsewhere: dict[str, int] = {}

    def look(self, walk_until_ns: int, spans: Sequence[tuple[int, int, str]] = ()) -> Owned:
        """What each owner holds now; graphs are walked until the clock says `walk_until_ns`. `spans` are those of
        `Mapped`."""
        self._spans, self._begins = spans, [begin for begin, _, _ in spans]
        self._elsewhere = {"files": 0, "shared": 0}
        seen: set[int] = set()
        parameters = list(self._parameters())
        held = self._sum(seen, (*parameters, *self._roots.buffers()))
        gradients = self._sum(seen, (one.grad for one in parameters if one.grad is not None))
        state = self._sum(seen, (tensor for optimizer in self._optimizers for tensor in self._state_of(optimizer)))
        visible, reached = reachable_tensors(self._types, walk_until_ns)
        # Before the others: what a graph has saved may be known to Python, without anything there referring to it.
        saved, complete = self._saved(seen, visible, walk_until_ns) if self._tells_saved else (None, True)
        others = self._sum(seen, visible)
        in_files, in_shared = self._elsewhere["files"], self._elsewhere["shared"]
        return Owned(held, gradients, state, saved, others, in_files, in_shared, complete and reached)

    def _parameters(self) -> Iterator[Any]:
        found: dict[int, Any] = {}
        for parameter in self._roots.parameters():
            found[id(parameter)] = parameter
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    found[id(parameter)] = parameter
        yield from found.values()

    def _state_of(self, optimizer: Any) -> Iterator[Any]:
        for state in optimizer.state.values():
            yield from tensors_of(self._torch, state)

    def _sum(self, seen: set[int], tensors: Iterable[Any]) -> int:
        """Resident bytes of the storages that are not `seen` yet."""
        return sum(self._storage_bytes(seen, tensor) for tensor in tensors)

    def _storage_bytes(self, seen: set[int], tensor: Any) -> int:
        torch = self._torch
        tensor = getattr(tensor, "_local_tensor", tensor)  # this rank's part of a distributed one
        if type(tensor).__torch_dispatch__ is not torch.Tensor.__torch_dispatch__ or not tensor.is_cpu:
            return 0
        if tensor.layout == torch.sparse_coo:
            return self._sum(seen, (tensor._indices(), tensor._values()))
        if tensor.layout != torch.strided or tensor.is_nested:
            return 0
        storage = tensor.untyped_storage()
        address = storage.data_ptr()
        if not address or address in seen:
            return 0
        seen.add(address)
        size = int(storage.nbytes())
        if size < LARGE_BYTES:
            return size
        size = resident_bytes(address, size)
        place = bisect_right(self._begins, address) - 1
        if place >= 0 and address < self._spans[place][1]:
            self._elsewhere[self._spans[place][2]] += size
        return size

    def _saved(self, seen: set[int], roots: Iterable[Any], until_ns: int) -> tuple[int, bool]:
        """Bytes that the graphs of these tensors keep, and whether all nodes were visited."""
        pending = [node for tensor in roots if (node := tensor.grad_fn) is not None]
        nodes = set(pending)
        total = visited = 0
        while pending:
            visited += 1
            if visited % 64 == 0 and perf_counter_ns() > until_ns:
                return total, False
            node = pending.pop()
            total += sum(self._storage_bytes(seen, tensor) for tensor in self._saved_by(node))
            for following, _ in node.next_functions:
                if following is not None and following not in nodes:
                    nodes.add(following)
                    pending.append(following)
        return total, True

    def _saved_by(self, node: Any) -> Iterator[Any]:
        kind = type(node)
        names = self._names.get(kind)
        if names is None:
            names = self._names[kind] = tuple(name for name in dir(kind) if name.startswith(_SAVED))
        for name in names:
            try:
                saved = getattr(node, name)
                for one in saved if isinstance(saved, (list, tuple)) else (saved,):
                    tensor = one.data  # as it is kept: no hook of the program runs
                    if type(tensor) in self._types:
                        yield tensor
            except (RuntimeError, AttributeError):  # freed by a backward pass, or not a tensor
                continue
