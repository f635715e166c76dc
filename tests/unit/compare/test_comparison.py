"""Comparing two sides: what differs, part by part, and when they are not comparable."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from profilednn_tui.compare.comparison import compare, expected_spread
from profilednn_tui.compare.losses import Agreement
from profilednn_tui.compare.runs import Run, Side, Turn, data_shapes, side_from
from profilednn_tui.compare.verdict import Outcome
from profilednn_tui.export.comparison.words import steps_text
from profilednn_tui.session.spread import BETWEEN_SESSIONS, WITHIN_EXPERIMENT, Spread
from profilednn_tui.session.view import Optimization, Target
from tests.unit.compare.sides import MACHINE, MS, STEPS, disturbed, noisy, one_run, operator, operators, run, side

CONV = "[[32, 3, 224, 224], [64, 3, 7, 7], []]"


def target(**changes: object) -> Target:
    return replace(one_run("x").runs[0].view.target, **changes)  # type: ignore[arg-type]


def test_a_planted_slowdown_is_found_and_sized() -> None:
    generator = np.random.default_rng(1)
    found = compare(side("stock", generator, 6), side("slow", generator, 6, slower=1.1))
    assert found.verdict.outcome is Outcome.SLOWER
    assert found.verdict.change == pytest.approx(0.1, abs=0.03)
    assert found.verdict.is_regression(0.05)


def test_runs_of_one_experiment_are_compared_in_pairs() -> None:
    generator = np.random.default_rng(1)
    sides = [
        replace(one, runs=tuple(replace(run, turn=("experiment", block)) for block, run in enumerate(one.runs)))
        for one in (side("stock", generator, 8), side("slow", generator, 8, slower=1.2))
    ]
    found = compare(sides[0], sides[1])
    assert found.verdict.interval is not None
    assert found.verdict.interval.pairs == 8
    assert " in 8 pairs, " in steps_text(found)
    one_lost = compare(sides[0], replace(sides[1], runs=sides[1].runs[1:])).verdict
    assert one_lost.interval is not None
    assert one_lost.interval.pairs == 7
    assert one_lost.outcome is Outcome.SLOWER


def later(one: Side, seconds: float) -> Side:
    """The same runs at another time."""

    def shifted(run: Run) -> Run:
        ends = tuple(round(seconds * 1e9) + number for number in run.view.steps.numbers)
        return replace(run, view=replace(run.view, steps=replace(run.view.steps, end_unix_ns=ends)))

    return replace(one, runs=tuple(map(shifted, one.runs)))


def test_runs_that_were_all_made_before_the_others_say_so() -> None:
    generator = np.random.default_rng(3)
    first, second = later(side("monday", generator, 5), 1.0), side("tuesday", generator, 5, slower=1.1)
    together = compare(first, later(second, 1.0))
    apart = compare(first, later(second, 86_400.0))
    assert together.verdict.outcome is Outcome.SLOWER
    assert apart.verdict.outcome is Outcome.NO_DIFFERENCE
    assert any("all runs of one side were made before those of the other" in note for note in apart.notes)
    assert not any("all runs of one side" in note for note in together.notes)


def test_steps_to_skip_are_not_judged() -> None:
    late = (*([10.0 * MS] * 200), *([20.0 * MS] * 100))
    baseline, candidate = (
        Side(name, tuple(replace(run(f"{name}-{number}", late), skip=200) for number in range(4))) for name in "ab"
    )
    found = compare(baseline, candidate)
    assert [len(one) for one in found.baseline_steps] == [100] * 4
    assert found.baseline_steps[0].median_ns == 20 * MS


def test_equal_sides_say_what_could_have_been_seen() -> None:
    generator = np.random.default_rng(2)
    verdict = compare(side("stock", generator, 6), side("same", generator, 6)).verdict
    assert verdict.outcome is Outcome.NO_DIFFERENCE
    assert verdict.interval is not None
    assert 0.01 < verdict.interval.smallest_difference < 0.1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"target": target(script_sha256="cd")}, "the scripts differ"),
        ({"target": target(argv=("train.py", "--lr", "0.2"))}, "--lr 0.1 against --lr 0.2"),
        ({"machine": replace(MACHINE, cpu="Intel Xeon")}, "different machines"),
        ({"machine": replace(MACHINE, quota=2.0)}, "quota 2"),
        ({"machine": replace(MACHINE, memory_bytes=32_000_000_000)}, "16.0 GB against"),
    ],
)
def test_other_circumstances_are_not_comparable(changes: dict[str, object], reason: str) -> None:
    verdict = compare(one_run("A"), one_run("B", **changes)).verdict
    assert verdict.outcome is Outcome.NOT_COMPARABLE
    assert reason in verdict.reasons[0]


def test_a_script_that_was_moved_is_the_same_script() -> None:
    moved = one_run("B", target=target(argv=("elsewhere/train.py", "--lr", "0.1")))
    assert compare(one_run("A"), moved).verdict.outcome is Outcome.NOT_JUDGED


def test_what_may_differ_becomes_a_note() -> None:
    found = compare(one_run("A"), one_run("B", target=target(script_sha256="cd")), across=("script",))
    assert found.verdict.outcome is Outcome.NOT_JUDGED
    assert any("script" in note for note in found.notes)


def shaped(name: str, *windows: set[str]) -> Side:
    return Side(name, (replace(run(name, STEPS), data_shapes=tuple(map(frozenset, windows))),))


def test_another_batch_is_not_comparable() -> None:
    first, second = shaped("A", {"32×3×224×224", "32×64×112×112"}), shaped("B", {"64×3×224×224", "64×64×112×112"})
    (reason,) = compare(first, second).verdict.reasons
    assert "different batch sizes: 32 against 64 (32×3×224×224 against 64×3×224×224)" in reason


def test_another_size_of_pictures_is_not_comparable() -> None:
    first, second = shaped("A", {"8×3×224×224", "8×64×112×112"}), shaped("B", {"8×3×512×512", "8×64×256×256"})
    assert "different data shapes: 8×3×224×224 against 8×3×512×512" in compare(first, second).verdict.reasons[0]


def test_pictures_of_all_sizes_are_comparable() -> None:
    first = shaped("A", {"2×3×300×400", "2×64×150×200"}, {"2×3×500×400", "2×64×250×200"})
    second = shaped("B", {"2×3×640×480", "2×64×320×240"})
    assert not compare(first, second).verdict.reasons


def test_an_optimization_that_replaces_an_operator_keeps_the_data() -> None:
    first = shaped("A", {"32×3×224×224", "32×64×112×112", "32×10"})
    assert not compare(first, shaped("B", {"32×3×224×224", "32×10"})).verdict.reasons


def test_data_shapes_are_those_of_what_flows_through_modules() -> None:
    found = data_shapes(
        operators(
            operator("aten::conv2d", CONV, MS),
            operator("aten::linear", "[[32, 512], [10, 512], [10]]", MS),
            operator("aten::add_", "[[64, 3, 7, 7], [64, 3, 7, 7], []]", MS),
            operator("aten::linear", "[]", MS),
        )
    )
    assert found == {"32×3×224×224", "32×512"}


def test_a_run_without_steps_is_not_comparable() -> None:
    verdict = compare(one_run("A"), Side("B", (run("B", []),))).verdict
    assert verdict.outcome is Outcome.NOT_COMPARABLE
    assert verdict.reasons == ("B has no steps to judge, and 5 are needed",)


def test_a_speedup_that_changes_the_training_is_said_so() -> None:
    losses = [2 - 0.01 * number for number in range(60)]
    wrong = [loss * 1.5 for loss in losses]
    generator = np.random.default_rng(3)

    def trained(name: str, ms: float, curve: list[float]) -> Side:
        return Side(name, tuple(run(f"{name}{i}", list(noisy(generator, 60, ms * MS)), curve) for i in range(4)))

    found = compare(trained("stock", 20, losses), trained("fast", 10, wrong))
    assert found.verdict.outcome is Outcome.FASTER
    assert found.losses.agreement is Agreement.DRIFTING
    assert any("the candidate trains differently" in note for note in found.notes)


def test_an_optimization_that_did_not_take_is_told_once() -> None:
    asked = (Optimization("bf16", "on", "autocast"), Optimization("ipex", "unavailable", "it is not installed"))
    runs = one_run("B", optimizations=asked).runs * 3
    notes = compare(one_run("A"), Side("B", runs)).notes
    assert [note for note in notes if "ipex" in note] == ["B: ipex unavailable, it is not installed"]
    assert not any("bf16" in note for note in notes)


@pytest.mark.parametrize(
    ("exit_code", "words"), [(1, "B ended with exit code 1"), (-9, "B was killed by SIGKILL (9)"), (0, None)]
)
def test_a_run_that_failed_is_noted(exit_code: int, words: str | None) -> None:
    notes = compare(one_run("A"), one_run("B", target=target(exit_code=exit_code))).notes
    assert [note for note in notes if "exit code" in note or "killed" in note] == ([words] if words else [])


def test_disturbed_sessions_are_compared_with_a_note() -> None:
    quiet, busy = one_run("A"), one_run("B")
    found = compare(quiet, Side("B", (Run("B", disturbed(busy.runs[0].view)),)))
    assert any(note.startswith("B: others 98 %") for note in found.notes)


def test_a_side_of_disturbed_runs_has_no_verdict() -> None:
    generator = np.random.default_rng(4)
    slow = replace(side("slow", generator, 6, slower=1.5), disturbed="6 of 6 runs of slow were disturbed")
    verdict = compare(side("stock", generator, 6), slow).verdict
    assert verdict.outcome is Outcome.NOT_COMPARABLE
    assert verdict.reasons == ("6 of 6 runs of slow were disturbed",)


HERE, THERE = ("/sessions/first", 0), ("/sessions/second", 0)
QUIET = Spread(0.01, 40)


@pytest.mark.parametrize(
    ("turns", "carried", "expected"),
    [
        ((HERE, HERE), QUIET, QUIET),
        ((HERE, HERE), None, WITHIN_EXPERIMENT),
        ((None, None), QUIET, QUIET),
        ((None, None), None, BETWEEN_SESSIONS),
        ((HERE, THERE), QUIET, BETWEEN_SESSIONS),
        ((HERE, None), QUIET, BETWEEN_SESSIONS),
    ],
)
def test_the_spread_within_an_experiment_says_nothing_of_runs_made_at_another_time(
    turns: tuple[Turn | None, Turn | None], carried: Spread | None, expected: Spread
) -> None:
    # Found by reading: variants of two experiments were judged with the spread within one.
    sides = [
        replace(side, runs=tuple(replace(run, turn=turn, spread=carried) for run in side.runs))
        for side, turn in zip((one_run("A"), one_run("B")), turns, strict=True)
    ]
    assert expected_spread(*sides) == expected


def test_runs_of_the_same_name_are_told_apart() -> None:
    # Found by reading: two snapshots called run.pdnn in different folders counted as disturbed if the second one was.
    (quiet,) = one_run("run").runs
    busy = replace(quiet, view=disturbed(quiet.view))
    side = side_from("both", [quiet, busy])
    assert (side.runs, side.left_out, side.disturbed) == ((quiet,), (busy,), "")
