"""The stacks of an operator."""

from __future__ import annotations

from dataclasses import replace

from profilednn_tui.session.frames import visible_frames
from profilednn_tui.session.view import (
    Frame,
    Stack,
)
from profilednn_tui.tui.present import stacks
from tests.tui.feeds import operator


def stack(self_ms: float, *frames: Frame) -> Stack:
    return Stack(frames, (), "net", 1.0, self_ms * 1e6, self_ms * 1e6)


TRAIN = Frame("/home/me/train.py", 12, "main")


TORCH = Frame("/venv/lib/python3.11/site-packages/torch/nn/modules/module.py", 1773, "_call_impl")


FIRST = Frame("/home/me/model.py", 4, "forward")


SECOND = Frame("/home/me/model.py", 9, "forward")


def test_stacks_merge_where_they_agree_heaviest_first_and_only_forks_indent() -> None:
    one = replace(operator("aten::mm", 4), stacks=(stack(1, TRAIN, TORCH, SECOND), stack(3, TRAIN, TORCH, FIRST)))
    rows = stacks.stack_rows(one, library=False, closed=frozenset())
    assert [(row.guide, row.frame, row.self_ns / 1e6) for row in rows] == [
        ("", TRAIN, 4.0), ("├ ", FIRST, 3.0), ("└ ", SECOND, 1.0),
    ]  # fmt: skip
    assert rows[1].share == 0.75


def test_frames_of_torch_come_on_demand() -> None:
    one = replace(operator("aten::mm", 4), stacks=(stack(4, TRAIN, TORCH, FIRST),))
    assert [row.frame for row in stacks.stack_rows(one, library=True, closed=frozenset())] == [TRAIN, TORCH, FIRST]


def test_a_stack_inside_of_torch_alone_keeps_its_innermost_frame() -> None:
    one = replace(operator("aten::mm", 4), stacks=(stack(4, TORCH),))
    assert [row.frame for row in stacks.stack_rows(one, library=False, closed=frozenset())] == [TORCH]


def test_a_closed_frame_hides_what_is_below() -> None:
    one = replace(operator("aten::mm", 4), stacks=(stack(3, TRAIN, FIRST), stack(1, TRAIN, SECOND)))
    assert len(stacks.stack_rows(one, library=False, closed=frozenset({(TRAIN,)}))) == 1


def test_models_of_other_packages_are_not_hidden() -> None:
    model = Frame("/venv/lib/python3.11/site-packages/torchvision/models/resnet.py", 93, "forward")
    assert visible_frames((TRAIN, TORCH, model, TORCH), libraries=False) == (TRAIN, model)
