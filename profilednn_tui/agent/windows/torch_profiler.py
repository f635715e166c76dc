"""The only module that uses private names of torch's profiler.

Tested with torch 2.4, 2.8, 2.13 and 2.14; on a version that lacks one of them, it raises `ProfilerMissingError` with
the reason.
"""

from __future__ import annotations

import gc
import sys
import time
from _thread import get_ident
from functools import lru_cache
from typing import Any, Callable, NamedTuple

from ..isolation.c10_log import ErrorsOnly
from ..isolation.c_stderr import StderrFilter
from ..isolation.guard import Guard, attempt, without_our_frame
from ..isolation.kineto_thread import keep_out_of_forks
from .onednn_capture import Execution, OneDnnCapture
from .open_scopes import OpenScopes

WAIT_S, LONGEST_WAIT_S = 0.001, 5.0
"""How often, and for how long, a thread that wants to profile looks whether another one has closed our window."""

BACKWARD_PREFIX = "autograd::engine::evaluate_function"
ENABLE, DISABLE = "_enable_profiler", "_disable_profiler"
STARTING_FUNCTION = "_start_trace"
"""torch's function that starts the profiler."""


class ProfilerMissingError(Exception):
    """This torch has no profiler that we can read."""


class Readers(NamedTuple):
    """Getters of the node attributes that are read for every operator: calling them directly is up to a quarter
    faster."""

    extra_fields: Callable[[Any], Any]
    children: Callable[[Any], list[Any]]
    name: Callable[[Any], str]
    duration_ns: Callable[[Any], int]
    start_ns: Callable[[Any], int]
    thread: Callable[[Any], int]
    inputs: Callable[[Any], list[Any]]
    sequence_number: Callable[[Any], int]
    sizes: Callable[[Any], list[int]]
    strides: Callable[[Any], list[int]]
    dtype: Callable[[Any], Any]
    layout: Callable[[Any], Any]
    device: Callable[[Any], Any]
    memory: Callable[[Any], int | None]
    """Address of the data; None for a tensor without memory of its own."""


class NodeTypes(NamedTuple):
    """torch's classes that distinguish the nodes of the raw event tree."""

    torch_op: type
    py_call: type
    py_c_call: type
    tensor: type
    strided: Any
    """The layout of tensors that have strides."""
    python_counts: bool
    """Whether torch's own tables count Python frames as children of operators, too."""
    read: Readers
    allocation: type
    address: Callable[[Any], int]
    """Of the memory that an allocation event is about."""
    allocated_bytes: Callable[[Any], int]
    """Negative for memory that is freed."""
    takes_tensors: Callable[[str, int], tuple[int, ...]]
    """Maps an operator's name and number of inputs to the positions of the inputs that must be tensors."""


def _getter(node: type, name: str) -> Callable[[Any], Any]:
    getter: Callable[[Any], Any] = getattr(node, name).fget
    return getter


@lru_cache(maxsize=4096)
def _takes_tensors(name: str, inputs: int) -> tuple[int, ...]:
    from torch._C import _jit_get_schemas_for_operator

    try:
        schemas = [schema.arguments for schema in _jit_get_schemas_for_operator(name)]
    except RuntimeError:  # not the name of an operator
        return ()
    kinds = [[str(argument.type) for argument in arguments] for arguments in schemas if len(arguments) == inputs]
    # TorchScript has operators of the same names for plain numbers: they are never profiled.
    kinds = [types for types in kinds if any("Tensor" in text for text in types)]
    return tuple(place for place in range(inputs) if kinds and all(types[place] == "Tensor" for types in kinds))


class EventTree:
    """The raw events of one window: a forest of nodes, each with ``typed``, ``name``, ``children`` and times."""

    def __init__(self, roots: list[Any], kineto_results: Any, ran: list[Execution] | None) -> None:
        self.roots = roots
        self.ran = ran
        """What oneDNN created and ran meanwhile; None if its log was not captured."""
        self._kineto_results = kineto_results  # owns what the nodes point to


