"""Kills the target, the host and both at random moments of a short training run, and checks what is left.

`python -m benchmarks.survival` writes benchmarks/results/survival.md; the exit code is 1 if anything was lost.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import pty
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.conditions import Contention, machine, versions, write
from profilednn_tui.session.storage.folder import OUTPUT_FILE, ExitFile, HolderFile

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "tests" / "targets" / "survivor.py"
TARGET_EXIT_CODE = 7
TIME_LIMIT_S = 120.0
ALLOWED_LOSS_S = 1.0
PROGRAM = (sys.executable, "-m", "profilednn_tui")
PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Plain:
    """The unwatched run."""

    steps: int
    output: bytes
    duration_s: float


@dataclass(frozen=True)
class Case:
    """Which processes are killed, and how the run was started."""

    terminal: bool
    victims: frozenset[str]
    """Some of target, host and holder."""

    @property
    def title(self) -> str:
        launch = "TUI" if self.terminal else "headless"
        return f"{launch} | {' + '.join(name for name in ('target', 'host', 'holder') if name in self.victims)}"


CASES = (
    Case(True, frozenset({"target"})),
    Case(True, frozenset({"host"})),
    Case(True, frozenset({"target", "host"})),
    Case(True, frozenset({"target", "host", "holder"})),
    Case(False, frozenset({"target"})),
    Case(False, frozenset({"host"})),
    Case(False, frozenset({"target", "host"})),
)


@dataclass(frozen=True)
class Result:
    """What one kill left behind."""

    moment_s: float
    """Seconds after the start of the target."""
    steps_run: int
    steps_recorded: int
    missing_s: float
    """Between the end of the last recorded step and the end of the last step that the target made."""
    wrong: tuple[str, ...]


class Run:
    """One watched run in its own folder."""

    def __init__(self, case: Case, steps: int, folder: Path) -> None:
        self.case = case
        self.log = folder / "steps"
        self._stdout = folder / "stdout"
        self._home = folder / "home"
        self._screen: int | None = None
        words = [*PROGRAM, *(() if case.terminal else ("--headless",)), str(TARGET), str(steps), str(self.log)]
        environment = child_environment() | {"PROFILEDNN_HOME": str(self._home), "TERM": "xterm-256color"}
        if case.terminal:
            self._screen, terminal = pty.openpty()
            self.host = subprocess.Popen(
                words, env=environment, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
            )
            os.close(terminal)
            threading.Thread(target=self._look_at_screen, daemon=True).start()
        else:
            with self._stdout.open("wb") as stdout:
                self.host = subprocess.Popen(
                    words, env=environment, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.DEVNULL
                )

    def pids(self) -> dict[str, int]:
        """The processes that can be killed, once the target has started."""
        deadline_s = time.monotonic() + TIME_LIMIT_S
        while True:
            held = HolderFile.load(self.session) if self._home.is_dir() and any(self._home.iterdir()) else None
            if held is not None:
                return {"target": held.pid, "host": self.host.pid, "holder": held.holder_pid}
            if time.monotonic() > deadline_s:
                raise TimeoutError("the target has not started")
            time.sleep(0.005)

    @property
    def session(self) -> Path:
        (folder,) = self._home.iterdir()
        return folder

    @property
    def output(self) -> bytes:
        """The recorded part of the target's output."""
        if not self.case.terminal:
            return self._stdout.read_bytes()
        log = self.session / OUTPUT_FILE
        return log.read_bytes().replace(b"\r\n", b"\n") if log.exists() else b""

    def ended(self) -> int | None:
        """The target's exit code according to the recording; None if it is not known."""
        file = ExitFile.load(self.session)
        return file.exit_code if file is not None else None

    def close(self) -> None:
        """End the host; the TUI stays open after the end of a run."""
        self.host.kill()
        self.host.wait()
        if self._screen is not None:
            os.close(self._screen)

    def _look_at_screen(self) -> None:
        assert self._screen is not None
        with suppress(OSError):
            while os.read(self._screen, 1 << 16):
                pass


def child_environment() -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PROFILEDNN", "VIRTUAL_ENV"))}
    return clean | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}


def plain_run(steps: int, folder: Path) -> Plain:
    """The same run, not watched."""
    begin_s = time.monotonic()
    words = (sys.executable, str(TARGET), str(steps), str(folder / "plain-steps"))
    done = subprocess.run(words, env=child_environment(), capture_output=True, check=False)
    assert done.returncode == TARGET_EXIT_CODE, done.stderr.decode()
    return Plain(steps, done.stdout, time.monotonic() - begin_s)


def kill_once(case: Case, plain: Plain, moment: float) -> Result:
    """Start a run, kill at `moment` (0 to 1 of its duration), and check what is left."""
    with tempfile.TemporaryDirectory() as name:
        run = Run(case, plain.steps, Path(name))
        try:
            pids = run.pids()
            time.sleep(moment * plain.duration_s)
            for victim in sorted(case.victims, key=("holder", "host", "target").index):
                with suppress(ProcessLookupError):  # it may have ended by itself
                    os.kill(pids[victim], signal.SIGKILL)
            exit_code = wait_for_end(pids["target"], run)
            return judge(run, plain, moment * plain.duration_s, exit_code)
        finally:
            run.close()


