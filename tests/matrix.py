"""The agent under each Python with each torch that it is made for: ``python -m tests.matrix``, or ``make matrix``.

Each combination gets an environment below `build/matrix` with the torch that pip finds for it. The host runs with the
interpreter that runs this file, and watches small targets in that environment; from Python 3.14 on, it also runs in
there and attaches by `sys.remote_exec`. What is not to be had is said, and is no failure; what is there and does not
work is one. An environment takes up to 7 GB and goes when its checks have passed, unless ``--keep`` is given.

Interpreters are looked for in a variable (PYTHON_3_14 for 3.14), on the PATH, and among pyenv's. Which wheels pip finds
is up to its own settings: with PIP_EXTRA_INDEX_URL or PIP_FIND_LINKS it gets those without GPU libraries.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "matrix"
TARGETS = ROOT / "tests" / "targets"
PROGRAM = (sys.executable, "-m", "profilednn_tui")

PYTHONS = tuple(f"3.{minor}" for minor in range(9, 15))
TORCHES = {
    "2.4": ("3.9", "3.12"),
    "2.8": ("3.9", "3.13"),
    "2.13": ("3.10", "3.14"),
    "2.14": ("3.10", "3.14"),
    "2.15": ("3.11", "3.14"),
}
"""The oldest and the newest Python that each torch has wheels for."""

STEPS = 60
"""As many as `targets/matrix.py` makes."""
ATTACHED_STEPS = 20
TIME_LIMIT_S = 600.0
REMOTE_EXEC = "3.14"
"""The first Python with `sys.remote_exec`."""
ROOM_BYTES = 10_000_000_000
"""What pip may need on the disk while it installs."""
SELF_TIME_FACTOR = 5.0
"""On a busy machine two processes differ: their calls are equal, their times of one size."""


class CheckError(Exception):
    """A check that did not pass."""


class MissingError(Exception):
    """Something that is not to be had here."""


class NotApplicableError(Exception):
    """A check that this combination has no use for."""


@dataclass(frozen=True)
class Combination:
    python: str
    torch: str

    @property
    def folder(self) -> Path:
        return FOLDER / f"python{self.python}-torch{self.torch}"


@dataclass
class Row:
    """What came of a combination."""

    combination: Combination
    versions: str = ""
    missing: str = ""
    outcomes: dict[str, str | None] = field(default_factory=dict)
    """Of each check: nothing, or what is wrong; None for one that does not apply."""
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        return any(self.outcomes.values())


def number(version: str) -> tuple[int, ...]:
    """As digits, to be compared."""
    return tuple(int(digits) for digits in re.findall(r"\d+", version))


def combinations(pythons: Iterable[str] = PYTHONS, torches: Iterable[str] = tuple(TORCHES)) -> list[Combination]:
    """Those for which there is a wheel."""
    return [
        Combination(python, torch)
        for torch in torches
        for python in pythons
        if number(TORCHES[torch][0]) <= number(python) <= number(TORCHES[torch][1])
    ]


# ---------------------------------------------------------------- environments


def interpreter(version: str) -> str:
    """An interpreter of this version that runs."""
    for found in candidates(version):
        look = subprocess.run(
            [found, "-c", "import sys, venv; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if look.stdout.strip() == version:
            return found
    raise MissingError(f"no Python {version}: neither on the PATH, nor in pyenv, nor in {variable(version)}")


def variable(version: str) -> str:
    return f"PYTHON_{version.replace('.', '_')}"


def candidates(version: str) -> list[str]:
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    installed = sorted(pyenv.glob(f"{version}.*/bin/python"), key=lambda path: number(path.parts[-3]), reverse=True)
    named, on_path = os.environ.get(variable(version)), shutil.which(f"python{version}")
    return [found for found in (named, on_path, *map(str, installed)) if found and os.access(found, os.X_OK)]


def environment(combination: Combination) -> str:
    """The environment's interpreter; makes the environment unless it is there."""
    python = combination.folder / "bin" / "python"
    ready = combination.folder / ".ready"
    if ready.exists():
        return str(python)
    base = interpreter(combination.python)
    FOLDER.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(FOLDER).free < ROOM_BYTES:
        raise MissingError(f"no room for torch {combination.torch}: less than {ROOM_BYTES / 1e9:.0f} GB are free")
    shutil.rmtree(combination.folder, ignore_errors=True)
    pip = [str(python), "-m", "pip"]
    if run([base, "-m", "venv", str(combination.folder)]).returncode != 0:
        # Distributions may leave ensurepip out.
        made = run([base, "-m", "venv", "--clear", "--without-pip", str(combination.folder)])
        if made.returncode != 0:
            raise MissingError(f"no environment of Python {combination.python}: {last_line(made.stderr)}")
        pip = [sys.executable, "-m", "pip", "--python", str(python)]
    # A machine may pin torch for its own projects.
    installed = run(
        [*pip, "install", "--quiet", f"torch=={combination.torch}.*", "numpy"],
        timeout_s=3600,
        PIP_CONSTRAINT=os.devnull,
    )
    if installed.returncode != 0:
        shutil.rmtree(combination.folder, ignore_errors=True)
        reason = last_line(installed.stderr)
        raise MissingError(f"no torch {combination.torch} for Python {combination.python}: {reason}")
    ready.touch()
    return str(python)