class TorchProfiler:
    """torch's profiler, started and stopped on the training thread, without its slow Python summaries."""

    def __init__(self, torch: Any, guard: Guard) -> None:
        try:
            import torch.autograd.profiler as module
            from torch._C._profiler import (
                RecordScope,
                _ExtraFields_Allocation,
                _ExtraFields_PyCall,
                _ExtraFields_PyCCall,
                _ExtraFields_TorchOp,
                _ProfilerEvent,
                _TensorMetadata,
            )
            from torch.autograd import _disable_profiler, _profiler_enabled

            self._module: Any = module
            self._disable: Callable[[], Any] = _disable_profiler
            self._enabled: Callable[[], bool] = _profiler_enabled
            self.types = NodeTypes(
                _ExtraFields_TorchOp,
                _ExtraFields_PyCall,
                _ExtraFields_PyCCall,
                _TensorMetadata,
                torch.strided,
                python_counts=hasattr(torch._C._autograd._KinetoEvent, "is_python_function"),
                read=Readers(
                    *(
                        _getter(_ProfilerEvent, name)
                        for name in (
                            "extra_fields",
                            "children",
                            "name",
                            "duration_time_ns",
                            "start_time_ns",
                            "start_tid",
                        )
                    ),
                    *(_getter(_ExtraFields_TorchOp, name) for name in ("inputs", "sequence_number")),
                    *(
                        _getter(_TensorMetadata, name)
                        for name in ("sizes", "strides", "dtype", "layout", "device", "storage_data_ptr")
                    ),
                ),
                allocation=_ExtraFields_Allocation,
                address=_getter(_ExtraFields_Allocation, "ptr"),
                allocated_bytes=_getter(_ExtraFields_Allocation, "alloc_size"),
                takes_tensors=_takes_tensors,
            )
        except ImportError as error:
            raise ProfilerMissingError(f"torch {torch.__version__} lacks {error.name or error}") from error
        if not module.kineto_available():
            raise ProfilerMissingError(f"torch {torch.__version__} was built without its profiler (Kineto)")
        self.foreign = ForeignProfiler(module, lambda: guard.run(self._give_up))
        self._profile: Any = None
        self.onednn_log: OneDnnCapture | None = None
        """Captures oneDNN's log while our window is open."""
        self._ran: list[Execution] | None = None
        self._torch = torch
        self._loaded = False
        self._errors_only = ErrorsOnly(torch)
        self._quiet = ErrorsOnly(torch)
        """Entered while a window with allocations is open."""
        self._is_quiet = False
        self._closing = False
        self._thread = 0
        """The one that has opened the window."""
        self._open_scopes = OpenScopes(torch, module.record_function)
        self._operators_only = set(RecordScope.__members__.values()) - {RecordScope.USER_SCOPE}

    @property
    def running(self) -> bool:
        """Whether our window is open, or being closed: another thread may run meanwhile."""
        return self._profile is not None or self._closing

    @property
    def mine(self) -> bool:
        """Whether the calling thread has opened a window: torch's state of it belongs to that thread, which alone can
        close it."""
        return self._profile is not None and self._thread == get_ident()

    def busy(self) -> bool:
        """Whether the program itself is profiling, or about to: then no window may be opened."""
        return self.foreign.active or self._enabled()

    def load(self) -> None:
        """Open and close an empty window to load Kineto, which must happen on the thread that imported torch."""
        self.start(stacks=False)
        self._close()

    def load_elsewhere(self) -> None:
        """Load Kineto on this thread, which did not import torch, and suppress the error that it prints."""
        if not self._loaded:
            with StderrFilter():
                self.load()

    def start(self, stacks: bool, memory: bool = False) -> None:
        """Open a window; with `memory`, torch tells of its allocations, too.

        It warns of memory that was allocated before, and no filter of Python's `warnings` applies: until such a window
        closes, c10 prints errors only. Raises `ProfilerMissingError` where that cannot be had.
        """
        if memory and not self._quiet.works:
            raise ProfilerMissingError("this torch would print warnings about memory allocated before")
        if not self._loaded:
            self._loaded = True
            keep_out_of_forks(self._torch)
        with self.foreign.ours():
            self.foreign.scopes = self._operators_only if has_process_group() else None
            profile = self._module.profile(
                use_kineto=True, record_shapes=not memory, with_stack=stacks, profile_memory=memory
            )
            profile._prepare_trace()
            self._profile, self._thread = profile, get_ident()
            try:
                if memory:
                    self._quiet.__enter__()
                    self._is_quiet = True
                elif self.onednn_log is not None:
                    self.onednn_log.start()
                profile._start_trace()
                self._open_scopes.watch()
            except BaseException:
                attempt(self._undo_start)
                raise

    def _undo_start(self) -> None:
        """Clean up after a failed start: a prepared trace must be started before it can end, or it blocks the next."""
        try:
            if not self._enabled():
                self.foreign.original(ENABLE)(self._profile.config(), self._profile.kineto_activities)
        finally:
            self._close()

    def stop(self) -> EventTree | None:
        """Close the window and return its events; None if the program's own profiler has taken over, or if another
        thread has to close it."""
        if not self.mine:
            return None
        results = self._close()
        if results is None:
            return None
        return EventTree(results.experimental_event_tree(), results, self._ran)

    def forget(self) -> None:
        """In a forked child: drop the open window, which belongs to the parent."""
        self._profile = None
        self._closing = False
        if self.onednn_log is not None:
            self.onednn_log.forget()

    def remove(self) -> None:
        """Close an open window and restore everything that was replaced."""
        if self._profile is not None:
            self._close()
        if self.onednn_log is not None:
            self.onednn_log.remove()
        self.foreign.remove()

    def _close(self) -> Any:
        self._closing = True
        try:
            return self._finish()
        finally:
            self._closing = False

    def _finish(self) -> Any:
        profile, self._profile = self._profile, None
        profile.entered = False
        self._ran = None
        attempt(self._open_scopes.end)
        try:
            if self.onednn_log is not None:
                self._ran = self.onednn_log.stop()
        finally:
            try:
                with self.foreign.ours(), self._errors_only:
                    results = self._disable()
                    stopped = getattr(self._module, "_run_on_profiler_stop", None)
                    if stopped is not None:
                        stopped()
            finally:
                if self._is_quiet:
                    self._is_quiet = False
                    self._quiet.__exit__()
        return results

    def _give_up(self) -> None:
        """The program is about to profile: our window closes first. Only its own thread can close it, at the end of its
        step; another one waits for that, but not for ever, as that step may wait for this thread."""
        if self.mine:
            self._close()
            return
        end_s = time.monotonic() + LONGEST_WAIT_S
        while self.running and time.monotonic() < end_s:
            time.sleep(WAIT_S)