def wait_for_end(pid: int, run: Run) -> int:
    """Wait until the target has ended; returns the exit code, from the recording or from waiting for it ourselves."""
    deadline_s = time.monotonic() + TIME_LIMIT_S
    while time.monotonic() < deadline_s:
        if (told := run.ended()) is not None:
            return told
        with suppress(ChildProcessError):  # we are its parent only if no other process is left
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    raise TimeoutError("the target has not ended")


def judge(run: Run, plain: Plain, moment_s: float, exit_code: int) -> Result:
    """Compare the session with the target's own log."""
    made_ns = [int(line) for line in run.log.read_text().split()] if run.log.exists() else []
    session, wrong = exported(run.session)
    steps = session.get("steps", {}).get("count") or 0
    unrecorded_ns = made_ns[steps:]
    missing_s = (unrecorded_ns[-1] - made_ns[max(0, steps - 1)]) / 1e9 if unrecorded_ns else 0.0
    if missing_s > ALLOWED_LOSS_S:
        wrong.append(f"{missing_s:.2f} s of steps are missing ({steps} of {len(made_ns)})")
    if steps > len(made_ns) + 1:  # a step may be recorded between its end and the target's log entry
        wrong.append(f"{steps} steps in the session, {len(made_ns)} made")
    killed = "target" in run.case.victims
    possible = {TARGET_EXIT_CODE} if not killed else {-signal.SIGKILL}
    if killed and "holder" in run.case.victims:
        possible.add(-signal.SIGHUP)  # its terminal ends with the holder, and may end it first
    if len(made_ns) == plain.steps:
        possible.add(TARGET_EXIT_CODE)  # the kill came too late
    if exit_code not in possible:
        wrong.append(f"the target's exit code is {exit_code}")
    if run.output != plain.output and not (killed and plain.output.startswith(run.output)):
        wrong.append(f"the output differs from the untouched run's ({len(run.output)} bytes, {len(plain.output)})")
    return Result(moment_s, len(made_ns), steps, missing_s, tuple(wrong))


def exported(session: Path) -> tuple[dict[str, dict[str, int]], list[str]]:
    """The session as JSON, and what went wrong in opening it."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        words = (*PROGRAM, "export", str(session), "--to", "json", "-o", file.name)
        done = subprocess.run(words, env=child_environment(), capture_output=True, check=False, timeout=TIME_LIMIT_S)
        if done.returncode:
            return {}, [f"the session does not open: {done.stderr.decode().strip()}"]
        return json.loads(Path(file.name).read_bytes()), []


@contextmanager
def foster_parent() -> Iterator[None]:
    """Become the parent of processes that our children leave behind, to learn how they end."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    yield
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def row(case: Case, plain: Plain, results: list[Result]) -> str:
    worst_s = max(result.missing_s for result in results)
    early = sum(result.steps_run == 0 for result in results)
    complete = sum(result.steps_run == plain.steps for result in results)
    intact = sum(not result.wrong for result in results)
    return f"| {case.title} | {len(results)} | {early} | {complete} | {worst_s:.2f} | {intact} |"


def main() -> int:
    """Kill, judge, write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.survival")
    parser.add_argument("--moments", type=int, default=20, help="kills per case [20]")
    parser.add_argument("--steps", type=int, default=2_500, help="steps per run [2500]")
    parser.add_argument("--at-once", type=int, default=2, help="runs at the same time [2]")
    parser.add_argument("--seed", type=int, default=None, help="seed of the moments [a new one]")
    parser.add_argument("--name", default="survival", help="name of the file under benchmarks/results, - for none")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(10_000) if options.seed is None else options.seed
    contention = Contention()
    lines = [
        "## Surviving SIGKILL",
        "",
        *machine(),
        versions("torch", "textual"),
        f"- {options.moments} kills per row at random moments (seed {seed}) of a training run of {options.steps:,}",
        "  steps, including its start.",
        "- Each session must open as JSON with all steps but those of the last second. If the target survives, its",
        "  exit code, its output and the hash of its weights must be those of an unwatched run.",
        "",
        "| launch | killed | kills | before the first step | all steps made | worst loss, s | intact |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    moments = random.Random(seed)
    failures = []
    with foster_parent(), tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(options.at_once) as pool:
        plain_run(options.steps, Path(name))  # a cold start takes longer
        plain = plain_run(options.steps, Path(name))
        for case in CASES:
            chosen = [moments.uniform(0.0, 0.95) for _ in range(options.moments)]
            results = list(pool.map(lambda moment, case=case: kill_once(case, plain, moment), chosen))
            lines.append(row(case, plain, results))
            failures += [f"- {case.title}, at {r.moment_s:.2f} s: {what}" for r in results for what in r.wrong]
            print(lines[-1], file=sys.stderr, flush=True)
    lines += ["", *failures, contention.line()]
    if options.name == "-":
        print(*lines, sep="\n")
    else:
        write(options.name, lines)
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
