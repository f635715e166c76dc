"""Notices, and the facts of a run: target, machine, cost of profiling."""

from __future__ import annotations

import shlex

from profilednn_tui import units
from profilednn_tui.export.session.facts import remaining_fact
from profilednn_tui.protocol.vocabulary import WARNING
from profilednn_tui.session.ending import exit_words
from profilednn_tui.session.notices import notices
from profilednn_tui.session.view import SessionView, State
from profilednn_tui.session.words import change_words, windows_words
from profilednn_tui.tui.present import advice
from profilednn_tui.tui.present.advice import Findings
from profilednn_tui.tui.renderables.line import Line, wrap


def notice_lines(view: SessionView, findings: Findings, width: int) -> tuple[Line, ...]:
    """The first findings; then warnings, and other notices."""
    known = notices(view)
    lines = [*advice.notice_lines(findings, width)]
    if not known and not lines:
        return ((("Nothing to report.", "muted"),),)
    for level, text in known:
        mark, role = ("! ", "warning") if level == WARNING else ("· ", "muted")
        for index, line in enumerate(wrap(text, max(10, width - 2))):
            lines.append(((mark if index == 0 else "  ", role), *line))
    return tuple(lines)


def run_lines(view: SessionView, width: int) -> tuple[Line, ...]:
    """One label and value per line."""
    lines: list[Line] = []
    for label, value in _facts(view):
        for index, line in enumerate(wrap(value, max(10, width - 12))):
            lines.append((((label if index == 0 else "").ljust(12), "muted"), *line))
    return tuple(lines)


def _facts(view: SessionView) -> list[tuple[str, str]]:
    target, machine, agent, steps = view.target, view.machine, view.agent, view.steps
    facts = [
        ("command", shlex.join(target.argv)),
        ("folder", target.working_directory),
        ("process", _process_text(view)),
        ("rank", f"{target.rank} of {target.world_size}" if target.rank is not None else ""),
        ("ended", exit_words(target.exit_code) if view.state is State.ENDED and not target.detached else ""),
        ("python", target.python or ""),
        ("torch", f"{target.torch}, {target.intra_op_threads} intra-op threads" if target.torch else ""),
        ("with", ", ".join(target.optimizations)),
        ("machine", machine.cpu),
        ("cores", _cores_text(view)),
        ("memory", units.bytes_size(machine.memory_bytes) if machine.memory_bytes else ""),
        ("steps from", f"{steps.source}: {steps.source_reason}" if steps.source else ""),
        ("time left", remaining_fact(view) if view.live else ""),
        ("windows", _windows_text(view)),
        ("overhead", _overhead_text(view)),
        ("ui", f"{units.percent(view.cores.host_percent)} of one core" if view.cores.host_percent is not None else ""),
        ("errors", f"{len(agent.errors)} in the agent, see 8 Notices" if agent.errors else ""),
    ]
    return [(label, value) for label, value in facts if value]


def _process_text(view: SessionView) -> str:
    if not view.target.pid:
        return ""
    life = f", {units.ordinal(view.target.life)} life" if view.target.life > 1 else ""
    others = len(view.processes) - 1
    more = f"; {others} more had an agent, P chooses" if others > 0 else ""
    return f"pid {view.target.pid}{life}{more}"


def _cores_text(view: SessionView) -> str:
    machine = view.machine
    if machine.cores is None:
        return ""
    parts = [f"{machine.cores} logical"]
    if machine.physical_cores:
        parts.append(f"{machine.physical_cores} physical")
    if machine.affinity is not None and machine.affinity != machine.cores:
        parts.append(f"{machine.affinity} allowed")
    if machine.quota:
        parts.append(f"quota {machine.quota:g}")
    if machine.numa_nodes and machine.numa_nodes > 1:
        parts.append(f"{machine.numa_nodes} NUMA nodes")
    return ", ".join(parts)


def _windows_text(view: SessionView) -> str:
    operators = view.operators
    if not view.agent.windows:
        return ""
    merged = f"; here {windows_words(operators)}" if operators.windows else ""
    since = change_words(operators)
    slower = ""
    if operators.profiled_step_ns and view.steps.median_ns:
        slower = f"; a profiled step takes {units.ratio(operators.profiled_step_ns / view.steps.median_ns)} the median"
    return f"{view.agent.windows:,} of one step{merged}{slower}" + (f"; {since}" if since else "")


def _overhead_text(view: SessionView) -> str:
    agent = view.agent
    if agent.overhead_percent is None:
        return ""
    return (
        f"{units.percent(agent.overhead_percent)} (budget {units.percent(agent.budget_percent)}): "
        f"windows {units.percent(agent.windows_percent)}, hooks {units.percent(agent.hooks_percent)}, "
        f"writer {units.percent(agent.writer_percent)}"
    )
