"""Exports of stacks: what their readers find in them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from profilednn_tui.export.session.collapsed import MOST_SAMPLES, collapsed_text
from profilednn_tui.export.session.pprof import CALL_SCALE, pprof_bytes
from profilednn_tui.export.session.speedscope import speedscope_text
from profilednn_tui.session.view import EMPTY_VIEW, Operators, SessionView, Target
from tests.unit.flame.graphs import operators


def view(scale: float = 1.0) -> SessionView:
    found = operators()
    rows = tuple(
        replace(
            row,
            self_ns_per_step=row.self_ns_per_step * scale,
            stacks=tuple(replace(one, self_ns_per_step=one.self_ns_per_step * scale) for one in row.stacks),
        )
        for row in found.rows
    )
    return replace(
        EMPTY_VIEW, target=Target("train.py", working_directory="/home/me"), operators=replace(found, rows=rows)
    )


def test_collapsed_stacks_have_all_samples() -> None:
    lines = [line.rsplit(" ", 1) for line in collapsed_text(view(1e6)).splitlines()]
    assert sum(int(count) for _, count in lines) == pytest.approx(MOST_SAMPLES, rel=1e-3)
    assert all(stack.split(";")[0] == "train.py (a sample: 1.45 µs per step)" for stack, _ in lines)
    (product,) = (count for stack, count in lines if stack.endswith("model.py:4 forward;aten::mm"))
    assert int(product) == pytest.approx(MOST_SAMPLES * 60 / 145, rel=1e-3)


def test_speedscope_has_time_and_calls() -> None:
    body = json.loads(speedscope_text(view()))
    names = [profile["name"] for profile in body["profiles"]]
    assert names[0] == "time of operators and between them"
    own = body["profiles"][1]
    assert own["endValue"] == pytest.approx(sum(own["weights"])) == pytest.approx(145.0)
    frames = body["shared"]["frames"]
    assert {"name": "forward", "file": "model.py", "line": 4} in frames
    assert all(0 <= index < len(frames) for sample in own["samples"] for index in sample)


def test_pprof_has_time_calls_and_bytes() -> None:
    fields = list(messages(gzip.decompress(pprof_bytes(view()))))
    strings = [data.decode() for number, data in fields if number == 6 and isinstance(data, bytes)]
    assert strings[0] == ""
    assert {"self", "nanoseconds", "calls", "forward", "aten::mm"} <= set(strings)
    samples = [dict(messages(data)) for number, data in fields if number == 2 and isinstance(data, bytes)]
    values = [list(varints(sample[2])) for sample in samples]  # type: ignore[arg-type]
    assert sum(row[0] for row in values) == 145
    assert sum(row[1] for row in values) == CALL_SCALE * 8
    numbers = {number for sample in samples for number in varints(sample[1])}  # type: ignore[arg-type]
    locations = {dict(messages(data))[1] for number, data in fields if number == 4 and isinstance(data, bytes)}
    assert numbers == locations


def test_a_session_without_operators_can_be_exported() -> None:
    empty = replace(EMPTY_VIEW, operators=Operators())
    assert collapsed_text(empty) == ""
    assert json.loads(speedscope_text(empty))["profiles"] == []
    assert gzip.decompress(pprof_bytes(empty))


def messages(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message of protocol buffers."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        value, at = varint(data, at)
        if key & 7 == 2:
            yield key >> 3, data[at : at + value]
            at += value
        else:
            assert key & 7 == 0
            yield key >> 3, value


def varints(data: bytes) -> Iterator[int]:
    at = 0
    while at < len(data):
        value, at = varint(data, at)
        yield value


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
