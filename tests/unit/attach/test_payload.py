"""The text that starts the agent in a target."""

from __future__ import annotations

import ast

from profilednn_tui.attach.machine_code import TEXT_LIMIT_BYTES, page, page_size
from profilednn_tui.attach.payload import agent_modules, start_text

SYMBOLS = dict.fromkeys(
    ("Py_IsInitialized", "PyRun_SimpleString", "PyGILState_Ensure", "PyGILState_Release", "pthread_self",
     "pthread_detach"), 1,
)  # fmt: skip


def test_the_text_is_one_statement_without_a_zero_byte_and_binds_no_name() -> None:
    text = start_text("/a 'folder'", 2.0, 5, "@ADDRESS@", "@SIZE@")
    (statement,) = ast.parse(text).body
    assert isinstance(statement, ast.Expr)
    assert b"\0" not in text
    assert len(text) < TEXT_LIMIT_BYTES


def test_the_agent_and_its_contract_travel_and_its_boot_files_do_not() -> None:
    modules, digest = agent_modules()
    assert {"_profilednn.protocol", "_profilednn.agent", "_profilednn.agent.start_attached"} <= modules.keys()
    assert not any("boot" in name for name in modules)
    assert len(digest) == 64


def test_the_page_holds_the_text_behind_the_code() -> None:
    content = page(0x1000, SYMBOLS, b"print()")
    assert content.endswith(b"print()\0")
    assert len(content) <= page_size(b"print()")
