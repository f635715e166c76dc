"""Opening what torch.profiler itself has written."""

from __future__ import annotations

import gzip
import json
import os
import tempfile
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from torch.profiler import ProfilerActivity, profile, schedule

from profilednn_tui.errors import ProfilerError
from profilednn_tui.export.session import FORMATS
from profilednn_tui.flame.tree import Shape, Weight, flame_tree
from profilednn_tui.session.open_session import OpenSession, open_session
from profilednn_tui.session.torch_trace import file
from profilednn_tui.session.view import State
from profilednn_tui.timeline.stretch import account, whole


class Profiled:
    """Two steps of ResNet-18: the text of its trace, and torch's own table of it."""

    def __init__(self, stacks: bool, marked: bool) -> None:
        torch.manual_seed(0)
        model = torchvision.models.resnet18(num_classes=10)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
        images, labels = torch.randn(2, 3, 32, 32), torch.randint(10, (2,))
        plan: Callable[[int], Any] | None = schedule(wait=0, warmup=1, active=2, repeat=1) if marked else None
        with profile(
            activities=[ProfilerActivity.CPU], record_shapes=True, with_stack=stacks, with_modules=stacks, schedule=plan
        ) as profiler:
            for _ in range(3 if marked else 1):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(model(images), labels).backward()
                optimizer.step()
                if marked:
                    profiler.step()
        self.table = {
            event.key: (event.count, event.self_cpu_time_total, event.cpu_time_total)
            for event in profiler.key_averages()
            if not getattr(event, "is_python_function", False)
        }
        with tempfile.TemporaryDirectory() as folder:
            profiler.export_chrome_trace(f"{folder}/trace.json")
            self.text = Path(folder, "trace.json").read_bytes()

    def opened(self, path: Path) -> OpenSession:
        """The session that the file is read as."""
        path.write_bytes(gzip.compress(self.text) if path.suffix == ".gz" else self.text)
        session = open_session(path)
        session.catch_up()
        return session


@cache
def profiled(stacks: bool, marked: bool) -> Profiled:
    return Profiled(stacks, marked)


@pytest.fixture(params=[(True, True), (False, True), (True, False)], ids=["stacks", "no stacks", "one window"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Profiled, OpenSession]:
    """What torch tells, and what is read from its file."""
    made = profiled(*request.param)
    return made, made.opened(tmp_path / ("trace.json.gz" if request.param == (True, True) else "trace.json"))


def test_operator_sums_equal_key_averages(both: tuple[Profiled, OpenSession]) -> None:
    made, session = both
    found: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for number in session.view().window_numbers:
        for row in session.view(number).operators.rows:
            added = row.calls_per_step, row.self_ns_per_step / 1e3, row.total_ns_per_step / 1e3
            found[row.key.name] = [one + other for one, other in zip(found[row.key.name], added, strict=True)]

    theirs = {name: figures for name, figures in made.table.items() if name != "ProfilerStep*"}
    assert set(found) == set(theirs)
    for name, figures in found.items():
        assert figures == pytest.approx(theirs[name], abs=0.02), name


def test_it_opens_like_a_recording(both: tuple[Profiled, OpenSession]) -> None:
    _, session = both
    view = session.view()

    assert view.state is State.ENDED
    assert {phase.name for phase in view.phases if phase.mean_ns} >= {"forward", "backward", "optimizer"}
    row = next(row for row in view.operators.rows if row.key.name == "aten::mkldnn_convolution")
    assert row.phase == "forward"
    assert row.key.dtypes == "float32"
    assert row.key.input_shapes.startswith("[[2, ")
    assert session.foreign == "It is a trace that torch.profiler has written, so it is only read here."
    assert session.source("train.py").lines is None


def test_stacks_lead_from_lines_to_operators_and_back(tmp_path: Path) -> None:
    view = profiled(True, True).opened(tmp_path / "trace.json").view()
    rows = view.operators.rows
    backward = next(row for row in rows if row.key.name == "aten::convolution_backward")
    lines = [f"{frame.file.rsplit('/', 1)[-1]}:{frame.function}" for frame in backward.stacks[0].forward_frames]
    assert "resnet.py:forward" in lines
    assert lines[-1] == "conv.py:_conv_forward"
    assert all(frame.line > 0 for frame in backward.stacks[0].forward_frames)
    assert any(module.path.startswith("Conv2d_") and module.backward_ns > 0 for module in view.operators.modules)
    tree = flame_tree(view.operators, view.primitives, Shape(Weight.TOTAL))
    assert len(view.window_numbers) == 2
    assert tree.value == pytest.approx(sum(view.steps.durations_ns) / 2, rel=0.1)


def test_the_calls_of_a_step_add_up_to_its_table(tmp_path: Path) -> None:
    session = profiled(True, True).opened(tmp_path / "trace.json")
    assert len(session.traced_windows) == 2
    for number in session.traced_windows:
        trace = session.trace(number)
        assert trace is not None
        table = {row.key: row.self_ns_per_step for row in session.view(number).operators.rows}
        found = account(trace, whole(trace))
        assert {row.key: row.self_ns_per_step for row in found.operators.rows} == table


# ---------------------------------------------------------------- files that are none


def event(**changes: Any) -> dict[str, Any]:
    return {
        "ph": "X",
        "cat": "cpu_op",
        "name": "aten::mm",
        "pid": 1,
        "tid": 1,
        "ts": 1.0,
        "dur": 2.0,
        "args": {},
    } | changes


def written(path: Path, *events: Any, **more: Any) -> Path:
    path.write_text(json.dumps({"schemaVersion": 1, "traceEvents": list(events), **more}))
    return path


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([], "has no operators"),
        ([{"ph": "X", "name": "work", "ts": 1, "dur": 1, "pid": 1, "tid": 1}], "has no operators"),
        ([event(ts="now")], "is not a readable trace"),
        ([event(ts=1e300)], "is not a readable trace"),
        ([event(args={"Sequence number": "many"})], "is not a readable trace"),
        (["text"], "is not a readable trace"),
    ],
)
def test_another_program_wrote_it(tmp_path: Path, events: list[Any], reason: str) -> None:
    with pytest.raises(ProfilerError, match=reason):
        open_session(written(tmp_path / "t.json", *events))


