"""The optimizations active in calls of one root module, and how its layers are called under them."""

from __future__ import annotations

import weakref
from collections.abc import Collection
from typing import Any, Callable

from . import LayerCall, Optimization

GiveUp = Callable[[Optimization, Exception], None]


class Layers(dict):  # type: ignore[type-arg]
    """Maps the class of a module inside a root module to its call: each optimization wraps the previous one."""

    def __init__(self, original: LayerCall, active: list[Optimization], give_up: GiveUp) -> None:
        super().__init__()
        self._original = original
        self._active = active
        self._give_up = give_up

    def __missing__(self, kind: type) -> LayerCall:
        call = self._original
        for one in self._active:
            if issubclass(kind, one.layer_types()):
                call = self._guarded(one, call)
        self[kind] = call
        return call

    def without(self, one: Optimization) -> None:
        """Leave out an optimization from now on."""
        self._active = [other for other in self._active if other is not one]
        self.clear()

    def _guarded(self, one: Optimization, call: LayerCall) -> LayerCall:
        """Call a layer under `one`, or without it if that fails before the layer itself is called."""
        original, give_up = self._original, self._give_up

        def call_layer(layer: Any, *arguments: Any, **keywords: Any) -> Any:
            try:
                return one.call_layer(call, layer, *arguments, **keywords)
            except Exception as error:
                if _went_through(error, original):
                    raise
                failure = error
            try:
                result = call(layer, *arguments, **keywords)  # exceptions here are the program's own
                give_up(one, failure)
                return result
            finally:
                del failure  # its traceback refers to this frame and would keep the call's tensors alive

        return call_layer


class Plan:
    """The optimizations of one root module."""

    def __init__(self, root: Any, original: LayerCall, active: list[Optimization], give_up: GiveUp) -> None:
        self._root = weakref.ref(root)
        self.original = original
        self._give_up = give_up
        self.seen: dict[Any, int] = {}
        """Kinds of calls that were made as in a plain run -> number of backward passes before that call."""
        self.proven: set[Any] = set()
        """Kinds of calls that have succeeded under the active optimizations."""
        self._chosen = active
        self._off: Collection[Optimization] = ()
        self._refresh()
        self.newest = self.active, self.layers
        """Optimizations and layers of the latest call: a checkpoint must recompute with the same ones."""

    def is_of(self, module: Any) -> bool:
        """Whether `module` is the root module itself, not a module inside it."""
        return self._root() is module

    def may_show(self) -> bool:
        """Whether active optimizations affect activations and a call can still be made as in a plain run."""
        shows = any(type(one).shows_in is not Optimization.shows_in for one in self.active)
        return shows and not any(one.changes_model for one in self.active)

    def leave_out(self, one: Optimization) -> None:
        """Do without an optimization from now on."""
        self._chosen = [other for other in self._chosen if other is not one]
        self._refresh()

    def switch_off(self, off: Collection[Optimization]) -> None:
        """Do without these, until the next call."""
        self._off = off
        self._refresh()

    def _refresh(self) -> None:
        self.active = [one for one in self._chosen if one not in self._off]
        self.layers = self.with_only(self.active)

    def with_only(self, active: list[Optimization]) -> Layers:
        """The layers for a call under these optimizations only."""
        return Layers(self.original, active, self._give_up)


def _went_through(error: BaseException, function: Callable[..., Any]) -> bool:
    """Whether a function was on the stack when an exception was raised."""
    code, entry = getattr(function, "__code__", None), error.__traceback__
    while entry is not None and entry.tb_frame.f_code is not code:
        entry = entry.tb_next
    return entry is not None