def run(
    words: Iterable[str], folder: Path = ROOT, timeout_s: float = TIME_LIMIT_S, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run to the end; what takes too long is a failure."""
    words = list(words)
    try:
        return subprocess.run(
            words, cwd=folder, env=clean_environment() | variables, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=timeout_s, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise CheckError(f"not done after {timeout_s:.0f} s: {' '.join(words)}") from None


def clean_environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PROFILEDNN", "PYTHON"))}
    # Kineto tells on stderr of hardware that is not there.
    return kept | {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1", "KINETO_LOG_LEVEL": "99"}


def last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["it says nothing"])[-1].removeprefix("ERROR: ")


# ---------------------------------------------------------------- checks


class Trial:
    """One environment, and what its checks share."""

    def __init__(self, python: str, folder: Path) -> None:
        self.python = python
        self.folder = folder
        self.host_program: tuple[str, ...] = PROGRAM
        self.host_path = str(ROOT)
        self.plain = self.target("train")
        self._figures: dict[str, Any] | None = None

    def target(self, *words: str) -> subprocess.CompletedProcess[str]:
        return run([self.python, str(TARGETS / "matrix.py"), *words], self.folder)

    def host(self, *words: str) -> subprocess.CompletedProcess[str]:
        return run(
            [*self.host_program, *words], self.folder,
            PROFILEDNN_HOME=str(self.folder / "home"), PYTHONPATH=self.host_path,
        )  # fmt: skip

    def watch(self, name: str, *options: str) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
        """A watched run of the training, and its figures."""
        words = ("run", "--headless", "--python", self.python, "-o", f"{name}.pdnn", *options)
        watched = self.host(*words, str(TARGETS / "matrix.py"), "train")
        return watched, self.exported(name)

    def exported(self, name: str) -> dict[str, Any]:
        done = self.host("export", f"{name}.pdnn", "--to", "json", "-o", f"{name}.json")
        expect(done.returncode == 0, f"the recording cannot be exported: {last_line(done.stderr)}")
        return dict(json.loads((self.folder / f"{name}.json").read_text()))

    @property
    def figures(self) -> dict[str, Any]:
        """Of the run without optimizations."""
        if self._figures is None:
            raise CheckError("there is no recording")
        return self._figures

    def same_output(self) -> None:
        """The watched run says and ends as the plain one."""
        expect(self.plain.returncode == 0, f"the plain run fails: {last_line(self.plain.stderr)}")
        watched, self._figures = self.watch("plain")
        expect(watched.returncode == 0, f"exit code {watched.returncode}: {last_line(watched.stderr)}")
        expect(watched.stdout == self.plain.stdout, "another output")
        _, _, rest = watched.stderr.partition("\n")
        expect(rest.startswith(f"{self.plain.stderr}target     "), f"another stderr: {rest[:200]}")
        expect(self.figures["agent"]["errors"] == [], f"errors: {self.figures['agent']['errors']}")

    def steps(self) -> None:
        """Every step is there with its loss, and its time is divided among the phases."""
        steps = self.figures["steps"]
        expect(steps["count"] == STEPS, f"{steps['count']} steps instead of {STEPS}")
        losses = [f"{loss:.6g}" for loss in steps["loss"]]
        printed = [f"{float(line):.6g}" for line in self.plain.stdout.splitlines()[:STEPS]]
        expect(losses == printed, f"losses {losses[:3]} instead of {printed[:3]}")
        shares = {phase["name"]: phase["share"] for phase in self.figures["phases"]}
        empty = [name for name in ("data", "forward", "loss", "backward", "optimizer") if not shares.get(name)]
        expect(not empty, f"nothing in {', '.join(empty)}")
        expect(abs(sum(shares.values()) - 1) < 0.01, f"the phases add up to {sum(shares.values()):.3f}")

    def operators(self) -> None:
        """Calls are those of torch's own table, and so is the time as far as two processes agree."""
        profiled = self.target("profile")
        expect(profiled.returncode == 0, f"the plain profile fails: {last_line(profiled.stderr)}")
        theirs = {name: row for name, row in json.loads(profiled.stdout).items() if name.startswith("aten::")}
        ours: dict[str, list[float]] = {}
        for row in self.figures["operators"]:
            if row["name"].startswith("aten::"):
                sums = ours.setdefault(row["name"], [0.0, 0.0])
                sums[0] += row["calls_per_step"]
                sums[1] += 1000 * row["self_ms_per_step"]
        expect(bool(ours), "no operator was seen")
        different = [
            f"{name} {ours.get(name, [0])[0]:g} times instead of {theirs.get(name, [0])[0]}"
            for name in sorted({*ours, *theirs})
            if ours.get(name, [0])[0] != theirs.get(name, [0])[0]
        ]
        expect(not different, "; ".join(different[:3]))
        ratio = sum(row[1] for row in ours.values()) / sum(row[1] for row in theirs.values())
        expect(1 / SELF_TIME_FACTOR < ratio < SELF_TIME_FACTOR, f"{ratio:.2f} times the self time of a plain profile")

    def optimization(self) -> None:
        """One optimization is on, and the training is the same as far as rounding goes."""
        watched, figures = self.watch("fused", "--with", "fused_optimizer")
        expect(watched.returncode == 0, f"exit code {watched.returncode}: {last_line(watched.stderr)}")
        states = {one["name"]: f"{one['state']}, {one['text']}" for one in figures["optimizations"]}
        expect(states.get("fused_optimizer", "no receipt").startswith("on"), f"it is {states}")
        last, plain = figures["steps"]["loss"][-1], self.figures["steps"]["loss"][-1]
        expect(abs(last - plain) < 0.01 * abs(plain), f"the last loss is {last} instead of {plain}")

    def ranks(self) -> None:
        """Two ranks train the same, and their own work, waiting and transfer add up to their steps."""
        words = (str(TARGETS / "ranks.py"), "buckets")
        plain = run([self.python, *words], self.folder)
        expect(plain.returncode == 0, f"the plain run fails: {last_line(plain.stderr)}")
        watched = self.host("run", "--headless", "--python", self.python, "-o", "ranks.pdnn", *words)
        expect(watched.returncode == 0, f"exit code {watched.returncode}: {last_line(watched.stderr)}")
        expect(watched.stdout == plain.stdout, f"other weights: {watched.stdout} instead of {plain.stdout}")
        rows = self.exported("ranks")["ranks"]
        expect([row["rank"] for row in rows] == [0, 1], f"ranks {[row['rank'] for row in rows]}")
        for row in rows:
            exchange_ms = row["late_arrival_wait_ms"] + row["transfer_ms"]
            parts_ms, step_ms = row["compute_ms"] + exchange_ms, row["step_ms"]
            expect(abs(parts_ms - step_ms) < 0.01 * step_ms, f"parts of {parts_ms:.2f} ms in {step_ms:.2f} ms")
            expect(exchange_ms > 0, "no collective was seen")

    def remote_exec(self) -> None:
        """The same from a host with the target's Python, without injection."""
        version = last_line(run([self.python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]).stdout)
        if number(version) < number(REMOTE_EXEC):
            raise NotApplicableError
        modules = self.folder / "host"
        needed = [one for one in metadata.requires("profilednn-tui") or () if "extra ==" not in one]
        pip = [sys.executable, "-m", "pip", "--python", self.python]
        words = [*pip, "install", "--quiet", "--target", str(modules), *needed]
        installed = run(words, timeout_s=3600, PIP_CONSTRAINT=os.devnull)
        expect(installed.returncode == 0, f"no packages for the host: {last_line(installed.stderr)}")
        self.host_program, self.host_path = (self.python, *PROGRAM[1:]), f"{ROOT}:{modules}"
        try:
            self.attach("by remote_exec; no thread was stopped")
        finally:
            self.host_program, self.host_path = PROGRAM, str(ROOT)

    def attach(self, way: str = "") -> None:
        """A training that was there before is watched for some steps, and then left."""
        target = subprocess.Popen(
            [self.python, str(TARGETS / "attachable.py"), "simple"], env=clean_environment(), cwd=self.folder,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert target.stdout is not None
            expect(target.stdout.readline() == "ready\n", "the target does not start")
            words = ("attach", str(target.pid), "--headless", "--steps", str(ATTACHED_STEPS), "-o", "attached.pdnn")
            watched = self.host(*words)
            expect(watched.returncode == 0, f"exit code {watched.returncode}: {last_line(watched.stderr)}")
            expect("detached after" in watched.stderr, f"no agent: {watched.stderr[:300]}")
            expect(way in watched.stderr, f"not {way}: {watched.stderr[:300]}")
            count = self.exported("attached")["steps"]["count"]
            expect(count == ATTACHED_STEPS, f"{count} steps instead of {ATTACHED_STEPS}")
            stdout, stderr = target.communicate("end\n", timeout=TIME_LIMIT_S)
            said = (stdout, stderr, target.returncode)
            expect(said == ("done\n", "", 0), f"the target ends otherwise: {said}")
        finally:
            target.kill()
            target.wait()


def expect(condition: bool, problem: str) -> None:
    if not condition:
        raise CheckError(problem)


CHECKS: dict[str, Callable[[Trial], None]] = {
    "output": Trial.same_output,
    "steps": Trial.steps,
    "operators": Trial.operators,
    "optimization": Trial.optimization,
    "attach": Trial.attach,
    "ranks": Trial.ranks,
    "remote_exec": Trial.remote_exec,
}


# ---------------------------------------------------------------- the matrix


def examine(combination: Combination, keep: bool) -> Row:
    """Get the environment and run all checks in it."""
    row = Row(combination)
    started_s = time.monotonic()
    try:
        python = environment(combination)
    except (MissingError, CheckError) as error:
        row.missing = str(error)
        return row
    look = "import sys, torch; print('Python %d.%d.%d, torch ' % sys.version_info[:3] + torch.__version__)"
    row.versions = last_line(run([python, "-c", look]).stdout)
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(python, Path(folder))
        for name, check in CHECKS.items():
            try:
                check(trial)
            except CheckError as failure:
                row.outcomes[name] = str(failure)
            except NotApplicableError:
                row.outcomes[name] = None
            else:
                row.outcomes[name] = ""
    row.seconds = time.monotonic() - started_s
    if not keep and not row.failed:
        shutil.rmtree(combination.folder)
    return row


def table(rows: list[Row]) -> list[str]:
    """A line each; below, what is wrong and what was not to be had."""
    lines = [f"{'python':8}{'torch':8}{''.join(f'{name:14}' for name in CHECKS)}".rstrip()]
    for row in rows:
        cells = "not to be had" if row.missing else "".join(
            f"{'-' if problem is None else 'FAILED' if problem else 'ok':14}" for problem in row.outcomes.values()
        )  # fmt: skip
        lines.append(f"{row.combination.python:8}{row.combination.torch:8}{cells}".rstrip())
    for row in rows:
        for name, problem in row.outcomes.items():
            if problem:
                lines.append(f"FAILED: {row.versions}, {name}: {problem}")
    lines += dict.fromkeys(f"not to be had: {row.missing}" for row in rows if row.missing)
    had, failed = [row for row in rows if not row.missing], [row for row in rows if row.failed]
    lines.append(f"{len(had) - len(failed)} of {len(had)} passed, {len(rows) - len(had)} not to be had")
    return lines


def main() -> int:
    """Everything, or what was asked for."""
    parser = argparse.ArgumentParser(
        prog="tests.matrix", description="Run the agent under each Python with each torch."
    )
    parser.add_argument("--python", nargs="+", choices=PYTHONS, default=PYTHONS, metavar="VERSION")
    parser.add_argument("--torch", nargs="+", choices=TORCHES, default=tuple(TORCHES), metavar="VERSION")
    parser.add_argument("--keep", action="store_true", help="leave the environments for the next time")
    parser.add_argument("--complete", action="store_true", help="what is not to be had is a failure, too")
    wanted = parser.parse_args()
    rows = []
    for combination in combinations(wanted.python, wanted.torch):
        print(f"Python {combination.python}, torch {combination.torch} ...", flush=True)
        row = examine(combination, wanted.keep)
        what = row.missing or f"{row.versions}: {'FAILED' if row.failed else 'passed'} after {row.seconds:.0f} s"
        print(f"  {what}", flush=True)
        rows.append(row)
    print("\n".join(("", *table(rows))))
    return 1 if any(row.failed or (wanted.complete and row.missing) for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
