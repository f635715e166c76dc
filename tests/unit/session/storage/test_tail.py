"""A session as a stream of lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from profilednn_tui.errors import ProfilerError
from profilednn_tui.protocol.files import HOST_RECORDING, agent_recording
from profilednn_tui.session.storage.folder import ExitFile
from profilednn_tui.session.storage.snapshot import SnapshotStore, write_snapshot
from profilednn_tui.session.storage.store import FolderStore
from profilednn_tui.session.storage.tail import Resume, Tail
from tests.unit.session import recordings as r

AGENT = agent_recording(r.PID)


def told(tail: Tail) -> list[Any]:
    return [json.loads(line) for line in tail.new()]


def bytes_of(folder: Path, name: str, lines: list[Any]) -> bytes:
    """The recording that the lines of a stream describe; it has to be whole."""
    data = b""
    for line in lines:
        if line.get("recording") == name:
            assert line["offset"] == len(data)
            whole = (folder / name).read_bytes()[line["offset"] :].split(b"\n")[0] + b"\n"
            assert json.loads(whole) == line["line"]
            data += whole
    return data


def test_all_lines_of_all_recordings_come_with_their_places(tmp_path: Path) -> None:
    folder = r.write_session(tmp_path / "s", exit_code=0)
    lines = told(Tail(FolderStore(folder)))
    for name in (AGENT, HOST_RECORDING):
        assert bytes_of(folder, name, lines) == (folder / name).read_bytes()
    assert lines[-1]["exit"]["exit_code"] == 0, "it comes after all that the target wrote"


def test_the_first_line_describes_the_session_without_its_environment(tmp_path: Path) -> None:
    folder = r.write_session(tmp_path / "s", environment={"TOKEN": "secret"})
    first = Tail(FolderStore(folder)).first()
    assert json.loads(first)["session"]["argv"] == r.session_file().argv
    assert b"secret" not in first


def test_what_was_told_is_not_told_again_and_half_lines_wait(tmp_path: Path) -> None:
    folder = r.write_session(tmp_path / "s")
    tail = Tail(FolderStore(folder))
    told(tail)
    assert told(tail) == []
    with (folder / AGENT).open("ab") as stream:
        whole = r.lines(r.training(1, first=41))
        stream.write(whole[:30])
        stream.flush()
        assert told(tail) == []
        stream.write(whole[30:])
    assert [line["line"]["first"] for line in told(tail)] == [41]
    ExitFile(3, r.exit_event().unix_ns).save(folder)
    assert [line["exit"]["exit_code"] for line in told(tail)] == [3]
    assert told(tail) == []


def test_it_goes_on_where_a_reader_stopped(tmp_path: Path) -> None:
    folder = r.write_session(tmp_path / "s")
    store = FolderStore(folder)
    first = Tail(store)
    known = [line for line in told(first) if line.get("recording") == AGENT][:2]
    where = Resume(json.loads(first.first())["id"], {AGENT: known[1]["offset"]})
    again = [line["offset"] for line in told(Tail(store, Resume.decode(where.encode()))) if line["recording"] == AGENT]
    assert again[0] == known[1]["offset"]


def test_the_place_in_another_session_leaves_nothing_out(tmp_path: Path) -> None:
    store = FolderStore(r.write_session(tmp_path / "s"))
    everything = told(Tail(store))
    assert told(Tail(store, Resume("another 1", {AGENT: 500}))) == everything


def test_a_line_that_is_no_json_is_left_out_and_counted(tmp_path: Path) -> None:
    folder = r.write_session(tmp_path / "s")
    with (folder / AGENT).open("ab") as stream:
        stream.write(b'{"event": "status"\n' + r.lines(r.training(1, first=41)))
    torn, after = [line for line in told(Tail(FolderStore(folder))) if line.get("recording") == AGENT][-2:]
    assert (torn["bytes"], "line" in torn) == (19, False)
    assert after["offset"] == torn["offset"] + 19


def test_a_snapshot_has_a_stream_as_well(tmp_path: Path) -> None:
    folder = r.write_session(tmp_path / "s", exit_code=0)
    path = tmp_path / "s.pdnn"
    write_snapshot(FolderStore(folder), (), live=False, path=path)
    lines = told(Tail(SnapshotStore(path)))
    assert bytes_of(folder, AGENT, lines) == (folder / AGENT).read_bytes()


def test_sources_come_only_if_asked_for_and_only_the_users(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import torch\n")
    folder = r.write_session(tmp_path / "s", working_directory=str(tmp_path))
    tail = Tail(FolderStore(folder))
    assert not any("text" in line for line in told(tail))
    files = frozenset({"train.py", "/usr/lib/python3/site-packages/torch/nn.py"})
    assert [json.loads(line) for line in tail.sources(files)] == [{"file": "train.py", "text": "import torch\n"}]
    assert list(tail.sources(files)) == []


@pytest.mark.parametrize("text", ["", "[1]", '{"id": 3}', '{"id": "a", "offsets": {"x": -1}}', "{" * 200_000])
def test_a_place_that_no_stream_has_is_refused(text: str) -> None:
    with pytest.raises(ProfilerError, match="--resume"):
        Resume.decode(text)
