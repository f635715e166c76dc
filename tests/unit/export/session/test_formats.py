"""What all formats have in common."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from profilednn_tui.errors import ProfilerError
from profilednn_tui.export.session import FORMATS
from profilednn_tui.export.session.csv_operators import csv_text
from profilednn_tui.export.session.json_session import json_text
from profilednn_tui.export.session.markdown import markdown_text
from profilednn_tui.export.session.summary import summary_lines
from profilednn_tui.protocol.events import OptimizationEvent
from profilednn_tui.session.open_session import open_session
from profilednn_tui.session.view import EMPTY_VIEW
from tests.unit.export.session.views import parsed
from tests.unit.session import recordings as r


@pytest.mark.parametrize("render", [json_text, csv_text, markdown_text])
def test_an_empty_session_can_be_written(render: Any) -> None:
    assert render(EMPTY_VIEW)
    assert render(r.view_of(r.exit_event(1)))


def test_every_format_writes_a_private_file(tmp_path: Path) -> None:
    session = r.caught_up(open_session(r.write_session(tmp_path / "s", exit_code=0)))
    for name, one in FORMATS.items():
        path = tmp_path / f"out{one.suffix}"
        one.write(session, path)
        assert path.stat().st_size > 100, name
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    stacks, times = {"speedscope", "collapsed", "pprof"}, {"perfetto", "perfetto-zip", "chrome"}
    assert set(FORMATS) == {"pdnn", "json", "csv", "markdown", "html"} | stacks | times


@pytest.mark.parametrize("name", list(FORMATS))
def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path, name: str) -> None:
    session = r.caught_up(open_session(r.write_session(tmp_path / "s", exit_code=0)))
    with pytest.raises(ProfilerError, match="Cannot write"):
        FORMATS[name].write(session, tmp_path / "missing" / "out")


def test_what_came_of_the_optimizations_is_in_every_text() -> None:
    receipt = OptimizationEvent("channels_last", "on", "53 convolution weights | 1 input", 1)
    view = r.view_of(r.hello(), receipt)
    assert parsed(view)["optimizations"] == [
        {"name": "channels_last", "state": "on", "text": "53 convolution weights | 1 input"}
    ]
    assert "| `channels_last` | on | 53 convolution weights \\| 1 input |" in markdown_text(view)
    assert "with       channels_last: on, 53 convolution weights | 1 input" in summary_lines(view)
