"""Variables of running frames are read, and the program cannot tell."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Callable
from types import FrameType, SimpleNamespace
from typing import Any

import pytest

from profilednn_tui.agent.isolation.frame_variables import UNKNOWN, attribute, variable

EVERYWHERE = 7


def caller() -> FrameType:
    return sys._getframe(1)


def test_locals_of_all_kinds_and_globals_are_found() -> None:
    def outer(argument: int, shared: int, *rest: int, keyword: int = 4) -> dict[str, Any]:
        local, later = 10, 1
        del later

        def inner() -> int:
            return shared + local_shared

        local_shared = 99
        names = ("argument", "shared", "rest", "keyword", "local", "later", "local_shared", "EVERYWHERE", "nowhere")
        assert inner() == 101
        assert local == 10
        frame = caller()
        return {name: variable(frame, name) for name in names}

    assert outer(1, 2, 3) == {
        "argument": 1,
        "shared": 2,
        "rest": (3,),
        "keyword": 4,
        "local": 10,
        "later": UNKNOWN,
        "local_shared": 99,
        "EVERYWHERE": 7,
        "nowhere": UNKNOWN,
    }


def test_a_variable_of_the_enclosing_function_is_found() -> None:
    epochs = 20

    def run() -> Any:
        assert epochs == 20
        return variable(caller(), "epochs")

    assert run() == 20


def test_what_the_program_got_from_locals_stays_as_it_was() -> None:
    def run() -> list[str]:
        before = locals()
        epochs = 3
        assert variable(caller(), "epochs") == epochs
        return sorted(before)

    assert run() == []


def test_no_variable_lives_longer() -> None:
    class Tensor:
        pass

    def run() -> bool:
        tensor, epochs = Tensor(), 3
        gone = weakref.ref(tensor)
        assert variable(caller(), "epochs") == epochs
        assert variable(caller(), "tensor") is tensor
        del tensor
        gc.collect()
        return gone() is None

    assert run()


class Slotted:
    __slots__ = ("empty", "epochs")

    def __init__(self) -> None:
        self.epochs = 5


class Keyed(dict[str, int]):
    __getattr__ = dict.__getitem__


class Inherited(SimpleNamespace):
    epochs = 5


@pytest.mark.parametrize(
    "make", [lambda: SimpleNamespace(epochs=5), Slotted, lambda: Keyed(epochs=5), Inherited, lambda: Inherited]
)
def test_stored_attributes_are_found(make: Callable[[], Any]) -> None:
    assert attribute(make(), "epochs") == 5


def test_no_code_of_the_program_runs() -> None:
    class Eager:
        @property
        def epochs(self) -> int:
            raise AssertionError

        def __getattr__(self, name: str) -> int:
            raise AssertionError

    assert isinstance(attribute(Eager(), "epochs"), property)
    assert attribute(Eager(), "steps") is UNKNOWN
    assert attribute(Slotted(), "empty") is UNKNOWN