@pytest.mark.parametrize(
    "changes", [{"tid": 10**30}, {"tid": -(10**30)}, {"ts": 8e15}, {"ts": -8e15}, {"dur": 8e15}, {"pid": 10**30}]
)
def test_numbers_beyond_64_bits_are_refused_or_harmless(tmp_path: Path, changes: dict[str, Any]) -> None:
    """Found by a reviewer: an OverflowError of ours."""
    path = written(tmp_path / "t.json", event(), event(**changes))
    try:
        session = open_session(path)
    except ProfilerError:
        return
    session.catch_up()
    for name in ("html", "perfetto", "chrome"):
        FORMATS[name].write(session, tmp_path / name)


def test_a_time_zero_beyond_reason_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProfilerError, match="it begins at"):
        open_session(written(tmp_path / "t.json", event(), baseTimeNanoseconds=2**62))


def test_a_bare_list_of_events_is_a_trace(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps([event(), event(name="aten::add", ts=9.0)]))
    session = open_session(path)
    session.catch_up()
    assert {row.key.name for row in session.view().operators.rows} == {"aten::mm", "aten::add"}


def test_too_many_events_are_refused_before_they_take_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "MOST_EVENTS", 10)
    with pytest.raises(ProfilerError, match="more than 10 events"):
        open_session(written(tmp_path / "t.json", *[event()] * 11))


def test_too_large_a_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text("{")
    os.truncate(path, file.LIMIT_BYTES + 1)
    with pytest.raises(ProfilerError, match="more than 1,000,000,000 bytes"):
        open_session(path)


def test_an_empty_file_is_said_to_be_empty(tmp_path: Path) -> None:
    (tmp_path / "t.json").touch()
    with pytest.raises(ProfilerError, match="is empty"):
        open_session(tmp_path / "t.json")


def test_it_is_called_like_its_file(tmp_path: Path) -> None:
    """For a compressed one, torch notes the name of a temporary file."""
    session = open_session(written(tmp_path / "mine.json", event(), traceName="/tmp/tmpbhdejh3f.json"))
    session.catch_up()
    assert session.view().target.name == "mine.json"


def test_deep_nesting_is_read(tmp_path: Path) -> None:
    """Each event looked at all those around it: 15 s."""
    nested = [event(cat="python_function", name=f"a.py({n}): f", ts=float(n), dur=9e4 - 2 * n) for n in range(1_500)]
    session = open_session(written(tmp_path / "t.json", *nested, event(ts=3e4)))
    session.catch_up()
    assert len(session.view().operators.rows) == 1


def test_half_a_file_is_one_sentence(tmp_path: Path) -> None:
    path = written(tmp_path / "t.json", event())
    path.write_text(path.read_text()[:-20])
    with pytest.raises(ProfilerError, match="not a readable trace of torch"):
        open_session(path)
    packed = tmp_path / "t.json.gz"
    packed.write_bytes(gzip.compress(path.read_bytes())[:-10])
    with pytest.raises(ProfilerError, match="not a readable trace of torch"):
        open_session(packed)


def test_control_characters_of_names_are_stripped(tmp_path: Path) -> None:
    session = open_session(written(tmp_path / "t.json", event(name="aten::\x1b[31mmm"), traceName="a\x1b[2J.json"))
    session.catch_up()
    assert "\x1b" not in session.view().operators.rows[0].key.name
    assert "\x1b" not in session.view().target.name


def test_odd_values_do_no_harm(tmp_path: Path) -> None:
    odd = [
        event(dur=-5.0), event(tid="worker", pid="Spans"), event(args={"Input Dims": "x", "Input type": [1, None]}),
        event(cat="python_function", name="a.py(99999999999999): f", args={"CallFrom": "a.py:x"}),
        event(cat="python_function", name="nn.Module: "), event(name=""),
    ]  # fmt: skip
    session = open_session(written(tmp_path / "t.json", *odd))
    session.catch_up()
    assert session.view().operators.rows
