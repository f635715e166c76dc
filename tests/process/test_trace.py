"""The calls of windows: from a real training to every program that shows them."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from profilednn_tui.export.session import FORMATS
from profilednn_tui.protocol.files import TRACES
from profilednn_tui.session.open_session import OpenSession, open_session
from profilednn_tui.timeline.stretch import account, whole
from tests.process.harness import run, watch


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session of a training with many windows."""
    place = tmp_path_factory.mktemp("session")
    ended, (recording,) = watch(place, "convolutions.py", PROFILEDNN_OVERHEAD="100")
    assert ended == run("convolutions.py")
    assert recording.of("agent_error") == []
    return place


def opened(folder: Path) -> OpenSession:
    session = open_session(folder, started_here=True)
    session.catch_up()
    return session


def test_the_calls_of_a_window_add_up_to_its_table(folder: Path) -> None:
    session = opened(folder)
    assert session.traced_windows
    for number in session.traced_windows:
        trace = session.trace(number)
        assert trace is not None
        assert trace.complete
        table = {row.key: row for row in session.view(number).operators.rows}
        found = {row.key: row for row in account(trace, whole(trace)).operators.rows}
        assert set(found) == set(table)
        for key, row in found.items():
            ours = row.calls_per_step, row.self_ns_per_step, row.total_ns_per_step
            assert ours == (table[key].calls_per_step, table[key].self_ns_per_step, table[key].total_ns_per_step)


def test_primitives_have_their_place_in_time(folder: Path) -> None:
    session = opened(folder)
    trace = session.trace(session.traced_windows[-1])
    assert trace is not None
    names = [trace.primitive_names[name] for name in trace.primitives.name.tolist()]
    assert any(name.startswith("convolution FWD") for name in names)
    convolutions = [number for number, place in enumerate(trace.places) if "mkldnn_convolution" in place.key.name]
    inside = 0
    for start, duration, name in zip(trace.primitives.start_ns, trace.primitives.duration_ns, names, strict=True):
        if name.startswith("convolution FWD"):
            middle = start + duration // 2
            chosen = (trace.calls.start_ns <= middle) & (trace.calls.end_ns >= middle)
            inside += bool(set(trace.calls.place[chosen].tolist()) & set(convolutions))
    assert inside == sum(name.startswith("convolution FWD") for name in names)


def test_phases_are_without_gaps_in_the_step(folder: Path) -> None:
    session = opened(folder)
    for number in session.traced_windows:
        trace = session.trace(number)
        assert trace is not None
        inside = trace.phases.end_ns >= 0
        assert (trace.phases.phase[inside][1:] >= 0).all()
        row = session.view().steps
        duration = row.durations_ns[row.numbers.index(trace.step)]
        assert trace.duration_ns == pytest.approx(duration, abs=2_000_000)


def test_a_snapshot_carries_the_calls(folder: Path, tmp_path: Path) -> None:
    session = opened(folder)
    session.save_snapshot(tmp_path / "s.pdnn")
    copied = open_session(tmp_path / "s.pdnn")
    copied.catch_up()

    assert copied.traced_windows == session.traced_windows
    assert copied.view().fragmentation == session.view().fragmentation
    assert {one.phase for one in copied.view().fragmentation} >= {"forward", "backward", "optimizer"}


def test_files_are_bounded_and_private(folder: Path) -> None:
    traces = [path for path in folder.iterdir() if path.name.startswith("trace-")]
    assert 1 <= len(traces) <= TRACES
    assert {path.stat().st_mode & 0o777 for path in traces} == {0o600}


# ---------------------------------------------------------------- what others read


def exported(folder: Path, name: str, place: Path) -> tuple[Path, dict[str, float]]:
    """A session as a file, and the total time of each operator in all of its windows, in nanoseconds."""
    session = opened(folder)
    FORMATS[name].write(session, place)
    totals: Counter[str] = Counter()
    for number in session.traced_windows:
        for row in session.view(number).operators.rows:
            totals[row.key.name] += int(row.total_ns_per_step)
    return place, dict(totals)


