"""Operators with call sites, written by hand."""

from __future__ import annotations

from profilednn_tui.session.view import Frame, Module, Operator, OperatorKey, Operators, OutsideTime, Stack

MAIN = Frame("/home/me/train.py", 10, "main")
CALL = Frame("/v/lib/python3.11/site-packages/torch/nn/modules/module.py", 1, "_call_impl")
FORWARD = Frame("/home/me/model.py", 4, "forward")
OTHER = Frame("/home/me/model.py", 9, "forward")
STEP = Frame("/home/me/train.py", 12, "main")


def site(self_ns: float, *frames: Frame, forward: tuple[Frame, ...] = (), module: str = "", phase: str = "") -> Stack:
    return Stack(frames, forward, module, 2.0, self_ns, 2 * self_ns, phase)


def operator(name: str, *stacks: Stack, phase: str = "forward", extra_ns: float = 0.0) -> Operator:
    self_ns = sum(stack.self_ns_per_step for stack in stacks) + extra_ns
    calls = sum(stack.calls_per_step for stack in stacks) or 1.0
    key = OperatorKey(name, "[[4, 8], [8, 2]]", "float")
    return Operator(key, calls, self_ns, 2 * self_ns, 0.0, phase == "backward", None, (), stacks, phase)


def operators() -> Operators:
    """A matrix product in two lines, its backward pass, and an update without a known line."""
    rows = (
        operator(
            "aten::mm",
            site(60.0, MAIN, CALL, FORWARD, module="net.fc"),
            site(20.0, MAIN, CALL, OTHER, module="net.head"),
        ),
        operator("aten::t", site(50.0, forward=(MAIN, CALL, FORWARD), module="net.fc"), phase="backward"),
        operator("aten::add_", site(10.0, STEP), phase="optimizer", extra_ns=5.0),
    )
    modules = (
        Module("net", "Net", 0, 1, 1, 1, ("net.fc", "net.head")),
        Module("net.fc", "Linear", 1, 1, 1, 1, ()),
        Module("net.head", "Linear", 1, 1, 1, 1, ()),
    )
    return Operators(
        (1,), 5, 7, rows, modules, 145.0, 200.0, True, outside=(OutsideTime((MAIN,), 30.0), OutsideTime((), 5.0))
    )
