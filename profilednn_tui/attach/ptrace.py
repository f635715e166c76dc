"""The few ptrace(2) requests that an injection makes, for x86-64."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_C = ctypes.CDLL(None, use_errno=True)
_C.ptrace.restype = ctypes.c_long
_C.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_C.process_vm_writev.restype = _C.process_vm_readv.restype = ctypes.c_ssize_t

_CONT, _GETREGS, _SETREGS, _DETACH = 7, 12, 13, 17
_GETREGSET, _SEIZE, _INTERRUPT, _GETSIGMASK = 0x4204, 0x4206, 0x4207, 0x420A
_EXTENDED_STATE = 0x202
_EXTENDED_STATE_LIMIT_BYTES = 1 << 16
_EVENT_STOP = 128
_WAIT_ALL = 0x40000000

_STOP_LIMIT_S = 2.0
_POLL_S = 2e-5
_BUSY_LIMIT_S = 1.0
"""How long to wait for another tracer (py-spy traces for some milliseconds at a time)."""

NAMES = (
    "r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi", "orig_rax",
    "rip", "cs", "eflags", "rsp", "ss", "fs_base", "gs_base", "ds", "es", "fs", "gs",
)  # fmt: skip


class Registers(ctypes.Structure):
    """The general registers, in the kernel's order."""

    _fields_ = tuple((name, ctypes.c_ulonglong) for name in NAMES)

    def copy(self) -> Registers:
        return type(self).from_buffer_copy(self)

    @property
    def in_system_call(self) -> bool:
        return not int(self.orig_rax) >> 63


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class GoneError(Exception):
    """The thread or its process has ended."""


class RefusedError(Exception):
    """The kernel refused the request."""


class StoppedThread:
    """A thread that is stopped while we inspect it."""

    def __init__(self, tid: int) -> None:
        self.tid = tid

    def registers(self) -> Registers:
        registers = Registers()
        _ptrace(_GETREGS, self.tid, 0, ctypes.addressof(registers))
        return registers

    def set_registers(self, registers: Registers) -> None:
        _ptrace(_SETREGS, self.tid, 0, ctypes.addressof(registers))

    def extended_state(self) -> bytes:
        """The XSAVE area: x87, SSE, AVX and whatever else the processor has."""
        area = ctypes.create_string_buffer(_EXTENDED_STATE_LIMIT_BYTES)
        vector = _Vector(ctypes.addressof(area), len(area))
        _ptrace(_GETREGSET, self.tid, _EXTENDED_STATE, ctypes.addressof(vector))
        return area.raw[: vector.length]

    def signal_mask(self) -> int:
        mask = ctypes.c_uint64()
        _ptrace(_GETSIGMASK, self.tid, 8, ctypes.addressof(mask))
        return mask.value


@contextmanager
def stopped(tid: int) -> Iterator[StoppedThread]:
    """Stop one thread while the others run; it resumes when the block ends or this process dies."""
    _seize(tid)
    try:
        _ptrace(_INTERRUPT, tid)
        _wait_for_stop(tid)
        yield StoppedThread(tid)
    finally:
        with suppress(GoneError):
            _ptrace(_DETACH, tid)


def write_memory(pid: int, address: int, data: bytes) -> None:
    """Write to the memory of a process."""
    buffer = ctypes.create_string_buffer(data, len(data))
    local, remote = _Vector(ctypes.addressof(buffer), len(data)), _Vector(address, len(data))
    if _C.process_vm_writev(pid, ctypes.byref(local), 1, ctypes.byref(remote), 1, 0) != len(data):
        raise _error(ctypes.get_errno(), "writing its memory")


def is_mapped(pid: int, address: int) -> bool:
    """Whether there is readable memory at an address."""
    buffer = ctypes.create_string_buffer(1)
    local, remote = _Vector(ctypes.addressof(buffer), 1), _Vector(address, 1)
    return bool(_C.process_vm_readv(pid, ctypes.byref(local), 1, ctypes.byref(remote), 1, 0) == 1)


def _seize(tid: int) -> None:
    deadline_s = time.monotonic() + _BUSY_LIMIT_S
    while True:
        try:
            _ptrace(_SEIZE, tid)
            return
        except RefusedError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.005)


def _wait_for_stop(tid: int) -> None:
    deadline_s = time.monotonic() + _STOP_LIMIT_S
    while True:
        changed, status = os.waitpid(tid, _WAIT_ALL | os.WNOHANG)
        if not changed:
            if time.monotonic() > deadline_s:
                raise RefusedError(f"thread {tid} did not stop within {_STOP_LIMIT_S:.0f} s")
            time.sleep(_POLL_S)
        elif os.WIFEXITED(status) or os.WIFSIGNALED(status):
            raise GoneError(f"thread {tid} ended")
        elif status >> 16 == _EVENT_STOP and os.WSTOPSIG(status) == signal.SIGTRAP:
            return
        elif status >> 16 == _EVENT_STOP:
            raise RefusedError("the process is being stopped (Ctrl-Z or SIGSTOP)")
        else:
            _ptrace(_CONT, tid, 0, os.WSTOPSIG(status))  # deliver the signal that arrived first


def _ptrace(request: int, tid: int, address: int = 0, data: int = 0) -> None:
    if _C.ptrace(request, tid, address, data) == -1:
        raise _error(ctypes.get_errno(), f"ptrace request {request:#x}")


def _error(number: int, what: str) -> Exception:
    if number == errno.ESRCH:
        return GoneError(f"{what}: {os.strerror(number)}")
    return RefusedError(f"{what}: {os.strerror(number)}")