def test_chrome_events_have_the_sums_of_the_tables(folder: Path, tmp_path: Path) -> None:
    path, totals = exported(folder, "chrome", tmp_path / "t.json")
    events = json.loads(path.read_text())["traceEvents"]
    found: Counter[str] = Counter()
    for event in events:
        if "operator" in event.get("args", {}):
            found[event["args"]["operator"]] += event["dur"] * 1_000
    assert dict(found) == pytest.approx(totals, rel=1e-3)
    assert {event["ph"] for event in events} >= {"M", "X"}
    assert all(event["ts"] >= 0 for event in events if event["ph"] == "X")
    assert_nested([(event["pid"], event["tid"], event["ts"], event["dur"]) for event in events if event["ph"] == "X"])


def assert_nested(slices: list[tuple[int, int, float, float]]) -> None:
    """Slices of a track must not overlap in part: viewers drop or move them."""
    open_ends: dict[tuple[int, int], list[float]] = {}
    for process, track, start, duration in sorted(slices, key=lambda one: (one[0], one[1], one[2], -one[3])):
        ends = open_ends.setdefault((process, track), [])
        while ends and ends[-1] <= start + 1e-4:
            ends.pop()
        assert not ends or start + duration <= ends[-1] + 2e-3
        ends.append(start + duration)


def perfetto_sums(data: bytes) -> tuple[dict[str, float], set[str]]:
    """Total time by operator, and the names of tracks, as Perfetto's own messages tell them."""
    from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TrackEvent

    packets = Trace.FromString(data).packet
    names = {packet.track_descriptor.name for packet in packets if packet.HasField("track_descriptor")}
    found: Counter[str] = Counter()
    open_slices: dict[int, list[tuple[int, str]]] = {}
    last: dict[int, int] = {}
    for packet in packets:
        if not packet.HasField("track_event"):
            continue
        event: Any = packet.track_event
        assert packet.timestamp >= last.get(event.track_uuid, 0), "in order on each track"
        last[event.track_uuid] = packet.timestamp
        stack = open_slices.setdefault(event.track_uuid, [])
        if event.type == TrackEvent.TYPE_SLICE_BEGIN:
            told = {note.name: note.string_value for note in event.debug_annotations}
            stack.append((packet.timestamp, told.get("operator", "")))
        elif event.type == TrackEvent.TYPE_SLICE_END:
            began, name = stack.pop()
            found[name] += packet.timestamp - began
    assert not any(open_slices.values()), "every slice ends"
    found.pop("", None)
    return dict(found), names


def test_perfetto_slices_have_the_sums_of_the_tables(folder: Path, tmp_path: Path) -> None:
    path, totals = exported(folder, "perfetto", tmp_path / "t.gz")
    found, names = perfetto_sums(gzip.decompress(path.read_bytes()))

    assert found == pytest.approx(totals, rel=1e-3)
    assert {"steps", "phases", "training thread", "oneDNN"} <= names


def test_perfetto_archive_has_a_manifest_and_one_trace_for_each_process(folder: Path, tmp_path: Path) -> None:
    path, totals = exported(folder, "perfetto-zip", tmp_path / "t.zip")
    with zipfile.ZipFile(path) as archive:
        manifest, trace = archive.namelist()
        told = json.loads(archive.read(manifest))["perfetto_manifest"]
        assert told["version"] == 1
        assert [file["path"] for file in told["files"]] == [trace]
        assert perfetto_sums(archive.read(trace))[0] == pytest.approx(totals, rel=1e-3)


