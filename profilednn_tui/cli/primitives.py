"""The ``onednn`` command: verbose logs of oneDNN."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from profilednn_tui.cli.primitive_source import read_primitives
from profilednn_tui.cli.values import format_asked_for, write_text
from profilednn_tui.errors import ProfilerError

if TYPE_CHECKING:
    from profilednn_tui.onednn.records import PrimitiveLog
    from profilednn_tui.project.peaks import MeasuredPeaks

_Content = TypeVar("_Content")


@click.command("onednn")
@click.argument("logs", metavar="LOG...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Same as --to json.")
@click.option(
    "--to",
    "format_name",
    metavar="FORMAT",
    default="text",
    show_default=True,
    help="text, json, csv, markdown, svg (the paper's figure), templates (Table 1, CSV) or benchdnn (a shell script).",
)
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Default: standard output.")
@click.option("--by", metavar="GROUPING", help="One grouping in full: direction, implementation, shape, dtype, layout.")
@click.option("--against", metavar="LOG", help="Compare with a reference log: text, json or markdown.")
@click.option("--roofline", is_flag=True, help="Rates against this machine's peaks: text or svg.")
@click.option("--on", "python", metavar="PYTHON", help="Interpreter with torch that measures the peaks, once.")
@click.option("--again", is_flag=True, help="Measure the peaks again.")
@click.option("--follow", is_flag=True, help="Read a growing LOG until Ctrl-C, and update the output as it grows.")
def onednn(
    logs: Sequence[str],
    as_json: bool,
    format_name: str,
    output: Path | None,
    by: str | None,
    against: str | None,
    roofline: bool,
    python: str | None,
    again: bool,
    follow: bool,
) -> None:
    """Break down the time in oneDNN verbose logs.

    LOG is what a program printed under ONEDNN_VERBOSE=1 (or DNNL_VERBOSE, MKLDNN_VERBOSE, of any version), possibly
    mixed with other output, gzipped or not; - is standard input. Several logs are added up. A session or snapshot
    works as well.
    """
    from profilednn_tui.export.onednn import COMPARISON_FORMATS, LOG_FORMATS
    from profilednn_tui.export.onednn.text import comparison_lines, log_lines
    from profilednn_tui.onednn.breakdown import By
    from profilednn_tui.onednn.compare import compare_logs

    if by is not None and by not in [one.value for one in By]:
        raise ProfilerError(f"There is no grouping {by}. Available: {', '.join(one.value for one in By)}.")
    grouping = By(by) if by is not None else None
    name = format_asked_for(as_json, format_name) or "text"
    if follow:
        if len(logs) > 1 or against or name != "text" or output:
            raise ProfilerError("--follow shows one growing LOG as text: leave the other logs and options out.")
        _follow(logs[0], lambda log: log_lines(log, _width(), grouping))
        return
    if roofline:
        _roofline(logs, name, python, again, output)
    elif against is None:
        render = _renderer(name, LOG_FORMATS, lambda log: _joined(log_lines(log, _width(), grouping)))
        write_text(render(read_primitives(logs)[0]), output)
    else:
        compare = _renderer(name, COMPARISON_FORMATS, lambda both: _joined(comparison_lines(both, _width())))
        write_text(compare(compare_logs(read_primitives([against])[0], read_primitives(logs)[0])), output)


def _roofline(logs: Sequence[str], name: str, python: str | None, again: bool, output: Path | None) -> None:
    from profilednn_tui.collect.machine import own_cores
    from profilednn_tui.export.onednn.roofline import roofline_lines, roofline_svg
    from profilednn_tui.launch.interpreter import find_interpreter
    from profilednn_tui.paths import session_home
    from profilednn_tui.project.peaks import measured_peaks
    from profilednn_tui.session.storage.peaks import CACHE_FILE, PeaksKey

    log, session_threads = read_primitives(logs)
    own = own_cores()
    threads = min(session_threads or own.physical, len(own.allowed))

    def measured() -> MeasuredPeaks:
        key = PeaksKey(own.cpu, own.allowed, threads)
        return measured_peaks(find_interpreter(python), key, session_home() / CACHE_FILE, again)

    def text(log: PrimitiveLog) -> str:
        found = measured()
        return _joined(roofline_lines(log, found.peaks, _width(), found.contention))

    render = _renderer(name, {"svg": lambda log: roofline_svg(log, measured().peaks)}, text)
    write_text(render(log), output)


def _renderer(
    name: str, formats: Mapping[str, Callable[[_Content], str]], as_text: Callable[[_Content], str]
) -> Callable[[_Content], str]:
    known = {"text": as_text, **formats}
    if name not in known:
        raise ProfilerError(f"There is no format {name} here. Available: {', '.join(known)}.")
    return known[name]


def _follow(name: str, lines: Callable[[PrimitiveLog], Iterator[str]]) -> None:
    from profilednn_tui.onednn.reader import follow_log

    try:
        for log in follow_log(name):
            click.clear()
            click.echo(_joined(lines(log)), nl=False)
    except KeyboardInterrupt:
        return


def _joined(lines: Iterator[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _width() -> int:
    return max(shutil.get_terminal_size((120, 24)).columns, 60)
