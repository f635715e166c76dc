"""Running Python in a live process on x86-64, without a debugger, and safe if we are killed at any point.

Each operation is one function call that a thread of the target makes as if in a signal handler (`signal_frame`):
``mmap`` for a page of our own, then either ``Py_AddPendingCall``, whose function the main thread runs between two
bytecodes like a Python signal handler, or ``pthread_create`` for a thread that waits for the GIL. Between operations
the target is in a consistent state. No function that could take a lock held by the interrupted code is called at an
arbitrary instruction: ``mmap`` is a system call, ``Py_AddPendingCall`` takes one lock of the interpreter, so a thread
is chosen that cannot hold it, and ``pthread_create`` is called only from a thread that has been waiting in a system
call for a while.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from profilednn_tui.attach import machine_code, memory_maps, ptrace
from profilednn_tui.attach.memory_maps import memory_maps as read_maps
from profilednn_tui.attach.signal_frame import Call, signal_frame
from profilednn_tui.attach.symbols import find_signal_return, find_symbols, interpreter_files, library_files

_READ_WRITE_EXECUTE = 7
_PRIVATE_ANONYMOUS_NO_REPLACE = 0x02 | 0x20 | 0x100000
_MAPPED_LIMIT_S = 2.0
_BLOCKED_LOOKS, _BLOCKED_INTERVAL_S = 4, 0.025
_THREAD_TRIES = 6

_FUTEX = 202
_WAITING_CALLS = frozenset({0, 7, 23, 35, 61, 202, 219, 230, 232, 247, 270, 271, 281, 441, 449})
"""Numbers of system calls that wait: read, poll, select, nanosleep, wait, futex, epoll and variants."""


class InjectionError(Exception):
    """Why the injection failed; the target is unchanged."""


@dataclass(frozen=True, slots=True)
class Injected:
    """The result of an injection."""

    tid: int
    """The thread that made the calls."""
    address: int
    size: int
    """The page that the agent is to unmap."""
    stopped_s: float
    """How long threads were stopped, all attempts together."""


class Injector:
    """Injects into one process."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._maps = read_maps(pid)
        executable = os.readlink(f"/proc/{pid}/exe").removesuffix(memory_maps.DELETED)
        self._symbols = find_symbols(pid, executable, self._maps)
        self._signal_return = find_signal_return(pid, self._maps)
        careful = (*interpreter_files(executable, self._maps).values(), *library_files(self._maps).values())
        self._careful = tuple((mapping.begin, mapping.end) for mapped in careful for mapping in mapped)
        self._stopped_s = 0.0

    def run_at_next_bytecode(self, text: Callable[[int, int], bytes]) -> Injected:
        """Have the main thread run Python source soon; `text` receives the address and the size of its page."""
        tid, address, size = self._place(text, self._suitable_threads())
        call = Call(self._symbols["Py_AddPendingCall"], (address + machine_code.RUN_AT, address))
        tid = self._call_from_any(self._suitable_threads(), call)
        return Injected(tid, address, size, self._stopped_s)

    def run_in_new_thread(self, text: Callable[[int, int], bytes]) -> Injected:
        """Run Python source in a new thread once it gets the GIL; the main thread must be waiting in the kernel."""
        before = self._waiting_call()
        if before is None:
            raise InjectionError("the main thread is not waiting in the kernel")
        _, address, size = self._place(text, [self._pid])
        call = Call(
            self._symbols["pthread_create"],
            (address + machine_code.SCRATCH_AT, 0, address + machine_code.THREAD_AT, address),
        )
        if self._waiting_call() is None:
            raise InjectionError("the main thread resumed in the meantime")
        self._call(self._pid, call, only_waiting=True)
        return Injected(self._pid, address, size, self._stopped_s)

    def _place(self, text: Callable[[int, int], bytes], threads: Sequence[int]) -> tuple[int, int, int]:
        """Map a page and fill it; returns the thread that mapped it, the address and the size."""
        size = machine_code.page_size(text((1 << 47) - 1, machine_code.TEXT_LIMIT_BYTES))
        try:
            address = memory_maps.free_address(self._maps, size)
        except LookupError as error:
            raise InjectionError(str(error)) from None
        arguments = (address, size, _READ_WRITE_EXECUTE, _PRIVATE_ANONYMOUS_NO_REPLACE, -1, 0)
        tid = self._call_from_any(threads, Call(self._symbols["mmap"], arguments))
        deadline_s = time.monotonic() + _MAPPED_LIMIT_S
        while not ptrace.is_mapped(self._pid, address):
            if time.monotonic() > deadline_s:
                raise InjectionError("the process could not map executable memory (SELinux may forbid it)")
            time.sleep(2e-5)
        ptrace.write_memory(self._pid, address, machine_code.page(address, self._symbols, text(address, size)))
        return tid, address, size

    def _call_from_any(self, threads: Sequence[int], call: Call) -> int:
        failure: Exception = InjectionError("no thread could be stopped")
        for attempt in range(_THREAD_TRIES):
            tid = threads[min(attempt, len(threads) - 1)]
            try:
                # The last attempt stops the main thread wherever it is: the lock is held for nanoseconds only.
                self._call(tid, call, careful=attempt < _THREAD_TRIES - 1)
                return tid
            except (ptrace.GoneError, ptrace.RefusedError, _UnsuitableError) as error:
                failure = error
                if not os.path.exists(f"/proc/{self._pid}"):
                    break
        raise InjectionError(str(failure))

    def _call(self, tid: int, call: Call, careful: bool = False, only_waiting: bool = False) -> None:
        started_s = time.perf_counter()
        try:
            with ptrace.stopped(tid) as thread:
                registers = thread.registers()
                if only_waiting and not (registers.in_system_call and registers.orig_rax in _WAITING_CALLS):
                    raise InjectionError("the main thread resumed in the meantime")
                if careful and not registers.in_system_call and self._is_careful(registers.rip):
                    raise _UnsuitableError("the thread was inside the interpreter or the C library at every attempt")
                frame = signal_frame(
                    registers, thread.extended_state(), thread.signal_mask(), call, self._signal_return
                )
                for address, data in frame.writes:
                    ptrace.write_memory(self._pid, address, data)
                thread.set_registers(frame.registers)
        except (ptrace.GoneError, ptrace.RefusedError) as error:
            if only_waiting:
                raise InjectionError(str(error)) from None
            raise
        finally:
            self._stopped_s += time.perf_counter() - started_s

    def _is_careful(self, address: int) -> bool:
        return any(begin <= address < end for begin, end in self._careful)

    def _suitable_threads(self) -> list[int]:
        """Threads that wait on a futex, then the main thread: the training is stopped only if necessary."""
        waiting = [
            tid for tid in _threads(self._pid) if tid != self._pid and system_call(self._pid, tid)[:1] == [_FUTEX]
        ]
        return [*waiting[:2], *([self._pid] * _THREAD_TRIES)]

    def _waiting_call(self) -> list[int] | None:
        """The system call in which the main thread has been waiting for a while; None if there is none."""
        first = system_call(self._pid, self._pid)
        if not first or first[0] not in _WAITING_CALLS:
            return None
        for _ in range(_BLOCKED_LOOKS):
            time.sleep(_BLOCKED_INTERVAL_S)
            if system_call(self._pid, self._pid) != first:
                return None
        return first


class _UnsuitableError(Exception):
    pass


def system_call(pid: int, tid: int) -> list[int]:
    """Number and arguments of a thread's current system call; empty while it runs."""
    try:
        with open(f"/proc/{pid}/task/{tid}/syscall", encoding="ascii") as stream:
            words = stream.read().split()
    except OSError:
        return []
    return [] if not words or words[0] == "running" else [int(word, 0) for word in words]


def _threads(pid: int) -> list[int]:
    try:
        return sorted(map(int, os.listdir(f"/proc/{pid}/task")))
    except OSError:
        return []
