"""What can be switched on in a target, one file each, with one class of its own.

An optimization of a third party is an entry point of the group ``profilednn.optimizations`` in the target's
environment: a plain class with whichever of these members it needs; what it leaves out does nothing.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Callable


@dataclass(frozen=True)
class Missing:
    """Why an optimization is not available here, and what would make it so."""

    reason: str
    fix: str


@dataclass(frozen=True)
class Context:
    """What an optimization may ask about the target's environment."""

    torch: Any
    """The target's torch; nothing where only the launch is prepared."""
    processor_flags: frozenset[str]
    """As in /proc/cpuinfo."""
    environment: Mapping[str, str]
    find_program: Callable[[str], str | None]
    """Path of an executable."""
    find_library: Callable[[str], str | None]
    """Path of a shared library, by its stem: ``libjemalloc``."""
    quota: float | None = None
    """Processors that the container may use; nothing without a limit."""
    others: frozenset[str] = frozenset()
    """Names of all optimizations that were asked for."""

    @property
    def torch_version(self) -> tuple[int, int]:
        numbers = str(self.torch.__version__).split("+")[0].split(".")
        return int(numbers[0]), int(numbers[1])


@dataclass(frozen=True)
class LaunchChanges:
    """What is to be different at the start of the target."""

    environment: dict[str, str] = field(default_factory=dict)
    """Variables; those that the user has set stay as they are."""
    preload: str = ""
    """A shared library for LD_PRELOAD."""
    processors: tuple[int, ...] = ()
    """Logical CPUs the target may run on; empty: as they are."""


class Declined(Exception):  # noqa: N818 - an answer, not an error
    """This program cannot have the optimization; the text says why, to follow "because"."""


LayerCall = Callable[..., Any]
"""A call of a layer: ``call(layer, *arguments, **keywords)``."""


