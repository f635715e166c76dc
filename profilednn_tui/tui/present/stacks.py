"""The call stacks of one operator, merged into a tree."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, field

from profilednn_tui import units
from profilednn_tui.session.frames import is_library, visible_frames
from profilednn_tui.session.view import Frame, Operator, Stack
from profilednn_tui.tui.present.operators import decimals_for
from profilednn_tui.tui.present.table import Column
from profilednn_tui.tui.renderables.bars import bar
from profilednn_tui.tui.renderables.line import Line, clip

Path = tuple[Frame, ...]
"""A frame of the tree, identified by the frames that lead to it."""


@dataclass(slots=True)
class _Node:
    self_ns: float = 0.0
    calls: float = 0.0
    modules: set[str] = field(default_factory=set)
    children: dict[Frame, _Node] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StackRow:
    """One visible frame of the tree."""

    key: Path
    guide: str
    """The line characters of the tree, up to the frame's mark."""
    self_ns: float
    """Self time of the operator below this frame, per step."""
    share: float
    """Fraction of the operator's self time."""
    calls: float
    module: str
    """The module in which this happens; empty if there are several."""
    parent: bool
    open: bool
    library: bool
    decimals: int

    @property
    def frame(self) -> Frame:
        return self.key[-1]


def has_forward_origin(operator: Operator) -> bool:
    """Whether the place where the forward pass created this backward operator's work is known."""
    return operator.backward and any(stack.forward_frames for stack in operator.stacks)


def stack_rows(operator: Operator, library: bool, closed: Set[Path]) -> tuple[StackRow, ...]:
    """The merged tree, outermost frame first; for a backward operator, the tree of its forward origin if known.

    Only forks indent: a chain of calls without a fork stays in one column, however deep.
    """
    forward = has_forward_origin(operator)
    root = _Node()
    for stack in operator.stacks:
        _add(root, stack, visible_frames(stack.forward_frames if forward else stack.frames, library))
    whole_ns = sum(node.self_ns for node in root.children.values())
    if not root.children:
        return ()
    return tuple(_rows(root, (), "", whole_ns or 1.0, decimals_for(whole_ns), closed, fork=len(root.children) > 1))


def _add(root: _Node, stack: Stack, frames: Path) -> None:
    node = root
    for frame in frames:
        node = node.children.setdefault(frame, _Node())
        node.self_ns += stack.self_ns_per_step
        node.calls += stack.calls_per_step
        node.modules.add(stack.module)


def _rows(
    node: _Node, path: Path, indent: str, whole_ns: float, decimals: int, closed: Set[Path], fork: bool
) -> Iterable[StackRow]:
    children = sorted(node.children.items(), key=lambda item: -item[1].self_ns)
    for number, (frame, child) in enumerate(children):
        here = (*path, frame)
        last = number == len(children) - 1
        is_open = here not in closed
        guide = indent + (("└ " if last else "├ ") if fork else "")
        module = next(iter(child.modules)) if len(child.modules) == 1 else ""
        yield StackRow(
            here, guide, child.self_ns, child.self_ns / whole_ns, child.calls, module,
            bool(child.children), is_open, is_library(frame.file), decimals,
        )  # fmt: skip
        if is_open:
            below = indent + (("  " if last else "│ ") if fork else "")
            yield from _rows(child, here, below, whole_ns, decimals, closed, fork=len(child.children) > 1)


def short_file(file: str, parts: int = 2) -> str:
    """The end of a path: enough to identify the file."""
    return "/".join(file.replace("\\", "/").split("/")[-parts:])


def frame_text(frame: Frame) -> str:
    """``models/resnet.py:96 forward``"""
    line = f":{frame.line}" if frame.line else ""
    return f"{short_file(frame.file)}{line} {frame.function}"


def _frame(row: StackRow, width: int) -> Line:
    mark = ("" if row.open else "▸ ") if row.parent else ""
    line = f":{row.frame.line}" if row.frame.line else ""
    place = f"{short_file(row.frame.file)}{line}"
    function = clip(row.frame.function, max(1, width - len(row.guide) - len(mark)))
    quiet = "faint" if row.library else "muted"
    return (
        (row.guide + mark, "faint"), (function, "muted" if row.library else ""),
        ("  ", ""), (place, quiet),
    )  # fmt: skip


def _share(row: StackRow, width: int) -> Line:
    return ((units.fixed(row.share * 100, 1).rjust(5), ""), (" ", ""), *bar(row.share, width - 6, "primary"))


COLUMNS: tuple[Column[StackRow], ...] = (
    Column("frame", 30, _frame, right=False, grow=4),
    Column("self ms", 9, lambda row, width: ((units.fixed(row.self_ns / 1e6, row.decimals), ""),)),
    Column("share %", 12, _share, right=False, grow=1, most=20),
    Column("calls", 6, lambda row, width: ((units.count(row.calls), "muted"),), drop=1),
    Column("module", 14, lambda row, width: ((clip(row.module, width, keep_end=True), "muted"),), right=False, grow=1,
           most=40, drop=2),
)  # fmt: skip


def search_text(row: StackRow) -> str:
    return f"{row.frame.file}:{row.frame.line} {row.frame.function} {row.module}"


def copy_text(row: StackRow) -> str:
    """The stack down to this frame, as Python would print it."""
    return "\n".join(f'  File "{frame.file}", line {frame.line}, in {frame.function}' for frame in row.key)
