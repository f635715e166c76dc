"""The ``project`` command: reruns primitives on this machine, without the model and its data."""

from __future__ import annotations

import os
from pathlib import Path

import click

from profilednn_tui.cli import completing, values
from profilednn_tui.cli.primitive_source import read_primitives
from profilednn_tui.cli.values import write_text


@click.command("project")
@click.argument("source", metavar="SESSION|FILE.pdnn|LOG", shell_complete=completing.sessions)
@click.option("--on", "python", metavar="PYTHON", help="Interpreter with torch to run on [default: as for `run`].")
@click.option("--threads", type=click.IntRange(1), help="Default: those of the session, at most this machine's.")
@click.option(
    "--seconds", type=values.FiniteRange(1), default=40.0, show_default=True, help="Start no new round after this time."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for other programs.")
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Default: standard output.")
def project(
    source: str, python: str | None, threads: int | None, seconds: float, as_json: bool, output: Path | None
) -> None:
    """Rerun the oneDNN primitives of a session or log on this machine.

    A snapshot is enough: neither the model nor its data is needed. Each distinct primitive runs many times: in turn
    with the others, back to back, and with cold caches. Weighted by the calls, this gives the time they would take
    here.
    """
    from profilednn_tui.export.onednn.projection import projection_json, projection_lines
    from profilednn_tui.launch.interpreter import find_interpreter
    from profilednn_tui.project.projection import project as run_again

    log, session_threads = read_primitives([source])
    available = len(os.sched_getaffinity(0))
    found = run_again(log, find_interpreter(python), threads or min(session_threads or available, available), seconds)
    write_text(projection_json(found) if as_json else "".join(f"{line}\n" for line in projection_lines(found)), output)
