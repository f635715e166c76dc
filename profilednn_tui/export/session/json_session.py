"""The session for other programs: schema ``profilednn.session/1``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from math import isfinite
from typing import Any

import msgspec

from profilednn_tui.export.session.facts import process_state
from profilednn_tui.export.session.frames import frame_text
from profilednn_tui.export.session.memory_rows import account_document, allocations_document
from profilednn_tui.export.session.rank_rows import (
    clock_documents,
    death_document,
    end_document,
    life_documents,
    rank_documents,
    straggler_document,
)
from profilednn_tui.onednn.breakdown import configuration, layout
from profilednn_tui.onednn.records import PrimitiveLog
from profilednn_tui.protocol.vocabulary import PHASES
from profilednn_tui.ranks.account import ranks_of
from profilednn_tui.ranks.ends import lives_of
from profilednn_tui.session.model.work import covered_share, work_per_step
from profilednn_tui.session.storage.folder import UNREADABLE
from profilednn_tui.session.view import Operator, Optimization, Remaining, SessionView, Stack

SCHEMA = "profilednn.session/1"

_NS_PER_MS = 1e6
_SHAPES = list[list[int | list[int]]]
"""One shape per input; for an input that is a list of tensors, a list of their shapes."""


def json_text(view: SessionView) -> str:
    """One line per part, so that 20,000 steps stay readable."""
    parts = (f"{json.dumps(key)}: {_dump(value)}" for key, value in document(view).items())
    return "{\n" + ",\n".join(parts) + "\n}\n"


def document(view: SessionView) -> dict[str, Any]:
    """The session as plain values; times are in the unit that the key names."""
    target, machine, agent = view.target, view.machine, view.agent
    ranks, lives, folder = ranks_of(view.ranks), lives_of(view.processes), view.target.working_directory
    return {
        "schema": SCHEMA,
        "state": view.state.value,
        "target": {
            "name": target.name,
            "argv": list(target.argv),
            "working_directory": target.working_directory,
            "python": target.python,
            "torch": target.torch,
            "pid": target.pid,
            "rank": target.rank,
            "world_size": target.world_size,
            "life": target.life,
            "intra_op_threads": target.intra_op_threads,
            "exit_code": target.exit_code,
            "optimizations": list(target.optimizations),
            "start_unix_ns": target.start_unix_ns,
            "end_unix_ns": target.end_unix_ns,
        },
        "machine": {
            "cpu": machine.cpu,
            "cores": machine.cores,
            "physical_cores": machine.physical_cores,
            "affinity": machine.affinity,
            "quota": machine.quota,
            "memory_bytes": machine.memory_bytes,
            "numa_nodes": machine.numa_nodes,
        },
        "steps": _steps(view),
        "remaining": _remaining(view.remaining),
        "phases": [
            {
                "name": phase.name,
                "median_ms": _ms(phase.median_ns),
                "mean_ms": _ms(phase.mean_ns),
                "share": phase.share,
            }
            for phase in view.phases
        ],
        "fragmentation": [
            {
                "phase": one.phase,
                "duration_ms": _ms(one.duration_ns),
                "calls": one.calls,
                "calls_below_10_us": one.short_calls,
                "calls_below_10_us_share": one.short_calls_share,
                "gaps": one.gaps,
                "gaps_below_10_us": one.short_gaps,
                "gaps_share": one.gaps_share,
            }
            for one in view.fragmentation
        ],
        "traced_windows": list(view.traced_windows),
        "operators": _operators(view),
        "operator_windows": list(view.operators.windows),
        "operator_window_steps": list(view.operators.steps),
        "operator_steps_since": _since(view),
        "operator_self_ms_per_step": _ms(view.operators.self_ns_per_step),
        "operator_gap_ms_per_step": _ms(view.operators.gap_ns_per_step),
        "profiled_step_ms": _ms(view.operators.profiled_step_ns),
        "operators_truncated": view.operators.truncated,
        "primitives": _primitives(view.primitives.log, len(view.primitives.windows)),
        "flops_covered_share": covered_share(view.operators.rows, view.primitives),
        "primitives_joined_share": view.primitives.joined_share,
        "modules": [
            {
                "path": module.path,
                "class": module.class_name,
                "depth": module.depth,
                "calls_per_step": module.calls_per_step,
                "forward_ms": _ms(module.forward_ns),
                "backward_ms": _ms(module.backward_ns),
            }
            for module in view.operators.modules
        ],
        "cores": {
            "mean_percent": list(view.cores.mean_percent),
            "target_percent": view.cores.mean_target_percent,
            "others_percent": view.cores.mean_others_percent,
            "contention": view.cores.contention,
        },
        "memory": {
            "rss_bytes": view.memory.rss_bytes,
            "peak_rss_bytes": view.memory.peak_rss_bytes,
            "account": account_document(view.memory_account),
            "step": allocations_document(view.allocations),
        },
        "agent": {
            "windows": agent.windows,
            "overhead_percent": agent.overhead_percent,
            "budget_percent": agent.budget_percent,
            "dropped_events": agent.dropped_events,
            "bad_lines": agent.bad_lines,
            "errors": list(agent.errors),
        },
        "optimizations": _receipts(view.optimizations),
        "processes": [
            {
                "pid": entry.pid,
                "rank": entry.rank,
                "life": entry.life,
                "shown": entry.shown,
                "state": process_state(view, entry),
                "steps": entry.steps,
                "median_ms": _ms(entry.median_ns),
                "argv": list(entry.argv),
                "optimizations": _receipts(entry.optimizations),
                "world_size": entry.world_size,
                "cpus": list(entry.cpus),
                "end": end_document(entry.end, folder),
            }
            for entry in view.processes
        ],
        "ranks": rank_documents(ranks, view.processes, folder),
        "clocks": clock_documents(ranks),
        "straggler": straggler_document(ranks.straggler, folder),
        "lives": life_documents(lives),
        "first_death": death_document(lives, folder),
        "notices": [{"level": one.level, "code": one.code, "text": one.text} for one in view.notices],
    }


def _remaining(remaining: Remaining) -> dict[str, Any]:
    return {
        "seconds": remaining.seconds,
        "low": remaining.low_s,
        "high": remaining.high_s,
        "of": {"epochs": remaining.epochs, "steps": remaining.steps},
        "source": remaining.source or None,
        "reason": remaining.reason or None,
    }


def _since(view: SessionView) -> dict[str, Any] | None:
    """How steps have changed since the windows; None while the windows represent the run."""
    since = view.operators.since
    return None if since is None else {"before_ms": _ms(since.before_ns), "now_ms": _ms(since.now_ns)}


def _receipts(optimizations: Iterable[Optimization]) -> list[dict[str, Any]]:
    return [{"name": one.name, "state": one.state, "text": one.text} for one in optimizations]


def _steps(view: SessionView) -> dict[str, Any]:
    steps = view.steps
    phases = [phase.name for phase in view.phases] or list(PHASES)
    places = [PHASES.index(name) for name in phases]
    return {
        "count": steps.count,
        # The series hold the newest steps only.
        "first": steps.numbers[0] if steps.numbers else None,
        "kept": len(steps.numbers),
        "source": steps.source,
        "median_ms": _ms(steps.median_ns),
        "p95_ms": _ms(steps.p95_ns),
        "steps_per_s": steps.steps_per_s,
        "numbers": list(steps.numbers),
        "durations_ms": [_ms(duration) for duration in steps.durations_ns],
        "phase_names": phases,
        "phases_ms": [[_ms(parts[place]) for place in places] for parts in steps.phases_ns],
        "loss": [_number(loss) for loss in steps.losses],
        "flags": list(steps.flags),
    }


def _operators(view: SessionView) -> list[dict[str, Any]]:
    """One entry per name and input shapes, whatever the dtypes and the memory format."""
    groups: dict[tuple[str, str], list[Operator]] = {}
    for operator in view.operators.rows:
        groups.setdefault((operator.key.name, operator.key.input_shapes), []).append(operator)
    entries = [_operator(members, view) for members in groups.values()]
    return sorted(entries, key=lambda entry: -float(entry["self_ms_per_step"]))


def _operator(members: list[Operator], view: SessionView) -> dict[str, Any]:
    key = members[0].key
    total_ns = sum(member.total_ns_per_step for member in members)
    works = [work_per_step(member, view.primitives) for member in members]
    flops = sum(work.flops for work in works if work is not None) if any(works) else None
    ran = [log for member in members if (log := view.primitives.by_operator.get(member.key)) is not None]
    self_ns = sum(member.self_ns_per_step for member in members)
    return {
        "name": key.name,
        "calls_per_step": sum(member.calls_per_step for member in members),
        "self_ms_per_step": _ms(self_ns),
        "total_ms_per_step": _ms(total_ns),
        "share": sum(member.share for member in members),
        "input_shapes": _shapes(key.input_shapes),
        "dtypes": _distinct(member.key.dtypes for member in members),
        "memory_formats": _distinct(member.key.memory_format for member in members),
        "backward": sum(member.self_ns_per_step for member in members if member.backward) * 2 > self_ns,
        "phase": max(members, key=lambda member: member.self_ns_per_step).phase or None,
        "modules": _distinct(path for member in members for path in member.modules),
        "flops_per_step": flops,
        "gflops_per_s": flops / total_ns if flops is not None and total_ns else None,
        "primitives": [entry for log in ran for entry in _primitives(log, len(view.primitives.windows))],
        "stacks": _stacks([stack for member in members for stack in member.stacks], view.target.working_directory),
    }


def _primitives(log: PrimitiveLog, windows: int) -> list[dict[str, Any]]:
    """The primitives that oneDNN ran per step, on average; shares are of the time in `log`."""
    return [
        {
            "primitive": use.primitive.name,
            "direction": use.primitive.direction,
            "implementation": use.primitive.implementation,
            "problem": use.primitive.problem,
            "data_types": configuration(use.primitive),
            "layouts": layout(use.primitive),
            "calls_per_step": use.execution.count / windows,
            "ms_per_step": use.execution.total_ms / windows,
            "share": use.execution.total_ms / log.time_ms if log.time_ms else 0.0,
        }
        for use in log.uses
        if use.execution.count
    ]


def _stacks(stacks: list[Stack], working_directory: str) -> list[dict[str, Any]]:
    entries: dict[tuple[object, ...], dict[str, Any]] = {}
    for stack in stacks:
        entry = entries.setdefault(
            (stack.frames, stack.forward_frames, stack.module),
            {
                "frames": [frame_text(frame, working_directory) for frame in stack.frames],
                "forward_frames": [frame_text(frame, working_directory) for frame in stack.forward_frames],
                "module": stack.module,
                "calls_per_step": 0.0,
                "self_ms_per_step": 0.0,
                "total_ms_per_step": 0.0,
            },
        )
        entry["calls_per_step"] += stack.calls_per_step
        entry["self_ms_per_step"] += stack.self_ns_per_step / _NS_PER_MS
        entry["total_ms_per_step"] += stack.total_ns_per_step / _NS_PER_MS
    return sorted(entries.values(), key=lambda entry: -float(entry["self_ms_per_step"]))


def _shapes(text: str) -> Any:
    """Shapes as lists; anything else that torch printed stays text."""
    try:
        return msgspec.json.decode(text, type=_SHAPES) if text else []
    except UNREADABLE:
        return [text]


def _distinct(values: Iterable[str]) -> list[str]:
    return [value for value in dict.fromkeys(values) if value]


def _dump(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError:
        return json.dumps(_spelled(value), ensure_ascii=False, allow_nan=False)


def _spelled(value: Any) -> Any:
    """The value, with numbers that JSON cannot represent as text."""
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, dict):
        return {key: _spelled(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_spelled(item) for item in value]
    return value


def _ms(duration_ns: float | None) -> float | None:
    return None if duration_ns is None else duration_ns / _NS_PER_MS


def _number(value: float | None) -> float | str | None:
    """Spelled out ("nan", "inf") where JSON has no number for it: a diverged loss is not an unknown one."""
    return value if value is None or isfinite(value) else str(value)
