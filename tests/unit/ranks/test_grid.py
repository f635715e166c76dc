"""Grids: factors that multiply out, and which cell is best."""

from __future__ import annotations

import math

import pytest

from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.grid import grid_variants, parse_axes
from profilednn_tui.export.grid import json_text, markdown_text, report_text
from profilednn_tui.ranks.efficiency import RunTimes, factors_of
from profilednn_tui.ranks.grid import CellRuns, grid_of
from profilednn_tui.ranks.launchers import apart, asked_ranks, filled, launcher_of

MS = 1e6


def times(ranks: int, threads: int, step_ms: float, *own_ms: float) -> RunTimes:
    return RunTimes(ranks, threads, step_ms * MS, tuple(own * MS for own in own_ms or (step_ms,)))


def test_factors_multiply_out_to_the_efficiency() -> None:
    references = [times(1, 1, 20.0), times(1, 1, 21.0), times(1, 1, 20.5)]
    runs = [times(2, 1, 25.0, 22.0, 20.0), times(2, 1, 27.0, 23.0, 21.0), times(2, 1, 26.0, 24.0, 20.0)]
    found = factors_of(runs, references)
    assert found.load_balance * found.communication * found.threads == pytest.approx(found.efficiency.value)
    assert found.efficiency.value == pytest.approx(math.prod(20.5 / 26 for _ in range(1)), rel=0.02)
    assert found.efficiency.low is not None
    assert found.efficiency.high is not None
    assert found.efficiency.low < found.efficiency.value < found.efficiency.high


def test_twice_the_threads_in_half_the_time_are_fully_efficient() -> None:
    found = factors_of([times(1, 2, 10.0)], [times(1, 1, 20.0)])
    assert (found.efficiency.value, found.threads, found.load_balance, found.communication) == pytest.approx((1,) * 4)
    assert found.efficiency.low is None, "one run has no interval"


def grid() -> tuple[CellRuns, ...]:
    def cell(ranks: int, threads: int, *step_ms: float) -> CellRuns:
        runs = {turn: times(ranks, threads, each, *[each * 0.9] * ranks) for turn, each in enumerate(step_ms)}
        return CellRuns(f"ranks{ranks}-threads{threads}", {"ranks": str(ranks), "threads": str(threads)}, runs)

    return cell(1, 1, 20.0, 20.2, 19.8), cell(1, 2, 13.0, 13.1, 12.9), cell(2, 1, 22.0, 22.1, 21.9)


def test_the_best_cell_has_the_highest_throughput() -> None:
    found = grid_of("train", grid())
    assert found.best is not None
    assert found.best.name == "ranks2-threads1"
    assert found.ties == ()
    assert found.best.throughput is not None
    assert found.best.throughput.value == pytest.approx(2 / 0.022, rel=0.01)
    text = report_text(found)
    assert "Best: ranks2-threads1." in text
    assert text.splitlines()[2].split()[:2] == ["ranks", "threads"]
    assert '"schema": "profilednn.grid/1"' in json_text(found)
    assert "| ranks | threads |" in markdown_text(found)


def test_a_cell_that_shares_no_turn_with_its_reference_says_why_it_has_no_efficiency() -> None:
    one, _, two = grid()
    later = CellRuns(two.name, two.values, {turn + 10: run for turn, run in two.times.items()})

    cell = grid_of("g", (one, later)).cells[1]

    assert cell.factors is None
    assert cell.throughput is not None
    assert cell.reason == "no efficiency: none of its runs was made in the same turn as one of ranks1-threads1"
    assert cell.reason in report_text(grid_of("g", (one, later)))


def test_a_cell_without_runs_says_why() -> None:
    failed = CellRuns("ranks2-threads1", {"ranks": "2", "threads": "1"}, {}, "failed: no port")
    assert "ranks2-threads1: failed: no port." in report_text(grid_of("train", (*grid()[:2], failed)))


