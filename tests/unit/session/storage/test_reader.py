"""Reading a recording that is still being written, torn or damaged."""

from __future__ import annotations

import io
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profilednn_tui.errors import ProfilerError
from profilednn_tui.protocol.codec import encode
from profilednn_tui.protocol.events import AgentErrorEvent, OptimizationEvent
from profilednn_tui.session.storage import limits
from profilednn_tui.session.storage.reader import CHUNK_BYTES, RecordingReader
from tests.unit.session import recordings as r

NAME = "agent-4100001.jsonl"
HEADER = r.lines(r.header("agent", r.PID))


def read_all(data: bytes) -> tuple[list[Any], RecordingReader]:
    reader = RecordingReader(NAME, io.BytesIO(data))
    events: list[Any] = []
    while chunk := reader.read():
        events += reader.events(chunk)
    return events, reader


def test_every_event_comes_back_as_it_was_written() -> None:
    written = [r.header("agent", r.PID), *r.agent_events(), *r.host_events(), r.bye(), r.exit_event(3)]
    events, reader = read_all(r.lines(*written))
    assert events == written
    assert reader.bad_lines == 0


def test_numbers_that_json_cannot_hold_come_back() -> None:
    events, reader = read_all(HEADER + r.lines(r.status(overhead_percent=float("inf"))))
    assert events[1].overhead_percent == float("inf")
    assert reader.bad_lines == 0


@given(st.lists(st.integers(0, 2000), max_size=6))
def test_a_file_that_grows_in_any_pieces_reads_the_same(cuts: list[int]) -> None:
    data = HEADER + r.lines(*r.agent_events(5, 1))
    stream = io.BytesIO()
    reader = RecordingReader(NAME, stream)
    events: list[Any] = []
    edges = sorted({0, len(data), *(cut % len(data) for cut in cuts)})
    for start, end in pairwise(edges):
        position = stream.tell()
        stream.seek(0, io.SEEK_END)
        stream.write(data[start:end])
        stream.seek(position)
        while chunk := reader.read():
            events += reader.events(chunk)
    assert events == read_all(data)[0]


@given(st.integers(len(HEADER), 3000))
def test_a_writer_killed_at_any_byte_costs_at_most_its_last_line(size: int) -> None:
    whole = [r.hello(), r.training(3), r.status(3, 0), r.training(3, first=4), r.bye()]
    events, reader = read_all((HEADER + r.lines(*whole))[:size])
    assert events[1:] == whole[: len(events) - 1]
    assert reader.bad_lines == 0


def test_a_line_longer_than_a_chunk_is_one_event() -> None:
    big = r.big_window(1, operators=900)
    assert len(encode(big)) > CHUNK_BYTES
    events, _ = read_all(HEADER + r.lines(big, r.bye()))
    assert events[1:] == [big, r.bye()]


@pytest.mark.parametrize(
    "line",
    [
        b"\x00" * 40,
        b"{",
        b"[]",
        b'{"event":"bye"}',
        b'{"event":"steps","first":"x","rows":[]}',
        b'{"event":"notice","level":"\xff"}',
        b'{"no":"kind"}',
    ],
)
def test_a_damaged_line_is_counted_and_passed_over(line: bytes) -> None:
    events, reader = read_all(HEADER + line + b"\n" + r.lines(r.bye()))
    assert events[1:] == [r.bye()]
    assert reader.bad_lines == 1


def test_unknown_kinds_and_fields_are_passed_over_silently() -> None:
    extra = r.lines(r.bye()).replace(b"{", b'{"colour":"blue",', 1)
    events, reader = read_all(HEADER + b'{"event":"weather","sun":1}\n' + extra)
    assert events[1:] == [r.bye()]
    assert reader.bad_lines == 0


@pytest.mark.parametrize(
    ("first_line", "sentence"),
    [
        (r.lines(r.header("agent", 1, version=99)), "newer profilednn-tui"),
        (r.lines(r.header("agent", 1, magic="other")), "not written by profilednn-tui"),
        (b"hello\n", "not written by profilednn-tui"),
        (b"\x00\xee\n", "not written by profilednn-tui"),
        (r.lines(r.header("agent", 1)).replace(b"agent", b"\xff"), "not written by profilednn-tui"),
        (r.lines(r.bye()), "not written by profilednn-tui"),
    ],
)
def test_a_file_that_is_not_ours_is_one_sentence(first_line: bytes, sentence: str) -> None:
    with pytest.raises(ProfilerError, match=sentence):
        read_all(first_line)


def test_a_file_without_a_line_says_nothing_yet() -> None:
    assert read_all(b"")[0] == []
    assert read_all(HEADER[:10])[0] == []


def test_texts_are_plain_wherever_they_stand() -> None:
    """Names from the program reach the terminal, too."""
    name = "step\n1 \x1b]0;TITLE\x07\u202e\x9b"
    shown = "step 1 \ufffd]0;TITLE\ufffd\ufffd\ufffd"
    window = r.window(script=name)
    events, reader = read_all(HEADER + r.lines(r.hello(argv=[name]), window, AgentErrorEvent(name, name, 1)))
    assert events[1].argv == [shown]
    assert events[2].strings[1] == shown
    assert (events[3].where, events[3].text) == (shown, shown)
    assert reader.bad_lines == 0


@pytest.mark.parametrize(
    "line",
    [
        b'{"event":"steps","first":1,"rows":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"event":"threads","rows":[' + b"[]," * 1_000_000 + b"[]]}",
        b'{"event":"bye","reason":"exit","unix_ns":1' + b"0" * 30 + b"}",
    ],
)
def test_lines_that_would_take_all_memory_are_bad(line: bytes) -> None:
    _, reader = read_all(HEADER + line + b"\n")
    assert reader.bad_lines == 1


def test_a_line_without_end_is_not_read_to_its_end() -> None:
    with pytest.raises(ProfilerError, match="a line that is too long"):
        read_all(HEADER + b"x" * (limits.LINE_BYTES + CHUNK_BYTES))


def test_events_that_are_kept_each_come_in_a_bounded_number() -> None:
    one = OptimizationEvent("bf16", "on", "", 1)
    events, reader = read_all(HEADER + r.lines(*[one] * 1_010))
    assert len(events) == 1 + limits.OFTEN[OptimizationEvent]
    assert reader.bad_lines == 10
