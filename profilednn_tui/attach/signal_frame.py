"""Making a thread call a function the way the kernel calls a signal handler, on x86-64.

All that the thread needs to resume lies on its own stack, in the layout of the kernel's ``rt_sigframe``: all registers,
the whole XSAVE area and the signal mask. The called function returns into the C library's ``rt_sigreturn``, so the
thread restores itself. Once its registers have been changed, the process that changed them is no longer needed and may
be killed at any instant.

Layout: Linux, arch/x86/include/uapi/asm/{sigcontext,ucontext}.h and arch/x86/include/asm/sigframe.h.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from profilednn_tui.attach.ptrace import Registers

_RED_ZONE_BYTES = 128
_SOFTWARE_RESERVED_AT = 464
_MAGIC_BEGIN, _MAGIC_END = 0x46505853, 0x46505845
_UC_FLAGS = 1 | 2 | 4
"""An XSAVE area is present, and SS is to be restored as it was."""
_INVALID_STACK_MODE = 4
"""The kernel sets the thread's alternate stack from the frame, but we do not know it; an invalid mode is ignored."""
_DIRECTION_FLAG = 0x400
_NO_SYSTEM_CALL = (1 << 64) - 1

_RESTART = frozenset({512, 513, 514})
"""ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND: the system call is restarted."""
_RESTART_BLOCK = 516
_NR_RESTART_SYSCALL = 219

_GENERAL = (
    "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rdi", "rsi", "rbp", "rbx", "rdx", "rax", "rcx", "rsp",
    "rip", "eflags",
)  # fmt: skip
_ARGUMENTS = ("rdi", "rsi", "rdx", "rcx", "r8", "r9")


@dataclass(frozen=True, slots=True)
class Call:
    """A function in the process and its integer arguments."""

    function: int
    arguments: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SignalFrame:
    """The data written to the stack, and the registers with which the thread resumes."""

    writes: tuple[tuple[int, bytes], ...]
    registers: Registers


def signal_frame(registers: Registers, extended_state: bytes, mask: int, call: Call, signal_return: int) -> SignalFrame:
    """The frame for one call from the thread's current position."""
    back = _context_to_return_to(registers)
    size = len(extended_state)
    state_at = (int(registers.rsp) - _RED_ZONE_BYTES - size - 64) & ~63
    frame_at = ((state_at - 512) & ~15) - 8
    state = bytearray(extended_state)
    (features,) = struct.unpack_from("<Q", state, _SOFTWARE_RESERVED_AT)
    struct.pack_into("<IIQI28x", state, _SOFTWARE_RESERVED_AT, _MAGIC_BEGIN, size + 4, features, size)
    context = struct.pack("<18Q", *(getattr(back, name) for name in _GENERAL))
    context += struct.pack("<4H4QQ64x", back.cs & 0xFFFF, 0, 0, back.ss & 0xFFFF, 0, 0, mask, 0, state_at)
    user_context = struct.pack("<QQQi4xQ", _UC_FLAGS, 0, 0, _INVALID_STACK_MODE, 0) + context + struct.pack("<Q", mask)
    start = registers.copy()
    start.rsp, start.rip, start.rax, start.orig_rax = frame_at, call.function, 0, _NO_SYSTEM_CALL
    start.eflags &= ~_DIRECTION_FLAG
    for name, value in zip(_ARGUMENTS, call.arguments, strict=False):
        setattr(start, name, value & _NO_SYSTEM_CALL)
    writes = (
        (state_at, bytes(state) + struct.pack("<I", _MAGIC_END)),
        (frame_at, struct.pack("<Q", signal_return) + user_context),
    )
    return SignalFrame(writes, start)


def _context_to_return_to(registers: Registers) -> Registers:
    """The registers to restore; an interrupted system call is set up to restart, as the kernel would do."""
    back = registers.copy()
    if registers.in_system_call and int(registers.rax) >> 63:
        error = (1 << 64) - int(registers.rax)
        if error in _RESTART:
            back.rax, back.rip = registers.orig_rax, registers.rip - 2
        elif error == _RESTART_BLOCK:
            back.rax, back.rip = _NR_RESTART_SYSCALL, registers.rip - 2
    return back
