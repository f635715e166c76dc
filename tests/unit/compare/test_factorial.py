"""Effects of switches that change from block to block, with planted truth."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from profilednn_tui.compare.factorial import (
    Block,
    Effect,
    Estimate,
    Switch,
    best_setting,
    estimate,
    left_out_steps,
    undecided,
)
from profilednn_tui.protocol.switching import Setting
from profilednn_tui.tune.design import designed, plackett_burman, switches_on

STEP_NS = 20e6
SWITCHES = (
    Switch("channels_last", "channels_last"),
    Switch("fused_optimizer", "fused_optimizer"),
    Switch("frozen_bn", "frozen_bn"),
    Switch("threads=1", threads=1),
)
TRUTH = {"channels_last": 0.8, "fused_optimizer": 0.96, "frozen_bn": 1.0, "threads=1": 1.3}
Pace = Callable[[int], float]


def steady(block: int) -> float:
    return 1.0


def blocks(
    count: int,
    seed: int = 1,
    noise: float = 0.05,
    pace: Pace = steady,
    truth: Mapping[str, float] = TRUTH,
    pair: tuple[str, str, float] | None = None,
    slow_after: Mapping[str, tuple[float, ...]] | None = None,
    process_factor: float = 1.0,
    sizes: Sequence[int] = (),
) -> list[Block]:
    """Blocks of six steps whose effects are known; `slow_after` are factors of the first steps after a switching.

    With `sizes`, each block's inputs have one of them at random, and its steps take so much longer.
    """
    generator = np.random.default_rng(seed)
    plan = designed(SWITCHES)
    found: list[Block] = []
    before: frozenset[str] = frozenset()
    for number in range(count):
        on = switches_on(plan.setting(number), SWITCHES)
        process = int(process_factor != 1 and number >= count // 2)
        ns = STEP_NS * pace(number) * math.prod(truth[name] for name in on) * (process_factor if process else 1.0)
        if pair is not None and pair[0] in on and pair[1] in on:
            ns *= pair[2]
        steps = ns * np.exp(generator.normal(0, noise, 6))
        for name, factors in (slow_after or {}).items():
            if (name in on) != (name in before):
                steps[: len(factors)] *= factors
        before = on
        size = int(generator.choice(sizes)) if sizes else 0
        steps *= size or 1
        found.append(Block(on, tuple(map(int, steps)), number * 0.12, process, (size,) * 6 if size else ()))
    return found


def effects(found: Estimate) -> dict[str, Effect]:
    return {one.name: one for one in found.effects}


def test_planted_effects_are_found_within_their_intervals() -> None:
    found = effects(estimate(blocks(200), SWITCHES, 0.05))
    assert found.keys() == TRUTH.keys()
    for name, effect in found.items():
        assert effect.low <= TRUTH[name] <= effect.high, effect
        assert effect.high / effect.low < 1.05


def test_intervals_hold_what_they_promise() -> None:
    """With outliers and errors that are correlated from block to block."""
    missed = 0
    for seed in range(30):
        generator = np.random.default_rng(seed)
        slow = np.cumsum(generator.normal(0, 0.01, 80))
        outliers = np.where(generator.random(80) < 0.05, 0.7, 0.0)
        factors = np.exp(slow + outliers)
        found = effects(estimate(blocks(80, seed, pace=factors.item), SWITCHES, 0.05))
        missed += sum(not effect.low <= TRUTH[name] <= effect.high for name, effect in found.items())
    assert missed <= 0.1 * 4 * 30


def test_a_machine_that_slows_down_meanwhile_has_no_part_in_the_effects() -> None:
    found = effects(estimate(blocks(200, pace=lambda number: 1 + number / 100), SWITCHES, 0.05))
    for name, effect in found.items():
        assert effect.ratio == pytest.approx(TRUTH[name], rel=0.03)


def test_a_second_process_may_be_slower_as_a_whole() -> None:
    found = effects(estimate(blocks(200, process_factor=1.5), SWITCHES, 0.05))
    for name, effect in found.items():
        assert effect.ratio == pytest.approx(TRUTH[name], rel=0.03)


def test_two_switches_that_help_only_together_are_told_as_a_pair() -> None:
    found = estimate(blocks(300, pair=("channels_last", "frozen_bn", 0.8)), SWITCHES, 0.05)
    ((first, second, factor),) = found.pairs
    assert {first, second} == {"channels_last", "frozen_bn"}
    assert factor == pytest.approx(0.8, abs=0.04)
    assert estimate(blocks(300), SWITCHES, 0.05).pairs == ()


def test_steps_that_are_slow_after_a_switching_are_left_out() -> None:
    slow = {"channels_last": (2.0, 1.3)}
    assert left_out_steps(blocks(100, slow_after=slow), SWITCHES) == 2
    assert left_out_steps(blocks(100), SWITCHES) == 0
    found = effects(estimate(blocks(200, slow_after=slow), SWITCHES, 0.05))
    assert found["channels_last"].ratio == pytest.approx(0.8, rel=0.03)
    assert found["channels_last"].left_out == 2


def test_several_numbers_of_threads_have_effects_of_their_own() -> None:
    # Found in a test of the search: as a pair, two that are never on together made the fit singular.
    threads = (Switch("threads=1", threads=1), Switch("threads=2", threads=2), Switch("a", "a"))
    generator = np.random.default_rng(1)
    plan, truth = designed(threads), {"threads=1": 1.4, "threads=2": 0.9, "a": 0.8}
    made = [
        Block(on, tuple(map(int, STEP_NS * math.prod(truth[n] for n in on) * np.exp(generator.normal(0, 0.02, 6)))), at)
        for at, on in ((float(number), switches_on(plan.setting(number), threads)) for number in range(100))
    ]
    found = estimate(made, threads, 0.01)
    assert {one.name: one.ratio for one in found.effects} == pytest.approx(truth, rel=0.02)
    assert found.pairs == ()


def test_too_few_blocks_give_no_effect() -> None:
    assert estimate(blocks(10), SWITCHES, 0.05) == Estimate(blocks=10)
    assert estimate([], SWITCHES, 0.05) == Estimate()


def test_a_switch_that_never_changed_has_no_effect() -> None:
    never = Switch("bf16", "bf16")
    assert "bf16" not in effects(estimate(blocks(100), (*SWITCHES, never), 0.05))


def effect(name: str, ratio: float, half: float = 0.01) -> Effect:
    return Effect(name, ratio, ratio - half, ratio + half, 100)


def test_the_best_setting_has_what_helps_beyond_doubt_and_one_number_of_threads() -> None:
    found = Estimate(
        (effect("a", 0.8), effect("b", 0.99), effect("c", 1.2), effect("threads=1", 0.9), effect("threads=2", 0.7))
    )
    assert best_setting(found, [("threads=1", "threads=2")]) == ("a", "threads=2")
    assert best_setting(Estimate()) == ()


def test_what_helps_alone_but_not_beside_the_others_is_left_out() -> None:
    found = Estimate((effect("a", 0.8), effect("b", 0.9)), pairs=(("a", "b", 1.5),))
    assert best_setting(found) == ("a",)
    together = Estimate((effect("a", 0.8), effect("b", 0.9)), pairs=(("a", "b", 0.9),))
    assert best_setting(together) == ("a", "b")


def test_a_switch_is_decided_once_it_helps_or_cannot_be_worth_it() -> None:
    found = Estimate((effect("helps", 0.9), effect("harms", 1.1), effect("nothing", 1.0), effect("open", 0.99, 0.03)))
    assert undecided(found, 0.02) == ("open",)


@pytest.mark.parametrize("columns", [0, 1, 3, 4, 7, 9, 12, 20, 40])
def test_any_two_columns_of_a_round_have_all_pairs_of_values_equally_often(columns: int) -> None:
    rows = np.array(plackett_burman(columns))
    assert rows.shape[1] >= columns
    assert len(rows) == rows.shape[1] + 1
    signs = 2 * rows - 1
    assert np.array_equal(signs.T @ signs, len(rows) * np.eye(rows.shape[1]))
    assert not signs.sum(axis=0).any()


def test_every_round_of_a_design_is_balanced_and_followed_by_its_opposite() -> None:
    plan = designed(SWITCHES)
    rounds = [[switches_on(setting, SWITCHES) for setting in plan.settings[at : at + 8]] for at in range(0, 320, 8)]
    for first, second in zip(rounds[::2], rounds[1::2], strict=True):
        assert all(sum(one.name in on for on in first) == 4 for one in SWITCHES)
        everything = frozenset(one.name for one in SWITCHES)
        assert sorted(map(sorted, second)) == sorted(sorted(everything - on) for on in first)
    assert rounds[0] != rounds[2], "in another order, with other columns"
    assert designed(SWITCHES) == plan
    assert plan.setting(len(plan.settings)) == plan.settings[0]


def test_intervals_of_few_blocks_hold_what_they_should() -> None:
    """Found with the demo, whose steps take seconds: with few blocks, one interval of seven at 95 % missed."""
    found = [estimate(blocks(16, seed=seed), SWITCHES, 0.05).effects for seed in range(100)]
    misses = [not one.low <= TRUTH[one.name] <= one.high for effects in found for one in effects]
    assert len(misses) == 100 * len(SWITCHES)
    assert sum(misses) <= 0.08 * len(misses)


def test_few_blocks_tell_nearly_as_much_as_they_can() -> None:
    """Found with the demo: settings and their opposites in turn said the same twice."""
    made = estimate(blocks(24, noise=0.05), SWITCHES, 0.05)
    error = 2 * 0.05 * math.sqrt(math.pi / 2 / 6) / math.sqrt(24)  # of a median of six steps
    widths = [math.log(one.high / one.low) / 2 for one in made.effects]
    assert max(widths) < 2 * 2.1 * error


def test_a_design_over_threads_alone_has_no_optimization() -> None:
    threads = (Switch("threads=1", threads=1), Switch("threads=4", threads=4))
    settings = designed(threads).settings[:300]
    assert [sum(setting == Setting((), count) for setting in settings) for count in (0, 1, 4)] == [100, 100, 100]


def test_the_size_of_the_inputs_is_no_noise() -> None:
    """Batches of texts differ in length by much more than settings do in time."""

    def width(some: Sequence[Block]) -> float:
        one = effects(estimate(some, SWITCHES, 0.05))["fused_optimizer"]
        assert one.low < TRUTH["fused_optimizer"] < one.high
        return math.log(one.high / one.low)

    sized = blocks(200, sizes=(10, 20, 40, 80))
    assert width(sized) < 1.2 * width(blocks(200))
    assert width([replace(block, input_elements=()) for block in sized]) > 5 * width(sized)


def test_a_block_of_unknown_size_is_left_out_if_others_are_known() -> None:
    sized = blocks(200, sizes=(10, 40))
    cut = [*sized[:-1], replace(sized[-1], input_elements=())]
    assert estimate(cut, SWITCHES, 0.05) == estimate(sized[:-1], SWITCHES, 0.05)
    few = [replace(block, input_elements=()) for block in sized[:150]] + sized[150:]
    assert estimate(few, SWITCHES, 0.05).blocks == 200
