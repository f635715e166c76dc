"""Trying the remedy of a finding: ``advise --try`` in a process of its own, and what it answers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from profilednn_tui.advise.findings import Finding
from profilednn_tui.export.advice.words import remedy_text
from profilednn_tui.plain import plain
from profilednn_tui.session.open_session import OpenSession
from profilednn_tui.session.proof import Effect, Proof
from profilednn_tui.tui.present.advice import TRY_MINUTES

STOP_GRACE_S = 8.0
"""How long it has to end its trainings and remove its copies; they get 5 s of that."""
PROGRAM = "profilednn-tui: "
"""What our messages on stderr begin with."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a trial ended."""

    exit_code: int
    document: bytes
    """The advice as JSON; empty if nothing was measured."""
    last_line: str
    """Of stderr."""


class Trial:
    """A running trial, in a process group of its own."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
        self._last_line = ""

    def lines(self) -> Iterator[str]:
        """Its progress as it comes, until it ends."""
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            for data in stream:
                line = plain(data.decode("utf-8", "replace").strip()).removeprefix(PROGRAM)
                if line:
                    self._last_line = line
                    yield line

    def answer(self) -> Answer:
        """Its end; waits for it. The advice is small enough for the pipe, so that nothing blocks before."""
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            document = stream.read()
        return Answer(self._process.wait(), document, self._last_line)

    def stop(self) -> None:
        """End it with all its processes; it may clean up first."""
        if self._process.poll() is not None:
            return
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_GRACE_S)
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def trial_command(session: Path, rule: str) -> tuple[str, ...]:
    """The command that tries the remedy of a rule's finding."""
    words = ("advise", str(session), "--try", rule, "--minutes", f"{TRY_MINUTES:g}", "--to", "json")
    return (sys.executable, "-m", "profilednn_tui", *words)


def why_not(session: OpenSession, finding: Finding) -> str:
    """Why a finding's remedy cannot be tried, in a sentence or two; empty if it can."""
    # Imported here: what makes experiments is not needed before the first frame.
    from profilednn_tui.experiment import proof

    return proof.why_not(session, finding)


def proof_in(document: bytes, finding: Finding, session: str) -> Proof | None:
    """What was measured for a finding, from the advice of a trial; None if it is not there."""
    try:
        found = next(one for one in json.loads(document)["findings"] if one["rule"] == finding.rule)
        measured = found["measured"]
        return Proof(
            rule=finding.rule,
            session=session,
            remedy=remedy_text(finding.remedy),
            ceiling=finding.ceiling,
            effect=Effect(measured["effect"]),
            gain=float(measured["gain"]),
            low=float(measured["low"]),
            high=float(measured["high"]),
            order=plain(measured["order"]),
            runs=int(measured["runs"]),
            losses=plain(measured["losses"]),
            unix_ns=time.time_ns(),
            note=plain(measured.get("note", "")),
        )
    except (ValueError, LookupError, TypeError, AttributeError, StopIteration):
        return None
