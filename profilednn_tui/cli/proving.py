"""``advise SESSION --try RULE``: what the remedy of a finding wins."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from profilednn_tui.cli.front import warn_of_home
from profilednn_tui.cli.trying import without_log
from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch.headless import say
from profilednn_tui.plain import plain_lines

if TYPE_CHECKING:
    from profilednn_tui.advise.findings import Finding
    from profilednn_tui.session.open_session import OpenSession
    from profilednn_tui.session.proof import Proof


def known_proofs(session: OpenSession) -> tuple[Proof, ...]:
    """What the ledger has for a session and this machine; a ledger that cannot be read is mentioned on stderr."""
    from profilednn_tui.collect.machine import own_hardware
    from profilednn_tui.paths import session_home
    from profilednn_tui.session.storage.ledger import proofs_for, read_ledger, session_name

    try:
        return proofs_for(read_ledger(session_home()), own_hardware(), session_name(session.location))
    except ProfilerError as error:
        say(f"profilednn-tui: {error}")
        return ()


def prove(session: OpenSession, finding: Finding, minutes: float, scratch: bool | None) -> Proof:
    """Try a finding's remedy and keep in the ledger what came out.

    Raises a `ProfilerError` if it cannot be tried or nothing can be concluded, and exits the program if a signal stops
    it; either leaves nothing behind.
    """
    from profilednn_tui.experiment.proof import attempt_of, try_remedy
    from profilednn_tui.paths import new_session_folder, session_word

    until_s = time.monotonic() + 60 * minutes
    attempt = attempt_of(session, finding, minutes, scratch)
    warn_of_home()
    for warning in attempt.warnings:
        say(warning)
    proof = None
    with _unwinding():
        folder = new_session_folder(attempt.experiment.name)
        try:
            found = try_remedy(attempt, folder, until_s, _tell)
            if isinstance(found, int):
                say("profilednn-tui: stopped; nothing was kept")
                sys.exit(128 + found)
            proof = found
        except ProfilerError as error:
            raise ProfilerError(without_log(str(error), folder)) from None
        finally:
            if proof is None:
                shutil.rmtree(folder, ignore_errors=True)
    say(f"The runs are kept: `profilednn-tui compare {session_word(folder)}` shows them.")
    _keep(proof)
    return proof


def _tell(line: str) -> None:
    """As `say`, but leave once nobody reads it: the screen that began this has gone, with its terminal perhaps."""
    with suppress(BrokenPipeError):
        os.write(sys.stderr.fileno(), f"{plain_lines(line)}\n".encode())
        return
    sys.exit(128 + signal.SIGPIPE)


def _keep(proof: Proof) -> None:
    """Add to the ledger; if that fails, the result is shown all the same."""
    from profilednn_tui.collect.machine import own_hardware
    from profilednn_tui.paths import session_home
    from profilednn_tui.session.storage.ledger import add_proof

    try:
        sentence = add_proof(session_home(), own_hardware(), proof)
    except ProfilerError as error:
        sentence = str(error)
    if sentence:
        say(f"profilednn-tui: {sentence}")


@contextmanager
def _unwinding() -> Iterator[None]:
    """Signals that end this process leave the block in an orderly way, as Ctrl-C does; runs handle them themselves."""
    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        if before[number] is signal.SIG_DFL:
            signal.signal(number, _leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)
