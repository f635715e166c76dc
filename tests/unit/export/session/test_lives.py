"""Lives and deaths of ranks in exports."""

from __future__ import annotations

from dataclasses import replace

from profilednn_tui.export.session.json_session import document
from profilednn_tui.export.session.markdown import markdown_text
from profilednn_tui.export.session.summary import summary_lines
from profilednn_tui.session.view import Frame, ProcessEnd, ProcessEntry, SessionView
from tests.unit.advise.sessions import session
from tests.unit.ranks.records import trained

CRASH = ProcessEnd(1_000, 1_000, "RuntimeError: out of luck", Frame("/home/me/train.py", 52, ""), 1)
ENDED = ProcessEnd(9_000, 500, exit_code=-15, said_bye=False)


def crashed() -> SessionView:
    ranks = (
        ProcessEntry(100, 100, 0, ("train.py",), 40, True, shown=True, world_size=2, cpus=(0, 1), end=ENDED),
        ProcessEntry(101, 101, 1, ("train.py",), 40, True, world_size=2, end=CRASH),
    )
    return replace(session(), processes=ranks, ranks=trained(40, [{}, {}]))


def test_json_tells_how_each_rank_ended_and_which_died_first() -> None:
    told = document(crashed())
    assert [(rank["rank"], rank["end"]["exit_code"]) for rank in told["ranks"]] == [(0, -15), (1, 1)]
    assert told["lives"] == [{"life": 1, "world_size": 2, "steps": 40, "running": 0}]
    death = told["first_death"]
    assert (death["life"], death["cause_is_known"]) == (1, True)
    (first,) = death["first"]
    assert (first["rank"], first["error"], first["source"]) == (1, "RuntimeError: out of luck", "train.py:52")
    assert [(one["rank"], one["said_bye"]) for one in death["followers"]] == [(0, False)]
    assert told["processes"][0]["cpus"] == [0, 1]


def test_json_of_ranks_that_run_has_no_death() -> None:
    running = replace(crashed(), processes=tuple(replace(one, end=None) for one in crashed().processes))
    told = document(running)
    assert told["first_death"] is None
    assert [rank["end"] for rank in told["ranks"]] == [None, None]


def test_the_summary_tells_the_death_and_the_end_of_each_process() -> None:
    lines = summary_lines(crashed())
    assert any(line.startswith("lives      rank 1 died first") for line in lines)
    assert any("rank 1, pid 101" in line and line.endswith("RuntimeError") for line in lines)


def test_markdown_has_a_section_about_lives() -> None:
    text = markdown_text(crashed())
    assert "## Lives" in text
    assert "- rank 1 died first, after 40 steps: RuntimeError: out of luck" in text
