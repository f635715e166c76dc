"""A session as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from profilednn_tui.export.session.json_session import json_text
from profilednn_tui.export.session.markdown import markdown_text
from profilednn_tui.protocol.events import PrimitivesEvent, StepsEvent
from profilednn_tui.session.view import EMPTY_VIEW, SessionView, Steps
from tests.unit.export.session.views import parsed
from tests.unit.session import recordings as r

CONTRACT: dict[str, Any] = {
    "target": {"argv", "python", "torch", "pid", "exit_code", "optimizations"},
    "machine": {"cpu", "cores", "affinity", "quota", "memory_bytes"},
    "steps": {"count", "median_ms", "p95_ms", "durations_ms", "loss"},
    "phases": {"name", "median_ms", "share"},
    "operators": {
        "name",
        "calls_per_step",
        "self_ms_per_step",
        "total_ms_per_step",
        "share",
        "input_shapes",
        "stacks",
    },
    "modules": {"path", "class", "forward_ms", "backward_ms"},
    "cores": {"mean_percent", "target_percent", "others_percent"},
    "remaining": {"seconds", "low", "high", "of", "source", "reason"},
    "agent": {"windows", "overhead_percent", "dropped_events", "errors"},
}


def test_json_has_every_key_of_the_contract(view: SessionView) -> None:
    document = parsed(view)
    assert document["schema"] == "profilednn.session/1"
    for part, keys in CONTRACT.items():
        first = document[part][0] if isinstance(document[part], list) else document[part]
        assert keys <= first.keys(), part


def test_json_figures_are_in_their_units(view: SessionView) -> None:
    document = parsed(view)
    assert document["target"]["argv"] == ["train.py", "--lr", "0.1"]
    assert document["target"]["exit_code"] == 0
    assert document["machine"]["affinity"] == 4
    assert document["machine"]["quota"] is None
    assert document["steps"]["count"] == len(document["steps"]["durations_ms"]) == 40
    assert document["steps"]["durations_ms"][0] == 800.0
    assert document["steps"]["median_ms"] == pytest.approx(40.3)
    assert document["cores"]["mean_percent"] == [91.0, 90.0, 90.0, 90.0]
    assert document["cores"]["target_percent"] == 360.0
    assert document["agent"]["overhead_percent"] == 0.8


def test_json_says_which_steps_its_series_hold() -> None:
    """Found by a tester: of 25,000 steps, the series held the newest 20,000, and nothing said so."""
    steps = Steps(count=25_000, numbers=(24_999, 25_000), durations_ns=(1, 2))
    document = parsed(replace(EMPTY_VIEW, steps=steps))
    assert (document["steps"]["first"], document["steps"]["kept"]) == (24_999, 2)
    assert parsed(EMPTY_VIEW)["steps"]["first"] is None


def test_json_operators_have_shapes_as_lists_and_frames_as_text(view: SessionView) -> None:
    operators = {entry["name"]: entry for entry in parsed(view)["operators"]}
    convolution = operators["aten::mkldnn_convolution"]
    assert convolution["input_shapes"] == [[32, 3, 8, 8], [8, 3, 3, 3], []]
    assert convolution["self_ms_per_step"] == pytest.approx(3.9)
    assert convolution["stacks"][0]["frames"] == ["train.py:40 <module>", "train.py:21 main", "net.py:9 forward"]
    assert convolution["stacks"][0]["self_ms_per_step"] == pytest.approx(3.9)
    assert operators["aten::convolution_backward"]["stacks"][0]["forward_frames"][-1] == "net.py:9 forward"
    assert operators["aten::add_"]["calls_per_step"] == 4


def test_primitives_of_the_windows_come_with_their_operators() -> None:
    window = r.window(number=1)
    backward = window.operators[2]
    line = (
        "cpu,convolution,jit:avx512_core,backward_weights,src:f32:a:blocked:abcd::f0 wei:f32:a:blocked:abcd::f0 "
        "dst:f32:a:blocked:abcd::f0,,alg:convolution_direct,mb32_ic3oc8_ih8oh6kh3sh1dh0ph0_iw8ow6kw3sw1dw0pw0"
    )
    strings = [*window.strings, line]
    primitives = PrimitivesEvent(
        window=1, step=5, end_unix_ns=window.end_unix_ns, cost_ns=1, strings=strings, operators=[backward],
        chains=[[0]], rows=[[0, len(strings) - 1, 2, 4_000_000]],
    )  # fmt: skip
    view = r.view_of(*r.agent_events(windows=0), window, primitives)
    document = parsed(view)
    (entry,) = document["primitives"]
    assert (entry["primitive"], entry["direction"], entry["calls_per_step"]) == ("convolution", "BWD_W", 2.0)
    assert (entry["ms_per_step"], document["primitives_joined_share"]) == (4.0, 1.0)
    operators = {one["name"]: one for one in document["operators"]}
    gradient = operators["aten::convolution_backward"]
    assert gradient["primitives"] == [entry]
    flops = 2 * (2 * 32 * 8 * 3 * 6 * 6 * 9)
    assert gradient["flops_per_step"] == flops
    assert gradient["gflops_per_s"] == pytest.approx(flops / (gradient["total_ms_per_step"] * 1e6))
    assert operators["aten::conv2d"]["flops_per_step"] is None
    assert 0 < document["flops_covered_share"] < 1
    assert "| `convolution BWD_W` | 4.00 | 100 % | 2 |" in markdown_text(view)


def test_json_joins_what_differs_in_dtype_only() -> None:
    event = r.window(1)
    half = len(event.strings)
    event = replace(
        event,
        strings=[*event.strings, "bfloat16"],
        operators=[*event.operators, [*event.operators[1][:2], half, event.operators[1][3]]],
        rows=[*event.rows, [4, 2, -1, 1, 1, 100_000, 200_000, 0, 1]],
    )
    document = parsed(r.view_of(r.hello(), r.training(6), event))
    (entry,) = [entry for entry in document["operators"] if entry["name"] == "aten::mkldnn_convolution"]
    assert entry["calls_per_step"] == 2
    assert entry["self_ms_per_step"] == pytest.approx(4.0)
    assert entry["dtypes"] == ["float32", "bfloat16"]
    assert len(entry["stacks"]) == 1
    assert entry["stacks"][0]["self_ms_per_step"] == pytest.approx(4.0)


def test_json_shortens_files_inside_the_working_directory_only() -> None:
    event = r.window(1, script="/home/user/project/train.py")
    frames = parsed(r.view_of(r.hello(), r.training(6), event))["operators"][0]["stacks"][0]["frames"]
    assert frames[0] == "train.py:40 <module>"
    event = r.window(1, script="/home/user/projects/train.py")
    frames = parsed(r.view_of(r.hello(), r.training(6), event))["operators"][0]["stacks"][0]["frames"]
    assert frames[0] == "/home/user/projects/train.py:40 <module>"


def test_json_stays_json_when_the_loss_diverges() -> None:
    steps = StepsEvent(1, [r.step_row(1, loss="nan"), r.step_row(2, loss=None), r.step_row(3, loss="inf")])
    text = json_text(r.view_of(r.hello(), steps))

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    assert json.loads(text, parse_constant=refuse)["steps"]["loss"] == ["nan", None, "inf"]


@pytest.mark.parametrize("shapes", ["", "not json"])
def test_json_takes_any_shapes(shapes: str) -> None:
    event = r.window(1)
    at = event.operators[0][1]
    event = replace(event, strings=[*event.strings[:at], shapes, *event.strings[at + 1 :]])
    operators = {entry["name"]: entry for entry in parsed(r.view_of(r.hello(), r.training(6), event))["operators"]}
    assert operators["aten::conv2d"]["input_shapes"] == ([shapes] if shapes else [])


def test_json_says_of_which_steps_the_operators_are() -> None:
    view = r.view_of(*r.agent_events(windows=2))
    found = parsed(view)
    assert found["operator_window_steps"] == [5, 10]
    assert found["operator_steps_since"] is None
    assert found["operator_gap_ms_per_step"] == 0.0
    grown = parsed(r.view_of(*r.agent_events(windows=2), r.steps(41, 40, duration_ns=3 * r.STEP_NS)))
    assert grown["operator_steps_since"] == {"before_ms": 40.0, "now_ms": 120.0}


def test_json_has_the_remaining_time_of_a_running_training() -> None:
    remaining = parsed(r.view_of(*r.epochs(5), live=True))["remaining"]
    assert remaining["low"] < remaining["seconds"] < remaining["high"]
    assert remaining["seconds"] == pytest.approx(799 * 0.04, rel=0.05)
    assert remaining["of"] == {"epochs": 20, "steps": 1000}
    assert remaining["source"] == "for epoch in range(20), train.py:40"
    assert remaining["reason"] is None


def test_json_says_why_there_is_no_remaining_time(view: SessionView) -> None:
    assert parsed(view)["remaining"]["reason"] == "the training has ended"
    assert parsed(view)["remaining"]["seconds"] is None
    before = parsed(r.view_of(*r.agent_events(), live=True))["remaining"]
    assert before["reason"] == "nothing has told yet how long the training is"
    assert before["of"] == {"epochs": None, "steps": None}
