"""Comparing the session with earlier runs, and showing the report of an experiment."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.app import App

from profilednn_tui.session.view import SessionView
from profilednn_tui.tui.controllers.controller import Controller
from profilednn_tui.tui.following import Following
from profilednn_tui.tui.keys import with_keys

if TYPE_CHECKING:
    from profilednn_tui.export.comparison.report import Report
    from profilednn_tui.tui.screens.runs import RunChoice

# The screens are imported on demand: their dependencies take longer to import than the first frame takes.


class Comparing(Controller):
    """Opens the list of runs, or a comparison."""

    def __init__(
        self, app: App[None], following: Following, choices: Callable[[SessionView], tuple[RunChoice, ...]]
    ) -> None:
        super().__init__(app, following)
        self._choices = choices

    def ask(self) -> None:
        """Offer the runs that the session can be compared with."""
        from profilednn_tui.tui.comparisons import read_source
        from profilednn_tui.tui.screens.runs import RunsScreen

        view = self._following.latest
        if len(self._app.screen_stack) > 1:
            self._app.notify(
                with_keys(self._app, "Press {compare} on the dashboard: it compares this session with earlier ones."),
                timeout=3,
            )
        elif not view.steps.count:
            self._app.notify("There is no step to compare yet.", timeout=3)
        else:
            title = f"{view.target.name} against"
            self._app.push_screen(RunsScreen(title, self._choices(view), "baseline", read_source))

    def show_report(self, report: Report) -> None:
        """Show the comparison of a report, or the list of them."""
        from profilednn_tui.tui.comparisons import read_source, report_choices
        from profilednn_tui.tui.screens.compare import CompareScreen
        from profilednn_tui.tui.screens.runs import RunsScreen

        if len(report.comparisons) == 1:
            self._app.push_screen(CompareScreen(report.comparisons[0], read_source))
        else:
            from profilednn_tui.export.comparison.text import remark_lines

            choices, remarks = report_choices(report), remark_lines(report)
            self._app.push_screen(RunsScreen(report.name, choices, "candidate", read_source, remarks))
