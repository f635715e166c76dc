"""What is told of the exception that ends a process."""

from __future__ import annotations

import sys
from multiprocessing import util
from typing import Any

import pytest

from profilednn_tui.agent.life import ending
from profilednn_tui.agent.life.ending import MOST_CHARACTERS, Ending, Fatal, described


class StrangeError(Exception):
    """Has no text."""

    def __str__(self) -> str:
        raise ValueError("no text")


def raised(error: BaseException) -> BaseException:
    """The error with the traceback of this function."""
    try:
        raise error
    except BaseException as caught:  # noqa: BLE001 - it is handed back
        return caught


def test_class_and_message_are_one_line() -> None:
    assert described(ValueError("first\nsecond")).error == "ValueError: first"
    assert described(KeyError()).error == "KeyError"
    assert described(RuntimeError("\n====\ntrain.py FAILED\n----")).error == "RuntimeError: train.py FAILED"
    assert described(ValueError("x" * 1_000)).error == f"ValueError: {'x' * MOST_CHARACTERS}"


def test_the_innermost_line_of_the_program_is_told() -> None:
    fatal = described(raised(ValueError("boom")))
    assert fatal.file == __file__
    assert fatal.line == raised.__code__.co_firstlineno + 3


def test_an_exception_without_a_text_has_its_class() -> None:
    assert described(StrangeError()).error == f"{__name__}.StrangeError"


def test_what_the_interpreter_printed_last_ended_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "last_value", ValueError("boom"), raising=False)
    assert Ending().fatal().error == "ValueError: boom"


def test_an_agent_that_leaves_takes_its_finalizer_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "is_child_of_multiprocessing", lambda: True)
    registry: dict[Any, Any] = vars(util)["_finalizer_registry"]
    before = set(registry)
    mine = Ending()
    assert len(set(registry) - before) == 1
    mine.leave()
    assert set(registry) == before


def test_what_others_have_caught_did_not_end_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Test runners and prompts leave their last exception at the same place."""
    monkeypatch.setattr(sys, "last_value", raised(ValueError("boom")), raising=False)
    assert Ending().fatal() == Fatal()
    monkeypatch.setattr(sys, "last_value", ValueError("boom"), raising=False)
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    assert Ending().fatal() == Fatal()
