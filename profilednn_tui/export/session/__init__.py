"""Exports of a session: one file per format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from profilednn_tui.errors import ProfilerError
from profilednn_tui.export.session.chrome import write_chrome
from profilednn_tui.export.session.collapsed import collapsed_text
from profilednn_tui.export.session.csv_operators import csv_text
from profilednn_tui.export.session.json_session import json_text
from profilednn_tui.export.session.markdown import markdown_text
from profilednn_tui.export.session.page.report import html_text
from profilednn_tui.export.session.perfetto import write_perfetto, write_perfetto_zip
from profilednn_tui.export.session.pprof import pprof_bytes
from profilednn_tui.export.session.speedscope import speedscope_text
from profilednn_tui.session.open_session import OpenSession
from profilednn_tui.session.storage.folder import atomic_file
from profilednn_tui.session.storage.snapshot import SUFFIX
from profilednn_tui.session.view import SessionView


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write a session."""

    name: str
    suffix: str
    description: str
    write: Callable[[OpenSession, Path], None]
    """Writes the session as it stands (poll it first) to a file; a `ProfilerError` if that is impossible."""
    binary: bool = False


def _text(render: Callable[[SessionView], str]) -> Callable[[OpenSession, Path], None]:
    return _data(lambda view: render(view).encode("utf-8", "backslashreplace"))


def _data(render: Callable[[SessionView], bytes]) -> Callable[[OpenSession, Path], None]:
    def write(session: OpenSession, stream: BinaryIO) -> None:
        stream.write(render(session.view()))

    return _stream(write)


def _stream(write_to: Callable[[OpenSession, BinaryIO], None]) -> Callable[[OpenSession, Path], None]:
    """A format that is written bit by bit: the file appears once it is complete."""

    def write(session: OpenSession, path: Path) -> None:
        try:
            with atomic_file(path) as stream:
                write_to(session, stream)
        except OSError as error:
            raise ProfilerError(
                f"Cannot write {path}: {error.strerror or error}. Name a file in a writable folder."
            ) from None

    return write


def _write_page(session: OpenSession, stream: BinaryIO) -> None:
    windows = session.traced_windows
    trace = session.trace(windows[-1]) if windows else None
    stream.write(html_text(session.view(), trace).encode("utf-8", "backslashreplace"))


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        one.name: one
        for one in (
            Format("pdnn", SUFFIX, "snapshot: opens again in the same screens", OpenSession.save_snapshot, True),
            Format("json", ".json", "all figures for other programs", _text(json_text)),
            Format("csv", ".csv", "operators as a table", _text(csv_text)),
            Format("markdown", ".md", "summary for people", _text(markdown_text)),
            Format("html", ".html", "page to send around, without source text", _stream(_write_page)),
            Format("speedscope", ".speedscope.json", "flame graphs for speedscope.app", _text(speedscope_text)),
            Format("collapsed", ".folded", "stacks for flamegraph.pl, inferno and others", _text(collapsed_text)),
            Format("pprof", ".pb.gz", "profile for pprof", _data(pprof_bytes), True),
            Format(
                "perfetto",
                ".pftrace.gz",
                "timeline of all processes for ui.perfetto.dev",
                _stream(write_perfetto),
                True,
            ),
            Format(
                "perfetto-zip",
                ".perfetto.zip",
                "the same, one trace for each process",
                _stream(write_perfetto_zip),
                True,
            ),
            Format("chrome", ".trace.json", "timeline for chrome://tracing and others", _stream(write_chrome)),
        )
    }
)
