"""Python stacks of a process and its children, from py-spy: a view from outside that needs nothing in the target."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

from profilednn_tui.protocol.events import StacksEvent

TIME_LIMIT_S = 10.0
MAX_FRAMES = 200


def py_spy_path() -> str | None:
    """The path of py-spy: next to our interpreter, else on PATH; None if it is not installed."""
    return shutil.which("py-spy", path=os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")]))


def dump_stacks(pids: Iterable[int], unix_ns: int) -> StacksEvent:
    """Dump the stacks of each process once."""
    threads: list[dict[str, Any]] = []
    failures: list[str] = []
    program = py_spy_path()
    if program is None:
        failures.append("py-spy is not installed: `pip install py-spy`")
    else:
        for pid in pids:
            dump(program, pid, threads, failures)
    return stacks_event(threads, failures, unix_ns)


def dump(program: str, pid: int, threads: list[dict[str, Any]], failures: list[str]) -> None:
    """Append the threads of one process, or the reason why there are none."""
    command = [program, "dump", "--json", "--full-filenames", "--pid", str(pid)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIME_LIMIT_S, check=False)
        threads += json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        failures.append(f"py-spy did not answer within {TIME_LIMIT_S:.0f} s for process {pid}")
    except OSError as error:
        failures.append(f"py-spy cannot be run: {error.strerror}")
    except ValueError:
        said = done.stderr.decode("utf-8", "replace").partition("Stack backtrace:")[0].strip()
        failures.append(f"py-spy on process {pid}: {said.splitlines()[-1].strip() if said else 'no answer'}")


def stacks_event(threads: Iterable[dict[str, Any]], failures: list[str], unix_ns: int) -> StacksEvent:
    """Convert py-spy's threads to an event of the protocol."""
    numbers: dict[str, int] = {}

    def number(text: Any) -> int:
        return numbers.setdefault(str(text or ""), len(numbers))

    rows: list[list[Any]] = []
    for thread in threads:
        frames: list[int] = []
        for frame in reversed(thread["frames"][:MAX_FRAMES]):  # py-spy lists the innermost first
            frames += (number(frame["name"]), number(frame["filename"]), int(frame["line"]))
        tid = thread.get("os_thread_id") or 0
        rows.append([thread["pid"], tid, number(thread.get("thread_name")), bool(thread["active"]),
                     bool(thread["owns_gil"]), frames])  # fmt: skip
    return StacksEvent(unix_ns, list(numbers), rows, failures)
