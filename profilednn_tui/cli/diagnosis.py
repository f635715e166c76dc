"""The ``doctor`` command: what works here, and the exact fix for what does not."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from profilednn_tui import units
from profilednn_tui.cli import values
from profilednn_tui.cli.findings import BROKEN, LIMITED, OK, Finding, print_findings
from profilednn_tui.cli.launching import TargetLaunch, environment_option
from profilednn_tui.cli.words import TargetKind, Words
from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch.headless import say
from profilednn_tui.plain import plain

MINIMUM_TORCH = (2, 4)
MINIMUM_SCREEN = (80, 24)
MINIMUM_FREE_BYTES = 1_000_000_000
BUSY_LOAD = 0.2
"""Load per core above which timings suffer."""


class Doctor(TargetLaunch):
    """Takes a process, a target or nothing."""

    def collect_usage_pieces(self, context: click.Context) -> list[str]:
        return ["[OPTIONS]", "[PID | SCRIPT [ARGS]... | -m MODULE [ARGS]... | -- COMMAND [ARGS]...]"]


@click.command("doctor", cls=Doctor)
@click.option("--python", metavar="PATH", help="The target's interpreter [default: that of the active environment].")
@click.option(
    "--optimization", metavar="NAME", help="Check an optimization that another package offers, in the target's Python."
)
@environment_option("for the training")
@click.option(
    "--scratch/--in-place",
    "scratch",
    default=None,
    help="Try the training in copies of the working folder, or in the folder itself  [default: in copies, unless the "
    "folder is very large]",
)
@click.option(
    "--seconds",
    metavar="S",
    type=values.FiniteRange(1, 600),
    default=10.0,
    show_default=True,
    help="Length of each of the two trial runs.",
)
@click.pass_context
def doctor(context: click.Context, /, python: str | None, optimization: str | None, **options: Any) -> None:
    """Show what works here, and the fix for what does not.

    With a PID: show whether that process can be attached to. With a SCRIPT: try the training for half a minute, and
    show what it consists of, which optimizations are safe, what runs would write, and what a verdict of 5 % would take.
    With --optimization: load it, and train a small model without and with it.
    """
    words: Words = context.obj
    behind = doctor.misplaced(words) if words.target else None
    if behind is not None:
        say(f"profilednn-tui: {behind.sentence('doctor')}")  # they may be the script's
    if optimization is not None:
        findings = list(optimization_findings(optimization, python))
    elif words.kind is TargetKind.NONE:
        findings = list(examine(python))
    elif _is_pid(words):
        findings = process_findings(int(words.target[0]))
    else:
        from profilednn_tui.cli.trying import training_findings

        findings = training_findings(words, python, **options)
    print_findings(findings)
    sys.exit(1 if any(finding.verdict == BROKEN for finding in findings) else 0)


def _is_pid(words: Words) -> bool:
    """Whether the only word is a number, and no script's name."""
    if words.kind is not TargetKind.SCRIPT or len(words.target) != 1:
        return False
    word = words.target[0]
    if not word.isdecimal() or os.path.exists(word):
        return False
    if not int(word):
        raise ProfilerError("There is no process 0. Name the PID of a running process.")
    return True


def examine(python: str | None) -> Iterator[Finding]:
    """All checks, most important first."""
    yield from _interpreter(python)
    for check in CHECKS:
        yield check()


def optimization_findings(name: str, python: str | None) -> Iterator[Finding]:
    """Whether an optimization of another package does what one has to."""
    from profilednn_tui.launch.interpreter import find_interpreter
    from profilednn_tui.launch.optimizations import check_optimization

    for check in check_optimization(find_interpreter(python), name):
        yield Finding(check.subject, check.verdict, check.text, check.fix)


def process_findings(pid: int) -> list[Finding]:
    """Whether a process can be attached to, and what prevents it."""
    from profilednn_tui.attach.checks import AttachContext, check_process
    from profilednn_tui.attach.process_facts import inspect_process
    from profilednn_tui.session.storage.catalog import session_of_process

    findings = [
        Finding(check.subject, OK if check.passed else LIMITED if check.only_agent else BROKEN, check.text, check.fix)
        for check in check_process(inspect_process(pid), AttachContext.here())
    ]
    session = session_of_process(pid)
    if session is not None:
        findings.append(
            Finding("session", OK, f"recorded by {plain(session.name)}: `profilednn-tui attach {pid}` shows it")
        )
    return [*findings, _py_spy()]


