"""The module tree."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from profilednn_tui import units
from profilednn_tui.session.view import Module
from profilednn_tui.tui.present.operators import decimals_for
from profilednn_tui.tui.present.table import Column
from profilednn_tui.tui.renderables.bars import bar
from profilednn_tui.tui.renderables.line import Line, clip


@dataclass(frozen=True, slots=True)
class ModuleRow:
    """One visible module of the tree."""

    module: Module
    open: bool
    share: float
    """Fraction of the forward and backward time of all root modules."""
    decimals: int

    @property
    def key(self) -> tuple[str, str]:
        return self.module.path, self.module.class_name


def module_rows(modules: tuple[Module, ...], opened: Set[tuple[str, str]]) -> tuple[ModuleRow, ...]:
    """The tree with the children of roots and of `opened` modules."""
    whole_ns = sum(module.time_ns for module in modules if module.depth == 0) or 1.0
    decimals = decimals_for(whole_ns)
    rows: list[ModuleRow] = []
    shown_depth = 0
    for module in modules:
        if module.depth > shown_depth:
            continue
        is_open = bool(module.children) and (module.depth == 0 or (module.path, module.class_name) in opened)
        shown_depth = module.depth + 1 if is_open else module.depth
        rows.append(ModuleRow(module, is_open, module.time_ns / whole_ns, decimals))
    return tuple(rows)


def parent_of(rows: tuple[ModuleRow, ...], index: int) -> int:
    """Index of the row one level up."""
    depth = rows[index].module.depth
    return next((above for above in range(index, -1, -1) if rows[above].module.depth < depth), index)


def _name(row: ModuleRow, width: int) -> Line:
    module = row.module
    mark = ("▾ " if row.open else "▸ ") if module.children else "  "
    name = module.path.rpartition(".")[2] or module.class_name
    indent = "  " * module.depth
    return ((indent + mark, "muted"), (clip(name, max(1, width - len(indent) - 2)), "" if module.children else "text"))


def _share(row: ModuleRow, width: int) -> Line:
    bar_width = width - 6
    return ((units.fixed(row.share * 100, 1).rjust(5), ""), (" ", ""), *bar(row.share, bar_width, "primary"))


def _ms(duration_ns: float, row: ModuleRow, role: str = "") -> Line:
    return ((units.fixed(duration_ns / 1e6, row.decimals), role),)


COLUMNS: tuple[Column[ModuleRow], ...] = (
    Column("module", 20, _name, right=False, grow=3, most=48),
    Column("class", 14, lambda row, width: ((clip(row.module.class_name, width), "muted"),), right=False, grow=1,
           most=28, drop=3),
    Column("fwd ms", 9, lambda row, width: _ms(row.module.forward_ns, row, "phase-forward")),
    Column("bwd ms", 9, lambda row, width: _ms(row.module.backward_ns, row, "phase-backward")),
    Column("share %", 12, _share, right=False, grow=1, most=24, drop=1),
    Column("calls", 6, lambda row, width: ((units.count(row.module.calls_per_step), "muted"),), drop=2),
)  # fmt: skip


def search_text(row: ModuleRow) -> str:
    return f"{row.module.path} {row.module.class_name}"


def copy_text(row: ModuleRow) -> str:
    module = row.module
    return (
        f"{module.path}\t{module.class_name}\t{units.milliseconds(module.forward_ns)} ms forward"
        f"\t{units.milliseconds(module.backward_ns)} ms backward"
    )
