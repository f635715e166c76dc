"""Whether a process can be attached to, and the fix if not: pure functions of the facts that were read."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from profilednn_tui.attach.process_facts import INJECTION_MACHINE, ProcessFacts
from profilednn_tui.collect import procfs
from profilednn_tui.errors import ProfilerError

OLDEST_PYTHON = (3, 9)
REMOTE_EXEC_PYTHON = (3, 14)
_SYS_PTRACE = 1 << 19


@dataclass(frozen=True, slots=True)
class AttachContext:
    """The facts about our own process and this machine that matter."""

    user_id: int
    ptrace_scope: str
    """Setting of the Yama security module; ``0`` if it is absent."""
    may_trace_all: bool
    """Whether we have CAP_SYS_PTRACE."""
    machine: str
    """The architecture."""
    gdb: bool

    @classmethod
    def here(cls) -> AttachContext:
        capabilities = procfs.read("/proc/self/status").partition(b"\nCapEff:")[2].split(None, 1)
        return cls(
            user_id=os.geteuid(),
            ptrace_scope=procfs.read("/proc/sys/kernel/yama/ptrace_scope").decode().strip() or "0",
            may_trace_all=bool(capabilities and int(capabilities[0], 16) & _SYS_PTRACE),
            machine=os.uname().machine,
            gdb=shutil.which("gdb") is not None,
        )


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check."""

    subject: str
    text: str
    fix: str = ""
    """What to do about it; empty if the check passed."""
    only_agent: bool = False
    """Whether a failure keeps only the agent out: the view from outside still works."""

    @property
    def passed(self) -> bool:
        return not self.fix

    @property
    def sentence(self) -> str:
        return f"{self.text[0].upper()}{self.text[1:]}: {self.fix}." if self.fix else self.text


def check_process(facts: ProcessFacts, here: AttachContext) -> tuple[Check, ...]:
    """The checks of a process, most important first, up to the first failure that rules out any view."""
    checks = []
    for check in _checks(facts, here):
        checks.append(check)
        if not check.passed and not check.only_agent:
            break
    return tuple(checks)


def refuse_unless_watchable(checks: tuple[Check, ...]) -> None:
    """Raise the first failure that rules out any view."""
    for check in checks:
        if not check.passed and not check.only_agent:
            raise ProfilerError(check.sentence)


def _checks(facts: ProcessFacts, here: AttachContext) -> Iterator[Check]:
    pid = facts.pid
    if facts.state in ("", "Z", "X"):
        yield Check("process", f"there is no running process {pid}", "run `profilednn-tui attach` to list candidates")
        return
    yield Check("process", f"{pid} is {' '.join(facts.argv)[:60] or facts.name}")
    yield _permission(facts, here)
    if facts.state in "Tt" and not facts.tracer:
        yield Check("state", f"process {pid} is stopped (Ctrl-Z)", f"resume it with `fg` or `kill -CONT {pid}`")
    else:
        yield Check("state", "running")
    yield _interpreter(facts)
    if facts.tracer:
        tracer = procfs.process(facts.tracer)
        name = f"{tracer.name} (pid {facts.tracer})" if tracer else f"pid {facts.tracer}"
        yield Check("tracer", f"{name} is tracing process {pid}", "stop that debugger or strace first", True)
    else:
        yield Check("tracer", "none")
    if facts.torch:
        yield Check("torch", "loaded")
    else:
        yield Check(
            "torch", f"process {pid} has not imported torch", "wait until it has, or attach to a child process", True
        )
    if facts.finalizing:
        yield Check("interpreter", f"process {pid} is exiting", "start it again with `profilednn-tui SCRIPT`", True)
    yield _way_in(facts, here)


def _permission(facts: ProcessFacts, here: AttachContext) -> Check:
    if facts.readable:
        return Check("permission", "granted")
    if facts.user_id is not None and facts.user_id != here.user_id and not here.may_trace_all:
        owner = _user_name(facts.user_id)
        fitting = owner if facts.user_id == 0 else f"{owner} or root"
        return Check("permission", f"process {facts.pid} belongs to {owner}", f"run profilednn-tui as {fitting}")
    if here.ptrace_scope in ("1", "2"):
        return Check(
            "permission",
            f"the kernel does not allow tracing running processes (Yama ptrace_scope {here.ptrace_scope})",
            "run profilednn-tui as root, run `sudo sysctl kernel.yama.ptrace_scope=0`, or start the training with "
            "`profilednn-tui SCRIPT`",
        )
    if here.ptrace_scope == "3":
        return Check(
            "permission",
            "the kernel does not allow tracing running processes until the next reboot (Yama ptrace_scope 3)",
            "start the training with `profilednn-tui SCRIPT`, which needs no such permission",
        )
    return Check(
        "permission",
        f"the system does not allow tracing process {facts.pid}",
        "start the container with `--cap-add SYS_PTRACE`, or run profilednn-tui as root",
    )


def _interpreter(facts: ProcessFacts) -> Check:
    if facts.python is None:
        return Check(
            "Python",
            f"process {facts.pid} is not a Python process ({facts.executable or facts.name})",
            "name the Python process itself; `profilednn-tui attach` lists candidates",
        )
    version = ".".join(map(str, facts.python))
    if facts.python < OLDEST_PYTHON:
        return Check(
            "Python", f"process {facts.pid} runs Python {version}", "the agent needs Python 3.9 or newer", True
        )
    return Check("Python", version)


def _way_in(facts: ProcessFacts, here: AttachContext) -> Check:
    if facts.python is not None and facts.python >= REMOTE_EXEC_PYTHON:
        return Check("method", "sys.remote_exec")
    if facts.shadow_stack:
        return Check("method", "the process runs with shadow stacks", "start it with `profilednn-tui SCRIPT`", True)
    if here.machine == INJECTION_MACHINE:
        if facts.missing:
            return Check("method", facts.missing, "start it with `profilednn-tui SCRIPT`", True)
        return Check("method", "injection without a debugger")
    if here.gdb:
        return Check("method", "gdb")
    return Check("method", f"attaching on {here.machine} requires gdb, which is not installed", "install gdb", True)


def _user_name(user_id: int) -> str:
    try:
        return pwd.getpwuid(user_id).pw_name
    except KeyError:
        return f"user {user_id}"