def _interpreter(named: str | None) -> Iterator[Finding]:
    from profilednn_tui.launch.interpreter import find_interpreter, interpreter_version, package_versions

    try:
        python = find_interpreter(named)
    except ProfilerError as error:
        yield Finding("target's Python", BROKEN, str(error))
        return
    version = ".".join(map(str, interpreter_version(python)))
    yield Finding("target's Python", OK, f"{version} at {python}")
    yield torch_finding(python, package_versions(python, ("torch",)).get("torch"))
    yield _agent(python)
    yield from _optimizations(python)


def torch_finding(python: str, torch: str | None) -> Finding:
    """Whether the interpreter has torch, in a recent enough version."""
    install = f"{shlex.quote(python)} -m pip install 'torch>={'.'.join(map(str, MINIMUM_TORCH))}'"
    if torch is None:
        return Finding("torch", BROKEN, "not installed there", f"{install}, or --python PATH")
    release = tuple(int(part) for part in torch.split("+")[0].split(".")[:2] if part.isdigit())
    if release < MINIMUM_TORCH:
        return Finding("torch", LIMITED, f"{torch}: steps only, no operators", install)
    return Finding("torch", OK, torch)


def _agent(python: str) -> Finding:
    from profilednn_tui.launch.environment import target_environment
    from profilednn_tui.launch.interpreter import ask
    from profilednn_tui.launch.options import LaunchOptions

    look = "import sys; print(any(type(finder).__name__ == 'TorchFinder' for finder in sys.meta_path))"
    with tempfile.TemporaryDirectory() as folder:
        environment = target_environment(os.environ, Path(folder), LaunchOptions())
        armed = ask(python, "-c", look, environment=environment).strip() == "True"
    if armed:
        return Finding("agent", OK, "starts with a launched script")
    return Finding(
        "agent",
        BROKEN,
        "is not loaded: this interpreter ignores PYTHONPATH or sitecustomize",
        "use a Python that reads PYTHONPATH (no -I, -E or -S in a wrapper), with --python PATH",
    )


def _optimizations(python: str) -> Iterator[Finding]:
    from profilednn_tui.launch.optimizations import describe_optimizations

    try:
        found = describe_optimizations(python)
    except ProfilerError as error:
        yield Finding("optimizations", LIMITED, str(error))
        return
    usable = [one.name for one in found if one.available]
    yield Finding("optimizations", OK if usable else LIMITED, f"available: {', '.join(usable) or 'none'}")
    for one in found:
        if not one.available:
            yield Finding(one.name, LIMITED, one.reason, one.fix)


def _py_spy() -> Finding:
    from profilednn_tui.attach.stacks import py_spy_path

    if py_spy_path() is not None:
        return Finding("py-spy", OK, "installed")
    return Finding(
        "py-spy", LIMITED, "not found: no view from outside", f"{shlex.quote(sys.executable)} -m pip install py-spy"
    )


def _ptrace() -> Finding:
    try:
        scope = Path("/proc/sys/kernel/yama/ptrace_scope").read_text().strip()
    except OSError:
        scope = "0"
    return ptrace_finding(scope, os.geteuid() == 0)


def ptrace_finding(scope: str, root: bool) -> Finding:
    """Whether the kernel allows inspecting processes that we have not started."""
    if scope == "0" or (root and scope in "12"):
        return Finding("ptrace", OK, f"allowed (scope {scope})")
    text = f"scope {scope}: running processes cannot be inspected; launched ones are not affected"
    fix = "sudo sysctl kernel.yama.ptrace_scope=0" if scope in "12" else "scope 3 stays until the next boot"
    return Finding("ptrace", LIMITED, text, fix)


def _way_in() -> Finding:
    from profilednn_tui.attach.checks import AttachContext

    return way_in_finding(AttachContext.here().machine, shutil.which("gdb") is not None)


