"""The ``attach`` command: to a running process, or back to a session."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from profilednn_tui import units
from profilednn_tui.cli import completing, values
from profilednn_tui.cli.front import on_terminal, show, warn_of_home
from profilednn_tui.cli.launching import overhead_option
from profilednn_tui.cli.sessions import open_whole, summary
from profilednn_tui.errors import ProfilerError
from profilednn_tui.export.session.progress import ProgressLines
from profilednn_tui.launch.signals import end_like
from profilednn_tui.plain import plain
from profilednn_tui.recording.viewers import viewing

if TYPE_CHECKING:
    from profilednn_tui.attach.candidates import Candidate
    from profilednn_tui.session.open_session import OpenSession

FOLLOW_INTERVAL_S = 0.2


@click.command("attach")
@click.argument("target", metavar="[PID|SESSION]", required=False, shell_complete=completing.sessions)
@click.option("--headless", is_flag=True, help="Wait for the end and print the summary to stderr.")
@click.option(
    "-o",
    "--output",
    metavar="FILE.pdnn",
    type=click.Path(path_type=Path),
    callback=values.snapshot_file,
    help="Write a snapshot at the end.",
)
@click.option(
    "--steps", metavar="N", type=click.IntRange(min=1), help="Leave after N more steps; the target keeps running."
)
@overhead_option
@click.option(
    "--find-threads",
    is_flag=True,
    help="Find the best number of intra-op threads, in a minute at most, and use it until you leave; without a TUI.",
)
@click.option("--no-inject", is_flag=True, help="Observe from outside only: stacks, cores, threads, memory.")
def attach(
    target: str | None,
    headless: bool,
    output: Path | None,
    steps: int | None,
    overhead_percent: float,
    find_threads: bool,
    no_inject: bool,
) -> None:
    """Watch a running process, or come back to a session.

    Without an argument, choose from what is running. The process keeps running, undisturbed, when you leave.
    """
    from profilednn_tui.launch.session_folder import check_output

    file = output and output.expanduser().absolute()
    if file is not None:
        check_output(file)
    if find_threads and no_inject:
        raise click.UsageError("--find-threads needs the agent in the process, which --no-inject keeps out.")
    name = target or _choose()
    as_text = headless or find_threads or not on_terminal()
    opened = _session(name)
    last_step = None if opened is None or steps is None else opened.view().steps.count + steps
    if opened is None:
        opened = _attach_to_process(_process(name), overhead_percent, steps, no_inject, ask=not as_text)
    if find_threads:
        _find_threads(opened)
    exit_code = _follow(opened, last_step) if as_text else show(opened, last_step=last_step)
    opened.catch_up()
    if file is not None:
        opened.save_snapshot(file)
    for line in summary(opened) if as_text else ():
        click.echo(line, err=True)
    end_like(exit_code)


# ---------------------------------------------------------------- resolving the argument


def _choose() -> str:
    """Ask for a running session or a process with torch; without a terminal, an error that lists them."""
    from profilednn_tui.attach.candidates import all_candidates
    from profilednn_tui.session.storage.catalog import list_sessions, session_of_process
    from profilednn_tui.session.view import State

    running = [entry for entry in list_sessions() if entry.state is State.RUNNING]
    processes = [one for one in all_candidates() if session_of_process(one.pid) is None]
    names = [entry.folder.name for entry in running] + [str(one.pid) for one in processes]
    texts = [f"session {plain(entry.folder.name)}" for entry in running] + [_text(one) for one in processes]
    if not names:
        raise ProfilerError(
            "There is no running session and no process with torch. `profilednn-tui SCRIPT` starts one."
        )
    if not on_terminal():
        listed = "\n  ".join(texts)
        raise ProfilerError(f"Name a PID or a SESSION. Available:\n  {listed}")
    return names[_ask(texts)]


def _ask(texts: Sequence[str]) -> int:
    for number, text in enumerate(texts, 1):
        click.echo(f"{number:3}  {text}")
    return (
        int(click.prompt("Attach to", type=click.IntRange(1, len(texts)), default=1 if len(texts) == 1 else None)) - 1
    )


def _text(candidate: Candidate) -> str:
    rank = f"rank {candidate.rank}  " if candidate.rank is not None else ""
    words = plain(" ".join(candidate.argv)[:80])
    return f"pid {candidate.pid:<8} {units.duration(candidate.age_s * 1e9):>13}  {rank}{words}"


def _session(name: str) -> OpenSession | None:
    """A session by name, or the one that records a process; None if no session records it.

    A session that has ended in the meantime is opened, too: a returning user need not know that it has.
    """
    from profilednn_tui.session.storage.catalog import session_of_process

    if name.isdecimal():
        folder = session_of_process(int(name))
        return None if folder is None else open_whole(folder)
    return open_whole(name)


def _process(name: str) -> int:
    if not name.isdecimal() or int(name) == 0:
        raise ProfilerError(f"{name} is neither a session nor a PID. See `profilednn-tui list`.")
    return int(name)


# ---------------------------------------------------------------- attaching to a process


def _attach_to_process(pid: int, overhead_percent: float, steps: int | None, no_inject: bool, ask: bool) -> OpenSession:
    from profilednn_tui.attach.checks import AttachContext, check_process, refuse_unless_watchable
    from profilednn_tui.attach.process_facts import inspect_process
    from profilednn_tui.attach.request import AttachRequest
    from profilednn_tui.attach.start import start_attached_session
    from profilednn_tui.session.open_session import open_session

    root, here = inspect_process(pid), AttachContext.here()
    checks = check_process(root, here)
    # A shell or a launcher need not be Python, but we must be allowed to inspect it before we inspect its children.
    refuse_unless_watchable(tuple(check for check in checks if check.subject != "Python"))
    pids = () if no_inject else _trainers(pid, ask)
    if not pids:
        refuse_unless_watchable(checks)
    facts = [root if one == pid else inspect_process(one) for one in pids or (pid,)]
    for each in facts:
        refuse_unless_watchable(check_process(each, here))
    if not no_inject and not pids and not root.torch:
        raise ProfilerError(
            f"Neither process {pid} nor any of its children has imported torch. Wait until one has, "
            "or see its stacks with --no-inject."
        )
    shown = facts[0] if len(facts) == 1 else root
    request = AttachRequest(shown.pid, pids, overhead_percent, steps)
    warn_of_home()
    return open_session(start_attached_session(shown, request), started_here=True)


def _trainers(pid: int, ask: bool) -> tuple[int, ...]:
    """The training processes that a pid stands for; asks the user when there are several and `ask` is set."""
    from profilednn_tui.attach.candidates import candidates_below, meant_by

    meant = meant_by(pid, candidates_below(pid))
    candidates = meant.candidates
    if len(candidates) > 1 and ask:
        together = [f"all {len(candidates)} of them"] if meant.belong_together else []
        chosen = _ask([*together, *map(_text, candidates)]) - len(together)
        candidates = candidates if chosen < 0 else (candidates[chosen],)
    elif not meant.belong_together:
        listed = "\n  ".join(map(_text, candidates))
        raise ProfilerError(f"Process {pid} has training processes that do not belong together. Name one:\n  {listed}")
    return tuple(candidate.pid for candidate in candidates)


def _find_threads(session: OpenSession) -> None:
    """Find the best number of threads, say so and set it; leaves the process as it was if that is not possible."""
    from profilednn_tui.attach.start import detach
    from profilednn_tui.clock import SYSTEM_CLOCK
    from profilednn_tui.export.tuning.words import threads_text
    from profilednn_tui.launch.headless import say
    from profilednn_tui.protocol.events import Command
    from profilednn_tui.protocol.vocabulary import SET_THREADS
    from profilednn_tui.tune.threads import find_threads

    def follow(seconds: float) -> None:
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            if not session.poll():
                time.sleep(FOLLOW_INTERVAL_S)

    try:
        with viewing(session.location):
            while session.view().live and session.view().steps.median_ns is None:
                follow(FOLLOW_INTERVAL_S)
            found = find_threads(session, say, SYSTEM_CLOCK, follow)
    except (ProfilerError, KeyboardInterrupt):
        if session.attached:
            detach(session.location)
        raise
    click.echo(threads_text(found.own, found.best, found.effects))
    if found.best != found.own and session.send(Command(SET_THREADS, found.best)):
        say(f"profilednn-tui: it trains with {units.counted(found.best, 'thread')} until you leave")


def _follow(session: OpenSession, last_step: int | None = None) -> int:
    """Wait for the end of a session or for a step; then, or on Ctrl-C, detach from a process that was attached to."""
    with nullcontext() if session.foreign else viewing(session.location), suppress(KeyboardInterrupt):
        printed: set[str] = set()
        progress = ProgressLines()
        while True:
            view = session.view()
            for notice in view.notices:
                if notice.text not in printed:
                    printed.add(notice.text)
                    click.echo(f"profilednn-tui: {notice.text}", err=True)
            if not view.live:
                return 0
            line = progress.line(view)
            if line is not None:
                click.echo(f"profilednn-tui: {line}", err=True)
            if last_step is not None and view.steps.count >= last_step:
                break
            if not session.poll():
                time.sleep(FOLLOW_INTERVAL_S)
    if session.attached and not session.foreign:
        from profilednn_tui.attach.start import detach

        detach(session.location)
    return 0
