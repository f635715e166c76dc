"""Only regular files are read, and only up to a limit."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from profilednn_tui.session.storage.files import open_file, read_end, read_file, regular_files


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


@pytest.mark.parametrize(
    "make",
    [
        os.mkfifo,
        a_socket,
        Path.mkdir,
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.symlink_to(path.name),
        lambda path: path.symlink_to("/etc/passwd"),
    ],
)
def test_what_is_no_file_is_refused_at_once(
    make: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make(Path("it"))
    with pytest.raises(OSError, match="it is not a regular file"):
        read_file("it", 10)
    with pytest.raises(OSError, match="it is not a regular file"):
        read_end("it", 10)
    assert list(regular_files(tmp_path, depth=1)) == []


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "it"
    path.write_bytes(b"0123456789")
    assert read_file(path, 10) == b"0123456789"
    assert read_end(path, 3) == b"789"
    with pytest.raises(OSError, match="more than 9 bytes"):
        read_file(path, 9)
    os.truncate(path, 10**12)
    with pytest.raises(OSError, match="more than 9 bytes"):
        read_file(path, 9)


def test_a_name_that_a_user_gave_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "it").write_bytes(b"x")
    (tmp_path / "link").symlink_to("it")
    with open_file(tmp_path / "link", follow=True) as stream:
        assert stream.read() == b"x"


def test_files_below_are_found_to_a_depth_and_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "below" / "deep").mkdir(parents=True)
    (tmp_path / "up").symlink_to(tmp_path)
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    for name in ("here", "below/there", "below/deep/far"):
        (tmp_path / name).write_text("four")
    found = {str(path.relative_to(tmp_path)): status.st_size for path, status in regular_files(tmp_path, depth=1)}
    assert found == {"here": 4, "below/there": 4}
