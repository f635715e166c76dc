"""A target under the holder has a terminal, and outlives its launcher."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch.command import any_command
from profilednn_tui.launch.options import LaunchOptions
from profilednn_tui.launch.pseudoterminal import SIZE_FILE, TerminalSize
from profilednn_tui.launch.start import start_under_terminal
from profilednn_tui.session.storage.folder import EXIT_FILE, INPUT_FIFO, OUTPUT_FILE, ExitFile, HolderFile
from tests.process.launching import environment, eventually, session_folder


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFILEDNN_HOME", str(tmp_path / "home"))


def start(text: str, output: Path | None = None) -> Path:
    """Start Python source under the holder; returns its session."""
    command = any_command((sys.executable, "-c", text))
    return start_under_terminal(command, LaunchOptions(output=output), TerminalSize(30, 100))


def said(session: Path) -> str:
    return (session / OUTPUT_FILE).read_bytes().decode() if (session / OUTPUT_FILE).exists() else ""


def exit_code(session: Path) -> int:
    eventually((session / EXIT_FILE).exists, "the end")
    ended = ExitFile.load(session)
    assert ended is not None
    return ended.exit_code


def holder(session: Path) -> HolderFile:
    eventually(lambda: HolderFile.load(session) is not None, "holder.json")
    file = HolderFile.load(session)
    assert file is not None
    return file


def has_ended(pid: int) -> bool:
    try:
        return b"State:\tZ" in Path(f"/proc/{pid}/status").read_bytes()
    except OSError:
        return True


def test_it_has_a_terminal_of_the_wanted_size_and_its_group_in_the_foreground() -> None:
    session = start(
        "import os, sys\n"
        "print([os.isatty(stream) for stream in (0, 1, 2)], os.get_terminal_size(),"
        " os.tcgetpgrp(0) == os.getpid() == os.getpgrp(), os.nice(0), sorted(os.listdir('/proc/self/fd')))\n"
        "sys.exit(3)\n"
    )
    assert exit_code(session) == 3
    wanted = "[True, True, True] os.terminal_size(columns=100, lines=30) True 0 ['0', '1', '2', '3']\r\n"
    assert said(session) == wanted


def test_it_starts_where_we_are_with_the_signals_of_a_shell() -> None:
    session = start(
        "import os\n"
        "status = dict(line.split(':', 1) for line in open('/proc/self/status'))\n"
        "glibc = 1 << 31 | 1 << 32\n"  # its reserved signals 32 and 33, left ignored by a posix_spawn above us
        "print(os.getcwd(), [int(status[name], 16) & ~glibc for name in ('SigBlk', 'SigIgn')])\n"
    )
    exit_code(session)
    pipe_and_file_size = 1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1)  # ignored by every Python
    assert said(session) == f"{os.getcwd()} [0, {pipe_and_file_size}]\r\n"


def test_what_is_written_to_the_fifo_is_typed() -> None:
    session = start("print('got', input())")
    eventually((session / INPUT_FIFO).exists, "the FIFO")
    (session / INPUT_FIFO).write_bytes(b"words\n")
    assert exit_code(session) == 0
    assert "got words\r\n" in said(session)


def test_ctrl_c_interrupts_the_program_and_not_the_holder() -> None:
    session = start("import time\nprint('on', flush=True)\ntime.sleep(60)")
    eventually(lambda: "on" in said(session), "the program")
    (session / INPUT_FIFO).write_bytes(b"\x03")
    assert exit_code(session) == -signal.SIGINT
    assert "KeyboardInterrupt" in said(session)


def test_input_that_nobody_reads_holds_up_no_output(tmp_path: Path) -> None:
    session = start(
        "import os, time\nprint('on', flush=True)\n"
        f"while not os.path.exists('{tmp_path}/go'): time.sleep(0.01)\n"
        "print('x' * 300_000)\n"
    )
    eventually(lambda: "on" in said(session), "the program")
    flood = os.open(session / INPUT_FIFO, os.O_WRONLY | os.O_NONBLOCK)
    for _ in range(40):
        os.write(flood, b"line that nobody reads\n" * 40)
    os.close(flood)
    (tmp_path / "go").touch()
    assert exit_code(session) == 0
    assert said(session).count("x") == 300_000


def test_the_size_follows_the_viewer() -> None:
    session = start(
        "import os, signal\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGWINCH})\n"
        "print('on', flush=True)\nsignal.sigwait({signal.SIGWINCH})\nprint(os.get_terminal_size())\n"
    )
    eventually(lambda: "on" in said(session), "the program")
    (session / SIZE_FILE).write_text("12 34")
    assert exit_code(session) == 0
    assert "os.terminal_size(columns=34, lines=12)" in said(session)


def test_a_program_that_closes_all_files_is_waited_for() -> None:
    session = start("import os, time\nos.closerange(0, 256)\ntime.sleep(0.2)\nos._exit(5)")
    assert exit_code(session) == 5


def test_what_a_program_leaves_behind_keeps_the_terminal(tmp_path: Path) -> None:
    script = f"(while [ ! -e {tmp_path}/go ]; do sleep 0.01; done; echo still here) & exit 4"
    session = start_under_terminal(any_command(("bash", "-c", script)), LaunchOptions(), TerminalSize(24, 80))
    assert exit_code(session) == 4
    (tmp_path / "go").touch()
    eventually(lambda: "still here" in said(session), "the process left behind")
    eventually(lambda: has_ended(holder(session).holder_pid), "the holder's end")


def test_the_target_outlives_its_launcher(tmp_path: Path) -> None:
    launcher = f"""
