"""The x86-64 machine code that an injection leaves in the target: a page with two short functions and the text.

The page begins with a table of addresses, which the code reaches through its only argument.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

TABLE = (
    "Py_IsInitialized", "PyRun_SimpleString", "PyGILState_Ensure", "PyGILState_Release", "pthread_self",
    "pthread_detach",
)  # fmt: skip
_TEXT_SLOT = len(TABLE) * 8
"""The table's last entry: the address of the text."""
SCRATCH_AT, RUN_AT, THREAD_AT, _TEXT_AT = 0x78, 0x80, 0xC0, 0x140
"""Scratch space for one value that is never read, two functions, and the text."""
TEXT_LIMIT_BYTES = 1 << 20

_RUN = (
    "53"              # push rbx
    "4889fb"          # mov  rbx, rdi            the table
    "ff5300"          # call [rbx]               Py_IsInitialized(): false during finalization
    "85c0"            # test eax, eax
    "7407"            # jz   out
    "488b7b30"        # mov  rdi, [rbx + text]
    "ff5308"          # call [rbx + 8]           PyRun_SimpleString(text)
    "31c0"            # out: xor eax, eax        success of the pending call
    "5b"              # pop  rbx
    "c3"              # ret
)  # fmt: skip
_THREAD = (
    "53"              # push rbx
    "4154"            # push r12
    "4883ec08"        # sub  rsp, 8
    "4889fb"          # mov  rbx, rdi
    "ff5320"          # call [rbx + 32]          pthread_self()
    "4889c7"          # mov  rdi, rax
    "ff5328"          # call [rbx + 40]          pthread_detach(self): it is never joined
    "ff5300"          # call [rbx]               Py_IsInitialized()
    "85c0"            # test eax, eax
    "7413"            # jz   out
    "ff5310"          # call [rbx + 16]          PyGILState_Ensure()
    "4189c4"          # mov  r12d, eax
    "488b7b30"        # mov  rdi, [rbx + text]
    "ff5308"          # call [rbx + 8]           PyRun_SimpleString(text)
    "4489e7"          # mov  edi, r12d
    "ff5318"          # call [rbx + 24]          PyGILState_Release(state)
    "31c0"            # out: xor eax, eax
    "4883c408"        # add  rsp, 8
    "415c"            # pop  r12
    "5b"              # pop  rbx
    "c3"              # ret
)  # fmt: skip


def page_size(text: bytes) -> int:
    """Bytes to map for the text: whole pages."""
    return (_TEXT_AT + len(text) + 1 + 4095) & ~4095


def page(address: int, symbols: Mapping[str, int], text: bytes) -> bytes:
    """Content of the page at `address`: table, code, text."""
    table = struct.pack(f"<{len(TABLE) + 1}Q", *(symbols[name] for name in TABLE), address + _TEXT_AT)
    head = table.ljust(RUN_AT, b"\0") + bytes.fromhex(_RUN)
    return (head.ljust(THREAD_AT, b"\0") + bytes.fromhex(_THREAD)).ljust(_TEXT_AT, b"\0") + text + b"\0"
