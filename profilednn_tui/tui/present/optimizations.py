"""The optimizations: what they could win here, what is chosen for the next run, and the outcome of this run's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from types import MappingProxyType

from profilednn_tui import units
from profilednn_tui.advise.findings import Finding
from profilednn_tui.export.advice.words import ceiling_text
from profilednn_tui.launch.optimizations import OptimizationDescription
from profilednn_tui.protocol.vocabulary import CONFLICT, DECLINED, FAILED, NO_EFFECT, ON, UNAVAILABLE
from profilednn_tui.session.view import Optimization
from profilednn_tui.tui.present.table import Column
from profilednn_tui.tui.renderables.line import Line, clip, wrap

ROLES = {
    ON: "success", NO_EFFECT: "muted", DECLINED: "warning", UNAVAILABLE: "warning", CONFLICT: "warning",
    FAILED: "error",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class OptimizationRow:
    """One optimization."""

    name: str
    chosen: bool
    """For the next run."""
    description: OptimizationDescription | None
    """As reported by the target's environment; None if that is not known."""
    outcome: Optimization | None
    """Its outcome in this run; None if it was not requested."""
    clashes: tuple[str, ...]
    """Names of chosen ones that conflict with it."""
    unknown: str = ""
    """Why there is no description."""
    finding: Finding | None = None
    """What asks for it in this session."""
    idle: str = ""
    """Why it cannot have an effect in this session; empty if it may have one."""

    @property
    def available(self) -> bool:
        """Whether it can be switched on, as far as is known."""
        return self.description is None or self.description.available

    @property
    def helpless(self) -> str:
        """Why it cannot have an effect here; empty if it may have one."""
        if self.description is not None and not self.description.available:
            return self.description.reason
        if self.outcome is not None and self.outcome.state in (NO_EFFECT, DECLINED):
            return self.outcome.text or self.outcome.state
        return self.idle


def optimization_rows(
    names: Sequence[str],
    descriptions: Sequence[OptimizationDescription],
    outcomes: Sequence[Optimization],
    chosen: Set[str],
    unknown: str,
    findings: Mapping[str, Finding] = MappingProxyType({}),
    idle: Mapping[str, str] = MappingProxyType({}),
) -> tuple[OptimizationRow, ...]:
    """All optimizations: those offered, else those known by name, plus those the run was started with.

    First those that findings ask for, by ceiling; last those that cannot have an effect here. `unknown` says why one
    has no description, `idle` why one cannot have an effect in this session.
    """
    described = {description.name: description for description in descriptions}
    ended = {outcome.name: outcome for outcome in outcomes}
    rows = []
    for name in dict.fromkeys((*(described or names), *ended)):
        description = described.get(name)
        clashing = {one.name for one in descriptions if name in one.conflicts} | set(
            description.conflicts if description else ()
        )
        clashes = tuple(sorted(clashing.intersection(chosen)))
        rows.append(
            OptimizationRow(
                name, name in chosen, description, ended.get(name), clashes, unknown, findings.get(name),
                "" if name in findings else idle.get(name, ""),
            )
        )  # fmt: skip
    return tuple(sorted(rows, key=_rank))


def _rank(row: OptimizationRow) -> tuple[bool, float]:
    return bool(row.helpless), -row.finding.ceiling if row.finding is not None else 0.0


def refusal(row: OptimizationRow) -> str | None:
    """Why this one cannot be switched on, in one sentence; None if it can."""
    if row.chosen:
        return None
    if row.description is not None and not row.description.available:
        return f"{row.name} is not available: {row.description.reason}. Fix: {row.description.fix}."
    if row.clashes:
        return f"{row.name} cannot be on together with {' and '.join(row.clashes)}: switch that off first."
    return None


def detail_lines(row: OptimizationRow, width: int) -> tuple[Line, ...]:
    """All details of one optimization, wrapped."""
    description, outcome = row.description, row.outcome
    entries = [
        ("", description.description if description else ""),
        ("finding", f"{row.finding.sentence}: {ceiling_text(row.finding)}" if row.finding is not None else ""),
        ("here", _here(row)),
        ("fix", description.fix if description else ""),
        ("not with", ", ".join(description.conflicts) if description else ""),
        ("this run", f"{outcome.state}: {outcome.text}" if outcome else "not asked for"),
    ]
    lines: list[Line] = []
    for label, text in entries:
        for index, line in enumerate(wrap(text, max(10, width - 10)) if text else ()):
            lines.append((((label if index == 0 else "").ljust(10), "muted"), *line))
    return tuple(lines)


def _here(row: OptimizationRow) -> str:
    if row.description is None:
        return row.unknown
    if not row.description.available:
        return row.description.reason
    if row.helpless:
        return f"no effect: {row.helpless}"
    return "available, before the target starts" if row.description.at_launch else "available"


def _mark(row: OptimizationRow, width: int) -> Line:
    if row.chosen:
        return (("[x]", "primary bold"),)
    return (("[ ]" if row.available else " - ", "muted"),)


def _name(row: OptimizationRow, width: int) -> Line:
    return ((clip(row.name, width), "bold" if row.chosen else "muted" if row.helpless else ""),)


def _ceiling(row: OptimizationRow, width: int) -> Line:
    return ((units.share(row.finding.ceiling), "bold"),) if row.finding is not None and row.finding.ceiling else ()


def _availability(row: OptimizationRow, width: int) -> Line:
    if row.chosen and row.clashes:
        return ((clip(f"conflicts with {', '.join(row.clashes)}", width), "warning"),)
    usable = row.available and not row.helpless
    text = row.description.description if row.description is not None and usable else _here(row)
    return ((clip(text, width), "muted" if row.available else "warning"),)


def _outcome(row: OptimizationRow, width: int) -> Line:
    if row.outcome is None:
        return (("", ""),)
    state = f"{row.outcome.state} "
    return ((clip(state, width), ROLES.get(row.outcome.state, "")), (clip(row.outcome.text, width - len(state)), ""))


COLUMNS: tuple[Column[OptimizationRow], ...] = (
    Column("", 3, _mark, right=False),
    Column("optimization", 17, _name, right=False),
    Column("at most", 7, _ceiling),
    Column("here", 20, _availability, right=False, grow=2),
    Column("this run", 18, _outcome, right=False, grow=1),
)
