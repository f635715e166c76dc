"""Where sessions are stored."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from profilednn_tui import paths
from profilednn_tui.errors import ProfilerError
from tests.unit.session import recordings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state" / "sessions"
    monkeypatch.setenv("PROFILEDNN_HOME", str(folder))
    return folder


def test_our_own_variable_decides(home: Path) -> None:
    assert paths.session_home() == home


def test_the_state_folder_of_the_desktop_is_next(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PROFILEDNN_HOME", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert paths.session_home() == tmp_path / "profilednn"


def test_a_relative_state_folder_is_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PROFILEDNN_HOME", "")
    monkeypatch.setenv("XDG_STATE_HOME", "state")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert paths.session_home() == tmp_path / ".local" / "state" / "profilednn"


def test_a_new_folder_is_private(home: Path) -> None:
    folder = paths.new_session_folder("train.py")
    assert folder.parent == home
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_sessions_of_one_second_get_different_folders(home: Path) -> None:
    folders = [paths.new_session_folder("train.py") for _ in range(3)]
    assert len(set(folders)) == 3


@pytest.mark.parametrize(("name", "end"), [("my run/../x", "my-run-..-x"), ("...", "session"), ("é" * 80, "session")])
def test_a_name_cannot_leave_the_home(home: Path, name: str, end: str) -> None:
    folder = paths.new_session_folder(name)
    assert folder.parent == home
    assert folder.name.endswith(end)


def test_an_unusable_home_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("PROFILEDNN_HOME", str(tmp_path / "file"))
    with pytest.raises(ProfilerError, match=r"file is a file, so no sessions .*PROFILEDNN_HOME"):
        paths.new_session_folder("train.py")
    with pytest.raises(ProfilerError, match="is a file"):  # found by a new user: the list of sessions was empty
        paths.list_session_folders()


def test_a_home_below_a_file_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("PROFILEDNN_HOME", str(tmp_path / "file" / "below"))
    with pytest.raises(ProfilerError, match="PROFILEDNN_HOME"):
        paths.new_session_folder("train.py")


def test_the_list_holds_sessions_only_and_the_newest_first(home: Path) -> None:
    for name in ("20260101-000000-a", "20260301-000000-b", "20260201-000000-c"):
        recordings.write_session(home / name)
    (home / "something else").mkdir()
    assert [folder.name[-1] for folder in paths.list_session_folders()] == ["b", "c", "a"]


def test_no_home_is_no_sessions(home: Path) -> None:
    assert paths.list_session_folders() == ()


def test_a_home_that_everybody_can_write_to_is_refused_with_the_fix(home: Path) -> None:
    """Others could leave sessions there that look like ours; the sticky bit does not prevent that."""
    home.mkdir(parents=True)
    for mode in (0o777, 0o1777, 0o702):
        home.chmod(mode)
        with pytest.raises(ProfilerError, match=rf"Everyone can write to {home}.*chmod o-w {home}"):
            paths.new_session_folder("train.py")
        with pytest.raises(ProfilerError, match="Everyone"):
            paths.list_session_folders()
    home.chmod(0o755)
    assert paths.list_session_folders() == ()


def test_a_home_that_a_group_can_write_to_is_warned_of(home: Path) -> None:
    assert paths.home_warning() is None
    home.mkdir(parents=True, mode=0o700)
    home.chmod(0o770)
    assert f"chmod g-w {home}" in str(paths.home_warning())
    assert paths.new_session_folder("train.py").parent == home


def test_a_command_names_a_session_as_a_shell_understands_it(home: Path, tmp_path: Path) -> None:
    assert paths.session_word(home / "20260101-a") == "20260101-a"
    assert paths.session_word(home / "a; rm -rf ~") == "'a; rm -rf ~'"
    assert paths.session_word(tmp_path / "else where") == f"'{tmp_path}/else where'"
