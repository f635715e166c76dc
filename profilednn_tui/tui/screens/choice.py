"""A question with a few answers to choose from."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Label

from profilednn_tui.tui.keys import with_keys
from profilednn_tui.tui.panels.table import TableView
from profilednn_tui.tui.present.table import Column

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Choice(Generic[Answer]):
    """One choice: the key that takes it, its text, and the answer it gives; None cancels."""

    key: str
    text: str
    answer: Answer | None


class ChoicesView(TableView[Choice[Any]]):
    """The choices, one per line."""

    COLUMNS = (
        Column[Choice[Any]]("", 1, lambda row, width: ((row.key, "primary bold"),), right=False),
        Column[Choice[Any]]("", 20, lambda row, width: ((row.text, ""),), right=False, grow=1),
    )

    def key_of(self, row: Choice[Any]) -> Hashable:
        return row.key

    def row_text(self, row: Choice[Any]) -> str:
        return row.text

    def copy_text(self, row: Choice[Any]) -> str:
        return row.text


class ChoiceScreen(ModalScreen[Answer | None]):
    """Asks a question; the result is the answer, or None if the user cancels."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "cancel", id="back")]

    def __init__(self, question: str, choices: Sequence[Choice[Answer]], detail: str = "") -> None:
        super().__init__()
        self._question = question
        self._detail = detail
        self._choices = tuple(choices)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(self._question)
            dialog.border_subtitle = with_keys(self, "{open} or key · {back} cancels", ChoicesView)
            if self._detail:
                yield Label(Content(self._detail), classes="field")
            yield ChoicesView(id="choices")
            if not self._choices:
                yield Label("Nothing to choose from.")

    def on_mount(self) -> None:
        view = self.query_one(ChoicesView)
        view.styles.height = len(self._choices)
        view.show_rows(self._choices)
        self.set_focus(view)

    @on(TableView.Opened)
    def _chosen(self) -> None:
        row = self.query_one(ChoicesView).current
        self.dismiss(row.answer if row is not None else None)

    def on_key(self, event: events.Key) -> None:
        for choice in self._choices:
            if event.character == choice.key:
                event.stop()
                self.dismiss(choice.answer)
                return

    def action_cancel(self) -> None:
        self.dismiss(None)
