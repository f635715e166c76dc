"""A session as Markdown."""

from __future__ import annotations

from profilednn_tui.export.session.markdown import markdown_text
from profilednn_tui.session.view import SessionView
from tests.unit.advise.sessions import session


def test_markdown_tables_hold_together(view: SessionView) -> None:
    text = markdown_text(view)
    for title in ("# train", "## Phases", "## Operators", "## Modules"):
        assert title in text
    for section in text.split("## ")[1:]:
        widths = {line.count(" | ") for line in section.splitlines() if line.startswith("|")}
        assert len(widths) <= 1
    assert "| `aten::convolution_backward` |" in text
    assert "`net.py:9 forward`" in text


def test_findings_are_a_short_section() -> None:
    text = markdown_text(session(phases={"data": 900.0}))
    section = text.split("## ")[1]
    assert section.startswith("What holds it back\n\n- The training thread waits for data in 90 % of the step")
    assert "What holds it back" not in markdown_text(session())
