"""Runs a program plainly and with optimizations; each run keeps what it leaves behind in its own folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.safety.judge import Receipt, Run, Shown

PROGRAMS = Path(__file__).parents[2] / "tests" / "targets" / "safety"
HELPERS = ("record", "resume")
WORK = Path(__file__).parents[2] / "build" / "safety"
"""Kept from call to call; git ignores `build`."""
LONGEST_S = 300.0
OVERHEAD = "30%"
"""So that runs of a few steps have a window, whose operators are checked, too."""
TOOL = (sys.executable, "-m", "profilednn_tui")
ERROR = re.compile(r"^(?:\w+\.)*\w*(?:Error|Exception|Interrupt|Failed)\b.*", re.MULTILINE)
_OWN_VARIABLES = ("OMP_", "MKL_", "KMP_", "GOMP_", "MALLOC_", "LD_PRELOAD", "PROFILEDNN_", "TORCHINDUCTOR_", "PYTHON")
"""Prefixes of the caller's variables that would decide what an optimization decides, or what a program computes."""


THREADS = "SAFETY_THREADS"
"""Variable that limits the threads of every program."""


def programs() -> list[str]:
    """The names of all programs."""
    return sorted(path.stem for path in PROGRAMS.glob("*.py") if path.stem not in HELPERS)


def source(program: str) -> Path:
    """A program's file."""
    return PROGRAMS / f"{program}.py"


def folder(program: str, name: str) -> Path:
    """The folder of a run of a program; `name` is `plain` or an optimization."""
    return WORK / program / name


def kept(program: str, name: str) -> Run | None:
    """An earlier run; None if there is none, or if the program has changed since."""
    place = folder(program, name)
    record = place / "run.json"
    if not record.exists() or record.stat().st_mtime < source(program).stat().st_mtime:
        return None
    found = json.loads(record.read_text())
    found["receipts"] = tuple(Receipt(**one) for one in found["receipts"])
    shown = found.pop("shown")
    return Run(**found, shown=None if shown is None else Shown(**shown), result=_result(place))


def forget(program: str, name: str) -> None:
    """Discard a run, so that the next call makes it again."""
    shutil.rmtree(folder(program, name), ignore_errors=True)


def run(program: str, name: str, optimizations: tuple[str, ...] | None) -> Run:
    """Run a program and keep what it leaves behind; it is watched unless `optimizations` is None."""
    forget(program, name)
    place = folder(program, name)
    place.mkdir(parents=True)
    words = [str(source(program)), str(place)]
    if optimizations is None:
        words = [sys.executable, *words]
    else:
        chosen = ("--with", ",".join(optimizations)) if optimizations else ()
        words = [*TOOL, "run", "--headless", "--overhead", OVERHEAD, *chosen, "-o", str(place / "run.pdnn"), *words]
    begin_s = time.monotonic()
    exit_code, stdout, stderr = ended(words, place)
    seconds = time.monotonic() - begin_s
    (place / "stderr.txt").write_text(stderr)
    errors = ERROR.findall(stderr)
    found = export(place) if optimizations is not None else {}
    error = errors[-1][:300] if errors else ""
    made = Run(exit_code, stdout, error, round(seconds, 1), receipts(found), _shown(found), _result(place))
    record: dict[str, Any] = asdict(made)
    del record["result"]  # kept in a file of its own
    (place / "run.json").write_text(json.dumps(record))
    return made


def resume(program: str, names: Iterable[str]) -> None:
    """Resume from the checkpoints of some runs with plain runs, unless that has been done."""
    pairs: list[str] = []
    for name in names:
        place = folder(program, name)
        if (place / "checkpoint.pt").exists() and not (place / "resumed" / "output.txt").exists():
            shutil.rmtree(place / "resumed", ignore_errors=True)  # of a resumption that was cut short
            pairs += [str(place / "checkpoint.pt"), str(place / "resumed")]
    if pairs:
        words = [sys.executable, str(source("resume")), str(source(program)), *pairs]
        subprocess.run(words, env=_environment(), capture_output=True, timeout=LONGEST_S * len(pairs), check=False)


def resumed(program: str, name: str) -> Run | None:
    """The run that resumed from a checkpoint; None if there is none."""
    place = folder(program, name) / "resumed"
    if not (place / "output.txt").exists():
        return None
    output = (place / "output.txt").read_text()
    errors = ERROR.findall(output)
    result = _result(place)
    error = errors[-1][:300] if errors else ""
    return Run(1 if result is None else 0, output, error, 0.0, (), None, result)


def ended(words: list[str], place: Path) -> tuple[int | None, str, str]:
    with (place / "stdout.txt").open("w+") as stdout, (place / "stderr.txt").open("w+") as stderr:
        process = subprocess.Popen(
            words, env=_environment(), stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, start_new_session=True
        )
        code: int | None = None
        try:
            code = process.wait(LONGEST_S)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)  # the tool passes it on to the target
            try:
                process.wait(20.0)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        stdout.seek(0)
        stderr.seek(0)
        return code, stdout.read(), stderr.read()


def _environment() -> dict[str, str]:
    ours = {"PROFILEDNN_HOME": str(WORK / "home"), "TORCHINDUCTOR_CACHE_DIR": str(WORK / "inductor")}
    if threads := os.environ.get(THREADS):
        ours["OMP_NUM_THREADS"] = threads
    return clean_environment(**ours)


def clean_environment(**more: str) -> dict[str, str]:
    """This process's environment without what changes how trainings run, and with `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OWN_VARIABLES)}
    return {**kept, **more}


def export(place: Path) -> dict[str, Any]:
    """What the tool recorded of a run, as JSON; empty without a snapshot."""
    snapshot, target = place / "run.pdnn", place / "run-export.json"
    if not snapshot.exists():
        return {}
    words = [*TOOL, "export", str(snapshot), "--to", "json", "-o", str(target)]
    subprocess.run(words, check=True, capture_output=True, env=_environment())
    found: dict[str, Any] = json.loads(target.read_text())
    return found


def receipts(export: dict[str, Any]) -> tuple[Receipt, ...]:
    """What was reported about each optimization."""
    return tuple(Receipt(one["name"], one["state"], one["text"]) for one in export.get("optimizations", ()))


def _shown(export: dict[str, Any]) -> Shown | None:
    if not export:
        return None
    steps, agent = export["steps"], export["agent"]
    losses = [loss for loss in steps["loss"] if loss is not None]
    return Shown(
        steps["count"], losses, len(export["operators"]), agent["windows"], [str(one) for one in agent["errors"]]
    )


def _result(place: Path) -> dict[str, Any] | None:
    path = place / "result.json"
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text())
    return found