class ForeignProfiler:
    """Keeps our windows and the program's own profiler apart.

    torch allows one profiler per thread. Starting ours inside the program's would empty its result; starting it between
    the program's prepare and enable calls would make the program's fail. So the three functions that all of torch's
    Python profilers go through are watched, and ours gives way.
    """

    _WATCHED = ("_prepare_profiler", ENABLE, DISABLE)

    def __init__(self, module: Any, give_up: Callable[[], None]) -> None:
        self._module = module
        self._give_up = give_up
        self._ours = 0
        """The thread whose calls count as our own; 0 for none."""
        self.active = False
        self.scopes: Any = None
        """What our own windows record; None for everything."""
        self._originals: dict[str, Any] = {}
        for name in self._WATCHED:
            original = getattr(module, name, None)
            if original is not None:
                self._originals[name] = original
                setattr(module, name, self._tracker(name, original))

    def look_for_live(self) -> None:
        """Determine whether the program's profiler was on, or warming up, before we started to watch."""
        from torch.profiler import profile

        kinds = (self._module.profile, profile)
        # Only objects that refer to the classes are returned: we neither hold nor free any other object.
        self.active = any(type(one) in kinds and _is_on(one) for kind in kinds for one in gc.get_referrers(kind))

    def original(self, name: str) -> Callable[..., Any]:
        """torch's own function behind a watched one."""
        function: Callable[..., Any] = self._originals[name]
        return function

    def ours(self) -> _Flag:
        """A context in which calls of this thread count as our own."""
        return _Flag(self)

    def remove(self) -> None:
        """Restore the watched functions."""
        for name, original in self._originals.items():
            setattr(self._module, name, original)
        self._originals.clear()

    def _tracker(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        ends = name == DISABLE

        def watched(*arguments: Any, **keywords: Any) -> Any:
            if self._ours != get_ident():
                self.active = not ends
                if not ends:
                    self._give_up()
            elif name == ENABLE and self.scopes is not None:
                arguments = (*arguments, self.scopes)
            try:
                return original(*arguments, **keywords)
            except BaseException as error:
                without_our_frame(error)
                raise

        return watched


def has_process_group() -> bool:
    """Whether this process may run collectives. Each has an annotation that ends with it, maybe on another thread and
    after the window, whose freed memory the end is then written to (SIGABRT was seen): they are not recorded."""
    initialized = getattr(sys.modules.get("torch.distributed"), "is_initialized", None)
    return initialized is not None and bool(initialized())


def _is_on(profile: Any) -> bool:
    action = getattr(profile, "current_action", None)  # torch.profiler's class has one, torch.autograd's has none
    if action is not None:
        return profile.profiler is not None and action.name != "NONE"
    return bool(profile.entered)


class _Flag:
    def __init__(self, foreign: ForeignProfiler) -> None:
        self._foreign = foreign

    def __enter__(self) -> None:
        self._foreign._ours = get_ident()

    def __exit__(self, *exception: object) -> None:
        self._foreign._ours = 0


def stacks_refused() -> str | None:
    """Why Python stacks cannot be recorded now (torch's tracer would disable another tool); None if they can."""
    monitoring = getattr(sys, "monitoring", None)
    if monitoring is not None and monitoring.get_tool(monitoring.PROFILER_ID) is not None:
        return f"the program uses sys.monitoring's profiler slot ({monitoring.get_tool(monitoring.PROFILER_ID)})"
    if sys.getprofile() is not None:
        return "the program has its own profile function (cProfile, coverage or similar)"
    return None
