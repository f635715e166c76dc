"""The dialog that asks for the format and the file of an export."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path, PurePath
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from profilednn_tui.export.session import FORMATS, Format
from profilednn_tui.tui.keys import with_keys
from profilednn_tui.tui.panels.table import TableView
from profilednn_tui.tui.present.table import Column
from profilednn_tui.tui.screens.choice import Choice, ChoiceScreen


@dataclass(frozen=True, slots=True)
class ExportAnswer:
    """What to write, and where."""

    format_name: str
    path: Path


class FormatsView(TableView[Format]):
    """The formats, one per line."""

    COLUMNS = (
        Column[Format]("format", 10, lambda row, width: ((row.name, "primary bold"),), right=False),
        Column[Format]("", 20, lambda row, width: ((row.description, ""),), right=False, grow=1),
    )

    def key_of(self, row: Format) -> Hashable:
        return row.name

    def row_text(self, row: Format) -> str:
        return row.name

    def copy_text(self, row: Format) -> str:
        return row.name


class ReplaceAnswer(Enum):
    """What to do about a file that exists."""

    REPLACE = auto()


class ExportScreen(ModalScreen[None]):
    """Asks for format and path, and stays until the file is written or the user cancels."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "cancel", id="back")]

    def __init__(self, name: str, write: Callable[[ExportAnswer], str]) -> None:
        """`write` returns why the file cannot be written, in a sentence; empty if it was."""
        super().__init__()
        self._stem = name
        self._write = write
        self._formats: Sequence[Format] = tuple(FORMATS.values())

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Export"
            dialog.border_subtitle = with_keys(
                self, "{open}: to the file · enter there: write it · {back} cancels", FormatsView
            )
            yield FormatsView(id="formats")
            yield Label("file", classes="field")
            field = Input(self._stem + self._formats[0].suffix, compact=True, select_on_focus=False)
            field.cursor_blink = False
            yield field
            yield Label(id="failure")

    def on_mount(self) -> None:
        view = self.query_one(FormatsView)
        view.styles.height = len(self._formats) + 1
        view.show_rows(self._formats)
        self.set_focus(view)

    @on(TableView.Moved)
    def _other_format(self, event: TableView.Moved) -> None:
        """The file's suffix follows the format."""
        field = self.query_one(Input)
        suffixes = sorted((one.suffix for one in self._formats), key=len, reverse=True)
        known = next((suffix for suffix in suffixes if field.value.endswith(suffix)), "")
        stem = field.value.removesuffix(known)
        if known and PurePath(stem).name:
            field.value = stem + event.row.suffix

    @on(TableView.Opened)
    def _to_path(self) -> None:
        self.set_focus(self.query_one(Input))

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        row = self.query_one(FormatsView).current
        if row is None or not event.value.strip():
            return
        answer = ExportAnswer(row.name, Path(os.path.expanduser(event.value.strip())))
        if not os.path.isfile(answer.path):
            self._finish(answer)
            return
        choices: tuple[Choice[ReplaceAnswer], ...] = (
            Choice("r", "Replace it", ReplaceAnswer.REPLACE),
            Choice("c", "Cancel: name another file", None),
        )

        def replace(chosen: ReplaceAnswer | None) -> None:
            if chosen is ReplaceAnswer.REPLACE:
                self._finish(answer)

        self.app.push_screen(ChoiceScreen("The file exists", choices, str(answer.path.absolute())), replace)

    def _finish(self, answer: ExportAnswer) -> None:
        failure = self._write(answer)
        if failure:
            self.query_one("#failure", Label).update(Content(failure))
        else:
            self.dismiss()

    def action_cancel(self) -> None:
        self.dismiss()
