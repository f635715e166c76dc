"""Commands on existing sessions."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from profilednn_tui.cli import completing, values
from profilednn_tui.cli.front import on_terminal, show, warn_of_home
from profilednn_tui.cli.tailing import opened
from profilednn_tui.cli.values import STANDARD_OUTPUT
from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch.headless import say
from profilednn_tui.launch.signals import end_like

if TYPE_CHECKING:
    from profilednn_tui.session.open_session import OpenSession


def _with_parts(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of commands that read what several machines have recorded."""
    for option in (
        click.argument(
            "sessions",
            metavar="SESSION|FILE.pdnn|ssh://HOST/SESSION...",
            nargs=-1,
            shell_complete=completing.sessions,
        ),
        click.option(
            "--tail",
            "commands",
            metavar="COMMAND",
            multiple=True,
            help="Also read what COMMAND writes, which runs `profilednn-tui tail SESSION` elsewhere.",
        ),
        click.option("--job", metavar="NAME", default="", help="They are of this job, whatever they say."),
        click.option("--sources", is_flag=True, help="Get the text of scripts from other machines, too."),
    ):
        command = option(command)
    return command


@click.command("open")
@_with_parts
def open_command(sessions: tuple[str, ...], commands: tuple[str, ...], job: str, sources: bool) -> None:
    """Replay a session or snapshot in the TUI, or follow it.

    Several are read as one: what the machines of one distributed job have recorded. A FILE may also be a trace that
    torch.profiler has written with export_chrome_trace, compressed or not.
    Without a terminal, print the summary.
    """
    follow = on_terminal()
    with opened(sessions, commands, job, follow, sources) as session:
        if follow:
            end_like(show(session))
        session.catch_up()
        for line in summary(session):
            click.echo(line)


@click.command("export")
@_with_parts
@click.option(
    "--to",
    "format_name",
    metavar="FORMAT",
    required=True,
    help="pdnn, json, csv, markdown, html, speedscope, collapsed, pprof, perfetto, perfetto-zip or chrome.",
)
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(path_type=Path), required=True, help="- is standard output."
)
def export(
    sessions: tuple[str, ...], commands: tuple[str, ...], job: str, sources: bool, format_name: str, output: Path
) -> None:
    """Write a session to one file.

    Several are written as one: what the machines of one distributed job have recorded.
    """
    from profilednn_tui.export.session import FORMATS

    if format_name not in FORMATS:
        raise ProfilerError(f"There is no format {format_name}. Available: {', '.join(FORMATS)}.")
    chosen = FORMATS[format_name]
    if str(output) == STANDARD_OUTPUT and chosen.binary and sys.stdout.isatty():
        raise ProfilerError(f"{chosen.name} is no text for a terminal. Redirect standard output, or name a file.")
    with opened(sessions, commands, job, follow=False, sources=sources) as session:
        session.catch_up()
        if str(output) == STANDARD_OUTPUT:
            _to_standard_output(partial(chosen.write, session))
        else:
            chosen.write(session, output.absolute())
        warn_of_damage(session)


def warn_of_damage(session: OpenSession) -> None:
    """Say what of a session cannot be read: what is made of it may lack that."""
    if session.damage:
        say(f"profilednn-tui: {session.damage}")


def _to_standard_output(write: Callable[[Path], None]) -> None:
    """What `write` writes to a file, once it is complete."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export"
        write(path)
        with path.open("rb") as stream:
            shutil.copyfileobj(stream, sys.stdout.buffer)
        sys.stdout.buffer.flush()


@click.command("list")
@click.option(
    "--prune",
    "prune_days",
    metavar="DAYS",
    type=values.FiniteRange(min=0),
    help="First delete sessions that ended more than DAYS ago.",
)
def list_command(prune_days: float | None) -> None:
    """List the sessions on this machine, running ones first."""
    from profilednn_tui.cli.listing import listing_lines, prune

    warn_of_home()
    if prune_days is not None:
        for line in prune(prune_days, time.time_ns()):
            click.echo(line)
    for line in listing_lines(time.time_ns()):
        click.echo(line)


def open_whole(session: str | Path) -> OpenSession:
    """Open a session and read all of it."""
    from profilednn_tui.session.open_session import open_session

    opened = open_session(session)
    opened.catch_up()
    return opened


def summary(session: OpenSession) -> tuple[str, ...]:
    """The summary that is printed when there is no TUI."""
    from profilednn_tui.export.session.summary import summary_lines

    return summary_lines(session.view())