import os, signal, sys
from profilednn_tui.launch.command import any_command
from profilednn_tui.launch.options import LaunchOptions
from profilednn_tui.launch.pseudoterminal import TerminalSize
from profilednn_tui.launch.start import start_under_terminal
text = '''
import os, time
print("on", flush=True)
while not os.path.exists("{tmp_path}/go"): time.sleep(0.01)
print("lines " * 1000)
'''
start_under_terminal(any_command((sys.executable, "-c", text)), LaunchOptions(), TerminalSize(24, 80))
os.killpg(0, signal.SIGKILL)
"""
    killed = subprocess.run(
        (sys.executable, "-c", launcher), env=environment(tmp_path / "home"), start_new_session=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    session = session_folder(tmp_path)
    eventually(lambda: "on" in said(session), "the program")
    (tmp_path / "go").touch()
    assert exit_code(session) == 0
    assert said(session).count("lines") == 1000


def test_a_full_disk_holds_up_nobody(tmp_path: Path) -> None:
    launcher = """
import resource, sys
from profilednn_tui.launch.command import any_command
from profilednn_tui.launch.options import LaunchOptions
from profilednn_tui.launch.pseudoterminal import TerminalSize
from profilednn_tui.launch.start import start_under_terminal
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))  # larger files fail as on a full disk
text = "import sys; print('x' * 1_000_000); sys.exit(3)"
start_under_terminal(any_command((sys.executable, "-c", text)), LaunchOptions(), TerminalSize(24, 80))
"""
    subprocess.run((sys.executable, "-c", launcher), env=environment(tmp_path / "home"), check=True)
    session = session_folder(tmp_path)
    assert exit_code(session) == 3
    assert (session / OUTPUT_FILE).stat().st_size == 20_000


def test_a_snapshot_is_written_at_the_end(tmp_path: Path) -> None:
    from profilednn_tui.session.open_session import open_session

    session = start("print('words')", output=tmp_path / "run.pdnn")
    eventually((tmp_path / "run.pdnn").exists, "the snapshot")
    assert exit_code(session) == 0
    assert open_session(tmp_path / "run.pdnn").output_tail(100) == b"words\r\n"


def test_what_cannot_be_executed_is_said_before_anything_is_left_behind(tmp_path: Path) -> None:
    (tmp_path / "noshebang").write_text("echo\n")
    (tmp_path / "noshebang").chmod(0o755)
    with pytest.raises(ProfilerError, match="Exec format error"):
        start_under_terminal(any_command((str(tmp_path / "noshebang"),)), LaunchOptions(), TerminalSize(24, 80))
    assert list((tmp_path / "home").iterdir()) == []


def test_modules_in_the_users_folder_are_not_taken_for_pythons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("signal", "select", "json", "profilednn_tui"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('the wrong module')")
    monkeypatch.chdir(tmp_path)
    assert exit_code(start_under_terminal(any_command(("true",)), LaunchOptions(), TerminalSize(24, 80))) == 0
