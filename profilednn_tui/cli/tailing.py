"""The stream of a session, and sessions read from such streams."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import click

from profilednn_tui.cli import completing
from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch.remote import RemoteSession, command_session, is_remote, ssh_session

if TYPE_CHECKING:
    from profilednn_tui.session.open_session import OpenSession

POLL_S = 0.2
ALIVE_S = 1.0
KINDS = frozenset({"hello", "distributed", "steps", "status", "bye"})
"""The events that tell whether a session goes on; operator windows, which are large, do not."""


@click.command("tail")
@click.argument("session", metavar="SESSION|FILE.pdnn", shell_complete=completing.sessions)
@click.option("--no-follow", is_flag=True, help="End with what is recorded by now.")
@click.option("--sources", is_flag=True, help="Include the text of the script and the modules beside it.")
@click.option("--resume", metavar="TEXT", help="Where an earlier stream stopped, as its reader tells.")
def tail_command(session: str, no_follow: bool, sources: bool, resume: str | None) -> None:
    """Write a session as a stream of JSON lines to standard output, until it ends.

    Another machine follows it with `profilednn-tui open ssh://THIS-MACHINE/SESSION`.
    """
    from profilednn_tui.protocol.events import EVENTS
    from profilednn_tui.session.open_session import OpenSession, open_store
    from profilednn_tui.session.storage.folder import STREAM_ENDED, STREAM_SO_FAR
    from profilednn_tui.session.storage.tail import Resume, Tail, alive_line, end_line

    where = Resume.decode(resume) if resume is not None else None
    store = open_store(session)
    tail = Tail(store, where)
    with OpenSession([store], kinds=EVENTS if sources else KINDS) as opened:
        _write(tail.first())
        told_s = time.monotonic()
        while True:
            opened.catch_up()
            live = opened.live
            for line in tail.new():
                _write(line)
                told_s = time.monotonic()
            if sources:
                for line in tail.sources(opened.source_files):
                    _write(line)
            if no_follow or not live:
                _write(end_line(STREAM_SO_FAR if live or store.cut_short else STREAM_ENDED))
                return
            if time.monotonic() - told_s >= ALIVE_S:
                _write(alive_line())
                told_s = time.monotonic()
            time.sleep(POLL_S)


def _write(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


@contextmanager
def opened(
    sessions: Sequence[str], commands: Sequence[str] = (), job: str = "", follow: bool = True, sources: bool = False
) -> Iterator[OpenSession]:
    """Open sessions here and elsewhere as one; those elsewhere are copied as long as it is open.

    Raises a `ProfilerError`.
    """
    from profilednn_tui.recording.mirror import Mirror
    from profilednn_tui.session.open_session import open_parts, open_session

    with ExitStack() as stack:
        remote = [_remote(one, sources, follow) for one in [*filter(is_remote, sessions), *commands]]
        mirrors = {one.origin: stack.enter_context(Mirror(one.origin, one.command)) for one in remote}
        if not follow:
            for mirror in mirrors.values():
                mirror.wait()
        locations = [mirrors[one].folder() if one in mirrors else one for one in [*sessions, *commands]]
        if not locations:
            raise ProfilerError("Name a SESSION. `profilednn-tui list` shows those on this machine.")
        parts = len(locations) > 1 or job
        yield stack.enter_context(open_parts(locations, job) if parts else open_session(locations[0]))


def _remote(location: str, sources: bool, follow: bool) -> RemoteSession:
    options = [*(["--sources"] if sources else []), *([] if follow else ["--no-follow"])]
    return ssh_session(location, options) if is_remote(location) else command_session(location, options)
