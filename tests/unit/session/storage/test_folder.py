"""The small files of a session folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from profilednn_tui.errors import ProfilerError
from profilednn_tui.paths import SESSION_FILE
from profilednn_tui.protocol.files import recording_pid
from profilednn_tui.session.storage.folder import EXIT_FILE, ExitFile, HolderFile, SessionFile, atomic_file
from tests.unit.session import recordings


def test_a_session_file_comes_back_as_it_was(tmp_path: Path) -> None:
    started = recordings.session_file(optimizations=["channels_last"])
    started.save(tmp_path)
    assert SessionFile.load(tmp_path) == started


def test_the_files_are_private(tmp_path: Path) -> None:
    recordings.session_file().save(tmp_path)
    assert stat.S_IMODE((tmp_path / SESSION_FILE).stat().st_mode) == 0o600


def test_fields_of_a_later_release_are_ignored(tmp_path: Path) -> None:
    recordings.session_file().save(tmp_path)
    path = tmp_path / SESSION_FILE
    path.write_text(path.read_text().replace("{", '{"colour":"blue",', 1))
    assert SessionFile.load(tmp_path).name == "train"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "damaged"),
        (b'{"magic":"profilednn","version":1,"name":"\xff"}', "damaged"),
        (b'{"magic":"profilednn","version":1}', "damaged"),
        (b'{"magic":"other","version":1}', "not written by profilednn-tui"),
        (b'{"magic":"profilednn","version":99}', "newer profilednn-tui"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / SESSION_FILE).write_bytes(content)
    with pytest.raises(ProfilerError, match=sentence):
        SessionFile.load(tmp_path)


def test_a_folder_without_the_file_is_no_session(tmp_path: Path) -> None:
    with pytest.raises(ProfilerError, match="is not a session"):
        SessionFile.load(tmp_path)


def test_exit_and_holder_come_back(tmp_path: Path) -> None:
    ended, holder = ExitFile(-9, 5, 1.0, 2.0, 3), HolderFile(1, 2, 3)
    ended.save(tmp_path)
    holder.save(tmp_path)
    assert ExitFile.load(tmp_path) == ended
    assert HolderFile.load(tmp_path) == holder


def test_a_half_written_exit_file_is_none_yet(tmp_path: Path) -> None:
    (tmp_path / EXIT_FILE).write_text('{"exit_code":')
    assert ExitFile.load(tmp_path) is None


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def write_half() -> None:
        with atomic_file(path) as stream:
            stream.write(b"ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "pid"),
    [("agent-12.jsonl", 12), ("agent-.jsonl", None), ("agent-012.jsonl", None), ("host.jsonl", None), ("12", None)],
)
def test_a_recording_names_its_writer(name: str, pid: int | None) -> None:
    assert recording_pid(name) == pid


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with atomic_file(pipe) as stream:
            stream.write(b"text")
        assert os.read(reader, 10) == b"text"
    finally:
        os.close(reader)
    assert pipe.is_fifo()
