"""Tables: moving, sorting, searching, and thousands of rows."""

from __future__ import annotations

from dataclasses import replace

from profilednn_tui.tui.app import ProfilerApp
from profilednn_tui.tui.panels.modules import ModulesPane
from profilednn_tui.tui.panels.operators import OperatorsPane
from tests.tui.conftest import Watch
from tests.tui.feeds import FakeFeed, operator, running_view
from tests.tui.screen_text import screen_lines, screen_text


async def test_sort_keys_mark_the_column_and_turn_it_round(watch: Watch) -> None:
    async with watch(FakeFeed(running_view())) as (app, pilot):
        assert "self ms▼" in screen_text(app)
        await pilot.press("s")
        await pilot.pause()
        assert "self ms▲" in screen_text(app)
        await pilot.press("greater_than_sign")
        await pilot.pause()
        assert "share %▼" in screen_text(app)
        await pilot.press("less_than_sign", "less_than_sign")
        await pilot.pause()
        assert "self ms" in screen_text(app)
        assert "self ms▼" not in screen_text(app)


async def test_the_cursor_stays_with_its_operator_when_rows_move(watch: Watch) -> None:
    feed = FakeFeed(running_view())
    async with watch(feed) as (app, pilot):
        pane = app.query_one(OperatorsPane)
        await pilot.press("j")
        assert pane.current is not None
        assert pane.current.key.name == "aten::mm"
        rows = (operator("aten::new", 90), *feed.current.operators.rows)
        feed.current = replace(feed.current, operators=replace(feed.current.operators, rows=rows))
        app.follow_once()
        await pilot.pause()
        assert pane.cursor == 2
        assert pane.current is not None
        assert pane.current.key.name == "aten::mm"


async def test_the_first_row_stays_the_hottest_while_the_cursor_was_never_moved(watch: Watch) -> None:
    feed = FakeFeed(running_view())
    async with watch(feed) as (app, pilot):
        rows = (operator("aten::new", 90), *feed.current.operators.rows)
        feed.current = replace(feed.current, operators=replace(feed.current.operators, rows=rows))
        app.follow_once()
        await pilot.pause()
        pane = app.query_one(OperatorsPane)
        assert pane.current is not None
        assert pane.current.key.name == "aten::new"


async def test_search_goes_to_matches_and_escape_clears_it(watch: Watch) -> None:
    async with watch(FakeFeed(running_view())) as (app, pilot):
        pane = app.query_one(OperatorsPane)
        await pilot.press("slash", *"op1")
        await pilot.pause()
        assert pane.current is not None
        assert pane.current.key.name == "aten::op1"
        assert "1 of 11" in screen_text(app)
        await pilot.press("enter", "n")
        assert pane.current.key.name == "aten::op10"
        await pilot.press("N")
        assert pane.current.key.name == "aten::op1"
        assert pane.pattern is not None
        await pilot.press("escape")
        assert pane.pattern is None


async def test_an_unfinished_regular_expression_is_searched_as_text(watch: Watch) -> None:
    async with watch(FakeFeed(running_view())) as (app, pilot):
        await pilot.press("slash", "left_parenthesis")
        await pilot.pause()
        assert "no match" in screen_text(app)


async def test_five_thousand_rows_cost_only_the_visible_ones(watch: Watch) -> None:
    async with watch(FakeFeed(running_view(operators=5_000))) as (app, pilot):
        pane = app.query_one(OperatorsPane)
        formatted: list[object] = []
        original = pane._cells
        pane._cells = lambda row: formatted.append(row) or original(row)  # type: ignore[method-assign,func-returns-value]
        await pilot.press("G")
        await pilot.pause()
        assert pane.cursor == 4_999
        assert 0 < len(formatted) < 100
        assert "op4997" in screen_text(app)


async def test_columns_do_not_move_when_values_change(watch: Watch) -> None:
    feed = FakeFeed(running_view())
    async with watch(feed) as (app, pilot):
        header = next(line for line in screen_lines(app) if "self ms" in line)
        rows = tuple(replace(row, self_ns_per_step=row.self_ns_per_step * 40) for row in feed.current.operators.rows)
        feed.current = replace(feed.current, operators=replace(feed.current.operators, rows=rows))
        app.follow_once()
        await pilot.pause()
        assert next(line for line in screen_lines(app) if "self ms" in line) == header


async def test_a_click_on_a_header_sorts_and_a_click_on_a_row_selects(watch: Watch) -> None:
    async with watch(FakeFeed(running_view())) as (app, pilot):
        pane = app.query_one(OperatorsPane)
        await pilot.click(OperatorsPane, offset=(3, 1))
        await pilot.pause()
        assert "operator▲" in screen_text(app)
        await pilot.click(OperatorsPane, offset=(3, 5))
        assert pane.cursor == 3


def header(app: ProfilerApp) -> str:
    return next(line for line in screen_lines(app) if line.startswith("│ operator"))


async def test_a_table_that_is_too_wide_scrolls_sideways_behind_its_first_column(watch: Watch) -> None:
    async with watch(FakeFeed(running_view()), (80, 24)) as (app, pilot):
        assert "›" in header(app)
        assert "‹" not in header(app)
        assert "module" not in header(app)
        for _ in range(20):
            await pilot.press("right")
        await pilot.pause()
        assert "module" in header(app)
        assert header(app).index("operator") < header(app).index("‹")
        assert "›" not in header(app)
        assert "net.fc" in screen_text(app)
        await pilot.press(*["shift+left"] * 20)
        await pilot.pause()
        assert "‹" not in header(app)
        assert "self ms▼" in header(app)


async def test_sorting_by_a_column_beyond_the_edge_brings_it_into_view(watch: Watch) -> None:
    async with watch(FakeFeed(running_view()), (80, 24)) as (app, pilot):
        assert "pass" not in header(app)
        await pilot.press(*["greater_than_sign"] * 3)
        await pilot.pause()
        assert "‹" in header(app)
        assert "pass▼" in header(app)


async def test_the_marks_in_the_header_scroll_when_they_are_clicked(watch: Watch) -> None:
    async with watch(FakeFeed(running_view()), (80, 24)) as (app, pilot):
        pane = app.query_one(OperatorsPane)
        order = pane.order
        await pilot.click(OperatorsPane, offset=(2 + pane.room.width - 1, 1))
        await pilot.pause()
        assert "‹" in header(app)
        await pilot.click(OperatorsPane, offset=(header(app).index("‹"), 1))
        await pilot.pause()
        assert "‹" not in header(app)
        assert pane.order == order


async def test_a_tree_keeps_left_and_right_for_its_branches(watch: Watch) -> None:
    async with watch(FakeFeed(running_view()), (80, 24)) as (app, pilot):
        await pilot.press("7")
        pane = app.query_one(ModulesPane)
        await pilot.press("right")
        await pilot.pause()
        assert pane._placement.before == 0
        await pilot.press("L")
        await pilot.pause()
        assert pane._placement.before == 1


async def test_a_narrower_terminal_keeps_the_place_in_the_table(watch: Watch) -> None:
    async with watch(FakeFeed(running_view()), (80, 24)) as (app, pilot):
        await pilot.press("right", "right")
        await pilot.resize_terminal(70, 24)
        await pilot.pause()
        assert "‹" in header(app)