@pytest.mark.parametrize(
    ("words", "values", "expected"),
    [
        (["torchrun", "--nproc-per-node", "4", "t.py"], {"ranks": "2"}, ["torchrun", "--nproc-per-node", "2", "t.py"]),
        (["torchrun", "--nproc_per_node=4", "t.py"], {"ranks": "2"}, ["torchrun", "--nproc_per_node=2", "t.py"]),
        (["python", "-m", "torch.distributed.run", "--nproc-per-node=1", "t.py"], {"ranks": "2"},
         ["python", "-m", "torch.distributed.run", "--nproc-per-node=2", "t.py"]),
        (["mpirun", "-np", "2", "python", "t.py"], {"ranks": "1"}, ["mpirun", "-np", "1", "python", "t.py"]),
        (["t.py", "--world", "{ranks}", "--batch={batch}"], {"ranks": "2", "batch": "16"},
         ["t.py", "--world", "2", "--batch=16"]),
        (["torchrun", "t.py"], {"threads": "2"}, ["torchrun", "t.py"]),
    ],
)  # fmt: skip
def test_values_go_to_their_places(words: list[str], values: dict[str, str], expected: list[str]) -> None:
    assert list(filled(words, values)) == expected


def test_ranks_without_a_place_are_refused() -> None:
    with pytest.raises(ProfilerError, match=r"Write --nproc-per-node \{ranks\}"):
        filled(["torchrun", "t.py"], {"ranks": "2"})
    with pytest.raises(ProfilerError, match=r"Write \{batch\}"):
        grid_variants({"batch": ("8",)}, ["t.py"], 2)


def test_cells_that_need_more_cores_are_left_out() -> None:
    axes = parse_axes(["ranks=1,2", "threads=1,2"])
    variants, left_out = grid_variants(axes, ["torchrun", "--nproc-per-node", "1", "t.py"], 2)
    assert [variant.name for variant in variants] == ["ranks1-threads1", "ranks1-threads2", "ranks2-threads1"]
    assert left_out == ("ranks2-threads2",)
    assert variants[1].environment == {"OMP_NUM_THREADS": "2"}


@pytest.mark.parametrize("text", ["ranks", "ranks=", "ranks=0", "threads=two", "=1"])
def test_what_is_no_axis_is_refused(text: str) -> None:
    with pytest.raises(ProfilerError):
        parse_axes([text])


def test_each_run_of_a_launcher_meets_at_a_port_of_its_own() -> None:
    _, variables = apart(["torchrun", "t.py"])
    assert variables.keys() == {"PET_MASTER_PORT"}
    words, variables = apart(["torchrun", "--master-port=29500", "t.py"])
    assert words[1] != "--master-port=29500"
    assert not variables
    assert apart(["torchrun", "--standalone", "t.py"]) == (("torchrun", "--standalone", "t.py"), {})
    assert apart(["train.py"]) == (("train.py",), {})


def test_launchers_are_known_by_program_or_module() -> None:
    found = [launcher_of(words) for words in (["/usr/bin/torchrun"], ["python3", "-m", "accelerate.commands.launch"])]
    assert [one.name if one else None for one in found] == ["torchrun", "accelerate"]
    assert launcher_of(["python", "train.py", "-m"]) is None


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (("torchrun", "--nproc-per-node", "2", "train.py"), 2),
        (("torchrun", "--nproc_per_node=4", "train.py", "--nproc_per_node=8"), 4),
        (("accelerate", "launch", "--num_processes", "2", "--cpu", "train.py"), 2),
        (("python", "-m", "accelerate.commands.launch", "--num_processes=3", "train.py"), 3),
        (("mpirun", "-np", "4", "python", "train.py"), 4),
        (("torchrun", "--nproc-per-node", "auto", "train.py"), None),
        (("torchrun", "train.py", "--nproc-per-node", "2"), None),
        (("python", "train.py"), None),
    ],
)
def test_how_many_ranks_a_command_asks_for(words: tuple[str, ...], asked: int | None) -> None:
    assert asked_ranks(words) == asked
