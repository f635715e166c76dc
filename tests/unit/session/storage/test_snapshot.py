"""A session in one file, on this machine and elsewhere."""

from __future__ import annotations

import stat
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from profilednn_tui.errors import ProfilerError
from profilednn_tui.export.session.summary import summary_lines
from profilednn_tui.protocol.codec import encode
from profilednn_tui.protocol.events import Command
from profilednn_tui.protocol.files import agent_recording
from profilednn_tui.session.notices import damage, warning_count
from profilednn_tui.session.open_session import OpenSession, open_session
from profilednn_tui.session.storage.folder import OUTPUT_FILE, SessionFile
from profilednn_tui.session.storage.snapshot import OUTPUT_LIMIT_BYTES
from profilednn_tui.session.view import State
from tests.unit.session import recordings as r
from tests.unit.session.test_open_session import everyone


def snapshot(folder: Path, path: Path, live: bool = False) -> Path:
    session = r.caught_up(open_session(folder, alive=everyone if live else lambda pid, since: False))
    session.save_snapshot(path)
    session.close()
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "train.py").write_text("import net\nnet.train()\n")
    (folder / "net.py").write_text("import torch\n")
    return folder


@pytest.fixture
def folder(tmp_path: Path, project: Path) -> Path:
    made = r.write_session(tmp_path / "s", exit_code=0, working_directory=str(project))
    (made / OUTPUT_FILE).write_bytes(b"epoch 1\r\n")
    return made


def opened(path: Path) -> OpenSession:
    return r.caught_up(open_session(path))


def test_the_view_is_the_same_elsewhere(folder: Path, tmp_path: Path) -> None:
    here = opened(folder).view()
    there = opened(snapshot(folder, tmp_path / "s.pdnn")).view()
    assert there == here


def test_windows_output_and_sources_travel(folder: Path, project: Path, tmp_path: Path) -> None:
    path = snapshot(folder, tmp_path / "s.pdnn")
    (project / "net.py").unlink()
    session = opened(path)
    assert session.view(2).operators.windows == (2,)
    assert session.output_tail(9) == b"epoch 1\r\n"
    assert session.source("net.py").lines == ("import torch",)
    assert session.source("train.py").lines == ("import net", "net.train()")
    assert session.source("other.py").lines is None


def test_a_source_that_did_not_travel_is_not_read_here(folder: Path, project: Path, tmp_path: Path) -> None:
    """A snapshot from someone else could name any of our files."""
    path = snapshot(folder, tmp_path / "s.pdnn")
    (project / "other.py").write_text("here = True\n")
    for file in (project / "other.py", project / "train.py", "/etc/passwd"):
        found = opened(path).source(str(file))
        assert found.path is None
        assert found.lines is None
        assert "may come from anyone" in found.foreign


def test_a_snapshot_can_be_saved_again(folder: Path, project: Path, tmp_path: Path) -> None:
    first = snapshot(folder, tmp_path / "1.pdnn")
    (project / "net.py").unlink()
    second = snapshot(first, tmp_path / "2.pdnn")
    assert opened(second).view() == opened(first).view()
    assert opened(second).source("net.py").lines == ("import torch",)


def test_a_snapshot_is_private_and_leaves_no_temporary_file(folder: Path, tmp_path: Path) -> None:
    path = snapshot(folder, tmp_path / "s.pdnn")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


def test_the_environment_does_not_travel(folder: Path, tmp_path: Path) -> None:
    """It may hold secrets, and a snapshot is for others."""
    replace(SessionFile.load(folder), environment={"TOKEN": "secret"}).save(folder)
    snapshot = tmp_path / "s.pdnn"
    with open_session(folder) as session:
        assert session.started.environment == {"TOKEN": "secret"}
        session.save_snapshot(snapshot)
    with open_session(snapshot) as session:
        assert session.started.environment == {}
    with zipfile.ZipFile(snapshot) as archive:
        assert not any(b"secret" in archive.read(name) for name in archive.namelist())


def test_a_torn_tail_is_cut(folder: Path, tmp_path: Path) -> None:
    with (folder / agent_recording(r.PID)).open("ab") as stream:
        stream.write(encode(r.training(1, first=41))[:30])
    with zipfile.ZipFile(snapshot(folder, tmp_path / "s.pdnn")) as archive:
        assert archive.read(agent_recording(r.PID)).endswith(b"}\n")


