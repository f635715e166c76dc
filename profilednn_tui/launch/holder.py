"""The holder: a small process that owns the target's terminal and records, with or without viewers.

``python -m profilednn_tui.launch.holder SESSION`` reads a `HolderRequest` from its stdin, starts the target, answers
with one line on its stdout (empty, or why the target cannot be started), and stays until the target has ended and no
process writes to the terminal any more.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch.affinity import on_processors
from profilednn_tui.launch.options import POLITE_NICENESS
from profilednn_tui.launch.pseudoterminal import Job, TerminalSize, start_job
from profilednn_tui.recording.answer import answer_starter


@dataclass(frozen=True, slots=True)
class HolderRequest:
    """What to start. It is sent through a pipe: the environment may hold secrets, which must not be written to disk."""

    argv: list[str]
    environment: dict[str, str]
    processors: list[int]
    """Logical CPUs for the target; empty for all that we may use."""
    working_directory: str
    rows: int
    columns: int
    output: str | None
    """Where to write a snapshot at the end; None for no snapshot."""

    def encode(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, data: bytes) -> HolderRequest:
        return cls(**json.loads(data))


def main(folder: Path) -> None:
    request = HolderRequest.decode(sys.stdin.buffer.read())
    try:
        size = TerminalSize(request.rows, request.columns)
        with on_processors(request.processors):
            job = start_job(request.argv, request.environment, request.working_directory, size)
    except OSError as error:
        answer_starter(error.strerror or str(error))
        return
    answer_starter("")
    os.nice(POLITE_NICENESS)
    _serve_to_the_end(folder, job, request.output)


def _serve_to_the_end(folder: Path, job: Job, output: str | None) -> None:
    # Imported only now: the target must not wait for modules it does not need.
    from profilednn_tui.launch.terminal_server import TerminalServer
    from profilednn_tui.recording.ending import save_holder
    from profilednn_tui.recording.sampler import Sampler

    save_holder(folder, job.pid)
    sampler = Sampler(folder, job.pid)
    sampler.start()
    server = TerminalServer(folder, job, sampler)
    server.run()
    if output is not None:
        from profilednn_tui.launch.report import write_report

        try:
            write_report(folder, Path(output))
        except ProfilerError as error:
            print(error, file=sys.stderr)
    server.drain()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