class Optimization:
    """One named change. It leaves no trace in what the program can see or store.

    The moments (`prepare_launch` to `change_gradients`) may raise `Declined`, or fail: then `revert` is called, the
    reason is reported, and the training goes on without this optimization.
    """

    name = ""
    description = ""
    """One line."""
    conflicts: tuple[str, ...] = ()
    """Names of optimizations that cannot be on at the same time."""
    at_launch = False
    """Whether it acts before the target starts."""
    rank = 0
    """Order of begin among those that are on; 1 takes the model as the others leave it."""
    acts_on = ""
    """``model`` or ``optimizer`` for one that can have no effect where there is none."""
    changes_model = False
    """Whether `begin_model` changes the model itself: from then on no call can be made as in a plain run."""
    copies_inputs = False
    """Whether a model is called with copies of its arguments."""
    risky = False
    """Whether a call of the model may fail under it that would not without: then the first calls are on probation."""
    clues: tuple[str, ...] = ()
    """What the text of an error, or the names of the files it passed through, hold when this is behind it."""
    wary_of: frozenset[str] = frozenset()
    """Names in the model's own code with which it may fail: where a call could not be made again, it declines."""
    refuses: frozenset[str] = frozenset()
    """Names in the model's own code that would compute something else under it: then it declines."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.torch = context.torch
        self.undo: list[Callable[[], None]] = []
        """What takes back the changes made so far."""
        self._functions: list[tuple[Any, str, Any, Any]] = []

    def missing(self) -> Missing | None:
        """What keeps it from being available here; nothing when it is available."""
        return None

    def prepare_launch(self) -> LaunchChanges:
        """Before the target starts, in a process of its own."""
        return LaunchChanges()

    def begin_torch(self) -> None:
        """torch has just been imported."""

    def begin_training(self) -> None:
        """The first backward pass, update, or call of a model with gradients is about to begin, on its thread."""

    def has_work(self, model: Any) -> bool:
        """Whether there is anything in a model that it would change."""
        return True

    def begin_model(self, model: Any) -> None:
        """A root module with trainable parameters is about to be called with gradients for the first time.

        `Declined` leaves this model alone.
        """

    def begin_optimizer(self, optimizer: Any) -> None:
        """An optimizer is about to make its first update."""

    def before_update(self, optimizer: Any) -> None:
        """An optimizer is about to make an update."""

    def shows_in(self, activation: Any) -> bool:
        """Whether a tensor inside of the model is another under it: of another type, otherwise in memory, or apart from
        what the result is computed from."""
        return False

    def around_call(self, model: Any) -> AbstractContextManager[Any] | None:
        """A context for every call of such a root module."""
        return None

    def change_call(self, model: Any, call: LayerCall) -> LayerCall:
        """What is called in the place of such a root module."""
        return call

    def change_inputs(self, arguments: Any) -> Any:
        """The arguments of such a call, a tuple of the positional ones and a dict of the others."""
        return arguments

    def change_outputs(self, outputs: Any) -> Any:
        """The result of such a call."""
        return outputs

    def layer_types(self) -> tuple[type, ...]:
        """Classes of modules whose calls inside such a call go through `call_layer`."""
        return ()

    def call_layer(self, call: LayerCall, layer: Any, *arguments: Any, **keywords: Any) -> Any:
        """The result of a layer; `call` goes on as without this optimization."""
        return call(layer, *arguments, **keywords)

    def change_backward(self, tensors: Any, keywords: dict[str, Any]) -> dict[str, Any]:
        """The keywords of a call of ``torch.autograd.backward`` that names no inputs and creates no graph."""
        return keywords

    def change_gradients(self, inputs: Any, gradients: Any) -> Any:
        """The result of a call of ``torch.autograd.grad``, a tuple, for `inputs`."""
        return gradients

    def hide(self) -> None:
        """The program compiles code by its source: it shall find what a plain run has."""
        for owner, name, original, _ in self._functions:
            setattr(owner, name, original)

    def show(self) -> None:
        """It is done."""
        for owner, name, _, ours in self._functions:
            setattr(owner, name, ours)

    def receipt(self, steps: int) -> str:
        """What was really changed, after so many steps; empty when nothing was."""
        return ""

    def no_effect(self) -> str:
        """Why nothing was changed, to follow "because"."""
        return "nothing here could be changed"

    def busy(self) -> bool:
        """Whether the current step pays for a warm-up."""
        return False

    def revert(self) -> None:
        """Take back everything."""
        while self.undo:
            self.undo.pop()()

    def replace_function(self, owner: Any, name: str, ours: Any) -> None:
        """`replace` for a function whose source a compiler may read."""
        self._functions.append((owner, name, vars(owner)[name], ours))
        self.replace(owner, name, ours)
        self.undo.append(self._functions.clear)

    def take_back(self, owner: Any, change: Callable[[Any], Any]) -> None:
        """Let `revert` call `change` with `owner`, a module or parameter of the program's, while that still exists."""
        reference = weakref.ref(owner)

        def restore() -> None:
            alive = reference()
            if alive is not None:
                change(alive)

        self.undo.append(restore)

    def replace(self, owner: Any, name: str, value: Any) -> None:
        """Set an attribute; `revert` restores it."""
        absent = object()
        before = vars(owner).get(name, absent)

        def restore() -> None:
            if before is absent:
                delattr(owner, name)
            else:
                setattr(owner, name, before)

        setattr(owner, name, value)
        self.undo.append(restore)


def here(torch: Any, others: frozenset[str], quota: float | None = None) -> Context:
    """The surroundings of this process."""
    import shutil

    return Context(torch, processor_flags(), os.environ, shutil.which, find_library, quota, others)


def processor_flags(path: str = "/proc/cpuinfo") -> frozenset[str]:
    """The instruction sets of the processor; empty where nothing tells."""
    try:
        with open(path) as stream:
            line = next((line for line in stream if line.startswith(("flags", "Features"))), "")
    except OSError:
        return frozenset()
    return frozenset(line.partition(":")[2].split())


def find_library(stem: str) -> str | None:
    """A shared library in the target's environment or where the dynamic linker looks."""
    import glob
    import subprocess
    import sys

    patterns = (f"{sys.prefix}/lib/{stem}.so*", f"{sys.prefix}/lib/python*/site-packages/*/lib/{stem}.so*")
    found = [path for pattern in patterns for path in sorted(glob.glob(pattern))]
    if not found:
        try:
            answer = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=False).stdout
        except OSError:
            answer = ""
        found = [line.split()[-1] for line in answer.splitlines() if line.split()[:1] and _is(line.split()[0], stem)]
    return found[0] if found else None


def _is(file: str, stem: str) -> bool:
    return file.startswith(f"{stem}.so")


def plural(number: int, noun: str) -> str:
    """``1 weight``, ``53 weights``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def each_step(calls: int, steps: int) -> str:
    """``called 2x per step``, from counts over whole steps."""
    if not steps:
        return f"called {plural(calls, 'time')}"
    return f"called {calls / steps:.0f}x per step" if calls >= steps else "called in some steps"