@pytest.mark.skipif(shutil.which("go") is None, reason="needs Go's pprof")
def test_pprof_reads_the_profile(folder: Path, tmp_path: Path) -> None:
    path, _ = exported(folder, "pprof", tmp_path / "t.pb.gz")
    words = ["go", "tool", "pprof", "-top", "-unit=ns", "-nodecount=1000", str(path)]
    told = subprocess.run(
        words, capture_output=True, text=True, check=True, env={**os.environ, "PPROF_TMPDIR": str(tmp_path)}
    ).stdout
    operators = opened(folder).view().operators
    total = next(line for line in told.splitlines() if "total" in line).split(" of ")[1].split("ns")[0]
    assert float(total) == pytest.approx(operators.self_ns_per_step, rel=1e-3)
    assert "aten::mkldnn_convolution" in told


RELEASE = os.environ.get("SPEEDSCOPE_RELEASE", "")
"""The folder ``dist/release`` of the npm package speedscope."""


@pytest.mark.skipif(not RELEASE or shutil.which("chromium") is None, reason="needs SPEEDSCOPE_RELEASE and Chromium")
@pytest.mark.parametrize("name", ["speedscope", "collapsed", "pprof", "chrome"])
def test_speedscope_opens_it(folder: Path, tmp_path: Path, name: str) -> None:
    import base64

    path, _ = exported(folder, name, tmp_path / f"profile{FORMATS[name].suffix}")
    data = base64.b64encode(path.read_bytes()).decode()
    script = tmp_path / "profile.js"
    script.write_text(f"speedscope.loadFileFromBase64({json.dumps(path.name)}, {json.dumps(data)})")
    page = f"file://{RELEASE}/index.html#localProfilePath={script}"
    words = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader",
             "--virtual-time-budget=15000", "--dump-dom", page]  # fmt: skip
    shown = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120).stdout
    assert "Time Order" in shown
    assert "went wrong" not in shown


FIREFOX_IMPORTER = os.environ.get("FIREFOX_IMPORTER", "")
"""A script for node that prints, as JSON, what Firefox Profiler's `unserializeProfileOfArbitraryFormat` makes of the
file that it is given. esbuild bundles one from Firefox Profiler's sources."""

needs_firefox_importer = pytest.mark.skipif(
    not FIREFOX_IMPORTER or shutil.which("node") is None, reason="needs FIREFOX_IMPORTER and node"
)


def imported_by_firefox(path: Path) -> Any:
    return json.loads(subprocess.run(["node", FIREFOX_IMPORTER, path], capture_output=True, check=True).stdout)


@needs_firefox_importer
def test_firefox_profiler_makes_a_marker_of_each_chrome_event(folder: Path, tmp_path: Path) -> None:
    path, _ = exported(folder, "chrome", tmp_path / "t.json")
    expected: Counter[str] = Counter()
    for event in json.loads(path.read_text())["traceEvents"]:
        if event["ph"] == "X":
            expected[event["name"]] += event["dur"] / 1_000
    profile = imported_by_firefox(path)
    names = profile["shared"]["stringArray"]
    found: Counter[str] = Counter()
    for thread in profile["threads"]:
        markers = thread["markers"]
        for name, start_ms, end_ms in zip(markers["name"], markers["startTime"], markers["endTime"], strict=True):
            if end_ms is not None:
                found[names[name]] += end_ms - start_ms
    assert dict(found) == pytest.approx(dict(expected), rel=1e-3)
    assert "training thread" in " ".join(thread["name"] for thread in profile["threads"])


@needs_firefox_importer
def test_firefox_profiler_reads_collapsed_stacks(folder: Path, tmp_path: Path) -> None:
    path, _ = exported(folder, "collapsed", tmp_path / "t.txt")
    expected = sum(int(line.rsplit(" ", 1)[1]) for line in path.read_text().splitlines())
    profile = imported_by_firefox(path)
    (thread,) = profile["threads"]
    assert thread["samples"]["length"] == expected
    assert "aten::mkldnn_convolution" in profile["shared"]["stringArray"]
