"""Conditions of the training that cost time and that no operator shows, looked at in a few steps only.

These are torch's own switches, denormal numbers, graphs that outlive their step, parameters that get gradients though
no optimizer updates them, and the size of the inputs, of which ranks may have unequal shares. The looks become rarer as
the training goes on, and a further one is taken only when all together cost next to nothing.
"""

from __future__ import annotations

import ctypes
import math
import platform
import time
import weakref
from collections.abc import Iterator
from time import perf_counter_ns
from typing import Any, Callable

from ...protocol.events import ConditionsEvent
from .input_sizes import batch, elements
from .root_modules import RootModules

FIRST_LOOK = 4
RAREST = 256
"""Steps between two looks at most; before that, each look comes twice as late as the one before."""
FREE_NS = 1_000_000
MOST_TIME = 0.001
"""All looks together may take so long, for short runs need some; beyond that, this part of the training's time."""
OPTIMIZER_STEPS = 16
"""Steps before a look in which updates are reported: an optimizer has made one, or it has been known for long."""
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
        self.due = FIRST_LOOK
        """The step of the next look."""
        self._spent_ns = 0
        """By all looks so far."""
        self.optimizers: weakref.WeakSet[Any] = weakref.WeakSet()
        """Those that have made an update."""
        self._anchors: list[tuple[int, weakref.ref[Any]]] = []
        """Objects that live as long as the graph of a step's loss, with the number of the step."""
        self._read_mode = _mode_reader()
        self._mkldnn_off = False
        """Whether oneDNN was off in the current step's forward pass."""
        self._batch = self._elements = 0
        """Of the current step's inputs."""

    def before_forward(self, learns: bool, arguments: Any, keywords: Any) -> None:
        """A root module is about to be called with gradients in the step that is due; `learns` if it has parameters."""
        self._mkldnn_off |= not self._torch._C._get_mkldnn_enabled()
        if learns:
            self._batch = self._batch or batch(self._torch, arguments, keywords)
            self._elements += elements(self._torch, arguments, keywords)

    def after_update(self, optimizer: Any) -> None:
        """An optimizer has updated its parameters, and a look will soon be due."""
        self.optimizers.add(optimizer)

    def before_backward(self, step: int, tensors: Any, first_ns: int) -> None:
        """The backward pass of a step is about to begin, and a look is due; the first step began at `first_ns`."""
        begin_ns = perf_counter_ns()
        self._look(step, tensors)
        cost_ns = perf_counter_ns() - begin_ns
        self._spent_ns += cost_ns
        self.due = next_look(step, (begin_ns - first_ns) / step, self._spent_ns + cost_ns)

    def _look(self, step: int, tensors: Any) -> None:
        torch = self._torch
        mode = self._read_mode()
        with torch._C.DisableTorchFunction():  # the program's function modes must not see our reads
            root = self._node_of(tensors)
            nodes, leaves = _walk(root) if root is not None else (0, [])
            unneeded = self._unneeded(root, leaves) if leaves else {}
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
                batch=self._batch,
                input_elements=self._elements,
            )
            if root is not None:
                self._watch(step, root)
        self._mkldnn_off = False
        self._batch = self._elements = 0
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

    def _owned(self) -> set[int]:
        """``id`` of every parameter that an optimizer updates."""
        groups = [group for optimizer in self.optimizers for group in optimizer.param_groups]
        return {id(parameter) for group in groups for parameter in group["params"]}

    def _unneeded(self, root: Any, leaves: list[Any]) -> dict[str, bool]:
        """Paths of the largest modules of which no optimizer updates any parameter, though they get gradients, with
        whether nothing before them needs a gradient either."""
        owned, parameter_type = self._owned(), self._torch.nn.Parameter
        needed = {leaf: id(leaf.variable) in owned or type(leaf.variable) is not parameter_type for leaf in leaves}
        if not owned or all(needed.values()):
            return {}
        whole: dict[int, bool] = {}
        for node, following in _after_those_they_lead_to(root):
            if node not in needed:
                needed[node] = any(needed[one] for one in following)
                for leaf in following:
                    if not needed[leaf] and hasattr(leaf, "variable"):
                        whole[id(leaf.variable)] = whole.get(id(leaf.variable), True) and not needed[node]
        return self._roots.covered_by(whole)


def _walk(root: Any) -> tuple[int, list[Any]]:
    """Number of nodes of a graph, and those that add to a tensor's gradient; 0 for a graph that is too large."""
    seen, pending, leaves = {root}, [root], []
    while pending:
        node = pending.pop()
        following = node.next_functions
        if not following:
            leaves.append(node)
        for one, _ in following:
            if one is not None and one not in seen:
                seen.add(one)
                pending.append(one)
        if len(seen) > MOST_NODES:
            return 0, []
    return len(seen), [leaf for leaf in leaves if hasattr(leaf, "variable")]


def _after_those_they_lead_to(root: Any) -> Iterator[tuple[Any, list[Any]]]:
    """All nodes of a graph in the order in which their inputs were computed, with the nodes that each leads to."""
    following: dict[Any, list[Any]] = {}
    done: set[Any] = set()
    pending = [root]
    while pending:
        node = pending[-1]
        if node not in following:
            following[node] = [one for one, _ in node.next_functions if one is not None]
            pending += [one for one in following[node] if one not in following]
        else:
            pending.pop()
            if node not in done:
                done.add(node)
                yield node, following[node]


class _Anchor:
    """Something to refer to weakly."""


def next_look(step: int, step_ns: float, cost_ns: float) -> int:
    """The step of the look after that in `step`, where a step takes `step_ns` and all looks up to it `cost_ns`."""
    later = FIRST_LOOK
    while later <= step:
        later += min(later, RAREST)
    return max(later, math.ceil((cost_ns - FREE_NS) / MOST_TIME / step_ns))


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
