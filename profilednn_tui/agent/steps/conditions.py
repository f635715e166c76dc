"""Conditions of the training that cost time and that no operator shows, looked at in a few steps only.

These are torch's own switches, denormal numbers, graphs that outlive their step, and parameters that get gradients
though no optimizer updates them. The looks become rarer as the training goes on, so that they cost next to nothing.
"""

from __future__ import annotations

import ctypes
import platform
import time
import weakref
from collections.abc import Iterator
from typing import Any, Callable

from ...protocol.events import ConditionsEvent
from .root_modules import RootModules

FIRST_LOOK = 4
RAREST = 256
"""Steps between two looks at most; before that, each look comes half as late again or a third later."""
MOST_NODES = 5_000
"""Of a graph that is walked: takes 5 ms or less."""
MOST_PATHS = 64
MOST_ANCHORS = 16
_ANCHOR = "profilednn"
_MXCSR_WORD = 7
"""Of glibc's ``fenv_t`` on x86-64; the words before it describe the x87 unit."""
_DENORMAL_SEEN, _DENORMALS_ARE_ZERO, _FLUSH_TO_ZERO = 1 << 1, 1 << 6, 1 << 15


class Conditions:
    """Looks at the conditions on the training thread; changes none of them."""

    def __init__(self, torch: Any, roots: RootModules, report: Callable[[Any], None]) -> None:
        self._torch = torch
        self._roots = roots
        self._report = report
        self._next = FIRST_LOOK
        self._optimizers: weakref.WeakSet[Any] = weakref.WeakSet()
        self._anchors: list[tuple[int, weakref.ref[Any]]] = []
        """Objects that live as long as the graph of a step's loss, with the number of the step."""
        self._read_mode = _mode_reader()
        self._mkldnn_off = False
        """Whether oneDNN was off in the current step's forward pass."""

    def before_forward(self, step: int) -> None:
        """A root module is about to be called with gradients in a step."""
        if step == self._next:
            self._mkldnn_off |= not self._torch._C._get_mkldnn_enabled()

    def after_update(self, optimizer: Any) -> None:
        """An optimizer has updated its parameters."""
        self._optimizers.add(optimizer)

    def before_backward(self, step: int, tensors: Any) -> None:
        """The backward pass of a step is about to begin."""
        if step < self._next:
            return
        self._next = next(look for look in _looks() if look > step)
        torch = self._torch
        mode = self._read_mode()
        with torch._C.DisableTorchFunction():  # the program's function modes must not see our reads
            root = self._node_of(tensors)
            nodes, unneeded = self._walk(root) if root is not None else (0, {})
            alive = sum(anchor() is not None for _, anchor in self._anchors)
            event = ConditionsEvent(
                step=step,
                anomaly_mode=bool(torch.is_anomaly_enabled()),
                onednn=bool(torch._C._get_mkldnn_enabled()) and not self._mkldnn_off,
                denormals=None if mode is None else bool(mode & _DENORMAL_SEEN),
                flushes_denormals=None if mode is None else bool(mode & _FLUSH_TO_ZERO and mode & _DENORMALS_ARE_ZERO),
                graph_nodes=nodes,
                watched_graphs=len(self._anchors),
                kept_graphs=alive,
                unneeded=[path for path, whole in unneeded.items() if whole][:MOST_PATHS],
                unneeded_weights=[path for path, whole in unneeded.items() if not whole][:MOST_PATHS],
                intra_op_threads=int(torch.get_num_threads()),
                unix_ns=time.time_ns(),
            )
            if root is not None:
                self._watch(step, root)
        self._mkldnn_off = False
        self._report(event)

    def _node_of(self, tensors: Any) -> Any:
        """The root of the graph; None if there is not exactly one plain tensor."""
        if isinstance(tensors, (list, tuple)):
            tensors = tensors[0] if len(tensors) == 1 else None
        return tensors.grad_fn if type(tensors) is self._torch.Tensor else None

    def _watch(self, step: int, root: Any) -> None:
        metadata = getattr(root, "metadata", None)
        if isinstance(metadata, dict) and len(self._anchors) < MOST_ANCHORS:
            anchor = metadata[_ANCHOR] = _Anchor()
            self._anchors.append((step, weakref.ref(anchor)))

    def _walk(self, root: Any) -> tuple[int, dict[str, bool]]:
        """Number of nodes of a graph, and what `_unneeded` finds; 0 for a larger graph."""
        order: list[Any] = []
        """Each node after those that it leads to."""
        following: dict[Any, list[Any]] = {}
        pending = [root]
        while pending:
            node = pending[-1]
            if node not in following:
                following[node] = [one for one, _ in node.next_functions if one is not None]
                if len(following) > MOST_NODES:
                    return 0, {}
                pending += [one for one in following[node] if one not in following]
            else:
                pending.pop()
                order.append(node)
        return len(following), self._unneeded(order, following)

    def _unneeded(self, order: list[Any], following: dict[Any, list[Any]]) -> dict[str, bool]:
        """Paths of the largest modules of which no optimizer updates any parameter, though they get gradients, with
        whether nothing before them needs a gradient either."""
        owned = {id(one) for optimizer in self._optimizers for group in optimizer.param_groups
                 for one in group["params"]}  # fmt: skip
        if not owned:
            return {}
        needed: dict[Any, bool] = {}
        whole: dict[int, bool] = {}
        parameter_type = self._torch.nn.Parameter
        for node in order:
            if node in needed:
                continue
            variable = getattr(node, "variable", None)
            if variable is not None:
                needed[node] = id(variable) in owned or not isinstance(variable, parameter_type)
                continue
            needed[node] = any(needed[one] for one in following[node])
            for one in following[node]:
                leaf = getattr(one, "variable", None)
                if leaf is not None and not needed[one]:
                    whole[id(leaf)] = whole.get(id(leaf), True) and not needed[node]
        return self._roots.covered_by(whole)


class _Anchor:
    """Something to refer to weakly."""


def _looks() -> Iterator[int]:
    look = FIRST_LOOK
    while look < 2 * RAREST:
        yield look
        yield look + look // 2
        look *= 2
    while True:
        yield look
        look += RAREST


def _mode_reader() -> Callable[[], int | None]:
    """Reads the calling thread's floating-point status and changes nothing; None where it is not known how."""
    if platform.machine() != "x86_64" or platform.libc_ver()[0] != "glibc":
        return lambda: None
    try:
        read = ctypes.PyDLL("libm.so.6").fegetenv  # keeps the interpreter lock: the call takes nanoseconds
    except (OSError, AttributeError):
        return lambda: None
    environment = (ctypes.c_uint32 * (_MXCSR_WORD + 1))()

    def mode() -> int | None:
        return None if read(environment) else environment[_MXCSR_WORD]

    return mode
