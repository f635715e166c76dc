"""A copy of a session that is written from its stream."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import msgspec
import pytest

from profilednn_tui.protocol.files import HOST_RECORDING, agent_recording, trace_file
from profilednn_tui.recording import copying
from profilednn_tui.recording.copying import Copy, StreamError
from profilednn_tui.session.open_session import open_session
from profilednn_tui.session.storage import tail as tail_module
from profilednn_tui.session.storage.folder import STREAM_ENDED, STREAM_SO_FAR
from profilednn_tui.session.storage.store import FolderStore
from profilednn_tui.session.storage.tail import Resume, Tail, decode_line, end_line
from profilednn_tui.session.view import State
from tests.unit.session import recordings as r

AGENT = agent_recording(r.PID)
ORIGIN = "ssh://node-1/train"


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """The session on the other machine."""
    return r.write_session(tmp_path / "there", exit_code=0)


def stream(folder: Path, resume: Resume | None = None, end: str = STREAM_ENDED) -> list[bytes]:
    tail = Tail(FolderStore(folder), resume)
    return [tail.first(), *tail.new(), end_line(end)]


def take(copy: Copy, lines: list[bytes]) -> Path:
    for line in lines:
        copy.take(decode_line(line))
    assert copy.folder
    return copy.folder


def test_a_copy_is_the_same_session(home: Path, there: Path) -> None:
    copy = Copy(ORIGIN)
    folder = take(copy, stream(there))
    copy.tell(connected=False)
    assert copy.ended
    assert folder.parent == home
    for name in (AGENT, HOST_RECORDING):
        assert (folder / name).read_bytes() == (there / name).read_bytes()
    with open_session(there) as original, open_session(folder) as copied:
        one, other = r.caught_up(original).view(), r.caught_up(copied).view()
    assert (one.steps, one.operators, one.target) == (other.steps, other.operators, other.target)


def test_nobody_else_can_read_it(home: Path, there: Path) -> None:
    folder = take(Copy(ORIGIN), [*stream(there)[:-1], b'{"file":"train.py","text":"import torch"}'])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) >= 6
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_dir()} == {0o700}


def test_it_goes_on_after_a_break_without_loss_or_doubles(home: Path, there: Path) -> None:
    lines = stream(there)
    copy = Copy(ORIGIN)
    take(copy, lines[: len(lines) // 2])
    folder = take(copy, stream(there, copy.resume()))
    assert (folder / AGENT).read_bytes() == (there / AGENT).read_bytes()
    assert (folder / HOST_RECORDING).read_bytes() == (there / HOST_RECORDING).read_bytes()


def test_what_came_twice_is_written_once(home: Path, there: Path) -> None:
    copy = Copy(ORIGIN)
    take(copy, stream(there)[:-3])
    folder = take(copy, stream(there))
    assert (folder / AGENT).read_bytes() == (there / AGENT).read_bytes()


def test_another_start_of_ours_goes_on_with_the_same_copy(home: Path, there: Path) -> None:
    lines = stream(there)
    first = Copy(ORIGIN)
    folder = take(first, lines[: len(lines) // 2])
    first.tell(connected=False)
    with (folder / AGENT).open("ab") as torn:
        torn.write(b'{"event":"st')  # a write that was cut off
    second = Copy(ORIGIN)
    assert take(second, stream(there, second.resume())) == folder
    assert (folder / AGENT).read_bytes() == (there / AGENT).read_bytes()


def test_a_new_session_of_the_same_name_gets_its_own_copy(home: Path, tmp_path: Path, there: Path) -> None:
    first = Copy(ORIGIN)
    folder = take(first, stream(there))
    first.tell(connected=False)
    later = r.write_session(tmp_path / "later", start_unix_ns=r.START_UNIX_NS + 1)
    second = Copy(ORIGIN)
    assert take(second, stream(later, second.resume())) != folder


def test_a_copy_that_another_process_keeps_is_left_to_it(home: Path, there: Path) -> None:
    lines = stream(there)
    folder = take(Copy(ORIGIN), lines[:-1])  # connected, by this process
    assert take(Copy(ORIGIN), lines) != folder


def test_a_session_that_goes_on_is_shown_as_that(home: Path, tmp_path: Path) -> None:
    copy = Copy(ORIGIN)
    folder = take(copy, stream(r.write_session(tmp_path / "there"), end=STREAM_SO_FAR))
    copy.tell(connected=False)
    with open_session(folder) as session:
        assert r.caught_up(session).view().state is State.EXCERPT
        assert session.foreign == f"It is a copy of {ORIGIN}, so it is only read here."


def test_a_stream_that_broke_is_said_and_so_is_its_return(home: Path, tmp_path: Path) -> None:
    copy = Copy(ORIGIN)
    folder = take(copy, stream(r.write_session(tmp_path / "there"))[:-1])
    copy.tell(connected=False, reason="Connection reset by peer")
    with open_session(folder) as session:
        view = r.caught_up(session).view()
        assert view.state is State.LOST
        assert [one.text for one in view.notices] == [
            f"The stream of {ORIGIN} is lost: Connection reset by peer. It is asked for again."
        ]
        copy.tell(connected=True)
        session._readers[0]._next_liveness_s = 0.0
        view = r.caught_up(session).view()
        assert view.live
        assert [one.text for one in view.notices] == [f"The stream of {ORIGIN} is there again."]


def test_sources_that_came_are_shown_and_nothing_of_this_machine(home: Path, there: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.py"
    secret.write_text("password\n")
    folder = take(Copy(ORIGIN), [*stream(there)[:-1], b'{"file":"train.py","text":"import torch\\n"}'])
    with open_session(folder) as session:
        assert session.source("train.py").lines == ("import torch",)
        assert session.source(str(secret)).lines is None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"recording":"../x","offset":0,"line":{}}', "names a file"),
        (b'{"recording":"session.json","offset":0,"line":{}}', "names a file"),
        (b'{"recording":"host.jsonl","offset":99999999,"line":{}}', "leaves something out"),
        (b'{"stream":"profilednn.tail/9","id":"a"}', "is not a stream"),
        (b'{"stream":"profilednn.tail/1","id":"a","session":null}', "is not a stream"),
    ],
)
def test_a_stream_that_breaks_the_rules_is_refused(home: Path, there: Path, line: bytes, reason: str) -> None:
    copy = Copy(ORIGIN)
    folder = take(copy, stream(there)[:-1])
    before = sorted(os.listdir(folder))
    with pytest.raises(StreamError, match=reason):
        copy.take(decode_line(line))
    assert sorted(os.listdir(folder)) == before


def test_a_copy_is_bounded(home: Path, there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "LIMIT_BYTES", 500)
    with pytest.raises(StreamError, match="larger than"):
        take(Copy(ORIGIN), stream(there))


TRACE = trace_file(r.PID, 3)


def test_the_calls_of_windows_are_copied_and_replaced(home: Path, there: Path) -> None:
    (there / TRACE).write_text('{"event":"header"}\n{"event":"trace"}\n')
    copy, tail = Copy(ORIGIN), Tail(FolderStore(there))
    folder = take(copy, [tail.first(), *tail.new()])
    assert (folder / TRACE).read_bytes() == (there / TRACE).read_bytes()
    assert stat.S_IMODE((folder / TRACE).stat().st_mode) == 0o600
    assert list(tail.new()) == [], "told once"

    (there / TRACE).write_text("another\n")
    os.utime(there / TRACE, ns=(1, 1))
    take(copy, list(tail.new()))
    assert (folder / TRACE).read_text() == "another\n"


def test_a_trace_cannot_be_written_elsewhere(home: Path, there: Path) -> None:
    for name in ("../trace-1-1.jsonl", "session.json", "trace-1-9.jsonl", "/etc/passwd"):
        copy = Copy(ORIGIN)
        with pytest.raises(StreamError, match="no session has"):
            take(copy, [stream(there)[0], encode_line(name)])


def test_more_traces_than_a_session_may_have_are_refused(
    home: Path, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "LIMIT_BYTES", 1_000)
    with pytest.raises(StreamError, match="more traces"):
        take(Copy(ORIGIN), [stream(there)[0], encode_line(TRACE, "x" * 2_000)])


def test_a_trace_that_is_too_large_is_not_told(there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (there / TRACE).write_text("x" * 2_000)
    monkeypatch.setattr(tail_module, "LINE_BYTES", 1_000)
    assert not [line for line in Tail(FolderStore(there)).new() if b'"trace"' in line[:12]]


def encode_line(name: str, text: str = "") -> bytes:
    return msgspec.json.encode({"trace": name, "text": text})
