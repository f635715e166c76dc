"""The optimizations that can be switched on in a target: one file each, with one class.

A third-party optimization is an entry point in the group ``profilednn.optimizations`` in the target's environment: a
plain class with whichever of these members it needs; the others default to doing nothing. It cannot import this
package, so that `Missing`, `Declined` and `LaunchChanges` are members of it, too: ``raise self.Declined("...")``.
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
    """Why an optimization is not available here, and how to make it available."""

    reason: str
    fix: str


@dataclass(frozen=True)
class Context:
    """What an optimization can learn about the target's environment."""

    torch: Any
    """The target's torch; None while the launch is prepared."""
    processor_flags: frozenset[str]
    """As in /proc/cpuinfo."""
    environment: Mapping[str, str]
    find_program: Callable[[str], str | None]
    """Path of an executable."""
    find_library: Callable[[str], str | None]
    """Path of a shared library by its stem, such as ``libjemalloc``."""
    quota: float | None = None
    """Number of processors that the container may use; None without a limit."""
    others: frozenset[str] = frozenset()
    """Names of all requested optimizations."""

    @property
    def torch_version(self) -> tuple[int, int]:
        numbers = str(self.torch.__version__).split("+")[0].split(".")
        return int(numbers[0]), int(numbers[1])


@dataclass(frozen=True)
class LaunchChanges:
    """Changes to the environment in which the target starts."""

    environment: dict[str, str] = field(default_factory=dict)
    """Variables; those that the user has set are not overridden."""
    preload: str = ""
    """A shared library for LD_PRELOAD."""
    processors: tuple[int, ...] = ()
    """Logical CPUs that the target may run on; empty for no change."""


class Declined(Exception):  # noqa: N818 - an answer, not an error
    """The optimization does not suit this program; the text says why, as a clause after "because"."""


LayerCall = Callable[..., Any]
"""Calls a layer: ``call(layer, *arguments, **keywords)``."""


class Optimization:
    """One named change. It leaves no trace in what the program can see or store.

    The callbacks from `prepare_launch` to `change_gradients` may raise `Declined` or fail: then `revert` is called, the
    reason is reported, and training continues without this optimization.
    """

    name = ""
    description = ""
    """One line."""
    conflicts: tuple[str, ...] = ()
    """Names of optimizations that it cannot be combined with."""
    at_launch = False
    """Whether it acts before the target starts."""
    live = False
    """Whether it can be switched off and on again between two steps of one process, without any trace."""
    rank = 0
    """Position in the order in which optimizations begin; those with 1 get the model as the others leave it."""
    acts_on = ""
    """``model`` or ``optimizer`` if it cannot have an effect without one."""
    changes_model = False
    """Whether `begin_model` changes the model itself: afterwards, no call can be made as in a plain run."""
    copies_inputs = False
    """Whether a model is called with copies of its arguments."""
    risky = False
    """Whether it may make a model call fail that would otherwise succeed: then the first calls are on probation."""
    clues: tuple[str, ...] = ()
    """Strings in an error's text, or in the file names of its traceback, that point to this optimization."""
    wary_of: frozenset[str] = frozenset()
    """Names in the model's own code that may make it fail: it declines if the call could not be repeated."""
    refuses: frozenset[str] = frozenset()
    """Names in the model's own code that would compute something else under it: then it declines."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.torch = context.torch
        self.undo: list[Callable[[], None]] = []
        """Functions that undo the changes made so far."""
        self.left_alone: dict[str, str] = {}
        """Why something of the program was left alone, by its class; models are handled by the manager."""
        self._functions: list[tuple[Any, str, Any, Any]] = []

    def missing(self) -> Missing | None:
        """Why it is not available here; None if it is."""
        return None

    def prepare_launch(self) -> LaunchChanges:
        """Called before the target starts, in a separate process."""
        return LaunchChanges()

    def begin_torch(self) -> None:
        """torch has just been imported."""

    def begin_training(self) -> None:
        """The first backward pass, update, or model call with gradients is about to begin on the current thread."""

    def has_work(self, model: Any) -> bool:
        """Whether a model contains anything that it would change."""
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
        """Whether a tensor inside the model is different under it: in its type, in its memory layout, or in not being
        part of what the result is computed from."""
        return False

    def around_call(self, model: Any) -> AbstractContextManager[Any] | None:
        """A context for every call of a root module, or None."""
        return None

    def change_call(self, model: Any, call: LayerCall) -> LayerCall:
        """The function to call in place of a root module."""
        return call

    def change_inputs(self, arguments: Any) -> Any:
        """The arguments for a root module: a tuple of the positional ones and a dict of the keyword ones."""
        return arguments

    def change_outputs(self, outputs: Any) -> Any:
        """The result of a root module."""
        return outputs

    def layer_types(self) -> tuple[type, ...]:
        """Classes of modules whose calls inside a root module go through `call_layer`."""
        return ()

    def call_layer(self, call: LayerCall, layer: Any, *arguments: Any, **keywords: Any) -> Any:
        """The result of a layer; `call` computes it without this optimization."""
        return call(layer, *arguments, **keywords)

    def change_backward(self, tensors: Any, keywords: dict[str, Any]) -> dict[str, Any]:
        """The keyword arguments for a ``torch.autograd.backward`` call that names no inputs and creates no graph."""
        return keywords

    def change_gradients(self, inputs: Any, gradients: Any) -> Any:
        """The result of a ``torch.autograd.grad`` call for `inputs`, a tuple."""
        return gradients

    def hide(self) -> None:
        """Restore the original functions, because the program is about to compile code from its source."""
        for owner, name, original, _ in self._functions:
            setattr(owner, name, original)

    def show(self) -> None:
        """Undo `hide`."""
        for owner, name, _, ours in self._functions:
            setattr(owner, name, ours)

    def switch_off(self) -> None:
        """It is about to be left out for some steps; only called if it is `live`."""

    def switch_on(self) -> None:
        """It is about to act again."""

    def receipt(self, steps: int) -> str:
        """What was actually changed, after `steps` steps; empty if nothing was."""
        return ""

    def no_effect(self) -> str:
        """Why nothing was changed, as a clause after "because"."""
        return "nothing here could be changed"

    def busy(self) -> bool:
        """Whether the current step includes a warm-up."""
        return False

    def revert(self) -> None:
        """Undo all changes."""
        while self.undo:
            self.undo.pop()()

    def replace_function(self, owner: Any, name: str, ours: Any) -> None:
        """`replace` for a function whose source a compiler may read."""
        self._functions.append((owner, name, vars(owner)[name], ours))
        self.replace(owner, name, ours)
        self.undo.append(self._functions.clear)

    def take_back(self, owner: Any, change: Callable[[Any], Any]) -> None:
        """Have `revert` call `change` with `owner`, a module or parameter of the program, if it still exists."""
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
    """The context of this process."""
    import shutil

    return Context(torch, processor_flags(), os.environ, shutil.which, find_library, quota, others)


def processor_flags(path: str = "/proc/cpuinfo") -> frozenset[str]:
    """The processor's flags for its instruction sets; empty if they are unknown."""
    try:
        with open(path) as stream:
            line = next((line for line in stream if line.startswith(("flags", "Features"))), "")
    except OSError:
        return frozenset()
    return frozenset(line.partition(":")[2].split())


def find_library(stem: str) -> str | None:
    """Path of a shared library in the target's environment or in the dynamic linker's cache."""
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