def way_in_finding(machine: str, gdb: bool) -> Finding:
    """How the agent enters running processes on this machine."""
    if machine == "x86_64":
        return Finding("attach", OK, "by injection without a debugger; Python 3.14 by sys.remote_exec")
    if gdb:
        return Finding("attach", OK, f"by gdb on {machine}; Python 3.14 by sys.remote_exec")
    return Finding(
        "attach", LIMITED, f"on {machine} only Python 3.14, by sys.remote_exec", "install gdb for older ones"
    )


def _processors() -> Finding:
    from profilednn_tui.collect.cgroup import cgroup_of

    return processor_finding(
        len(os.sched_getaffinity(0)), cgroup_of(os.getpid()).quota_cpus, os.environ.get("OMP_NUM_THREADS", "")
    )


def processor_finding(affinity: int, quota: float | None, threads: str) -> Finding:
    """Whether there are processors for all the threads that torch will start."""
    usable = affinity if quota is None else max(1, min(affinity, int(quota)))
    wanted = int(threads) if threads.isdecimal() else affinity
    text = f"{affinity} by affinity, quota {'none' if quota is None else f'{quota:g}'}, threads {wanted}"
    if wanted > usable:
        return Finding(
            "processors", LIMITED, f"{text}: threads will wait for each other", f"--env OMP_NUM_THREADS={usable}"
        )
    return Finding("processors", OK, text)


def _neighbours() -> Finding:
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    text = f"load {load:.1f} on {units.counted(cores, 'core')}"
    if load > BUSY_LOAD * cores:
        return Finding("neighbours", LIMITED, f"{text}: timings are not reliable", "wait until the machine is quiet")
    return Finding("neighbours", OK, text)


def _terminal() -> Finding:
    if not (sys.stdin and sys.stdin.isatty() and sys.stdout.isatty()):
        return Finding("terminal", OK, "none: runs are headless")
    size = os.get_terminal_size(sys.stdout.fileno())
    return terminal_finding(size, os.environ, sys.stdout.encoding)


def terminal_finding(size: tuple[int, int], environment: dict[str, str] | os._Environ[str], encoding: str) -> Finding:
    """Whether the terminal can show the TUI properly."""
    term = environment.get("TERM", "")
    colours = "true colour" if environment.get("COLORTERM") in ("truecolor", "24bit") else "256 colours"
    text = f"{term or 'TERM not set'}, {size[0]}x{size[1]}, {colours}, {encoding}"
    if term in ("", "dumb"):
        return Finding("terminal", LIMITED, text, "export TERM=xterm-256color, or --headless")
    if size[0] < MINIMUM_SCREEN[0] or size[1] < MINIMUM_SCREEN[1]:
        return Finding("terminal", LIMITED, text, "make the window at least {}x{}".format(*MINIMUM_SCREEN))
    if "256" not in term and "COLORTERM" not in environment:
        return Finding("terminal", LIMITED, f"{text.replace('256', 'few')}", "export TERM=xterm-256color")
    if encoding.lower().replace("-", "") != "utf8":
        return Finding("terminal", LIMITED, text, "export LC_ALL=C.UTF-8")
    return Finding("terminal", OK, text)


def _session_home() -> Finding:
    from profilednn_tui.paths import home_warning, session_home

    try:
        home = session_home()
    except ProfilerError as error:
        return Finding("sessions", BROKEN, str(error))
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    if not (existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)):
        return Finding(
            "sessions", BROKEN, f"{home} cannot be written", "export PROFILEDNN_HOME=/a/folder/you/can/write"
        )
    free_bytes = shutil.disk_usage(existing).free
    if free_bytes < MINIMUM_FREE_BYTES:
        return Finding(
            "sessions", LIMITED, f"{home}: the disk is nearly full", "free some space, or set PROFILEDNN_HOME"
        )
    warning = home_warning()
    if warning is not None:
        text, _, fix = warning.rpartition(": ")
        return Finding("sessions", LIMITED, text, fix)
    return Finding("sessions", OK, str(home))


CHECKS: tuple[Callable[[], Finding], ...] = (
    _session_home,
    _processors,
    _neighbours,
    _terminal,
    _py_spy,
    _ptrace,
    _way_in,
)
