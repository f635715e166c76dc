"""Pane 7: the tree of nn.Modules."""

from __future__ import annotations

from collections.abc import Hashable

from profilednn_tui.session.view import SessionView
from profilednn_tui.tui.keys import with_keys
from profilednn_tui.tui.panels.pane import Pane
from profilednn_tui.tui.panels.table import TableView
from profilednn_tui.tui.present import dashboard, modules
from profilednn_tui.tui.present.modules import ModuleRow
from profilednn_tui.tui.present.states import Message, modules_message


class ModulesPane(Pane, TableView[ModuleRow]):
    """Modules with forward and backward time, children included."""

    NAME = dashboard.MODULES
    TITLE = "Modules"
    COLUMNS = modules.COLUMNS

    def __init__(self) -> None:
        super().__init__()
        self._unfolded: set[tuple[str, str]] = set()

    def records(self, view: SessionView) -> tuple[object, ...]:
        return (view.operators,) if view.operators.modules else (view,)

    def message(self, view: SessionView) -> Message | None:
        return modules_message(view)

    def draw(self, view: SessionView) -> None:
        self.show_rows(modules.module_rows(view.operators.modules, self._unfolded))

    def note(self, view: SessionView) -> str:
        return f"{len(view.operators.modules):,} modules · {with_keys(self, '{open}: their operators')}"

    def key_of(self, row: ModuleRow) -> Hashable:
        return row.key

    def row_text(self, row: ModuleRow) -> str:
        return modules.search_text(row)

    def copy_text(self, row: ModuleRow) -> str:
        return modules.copy_text(row)

    def action_aside(self, step: int) -> None:
        """Open or close a module; left on a closed one goes to its parent."""
        row = self.current
        if row is None:
            return
        if step > 0 and row.module.children and not row.open:
            self._unfolded.add(row.key)
        elif step < 0 and row.key in self._unfolded:
            self._unfolded.discard(row.key)
        elif step < 0:
            self.move_cursor(modules.parent_of(self.rows, self.cursor))
            return
        else:
            return
        self.update(force=True)
