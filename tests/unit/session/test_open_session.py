"""Opening live, finished and lost sessions, and controlling live ones."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from profilednn_tui.errors import ProfilerError
from profilednn_tui.protocol.codec import decode_command, encode
from profilednn_tui.protocol.events import Command, StepsEvent, ThreadsEvent
from profilednn_tui.protocol.files import HOST_RECORDING, agent_recording, control_file
from profilednn_tui.session import open_session as module
from profilednn_tui.session.open_session import OpenSession, open_session
from profilednn_tui.session.part_reader import END_GRACE_S, LIVENESS_INTERVAL_S
from profilednn_tui.session.storage.folder import INPUT_FIFO, OUTPUT_FILE, ExitFile, HolderFile
from profilednn_tui.session.storage.liveness import is_alive
from profilednn_tui.session.storage.store import FolderStore
from profilednn_tui.session.view import State
from tests.unit.session import recordings as r
from tests.unit.session.conftest import ManualClock


def everyone(pid: int, known_since_unix_ns: int) -> bool:
    return True


def nobody(pid: int, known_since_unix_ns: int) -> bool:
    return False


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return r.write_session(tmp_path / "session")


def test_a_finished_session_is_read_to_its_end(tmp_path: Path) -> None:
    view = r.caught_up(open_session(r.write_session(tmp_path / "s", exit_code=3))).view()
    assert (view.state, view.target.exit_code, view.live) == (State.ENDED, 3, False)
    assert (view.steps.count, view.window_numbers) == (40, (1, 2, 3))
    assert view.machine.cores == 4


def test_a_live_session_grows(folder: Path) -> None:
    session = r.caught_up(open_session(folder, alive=everyone))
    assert session.view().steps.count == 40
    assert not session.poll()
    r.append(folder / agent_recording(r.PID), r.training(2, first=41))
    assert session.poll()
    assert session.view().steps.count == 42


def test_an_agent_that_appears_later_is_found(tmp_path: Path) -> None:
    folder = r.write_session(tmp_path / "s", agent=[])
    session = r.caught_up(open_session(folder, alive=everyone))
    assert session.view().state is State.STARTING
    r.append(folder / agent_recording(77), r.header("agent", 77), r.hello(pid=77))
    session.poll()
    assert session.view().target.pid == 77


def test_a_torn_tail_waits_for_its_end(folder: Path) -> None:
    session = r.caught_up(open_session(folder, alive=everyone))
    line = encode(r.training(1, first=41))
    recording = folder / agent_recording(r.PID)
    with recording.open("ab") as stream:
        stream.write(line[:20])
    session.poll()
    assert session.view().steps.count == 40
    with recording.open("ab") as stream:
        stream.write(line[20:])
    session.poll()
    assert session.view().steps.count == 41
    assert session.view().agent.bad_lines == 0


def test_a_huge_recording_is_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_BUDGET_S", 0.0)
    events = [r.hello(), *(r.training(500, first) for first in range(1, 8000, 500))]
    session = open_session(r.write_session(tmp_path / "s", agent=events, exit_code=0), alive=nobody)
    assert session.poll()
    assert session.behind
    assert session.view().steps.count < 8000
    assert session.view().target.exit_code is None
    r.caught_up(session)
    assert not session.behind
    assert session.view().steps.count == 8000
    assert session.view().target.exit_code == 0


def test_the_end_is_told_after_everything_before_it(folder: Path) -> None:
    session = r.caught_up(open_session(folder, alive=everyone))
    r.append(folder / agent_recording(r.PID), r.training(5, first=41), r.bye())
    ExitFile(0, r.exit_event().unix_ns).save(folder)
    session.poll()
    assert session.view().state is State.ENDED
    assert session.view().steps.count == 45


@pytest.mark.parametrize(
    ("line", "notice"),
    [(r.lines(r.header("agent", 9, version=99)), "newer profilednn-tui"), (b"garbage\n", "not written by")],
)
def test_one_unreadable_recording_is_a_notice_and_the_others_show(folder: Path, line: bytes, notice: str) -> None:
    (folder / agent_recording(9)).write_bytes(line)
    view = r.caught_up(open_session(folder, alive=everyone)).view()
    assert view.steps.count == 40
    assert [one.level for one in view.notices if notice in one.text] == ["warning"]


def test_events_that_make_no_sense_are_counted(folder: Path) -> None:
    r.append(folder / agent_recording(r.PID), StepsEvent(41, [[1, 2]]), r.training(1, first=41))
    r.append(folder / HOST_RECORDING, ThreadsEvent(1, 1, [["short"]]))
    view = r.caught_up(open_session(folder, alive=everyone)).view()
    assert view.agent.bad_lines == 2
    assert view.steps.count == 41


def test_recordings_without_the_launchers_file_still_open(folder: Path) -> None:
    (folder / "session.json").unlink()
    view = r.caught_up(open_session(folder, alive=nobody)).view()
    assert (view.target.name, view.target.argv[0]) == ("session", r.hello().argv[0])
    assert view.steps.count == 40


# ---------------------------------------------------------------- which processes are alive


def test_a_session_is_closed_at_the_end_of_its_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[Path] = []
    monkeypatch.setattr(FolderStore, "close", lambda store: closed.append(store.location))

    def fail(session: OpenSession) -> None:
        with session:
            session.catch_up()
            raise KeyError

    with pytest.raises(KeyError):
        fail(open_session(r.write_session(tmp_path / "s")))
    assert closed == [tmp_path / "s"]


def opened(folder: Path, alive: set[int], clock: ManualClock) -> OpenSession:
    return OpenSession([FolderStore(folder)], lambda pid, since: pid in alive, clock.clock)


def state_after(session: OpenSession, clock: ManualClock, seconds: float = LIVENESS_INTERVAL_S) -> State:
    clock.now_s += seconds
    session.poll()
    return session.view().state


def test_target_and_launcher_killed_together_are_lost_at_once(folder: Path, manual_clock: ManualClock) -> None:
    alive = {r.PID, r.LAUNCHER_PID}
    session = r.caught_up(opened(folder, alive, manual_clock))
    assert session.view().state is State.RUNNING
    alive.clear()
    assert state_after(session, manual_clock) is State.LOST


def test_a_target_that_outlives_its_launcher_is_still_live(folder: Path, manual_clock: ManualClock) -> None:
    session = r.caught_up(opened(folder, {r.PID}, manual_clock))
    assert state_after(session, manual_clock, 60) is State.RUNNING


def test_a_living_launcher_gets_the_time_to_tell_the_end(folder: Path, manual_clock: ManualClock) -> None:
    session = r.caught_up(opened(folder, {r.LAUNCHER_PID}, manual_clock))
    assert state_after(session, manual_clock) is State.RUNNING
    ExitFile(-9, r.exit_event().unix_ns).save(folder)
    assert state_after(session, manual_clock) is State.ENDED
    assert session.view().target.exit_code == -9


def test_a_launcher_that_never_tells_the_end_is_not_waited_for(folder: Path, manual_clock: ManualClock) -> None:
    session = r.caught_up(opened(folder, {r.LAUNCHER_PID}, manual_clock))
    state_after(session, manual_clock)
    assert state_after(session, manual_clock, END_GRACE_S) is State.LOST


def test_the_holder_vouches_for_a_target_without_an_agent(tmp_path: Path, manual_clock: ManualClock) -> None:
    folder = r.write_session(tmp_path / "s", agent=[])
    HolderFile(500, 501, r.START_UNIX_NS).save(folder)
    alive = {500, 501}
    session = r.caught_up(opened(folder, alive, manual_clock))
    assert state_after(session, manual_clock, 60) is State.STARTING
    alive.clear()
    assert state_after(session, manual_clock) is State.LOST


def test_a_number_given_to_another_process_is_not_the_target() -> None:
    own_start_ns = time.time_ns()
    assert is_alive(os.getpid(), own_start_ns)
    assert not is_alive(os.getpid(), own_start_ns - 10**18)
    assert not is_alive(r.PID, own_start_ns)


# ---------------------------------------------------------------- finding it


@pytest.fixture
def sessions(home: Path) -> Path:
    for name in ("20260101-100000-a", "20260101-110000-b", "20260202-100000-c"):
        r.write_session(home / name, name=name[-1] * 3)
    return home


@pytest.mark.parametrize("name", ["20260202-100000-c", "20260202", "ccc"])
def test_a_session_is_found_by_name(sessions: Path, name: str) -> None:
    assert open_session(name).location == sessions / "20260202-100000-c"


def test_of_sessions_with_the_same_given_name_the_newest_opens(sessions: Path) -> None:
    r.write_session(sessions / "20260303-100000-a", name="aaa")
    assert open_session("aaa").location.name == "20260303-100000-a"


def test_a_beginning_of_several_names_is_refused(sessions: Path) -> None:
    with pytest.raises(ProfilerError, match=r"2 sessions .* begin with 20260101"):
        open_session("20260101")


@pytest.mark.parametrize("name", ["nothing", "nothing.pdnn", "/no/such/folder", ""])
def test_what_is_not_there_is_one_sentence(sessions: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(sessions)
    with pytest.raises(ProfilerError, match=r"There is no|is not a session"):
        open_session(name)


def test_a_folder_that_is_no_session_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProfilerError, match="is not a session"):
        open_session(tmp_path)


# ---------------------------------------------------------------- output, sources, commands


def test_the_end_of_the_output_is_given(folder: Path) -> None:
    session = open_session(folder)
    assert session.output_tail(10) == b""
    (folder / OUTPUT_FILE).write_bytes(b"0123456789" * 1000)
    assert session.output_tail(15) == b"567890123456789"


def test_sources_are_found_from_the_targets_working_directory(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_bytes(b"import torch\nprint('\xff')\n")
    session = open_session(r.write_session(tmp_path / "s", working_directory=str(tmp_path)))
    lines = session.source("net.py").lines
    assert lines == ("import torch", "print('\ufffd')")
    assert session.source(str(tmp_path / "net.py")).lines == lines
    assert session.source("<frozen importlib>").lines is None
    assert session.source("gone.py").lines is None


def test_a_command_reaches_every_running_agent_in_a_private_file(folder: Path) -> None:
    for pid, last in ((77, r.training(1)), (78, r.bye())):
        r.append(folder / agent_recording(pid), r.header("agent", pid), r.hello(pid=pid), last)
    session = r.caught_up(open_session(folder, alive=everyone))
    assert session.send(Command("pause_windows")) == 2
    assert session.send(Command("budget", 5.0)) == 2
    for pid in (r.PID, 77):
        control = folder / control_file(pid)
        assert stat.S_IMODE(control.stat().st_mode) == 0o600
        commands = [decode_command(line) for line in control.read_bytes().splitlines()]
        assert commands == [Command("pause_windows"), Command("budget", 5.0)]
    assert not (folder / control_file(78)).exists()


def test_a_session_that_ended_takes_no_command(tmp_path: Path) -> None:
    session = r.caught_up(open_session(r.write_session(tmp_path / "s", exit_code=0)))
    assert session.send(Command("window_now")) == 0
    assert list((tmp_path / "s").glob("control-*")) == []


def test_input_reaches_whoever_reads_the_terminal(folder: Path) -> None:
    os.mkfifo(folder / INPUT_FIFO, 0o600)
    session = open_session(folder)
    assert session.write_input(b"nobody reads") == 0
    reader = os.open(folder / INPUT_FIFO, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert session.write_input(b"c\n") == 2
        assert os.read(reader, 10) == b"c\n"
        assert 0 < session.write_input(b"x" * 10_000_000) < 10_000_000
        assert session.write_input(b"full") == 0
    finally:
        os.close(reader)


def test_without_a_terminal_there_is_no_input(folder: Path) -> None:
    assert open_session(folder).write_input(b"c\n") == 0


def test_lines_of_a_source_are_counted_as_python_counts_them(tmp_path: Path) -> None:
    """A form feed does not end a line, and control characters in a source do not reach the terminal."""
    (tmp_path / "net.py").write_bytes(b"a = 1\x0c\r\n\tb = '\x1b[2J'\rc\n")
    session = open_session(r.write_session(tmp_path / "s", working_directory=str(tmp_path)))
    assert session.source("net.py").lines == ("a = 1 ", "    b = '\ufffd[2J'", "c")


def test_a_folder_that_takes_nothing_is_said_while_it_is_and_afterwards(
    folder: Path, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session folder that became read-only lost its recording in silence."""
    session = opened(folder, {r.PID}, manual_clock)
    seen = []
    for allowed in (True, False, False, True):
        monkeypatch.setattr(os, "access", lambda path, mode, allowed=allowed: allowed)
        manual_clock.now_s += LIVENESS_INTERVAL_S
        r.caught_up(session)
        seen.append([notice.text[:22] for notice in session.view().notices if notice.code == "folder-closed"])
    assert seen == [[], ["Nothing can be written"], ["Nothing can be written"], ["Nothing could be writt"]]


def test_a_full_disk_is_said_while_it_is_and_afterwards(
    folder: Path, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.statvfs(folder)
    session = opened(folder, {r.PID}, manual_clock)
    seen = []
    for free in (real.f_bfree, 0, 0, real.f_bfree):
        status = os.statvfs_result((*real[:3], free, free, *real[5:]))
        monkeypatch.setattr(os, "statvfs", lambda path, status=status: status)
        manual_clock.now_s += LIVENESS_INTERVAL_S
        r.caught_up(session)
        seen.append([notice.level for notice in session.view().notices if notice.code == "disk-full"])
    assert seen == [[], ["warning"], ["warning"], ["info"]]
