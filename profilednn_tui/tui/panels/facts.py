"""Panes 8 and 9: notices, and the facts of the run."""

from __future__ import annotations

from profilednn_tui.session.notices import warning_count
from profilednn_tui.session.view import SessionView
from profilednn_tui.tui.panels.pane import Pane
from profilednn_tui.tui.present import dashboard, facts
from profilednn_tui.tui.present.advice import Findings


class NoticesPane(Pane):
    """What holds the training back, and what else the user should know, with cause and fix."""

    NAME = dashboard.NOTICES
    TITLE = "Notices"

    def __init__(self) -> None:
        super().__init__()
        self.findings = Findings()

    def heading(self) -> str:
        warnings = warning_count(self.view) if self.is_attached else 0
        return super().heading() + (f" ({warnings})" if warnings else "")

    def records(self, view: SessionView) -> tuple[object, ...]:
        return self.findings.advice, view.notices, view.agent, view.cores.contention, view.state

    def draw(self, view: SessionView) -> None:
        self.show_lines(facts.notice_lines(view, self.findings, self.room.width))


class RunPane(Pane):
    """Target, machine, and the cost of profiling."""

    NAME = dashboard.RUN
    TITLE = "Run"

    def records(self, view: SessionView) -> tuple[object, ...]:
        return view.target, view.machine, view.agent, view.steps.source, view.operators, view.cores

    def draw(self, view: SessionView) -> None:
        self.show_lines(facts.run_lines(view, self.room.width))
