"""Measured points from sessions and grids."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.plan import Experiment, RunEntry, RunState
from profilednn_tui.experiment.points import read_points
from profilednn_tui.experiment.variants import Variant
from profilednn_tui.plan.points import Setting
from profilednn_tui.protocol.events import GradientNoiseEvent, LoadersEvent
from tests.unit.session import recordings as r

MS = 1_000_000


def record(folder: Path, step_ms: float = 40.0, batch: int | None = None, batches: int = 40, **changes: Any) -> Path:
    """A session with 4 threads; `batch` is that of its DataLoader."""
    threads = changes.pop("threads", 4)
    host = changes.pop("host", [r.machine(), r.memory(700_000_000)])
    noise = changes.pop("noise", [])
    agent = [r.hello(intra_op_threads=threads), r.steps(1, 40, duration_ns=round(step_ms * MS)), *noise, r.bye()]
    if batch is not None:
        agent.append(LoadersEvent([["Images", 0, 0, -1, 0, batch, 1, 0, batches, 1, 1, 1, 1, "train.py", 7]], 1))
    return r.write_session(folder, agent, host, exit_code=0, **changes)


def grid(home: Path, *cells: tuple[int, int, RunState], values: dict[str, str] | None = None) -> Path:
    """A grid with a run for each (threads, batch, state), whose steps take a millisecond per sample."""
    folder = home / "grid"
    variants, runs = {}, []
    for number, (threads, batch, state) in enumerate(cells):
        name = f"ranks1-threads{threads}-batch{batch}"
        cell = values or {"ranks": "1", "threads": str(threads), "batch": str(batch)}
        variants[name] = Variant(name, values=cell)
        record(folder / f"run-{number}", step_ms=batch / threads, threads=threads)
        reason = "" if state is RunState.DONE else "others 100 % of one core"
        runs.append(RunEntry(name, number, f"run-{number}", state, reason))
    words = ("torchrun", "--nproc-per-node", "1", "train.py")
    Experiment("grid", words, "command", str(home), tuple(variants.values()), 8, 40, 0, 1, runs=tuple(runs)).save(
        folder
    )
    return folder


def test_a_session_tells_its_setting_step_and_memory(home: Path) -> None:
    found = read_points([str(record(home / "run", batch=16))])
    (point,) = found.points
    assert point.setting == Setting(1, 4, 16)
    assert point.step_ns.value == pytest.approx(40 * MS)
    assert point.peak_bytes is not None
    assert point.peak_bytes.value == pytest.approx(900_000_000), "as the kernel reports it at the end"
    assert (found.name, found.place.cores, found.place.memory_bytes) == ("run", 4, 16_000_000_000)


def test_several_batches_per_step_are_accumulated(home: Path) -> None:
    assert read_points([str(record(home / "run", batch=16, batches=158))]).points[0].setting.batch == 64


def test_a_session_without_a_loader_needs_its_batch_named(home: Path) -> None:
    record(home / "run")
    with pytest.raises(ProfilerError, match=r"run does not tell its local batch.*--batch N"):
        read_points(["run"])
    assert read_points(["run"], batch=24).points[0].setting.batch == 24


def test_sessions_of_one_setting_are_one_point(home: Path) -> None:
    for number, step_ms in enumerate((40.0, 42.0, 41.0)):
        record(home / f"run-{number}", step_ms, batch=16)
    found = read_points(["run-*"])
    assert [point.runs for point in found.points] == [3]
    low, high = found.points[0].step_ns.low, found.points[0].step_ns.high
    assert low is not None
    assert high is not None
    assert low < 41 * MS < high


def test_a_grid_gives_a_point_for_each_cell_and_says_what_was_disturbed(home: Path) -> None:
    done = RunState.DONE
    grid(home, (1, 8, done), (1, 16, done), (2, 8, done), (2, 8, done), (2, 16, RunState.DISTURBED))
    found = read_points(["grid"])
    assert [(point.setting, point.runs) for point in found.points] == [
        (Setting(1, 1, 8), 1), (Setting(1, 1, 16), 1), (Setting(1, 2, 8), 2),
    ]  # fmt: skip
    assert found.notes == ("run-4: disturbed: others 100 % of one core",)


def test_single_cells_of_a_grid_can_be_named(home: Path) -> None:
    grid(home, (1, 8, RunState.DONE), (1, 16, RunState.DONE), (2, 8, RunState.DONE))
    found = read_points(["grid:ranks1-threads1-batch8", "grid:ranks1-threads2-batch8"])
    assert [point.setting for point in found.points] == [Setting(1, 1, 8), Setting(1, 2, 8)]


def test_a_grid_whose_ranks_did_not_come_up_is_no_point(home: Path) -> None:
    grid(home, (1, 8, RunState.DONE), values={"ranks": "2", "batch": "8"})
    with pytest.raises(ProfilerError, match="1 ranks were seen in a process group"):
        read_points(["grid"])


@pytest.mark.parametrize("batch", ["0", "-3", "eight", "9" * 30])
def test_a_batch_that_is_no_number_is_not_taken_from_a_file(home: Path, batch: str) -> None:
    grid(home, (1, 8, RunState.DONE), values={"ranks": "1", "batch": batch})
    with pytest.raises(ProfilerError, match="does not tell its local batch"):
        read_points(["grid"])


def test_variants_of_an_experiment_are_not_one_training(home: Path) -> None:
    folder = home / "tried"
    folder.mkdir()
    variants = (Variant("stock"), Variant("fast", ("channels_last",)))
    Experiment("tried", ("train.py",), "script", str(home), variants, 8, 40, 0, 1).save(folder)
    with pytest.raises(ProfilerError, match=r"tried is no grid.*tried:stock, tried:fast"):
        read_points(["tried"])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"script_sha256": "cd"}, "the scripts differ"),
        ({"host": [r.machine((0, 1)), r.memory()], "script_sha256": "ab"}, ""),
    ],
)
def test_sessions_of_different_trainings_are_refused(home: Path, changes: dict[str, Any], reason: str) -> None:
    record(home / "one", batch=16, script_sha256="ab")
    record(home / "two", batch=32, **changes)
    if not reason:
        assert len(read_points(["one", "two"]).points) == 2
        return
    with pytest.raises(ProfilerError, match=reason):
        read_points(["one", "two"])


def test_disturbed_sessions_are_left_out(home: Path) -> None:
    busy = [r.machine(), *[r.cores(others=(100.0, 100.0, 0.0, 0.0))] * 5, r.memory()]
    record(home / "busy", batch=16, host=busy)
    record(home / "quiet", batch=32)
    found = read_points(["busy", "quiet"])
    assert [point.setting.batch for point in found.points] == [32]
    assert found.notes[0].startswith("busy: disturbed: ")
    with pytest.raises(ProfilerError, match="Nothing can be planned: busy: disturbed"):
        read_points(["busy"])


def test_the_noise_of_gradients_is_that_of_the_session_that_tells_most(home: Path) -> None:
    def noisy(name: str, count: int, others: float = 0.0) -> None:
        host = [r.machine(), *[r.cores(others=(others, others, 0.0, 0.0))] * 5, r.memory()]
        pairs = [GradientNoiseEvent(9 + 8 * number, 2.0 + number % 2, 1.0, 0, 1) for number in range(count)]
        record(home / name, batch=16, host=host, noise=pairs)

    noisy("short", 20)
    noisy("long", 40, others=100.0)
    noise = read_points(["short", "long"]).noise
    assert noise is not None
    assert (noise.session, noise.first, noise.last) == ("long", 8, 321), "other load does not matter to gradients"
    assert noise.scale is not None
    assert noise.scale.value == pytest.approx(16 * 1.5)
    assert read_points([str(record(home / "plain", batch=16))]).noise is None


def test_what_does_not_exist_is_told(home: Path) -> None:
    with pytest.raises(ProfilerError, match="There is no session"):
        read_points(["nothing"])
    with pytest.raises(ProfilerError, match=r"No session matches none-\*"):
        read_points(["none-*"])
