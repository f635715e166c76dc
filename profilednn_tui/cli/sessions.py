"""Commands on sessions that exist."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from profilednn_tui.cli.front import on_terminal, show
from profilednn_tui.collect.viewers import viewing
from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch.signals import end_like

if TYPE_CHECKING:
    from profilednn_tui.session.source import OpenSession

FOLLOW_INTERVAL_S = 0.5


@click.command("open")
@click.argument("session", metavar="SESSION|FILE.pdnn")
def open_command(session: str) -> None:
    """Replay a session or snapshot in the same screens.

    Without a terminal, its summary is printed.
    """
    if on_terminal():
        from profilednn_tui.session.source import open_session

        end_like(show(open_session(session)))
    for line in _summary(_open(session)):
        click.echo(line)


@click.command("attach")
@click.argument("session", metavar="SESSION")
@click.option("--headless", is_flag=True, help="Wait for the end and print the summary to stderr.")
@click.option(
    "-o", "--output", metavar="FILE.pdnn", type=click.Path(path_type=Path), help="Write a snapshot at the end."
)
def attach(session: str, headless: bool, output: Path | None) -> None:
    """Watch a session that is still being recorded."""
    from profilednn_tui.launch.session import check_output

    target = output and output.absolute()
    if target is not None:
        check_output(target)
    opened = _find_running(session)
    as_text = headless or not on_terminal()
    exit_code = _follow(opened) if as_text else show(opened)
    _catch_up(opened)
    if target is not None:
        opened.save_snapshot(target)
    for line in _summary(opened) if as_text else ():
        click.echo(line, err=True)
    end_like(exit_code)


@click.command("export")
@click.argument("session", metavar="SESSION|FILE.pdnn")
@click.option("--to", "format_name", metavar="FORMAT", required=True, help="pdnn, json, csv or markdown.")
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), required=True)
def export(session: str, format_name: str, output: Path) -> None:
    """Write a session to one file."""
    from profilednn_tui.export import FORMATS

    if format_name not in FORMATS:
        raise ProfilerError(f"There is no format {format_name}. There are: {', '.join(FORMATS)}.")
    FORMATS[format_name].write(_open(session), output.absolute())


@click.command("list")
def list_command() -> None:
    """Sessions on this machine, running ones first."""
    from profilednn_tui.cli.listing import listing_lines

    for line in listing_lines(time.time_ns()):
        click.echo(line)


def _open(session: str) -> OpenSession:
    from profilednn_tui.session.source import open_session

    opened = open_session(session)
    _catch_up(opened)
    return opened


def _catch_up(session: OpenSession) -> None:
    while session.poll():
        pass


def _find_running(session: str) -> OpenSession:
    try:
        opened = _open(session)
    except ProfilerError:
        if not session.isdecimal():
            raise
        raise ProfilerError(
            f"There is no session {session}, and this version cannot attach to a running process that it has not "
            "launched: start it with `profilednn-tui SCRIPT`, or name a session of `profilednn-tui list`."
        ) from None
    if not opened.view().live:
        raise ProfilerError(f"The session {session} has ended: `profilednn-tui open {session}` shows it.")
    return opened


def _follow(session: OpenSession) -> int:
    """Wait for the end of a session; Ctrl-C ends the waiting only."""
    with viewing(session.location), suppress(KeyboardInterrupt):
        while session.view().live:
            if not session.poll():
                time.sleep(FOLLOW_INTERVAL_S)
    return 0


def _summary(session: OpenSession) -> tuple[str, ...]:
    from profilednn_tui.export.summary import summary_lines

    return summary_lines(session.view())
