"""Which optimization a training error points to."""

from __future__ import annotations

from types import SimpleNamespace

from profilednn_tui.agent.optimizations._attribution import Failure

LAYOUT = SimpleNamespace(name="channels_last", clues=("view size is not compatible",))
COMPILED = SimpleNamespace(name="compile", clues=("torch/_inductor",))


def failure(text: str) -> Failure:
    try:
        raise RuntimeError(text)
    except RuntimeError as error:
        return Failure.of(error, "the forward pass")


def test_an_error_points_to_whom_its_text_names() -> None:
    found = failure("view size is not compatible with input tensor's size\nmore")
    assert found.pointed_at([LAYOUT, COMPILED]) == [LAYOUT]
    assert found.sentence([LAYOUT, COMPILED]) == (
        "training failed in the forward pass with RuntimeError: view size is not compatible with input tensor's size "
        "while channels_last, compile were on: the error points to channels_last; a run without optimizations will "
        "tell for certain"
    )


def test_an_error_points_to_whose_files_it_passed_through() -> None:
    found = Failure("RuntimeError: no", "", ("train.py", "/x/torch/_inductor/codegen.py"))
    assert found.pointed_at([LAYOUT, COMPILED]) == [COMPILED]


def test_an_error_of_the_program_points_to_nobody() -> None:
    assert "the error points to none of them" in failure("no such file").sentence([LAYOUT])
