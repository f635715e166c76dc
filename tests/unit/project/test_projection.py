"""Times of primitives that were run again, weighted by their calls."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace

import pytest

from profilednn_tui.collect.sample import CoreTicks
from profilednn_tui.errors import ProfilerError
from profilednn_tui.export.onednn.projection import projection_json, projection_lines
from profilednn_tui.project.calls import calls_of
from profilednn_tui.project.neighbours import disturbance
from profilednn_tui.project.projection import estimate, project, projection, read_samples
from tests.unit.onednn.logs import CONVOLUTION, REORDER, lines, log_of, recorded


def timed(line: str, time_ms: float) -> str:
    return f"{line.rpartition(',')[0]},{time_ms}"


def answer(*rounds: tuple[float, float]) -> list[str]:
    """The script's output: convolution and reorder in turn, then the convolution warm and cold."""
    said = ["profilednn,turn,0", timed(CONVOLUTION, 99.0), timed(REORDER, 99.0)]
    for number, (convolution, reorder) in enumerate(rounds, start=1):
        said += [f"profilednn,turn,{number}", timed(CONVOLUTION, convolution), timed(REORDER, reorder)]
    said += ["profilednn,build,0", timed(CONVOLUTION, 50.0), "profilednn,warm,0", timed(CONVOLUTION, 3.0)]
    return [*said, "profilednn,cold,0", timed(CONVOLUTION, 9.0), "profilednn,end,0"]


LOG = log_of(lines(CONVOLUTION, CONVOLUTION, REORDER, REORDER, REORDER))  # 2 x 7.25 ms and 3 x 0.5 ms


def test_the_projection_is_the_sum_of_calls_times_time() -> None:
    found = projection(LOG, read_samples(answer((6.0, 0.4), (5.0, 0.5), (7.0, 0.3))))
    assert found.rounds == 3, "the first one only warms up"
    assert found.projected.median_ms == pytest.approx(2 * 6.0 + 3 * 0.4)
    assert [found.projected.low_ms, found.projected.high_ms] == pytest.approx([11.5, 14.9])
    assert found.observed_ms == found.covered_ms == pytest.approx(16.0)
    assert found.efficiency == pytest.approx(13.2 / 16)
    assert found.error == pytest.approx(13.2 / 16 - 1)
    assert found.warm_ms == pytest.approx(2 * 3.0 + 3 * 0.4), "without a warm time that in turn stands in"
    assert found.cold_ms == pytest.approx(2 * 9.0 + 3 * 0.4)


def test_what_did_not_run_again_is_told() -> None:
    found = projection(LOG, read_samples([line for line in answer((6.0, 0.4)) if "reorder" not in line]))
    assert [one.name for one in found.missing] == ["reorder"]
    assert [found.observed_ms, found.covered_ms] == pytest.approx([16.0, 14.5])
    assert "91 % of oneDNN's time; 1 did not" in next(projection_lines(found))


def test_what_ran_again_never_took_longer_than_everything() -> None:
    """Found by CI: the mean of six calls, times six, was longer than the six calls by a rounding error."""
    found = projection(log_of(lines(*6 * [timed(CONVOLUTION, 0.57)])), read_samples(answer((6.0, 0.4))))
    assert found.covered_ms == found.observed_ms


def test_another_machine_has_another_implementation_of_the_same_task() -> None:
    """Found by projecting a session from an AVX2 machine on an AVX-512 one: no primitive counted as run again."""
    said = [line.replace("jit:avx512_core", "jit:avx2").replace("aBcd16b", "aBcd8b") for line in answer((6.0, 0.4))]
    found = projection(LOG, read_samples(said))
    assert not found.missing
    assert found.covered_ms == pytest.approx(16.0)
    assert [row.here for row in found.rows] == ["jit:avx2", "jit:blk"]
    assert any(line.startswith("1 of them ran with another implementation") for line in projection_lines(found))
    assert json.loads(projection_json(found))["primitives"][0]["implementation_here"] == "jit:avx2"


def test_nothing_that_ran_is_no_efficiency() -> None:
    found = projection(LOG, {})
    assert found.efficiency is found.error is None
    assert json.loads(projection_json(found))["efficiency"] is None


def test_the_interval_is_that_of_the_median() -> None:
    values = estimate([float(value) for value in range(1, 101)])
    assert values.median_ms == 50.5
    assert (values.low_ms, values.high_ms) == (40.0, 61.0), "order statistics 40 and 61 of 100"
    assert estimate([2.0]).low_ms == estimate([2.0]).high_ms == 2.0


def test_calls_carry_the_problem() -> None:
    (call,) = calls_of(use.primitive for use in log_of(lines(CONVOLUTION)).uses)
    assert call == {
        "kind": "convolution",
        "pass": "BWD_W",
        "input": [32, 64, 56, 56],
        "weight": [64, 64, 3, 3],
        "output": [32, 64, 56, 56],
        "stride": [1, 1],
        "padding": [1, 1],
        "dilation": [1, 1],
        "groups": 1,
        "bias": False,
        "dtype": "float32",
        "channels_last": False,
    }


def test_every_recorded_model_can_be_asked_for_again() -> None:
    kinds = {"resnet18": {"convolution"}, "lstm": {"lstm"}, "transformer": {"matmul"}, "retinanet": {"convolution"}}
    for model, expected in kinds.items():
        log = log_of(recorded(f"{model}-torch-2.14"))
        assert {call["kind"] for call in calls_of(use.primitive for use in log.uses)} == expected


def test_nothing_to_run_again_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProfilerError, match="Nothing to run again: there is no line of oneDNN"):
        project(log_of(b""), sys.executable)
    created = log_of(lines(CONVOLUTION.replace("exec", "create:cache_miss")))
    with pytest.raises(ProfilerError, match="Nothing to run again: primitives were created, but none was executed"):
        project(created, sys.executable)
    monkeypatch.setattr("profilednn_tui.project.projection.run_script", lambda *arguments: "")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ProfilerError, match="None of the 1 distinct primitives ran again"):
        project(log_of(lines(CONVOLUTION)), sys.executable)


def test_contention_is_said_beside_the_times() -> None:
    found = replace(projection(LOG, read_samples(answer((6.0, 0.4)))), contention="others 80 % of one core: ...")
    assert next(projection_lines(found)) == "Warning: others 80 % of one core: ..."
    assert json.loads(projection_json(found))["contention"] == "others 80 % of one core: ..."


def test_the_time_of_others_is_what_neither_we_nor_our_children_used() -> None:
    before = {0: CoreTicks(busy=0, steal=0, total=0), 1: CoreTicks(busy=100, steal=0, total=1_000)}
    now = {0: CoreTicks(busy=800, steal=50, total=1_000), 1: CoreTicks(busy=800, steal=50, total=2_000)}
    second = os.sysconf("SC_CLK_TCK")
    found = disturbance(before, now, own_s=500 / second, elapsed_s=1_000 / second)
    assert found.others_percent == pytest.approx(100)
    assert found.steal_percent == pytest.approx(5)
    assert disturbance(before, now, own_s=2_000 / second, elapsed_s=1.0).others_percent == 0


def test_a_log_of_reorders_alone_cannot_be_projected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ProfilerError, match="Nothing to run again"):
        project(log_of(lines(REORDER)), sys.executable)
