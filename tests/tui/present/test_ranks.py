"""The screen of ranks: what its head says, and how each rank ended."""

from __future__ import annotations

from dataclasses import replace

from profilednn_tui.ranks.account import NO_RANKS, ranks_of
from profilednn_tui.session.view import ProcessEnd, ProcessEntry, SessionView
from profilednn_tui.tui.present.ranks import MOST_HEAD_LINES, head_lines, rank_rows
from profilednn_tui.tui.renderables.line import line_width, plain
from tests.tui.feeds import running_view
from tests.unit.ranks.records import trained

CRASH = ProcessEnd(5, 5, "RuntimeError: out of luck", None, 1)


def view_of(*ends: ProcessEnd | None, lives: int = 1) -> SessionView:
    """Two ranks in each life; `ends` are those of the last one."""
    earlier = [
        ProcessEntry(
            10 * life + rank, 10 * life + rank, rank, ("train.py",), 9, True, life=life, world_size=2, end=CRASH
        )
        for life in range(1, lives)
        for rank in range(2)
    ]
    newest = [
        ProcessEntry(
            100 + rank, 100 + rank, rank, ("train.py",), 40, end is not None, life=lives, world_size=2, end=end
        )
        for rank, end in enumerate(ends)
    ]
    return replace(running_view(), processes=(*earlier, *newest), ranks=trained(40, [{}, {"backward": 30.0}]))


def texts(view: SessionView, width: int = 100) -> list[str]:
    return [plain(line).strip() for line in head_lines(view, ranks_of(view.ranks), width)]


def test_the_head_of_a_training_that_runs_is_about_the_late_rank() -> None:
    assert texts(view_of(None, None)) == [texts(view_of(None, None))[0]]
    assert texts(view_of(None, None))[0].startswith("2 ranks, rank 1 late by ")


def test_the_head_says_who_died_and_of_what() -> None:
    assert texts(view_of(ProcessEnd(9, 9), CRASH))[1:] == [
        "rank 1 died first, after 40 steps: RuntimeError: out of luck"
    ]


def test_lives_are_told_from_the_newest_on_and_fit() -> None:
    view = view_of(None, None, lives=9)
    lines = head_lines(view, ranks_of(view.ranks), 60)
    assert len(lines) == MOST_HEAD_LINES
    assert max(map(line_width, lines)) <= 60
    assert any("9th life, 2 ranks, 40 steps" in plain(line) for line in lines)


def test_a_death_is_told_even_if_there_are_too_few_steps_for_rows() -> None:
    view = view_of(None, CRASH)
    assert [plain(line).strip() for line in head_lines(view, NO_RANKS, 100)] == [
        "rank 1 died first, after 40 steps: RuntimeError: out of luck"
    ]


def test_each_rank_tells_how_it_ended() -> None:
    view = view_of(ProcessEnd(9, 9, exit_code=0), CRASH)
    assert {row.account.rank: row.end for row in rank_rows(view, ranks_of(view.ranks))} == {
        0: "ended",
        1: "RuntimeError",
    }