def test_a_recording_of_many_chunks_is_whole(tmp_path: Path) -> None:
    events = [r.hello(), *(r.big_window(number) for number in range(1, 4)), *(r.training(400, i) for i in (1, 401))]
    folder = r.write_session(tmp_path / "s", agent=events, exit_code=0)
    path = snapshot(folder, tmp_path / "s.pdnn")
    recording = agent_recording(r.PID)
    with zipfile.ZipFile(path) as archive:
        assert archive.read(recording) == (folder / recording).read_bytes()


def test_a_long_output_is_bounded(folder: Path, tmp_path: Path) -> None:
    (folder / OUTPUT_FILE).write_bytes(b"x" * OUTPUT_LIMIT_BYTES + b"the end")
    session = opened(snapshot(folder, tmp_path / "s.pdnn"))
    assert len(session.output_tail(10**9)) == OUTPUT_LIMIT_BYTES
    assert session.output_tail(7) == b"the end"


def test_a_snapshot_of_a_running_target_says_so(tmp_path: Path) -> None:
    folder = r.write_session(tmp_path / "s")
    view = opened(snapshot(folder, tmp_path / "s.pdnn", live=True)).view()
    assert view.state is State.EXCERPT
    assert not view.live
    assert [notice.code for notice in view.notices] == ["snapshot-live"]
    assert warning_count(view) == 0
    assert [entry.ended for entry in view.processes] == [False]
    assert "still running after" in "\n".join(summary_lines(view))


def test_a_snapshot_cannot_be_steered(folder: Path, tmp_path: Path) -> None:
    session = opened(snapshot(folder, tmp_path / "s.pdnn"))
    assert session.send(Command("window_now")) == 0
    assert session.write_input(b"x") == 0


def test_a_place_that_cannot_be_written_is_one_sentence(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ProfilerError, match="Cannot write"):
        snapshot(folder, tmp_path / "missing" / "s.pdnn")


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.99])
def test_a_file_cut_off_is_one_sentence(folder: Path, tmp_path: Path, keep: float) -> None:
    path = snapshot(folder, tmp_path / "s.pdnn")
    data = path.read_bytes()
    path.write_bytes(data[: int(keep if keep >= 1 else len(data) * keep)])
    with pytest.raises(ProfilerError, match="not a readable snapshot"):
        open_session(path)


def test_a_file_that_is_something_else_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "photo.pdnn"
    path.write_bytes(b"\x89PNG" * 100)
    with pytest.raises(ProfilerError, match="not a readable snapshot"):
        open_session(path)


def test_a_foreign_zip_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "foreign.pdnn"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme", "hello")
    with pytest.raises(ProfilerError, match="not written by profilednn-tui"):
        open_session(path)


def test_a_snapshot_of_a_later_release_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "later.pdnn"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("snapshot.json", '{"magic":"profilednn","version":99}')
    with pytest.raises(ProfilerError, match="newer profilednn-tui"):
        open_session(path)


def test_a_damaged_member_shows_what_can_be_read(folder: Path, tmp_path: Path) -> None:
    path = snapshot(folder, tmp_path / "s.pdnn")
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(agent_recording(r.PID))
    middle = info.header_offset + 60 + info.compress_size // 2
    data[middle : middle + 8] = b"\xff" * 8
    path.write_bytes(data)
    view = opened(path).view()
    assert any("damaged" in notice.text for notice in view.notices)
    assert view.machine.cores == 4


def test_a_damaged_end_is_told(folder: Path, tmp_path: Path) -> None:
    path = snapshot(folder, tmp_path / "s.pdnn")
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo("exit.json")
    begin = info.header_offset + 30 + len(info.filename)
    data[begin : begin + info.compress_size] = b"\xff" * info.compress_size
    path.write_bytes(data)
    session = opened(path)
    assert damage(session.view()) == (
        "How the target ended cannot be read (its exit.json is damaged). Copy the file again."
    )
    session.save_snapshot(tmp_path / "again.pdnn")
    assert opened(tmp_path / "again.pdnn").view().steps.count == session.view().steps.count
