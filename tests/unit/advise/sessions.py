"""Sessions with one cause of lost time each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from profilednn_tui.session.view import (
    Conditions,
    Core,
    Cores,
    Frame,
    Machine,
    Memory,
    Module,
    Operator,
    OperatorKey,
    Operators,
    OutsideTime,
    Phase,
    ProcessEntry,
    SessionView,
    Stack,
    State,
    Stepping,
    Steps,
    Target,
)

TRAIN = Frame("/home/me/train.py", 24, "main")
PHASES = {
    "data": 1.0,
    "forward": 30.0,
    "loss": 2.0,
    "backward": 60.0,
    "optimizer": 5.0,
    "communication": 0.0,
    "inference": 0.0,
    "other": 2.0,
}
"""Milliseconds of a healthy step of 100 ms."""


def operator(
    name: str,
    ms: float,
    phase: str = "forward",
    *,
    calls: float = 1.0,
    dtypes: str = "float",
    memory_format: str = "contiguous",
    modules: tuple[str, ...] = (),
    function: str = "main",
) -> Operator:
    """An operator called from line 24 of the user's script."""
    stack = Stack(
        (replace(TRAIN, function=function),), (), modules[0] if modules else "", calls, ms * 1e6, ms * 1e6, phase
    )
    return Operator(
        OperatorKey(name, f"[[{int(ms * 1000)}]]", dtypes, memory_format), calls, ms * 1e6, ms * 1e6, ms / 100,
        phase == "backward", None, modules, (stack,), phase,
    )  # fmt: skip


def steps(milliseconds: float = 100.0, count: int = 40, **changes: Any) -> Steps:
    each = round(milliseconds * 1e6)
    fields: dict[str, Any] = {
        "count": count, "source": "optimizer", "numbers": tuple(range(1, count + 1)), "durations_ns": (each,) * count,
        "flags": (0,) * count, "median_ns": float(each), "steps_per_s": 1e9 / each,
    }  # fmt: skip
    return Steps(**{**fields, **changes})


def conditions(**changes: Any) -> Conditions:
    """What the agent saw of a healthy training in its 32nd step."""
    fields: dict[str, Any] = {
        "step": 32, "anomaly_mode": False, "onednn": True, "denormals": False, "flushes_denormals": False,
        "graph_nodes": ((4, 90), (8, 90), (16, 90), (32, 90)), "watched_graphs": 3, "kept_graphs": 0, "unneeded": (),
        "unneeded_weights": (),
    }  # fmt: skip
    return Conditions(**{**fields, **changes})


def session(
    *rows: Operator, phases: Mapping[str, float] | None = None, modules: tuple[Module, ...] = (), **changes: Any
) -> SessionView:
    """A running session; without operators, a healthy mix of large ones."""
    parts = {**PHASES, **(phases or {})}
    step_ms = sum(parts.values())
    rows = rows or (
        operator("aten::convolution_backward", 58.0, "backward"), operator("aten::mkldnn_convolution", 29.0),
        operator("aten::_fused_sgd_", 4.8, "optimizer"), operator("aten::nll_loss", 1.9, "loss"),
    )  # fmt: skip
    operators = Operators(
        (1,), 5, rows=tuple(sorted(rows, key=lambda row: -row.self_ns_per_step)), modules=modules,
        self_ns_per_step=sum(row.self_ns_per_step for row in rows), profiled_step_ns=step_ms * 1e6, stacks=True,
        outside=(OutsideTime((TRAIN,), 1e6),),
    )  # fmt: skip
    fields: dict[str, Any] = {
        "state": State.RUNNING,
        "live": True,
        "target": Target("train.py", ("train.py", "--lr", "0.1"), "/home/me", intra_op_threads=4, pid=7),
        "machine": Machine("A processor", 4, 4, 4),
        "steps": steps(step_ms),
        "phases": tuple(Phase(name, ms * 1e6, ms * 1e6, ms / step_ms) for name, ms in parts.items()),
        "operators": operators,
        "cores": Cores(
            tuple(Core(index, 95.0, 2.0, 0.0, True) for index in range(4)), 380.0, 8.0, 1.0,
            mean_target_percent=380.0, mean_others_percent=8.0, mean_throttled_percent=0.0,
        ),
        "memory": Memory(10**9, stepping=Stepping(100.0, 370.0, 4.0)),
        "conditions": conditions(),
        "processes": (ProcessEntry(7, 7, None, ("train.py",), 40, False),),
    }  # fmt: skip
    return SessionView(**{**fields, **changes})
