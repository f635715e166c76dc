"""What `boot/` repeats of the contract, because it runs where that cannot be imported."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from profilednn_tui.agent.boot import attached
from profilednn_tui.launch.options import AGENT_FOLDER
from profilednn_tui.protocol.events import MAGIC, AgentErrorEvent, Header
from profilednn_tui.protocol.files import agent_recording, answer_file
from profilednn_tui.protocol.vocabulary import AGENT, ALREADY_PRESENT, NOT_STARTED, SESSION
from profilednn_tui.session.storage.reader import decode_event

BOOT = AGENT_FOLDER / "boot"


@pytest.mark.parametrize("word", [ALREADY_PRESENT, NOT_STARTED])
def test_an_answer_is_where_and_what_the_host_reads(word: str, tmp_path: Path) -> None:
    assert f'answer(order, "{word}"' in (BOOT / "attached.py").read_text()
    attached.answer({"folder": str(tmp_path)}, word, text="why")
    assert json.loads((tmp_path / answer_file(os.getpid())).read_text())["event"] == word


def test_a_note_of_a_broken_agent_is_a_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = (BOOT / "torch_import.py").read_text().replace("sys.meta_path.insert(0, TorchFinder())", "")
    names: dict[str, Any] = {"__name__": "boot"}
    exec(compile(source, "torch_import.py", "exec"), names)
    monkeypatch.setenv(SESSION, str(tmp_path))
    names["leave_note"](ValueError("broken"))
    header, error = (decode_event(line) for line in (tmp_path / agent_recording(os.getpid())).read_bytes().splitlines())
    assert isinstance(header, Header)
    assert (header.magic, header.writer) == (MAGIC, AGENT)
    assert isinstance(error, AgentErrorEvent)
    assert "broken" in error.text


@pytest.mark.parametrize("file", ["sitecustomize.py", "torch_import.py"])
def test_the_only_variable_is_that_of_the_session(file: str) -> None:
    assert set(re.findall(r"PROFILEDNN_\w+", (BOOT / file).read_text())) == {SESSION}
