"""The base of every session screen: header, keys, search."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, Label

from profilednn_tui.session.open_session import SourceFile
from profilednn_tui.session.view import EMPTY_VIEW, Operators, SessionView
from profilednn_tui.tui.keys import ALWAYS_SHOWN, key_name, with_keys
from profilednn_tui.tui.panels.bars import HeaderBar, KeysBar
from profilednn_tui.tui.panels.lines import LinesView
from profilednn_tui.tui.present.advice import Findings
from profilednn_tui.tui.present.header import Display


class EditRequested(Message):
    """The user wants this line in the editor."""

    def __init__(self, source: SourceFile, line: int) -> None:
        super().__init__()
        self.source = source
        self.line = line


class StretchChosen(Message):
    """All panes shall show the operators of a stretch of time, described by `text`; None: those of whole steps."""

    def __init__(self, operators: Operators | None, text: str = "") -> None:
        super().__init__()
        self.operators = operators
        self.text = text


@dataclass(frozen=True)
class Question:
    """The label of the prompt, and the callbacks for the answer."""

    label: str
    submit: Callable[[str], None]
    change: Callable[[str], None] = lambda text: None
    cancel: Callable[[], None] = lambda: None


class Prompt(Horizontal):
    """A line of input that takes the place of the keys."""

    def __init__(self) -> None:
        super().__init__(id="prompt")
        self._question: Question | None = None

    def compose(self) -> ComposeResult:
        yield Label()
        field = Input(compact=True, select_on_focus=False)
        field.cursor_blink = False
        yield field
        yield Label(id="prompt-note")

    def ask(self, question: Question, text: str = "") -> None:
        self._question = None
        self.query_one(Label).update(Content(question.label))
        self.query_one("#prompt-note", Label).update("")
        field = self.query_one(Input)
        field.value = text
        self._question = question
        self.screen.set_focus(field)

    def say(self, note: str) -> None:
        self.query_one("#prompt-note", Label).update(Content(note))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self._question is not None:
            self._question.change(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._question is not None:
            self._question.submit(event.value)

    def cancel(self) -> None:
        if self._question is not None:
            self._question.cancel()


class SessionScreen(Screen[None]):
    """A screen that follows the session."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "search", key_display="/", id="search"),
        Binding("backslash", "filter", "show only what matches", key_display="\\", show=False, id="filter"),
        Binding("n", "search_next(1)", "next match", show=False, id="next-match"),
        Binding("N", "search_next(-1)", "previous match", show=False, id="previous-match"),
        Binding("escape,backspace", "back", "back", show=False, key_display="esc", id="back"),
    ]

    class Shown(Message):
        """The screen is now on top and needs the session."""

    def __init__(self) -> None:
        super().__init__()
        self.view: SessionView = EMPTY_VIEW
        self.findings = Findings()
        self.pinned: SessionView | None = None
        """Shown instead of the followed session, by a screen about another run."""
        self._searched: LinesView | None = None
        self._filtered: LinesView | None = None
        self._search_text = ""

    # ---------------------------------------------------------------- what a screen defines

    def compose_body(self) -> ComposeResult:
        raise NotImplementedError

    def show_body(self, view: SessionView) -> None:
        """Show this state of the session."""
        raise NotImplementedError

    @property
    def operator_in_focus(self) -> str:
        """The name of the operator under the cursor; empty if there is none."""
        return ""

    def go_back(self) -> None:
        """Go one level up."""
        self.dismiss()

    # ---------------------------------------------------------------- frame

    def compose(self) -> ComposeResult:
        yield HeaderBar()
        yield from self.compose_body()
        yield Prompt()
        yield KeysBar()

    def on_mount(self) -> None:
        self.bindings_updated_signal.subscribe(self, lambda _: self._show_keys())
        self.post_message(self.Shown())

    def on_resize(self) -> None:
        self.call_after_refresh(self._show_keys)

    def on_screen_resume(self) -> None:
        self.post_message(self.Shown())

    def show_session(self, view: SessionView, display: Display, findings: Findings) -> None:
        self.findings = findings
        self.view = view if self.pinned is None else self.pinned
        if self.pinned is not None:
            display = replace(display, finding="")
        self.query_one(HeaderBar).show(self.view, display)
        self.show_body(self.view)

    def _show_keys(self) -> None:
        if self.is_mounted:
            self.query_one(KeysBar).show_keys(visible_keys(self))

    # ---------------------------------------------------------------- prompt

    def ask(self, question: Question, text: str = "") -> None:
        """Ask on the last line."""
        self.add_class("-asking")
        self.query_one(Prompt).ask(question, text)

    def finish_asking(self, focus: LinesView | None) -> None:
        self.remove_class("-asking")
        if focus is not None:
            self.set_focus(focus)

    @property
    def asking(self) -> bool:
        return self.has_class("-asking")

    # ---------------------------------------------------------------- search

    def action_search(self) -> None:
        focused = self.focused
        view = focused if isinstance(focused, LinesView) else None
        if view is None:
            return
        if self._searched is not None and self._searched is not view:
            self._clear_search()
        self._searched = view
        start = view.search_position()

        def submit(text: str) -> None:
            self._search_text = text
            self.finish_asking(view)
            if not text:
                self._clear_search()

        def cancel() -> None:
            self._clear_search()
            view.go_to(start)
            self.finish_asking(view)

        self.ask(Question("/", submit, change=view.search, cancel=cancel), "")

    def action_filter(self) -> None:
        """Leave out the rows of a table that do not match; an empty text shows all again."""
        view = self.focused
        if not isinstance(view, LinesView) or not view.can_filter:
            self.notify(with_keys(self, "Only tables can be filtered: {search} searches everywhere."), timeout=3)
            return
        before = view.filter_note

        def change(text: str) -> None:
            view.filter(text)
            self.query_one(Prompt).say(view.filter_note)

        def submit(text: str) -> None:
            self._filtered = view if text else None
            self.finish_asking(view)

        def cancel() -> None:
            view.filter(before[1:].rpartition(": ")[0])
            self.finish_asking(view)

        self.ask(Question("\\", submit, change=change, cancel=cancel), "")

    def _clear_filter(self) -> bool:
        """Show all rows again; True if some were left out."""
        view, self._filtered = self._filtered, None
        if view is None or not view.filter_note:
            return False
        view.filter("")
        return True

    def action_search_next(self, direction: int) -> None:
        if self._searched is not None and self._searched.pattern is not None:
            self._searched.search_next(direction)

    def on_lines_view_search_changed(self, event: LinesView.SearchChanged) -> None:
        event.stop()
        note = f"{event.position} of {event.count}" if event.count else "no match"
        self.query_one(Prompt).say(note)
        if not self.asking:
            self.notify(f"{self._search_text}: {note}", timeout=2)

    def _clear_search(self) -> bool:
        """Clear the search; True if there was one."""
        view, self._searched = self._searched, None
        if view is None or view.pattern is None:
            return False
        view.clear_search()
        return True

    def action_back(self) -> None:
        if self.asking:
            self.query_one(Prompt).cancel()
        elif not (self._clear_search() or self._clear_filter()):
            self.go_back()


def visible_keys(screen: Screen[None]) -> Iterable[tuple[str, str, str]]:
    """Key, description and action of the bindings on the last line: after `ALWAYS_SHOWN`, the focused widget's."""
    order = {action: place for place, action in enumerate(ALWAYS_SHOWN)}
    everyone = screen.active_bindings.values()
    seen: set[str] = set()
    for active in sorted(everyone, key=lambda active: order.get(active.binding.action, len(order))):
        binding = active.binding
        if binding.show and active.enabled and binding.action not in seen:
            seen.add(binding.action)
            namespace = "app" if active.node is screen.app else "screen" if active.node is screen else "focused"
            action = binding.action if "." in binding.action.split("(")[0] else f"{namespace}.{binding.action}"
            yield key_name(binding), binding.description, action
