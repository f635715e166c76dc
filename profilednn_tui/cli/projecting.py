"""The command that runs primitives again, here, without the model and the data they come from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from profilednn_tui.cli.values import write_text
from profilednn_tui.errors import ProfilerError

if TYPE_CHECKING:
    from profilednn_tui.onednn.records import PrimitiveLog


@click.command("project")
@click.argument("source", metavar="SESSION|FILE.pdnn|LOG")
@click.option("--on", "python", metavar="PYTHON", help="Interpreter with torch to run on; default as for a run.")
@click.option("--threads", type=click.IntRange(1), help="Default: those of the session, at most this machine's.")
@click.option("--seconds", type=click.FloatRange(1), default=40.0, show_default=True, help="Begin no round after this.")
@click.option("--json", "as_json", is_flag=True, help="For other programs.")
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Default: standard output.")
def project(
    source: str, python: str | None, threads: int | None, seconds: float, as_json: bool, output: Path | None
) -> None:
    """Run the oneDNN primitives of a session or log again on this machine.

    A snapshot is enough: neither the model nor its data are needed. Each distinct primitive runs many times, in turn
    with the others, on end, and with cold caches; weighted by its calls this gives the time they would take here.
    """
    from profilednn_tui.launch.interpreter import find_interpreter
    from profilednn_tui.onednn.formats.projection import projection_json, projection_lines
    from profilednn_tui.onednn.projection import project as run_again

    log, session_threads = _primitives(source)
    available = len(os.sched_getaffinity(0))
    found = run_again(log, find_interpreter(python), threads or min(session_threads or available, available), seconds)
    write_text(projection_json(found) if as_json else "".join(f"{line}\n" for line in projection_lines(found)), output)


def _primitives(source: str) -> tuple[PrimitiveLog, int | None]:
    """The primitives, and how many threads ran them."""
    from profilednn_tui.onednn.reader import read_logs
    from profilednn_tui.session.snapshot import SUFFIX
    from profilednn_tui.session.source import open_session

    if source == "-" or (os.path.isfile(source) and not source.endswith(SUFFIX)):
        return read_logs([source]), None
    session = open_session(source)
    while session.poll():
        pass
    view = session.view()
    if not view.primitives.log.uses:
        reason = next((one.text for one in view.notices if one.code == "no_primitives"), "no window has its account")
        raise ProfilerError(f"The session {source} holds no oneDNN primitives ({reason}).")
    return view.primitives.log, view.target.intra_op_threads
