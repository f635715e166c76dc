"""The process that records an attached target, with or without a viewer.

``python -m profilednn_tui.attach.recorder SESSION`` reads an `AttachRequest` from stdin, answers with one line on
stdout (empty, or why it cannot begin), brings the agent in and runs until the target has ended, the agent has left, or
SIGTERM tells it to detach. It never interferes with the target's terminal or parent.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from profilednn_tui.attach.checks import AttachContext
from profilednn_tui.attach.exchange import Exchange, exchange_for
from profilednn_tui.attach.memory_maps import memory_maps
from profilednn_tui.attach.methods import AttachTarget
from profilednn_tui.attach.process_facts import inspect_process, python_version
from profilednn_tui.attach.request import AttachRequest
from profilednn_tui.attach.stacks import dump_stacks
from profilednn_tui.attach.strategy import AttachStrategy
from profilednn_tui.collect import procfs
from profilednn_tui.collect.tree import TreeReader
from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch.options import POLITE_NICENESS
from profilednn_tui.protocol.codec import encode
from profilednn_tui.protocol.events import AttachedEvent, ByeEvent, Command
from profilednn_tui.protocol.files import HOST_RECORDING, agent_recording, control_file
from profilednn_tui.protocol.vocabulary import DETACH, EXIT
from profilednn_tui.recording.answer import answer_starter
from profilednn_tui.recording.ending import release_reserve, save_holder
from profilednn_tui.recording.sampler import EventFile, Sampler
from profilednn_tui.recording.viewers import viewer_pids
from profilednn_tui.session.storage.farewell import said_bye
from profilednn_tui.session.storage.liveness import is_alive

CARRY_INTERVAL_S = 0.25
DUMP_INTERVAL_S = 0.5
DUMP_INTERVAL_BESIDE_AGENT_S = 2.0
UNWATCHED_LIMIT_S = 600.0
"""After this long without a viewer the agent is removed, unless the user wants the recording to continue."""
LEAVE_LIMIT_S = 15.0
STAY_FILE = "stay"
"""In the session folder: the recording is to continue without a viewer."""
MAX_DUMPED_PROCESSES = 16


class AttachedRecorder:
    """Records one session."""

    def __init__(self, folder: Path, request: AttachRequest) -> None:
        self._folder = folder
        self._request = request
        self._exchanges: dict[int, Exchange] = {pid: exchange_for(pid, folder) for pid in request.pids}
        self._sampler = Sampler(folder, request.root_pid)
        self._file = EventFile(folder / HOST_RECORDING)
        self._posted: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._leaving = threading.Event()
        self._agent_there = threading.Event()
        self._began_ns = time.time_ns()
        self._watched_s = time.monotonic()

    def begin(self) -> None:
        """Start the threads, which post events but write nothing themselves."""
        self._sampler.start()
        self._carry()
        threading.Thread(target=self._bring_agents, daemon=True).start()
        threading.Thread(target=self._look_from_outside, daemon=True).start()
        # Only this thread and only now: the other threads start work that briefly stops the target, and must not have
        # to wait for a processor meanwhile.
        os.nice(POLITE_NICENESS)

    def run(self) -> None:
        """Record until the end."""
        signal.signal(signal.SIGTERM, lambda number, frame: self._leaving.set())
        reason = EXIT
        while is_alive(self._request.root_pid, self._began_ns):
            self._beat()
            if self._leaving.is_set() or self._is_forgotten():
                reason = DETACH
                self._take_agents_out()
                break
            if self._all_left():
                reason = DETACH
                break
        for exchange in self._exchanges.values():
            exchange.carry()
            exchange.close()
        release_reserve(self._folder)
        self._sampler.tell_ends()
        self._file.append(ByeEvent(reason, time.time_ns()))

    # ---- the main thread

    def _beat(self) -> None:
        with suppress(queue.Empty):
            event = self._posted.get(timeout=min(CARRY_INTERVAL_S, self._sampler.wait_s()))
            self._file.append(event)
        self._carry()
        self._sampler.sample_if_due()

    def _carry(self) -> None:
        for exchange in self._exchanges.values():
            exchange.carry()

    def _is_forgotten(self) -> bool:
        now_s = time.monotonic()
        names = procfs.names(str(self._folder))
        if STAY_FILE in names or any(procfs.process(pid) is not None for pid in viewer_pids(names)):
            self._watched_s = now_s
        return now_s - self._watched_s > UNWATCHED_LIMIT_S

    def _all_left(self) -> bool:
        """Whether there were agents and all of them have left, whether or not their processes have ended."""
        return bool(self._exchanges) and all(self._has_left(pid) for pid in self._exchanges)

    def _has_left(self, pid: int) -> bool:
        return said_bye(self._folder / agent_recording(pid))

    def _take_agents_out(self) -> None:
        there = [pid for pid in self._exchanges if (self._folder / agent_recording(pid)).exists()]
        line = encode(Command(DETACH))
        for pid in there:
            with open(
                os.open(self._folder / control_file(pid), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab"
            ) as f:
                f.write(line)
        deadline_s = time.monotonic() + LEAVE_LIMIT_S
        while time.monotonic() < deadline_s:
            if all(self._has_left(pid) or procfs.process(pid) is None for pid in there):
                return
            self._beat()

    # ---- threads

    def _bring_agents(self) -> None:
        here = AttachContext.here()
        if not self._exchanges:
            reasons = ["only the view from outside was requested (--no-inject)"]
            self._posted.put(AttachedEvent(self._request.root_pid, "", reasons, 0, time.time_ns()))
        for pid, exchange in self._exchanges.items():
            target = AttachTarget(inspect_process(pid), exchange, self._request.overhead_percent, self._request.steps)
            attached = AttachStrategy(target, here).run()
            self._posted.put(attached)
            if attached.way:
                self._agent_there.set()

    def _look_from_outside(self) -> None:
        tree = TreeReader(self._request.root_pid)
        while True:
            began_s = time.monotonic()
            pids = [pid for pid in tree.read().processes if _is_python(pid)][:MAX_DUMPED_PROCESSES]
            self._posted.put(dump_stacks(pids, time.time_ns()))
            interval_s = DUMP_INTERVAL_BESIDE_AGENT_S if self._agent_there.is_set() else DUMP_INTERVAL_S
            # At most a tenth of the time, however slow a dump is.
            took_s = time.monotonic() - began_s
            time.sleep(max(interval_s - took_s, 9 * took_s))


def _is_python(pid: int) -> bool:
    try:
        return python_version(os.readlink(f"/proc/{pid}/exe"), memory_maps(pid)) is not None
    except OSError:
        return False


def main(folder: Path) -> None:
    request = AttachRequest.decode(sys.stdin.buffer.read())
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    try:
        recorder = AttachedRecorder(folder, request)
    except ProfilerError as error:
        answer_starter(str(error))
        return
    save_holder(folder, request.root_pid)
    answer_starter("")
    recorder.begin()
    recorder.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
