from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch.command import any_command, module_command, script_command, script_digest
from profilednn_tui.launch.interpreter import (
    active_environment_python,
    find_program,
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    (tmp_path / "train.py").write_text("")
    return tmp_path


def test_a_script_runs_under_our_interpreter_with_its_own_words(folder: Path) -> None:
    command = script_command("train.py", ("--python", "x"))
    assert command.argv == (sys.executable, "train.py", "--python", "x")
    assert command.named == ("train.py", "--python", "x")
    assert (command.display_name, command.working_directory) == ("train.py", str(folder))


def test_a_folder_with_a_main_is_a_script(folder: Path) -> None:
    (folder / "__main__.py").write_text("")
    assert script_command(".", ()).display_name == folder.name


def test_a_module_is_started_with_m() -> None:
    command = module_command("package.train", ("-m",))
    assert command.argv == (sys.executable, "-m", "package.train", "-m")
    assert command.display_name == "package.train"


def test_a_command_is_taken_as_it_is() -> None:
    assert any_command(("/bin/sh", "-c", "true")).argv == ("/bin/sh", "-c", "true")
    assert any_command(("/bin/sh", "-c", "true")).display_name == "sh"


def test_a_working_directory_that_is_gone_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> str:
        raise FileNotFoundError

    monkeypatch.setattr(os, "getcwd", gone)
    with pytest.raises(ProfilerError, match="no longer exists"):
        any_command(("sh",))
    with pytest.raises(ProfilerError, match="no longer exists"):  # issue 2: a relative name caused a traceback
        script_command("../train.py", ())


def test_names_are_looked_up_in_the_working_directory_of_the_command(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(sys.executable)
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    with pytest.raises(ProfilerError, match=f"There is no script train.py in {folder}/elsewhere"):
        script_command("train.py", ())
    command = script_command("train.py", (), "bin/python", str(folder))
    assert command.argv == ("bin/python", "train.py")
    assert (command.working_directory, command.python) == (str(folder), "bin/python")
    assert script_command(".", (), working_directory=str(_package(folder / "net"))).display_name == "net"
    assert any_command(("bin/python",), str(folder)).argv == ("bin/python",)
    with pytest.raises(ProfilerError, match="There is no command bin/python"):
        any_command(("bin/python",))


def _package(folder: Path) -> Path:
    folder.mkdir()
    (folder / "__main__.py").write_text("")
    return folder


@pytest.mark.parametrize(
    ("name", "found"), [("python", "{0}/bin/python"), ("bin/python", "bin/python"), ("./python", None)]
)
def test_a_program_is_found_as_a_shell_in_the_folder_would(
    name: str, found: str | None, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(sys.executable)
    monkeypatch.chdir("/")
    monkeypatch.setenv("PATH", "bin:/nowhere")
    assert find_program(name, str(folder)) == (found and found.format(folder))


def test_an_empty_name_is_no_script() -> None:
    with pytest.raises(ProfilerError, match="is empty"):
        script_command("", ())


@pytest.mark.parametrize("variable", ["VIRTUAL_ENV", "CONDA_PREFIX"])
def test_an_active_environment_has_an_interpreter(variable: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, str(folder))
    assert active_environment_python() is None
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(sys.executable)
    assert active_environment_python() == str(folder / "bin" / "python")


def test_the_digest_is_that_of_the_scripts_text_however_it_is_started(folder: Path) -> None:
    (folder / "train.py").write_text("print(1)")
    started = [
        script_command("train.py", ("--lr", "0.1")),
        script_command("./train.py", ()),
        module_command("train", ()),
        any_command(("sh", "train.py")),
    ]
    digests = {script_digest(command) for command in started}
    assert len(digests) == 1
    assert {len(digest) for digest in digests} == {64}
    (folder / "train.py").write_text("print(2)")
    assert script_digest(started[0]) not in digests | {""}


def test_what_is_no_script_has_no_digest() -> None:
    assert script_digest(any_command(("sh", "-c", "true"))) == ""
    assert script_digest(module_command("json.tool", ())) == ""
