"""The frame that lets a thread restore itself."""

from __future__ import annotations

import struct

from profilednn_tui.attach.ptrace import NAMES, Registers
from profilednn_tui.attach.signal_frame import Call, signal_frame

STATE = bytes(464) + struct.pack("<Q", 0xE7) + bytes(2432 - 472)
RETURN = 0x7F00_0000_1000


def running() -> Registers:
    registers = Registers(**{name: number + 1 for number, name in enumerate(NAMES)})
    registers.rsp, registers.rip, registers.orig_rax = 0x7FFF_0000_8008, 0x5555_0000, (1 << 64) - 1
    return registers


def restored(data: bytes) -> dict[str, int]:
    """The register values that rt_sigreturn would restore."""
    names = (
        "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rdi", "rsi", "rbp", "rbx", "rdx", "rax", "rcx", "rsp",
        "rip", "eflags",
    )  # fmt: skip
    return dict(zip(names, struct.unpack_from("<18Q", data, 8 + 40), strict=True))


def test_all_registers_come_back() -> None:
    before = running()
    frame = signal_frame(before, STATE, 0x4, Call(0x1234, (7, -1)), RETURN)
    after = restored(frame.writes[1][1])
    assert after == {name: getattr(before, name) for name in after}


def test_the_call_begins_as_the_calling_convention_wants() -> None:
    frame = signal_frame(running(), STATE, 0, Call(0x1234, (7, -1)), RETURN)
    assert (frame.registers.rip, frame.registers.rdi, frame.registers.rsi) == (0x1234, 7, (1 << 64) - 1)
    assert frame.registers.rsp % 16 == 8
    assert frame.writes[1][0] == frame.registers.rsp
    assert struct.unpack_from("<Q", frame.writes[1][1])[0] == RETURN


def test_nothing_is_written_where_the_thread_may_have_data() -> None:
    before = running()
    for address, data in signal_frame(before, STATE, 0, Call(0), RETURN).writes:
        assert address + len(data) <= before.rsp - 128
    (state_at, state), (frame_at, frame) = signal_frame(before, STATE, 0, Call(0), RETURN).writes
    assert frame_at + len(frame) <= state_at
    assert state_at % 64 == 0
    assert len(state) == len(STATE) + 4


def test_an_interrupted_system_call_is_made_again() -> None:
    waiting = running()
    waiting.orig_rax, waiting.rax = 202, (1 << 64) - 512
    after = restored(signal_frame(waiting, STATE, 0, Call(0), RETURN).writes[1][1])
    assert (after["rax"], after["rip"]) == (202, waiting.rip - 2)


def test_a_finished_system_call_keeps_its_result() -> None:
    waiting = running()
    waiting.orig_rax, waiting.rax = 0, 512
    after = restored(signal_frame(waiting, STATE, 0, Call(0), RETURN).writes[1][1])
    assert (after["rax"], after["rip"]) == (512, waiting.rip)
