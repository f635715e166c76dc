"""The stages of a search, on runs whose speed is planted."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from profilednn_tui.compare.factorial import Effect, Estimate
from profilednn_tui.compare.intervals import FEWEST_GROUPS
from profilednn_tui.compare.tuning import TuneReport
from profilednn_tui.compare.variant_names import STOCK
from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.plan import Experiment, load_experiment
from profilednn_tui.experiment.variants import Variant
from profilednn_tui.export.tuning import TUNING_FORMATS
from profilednn_tui.launch.optimizations import OptimizationDescription
from profilednn_tui.protocol.switching import SwitchingPlan
from profilednn_tui.session.open_session import OpenSession
from profilednn_tui.tune import factorial as factorial_module
from profilednn_tui.tune import race as race_module
from profilednn_tui.tune import record as record_module
from profilednn_tui.tune.factorial import block_steps
from profilednn_tui.tune.record import Plain, Search, Wishes, find_search, load_search, new_search
from profilednn_tui.tune.report import report_of
from profilednn_tui.tune.search import Means, hopeful_switches, possible_switches, search
from tests.unit.tune.starter import Starter


def offer(name: str, live: bool = False, conflicts: tuple[str, ...] = (), reason: str = "") -> OptimizationDescription:
    return OptimizationDescription(name, "", conflicts, not live, reason, "get one" if reason else "", live)


OFFERS = (
    offer("allocator"),
    offer("bf16", live=True, reason="this processor has none"),
    offer("channels_last", live=True),
    offer("compile", conflicts=("frozen_backward",)),
    offer("frozen_backward", live=True),
    offer("fused_optimizer", live=True),
)


class Silent:
    """Observes nothing."""

    def beat(self, progress: object) -> None: ...

    def ended(self, progress: object, entry: object, run: object) -> None: ...


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A new search of a script in its folder."""
    (tmp_path / "train.py").write_text("")
    found = tmp_path / "search"
    found.mkdir()
    base = Experiment(
        name="train.py", words=("train.py",), kind="script", working_directory=str(tmp_path),
        variants=(Variant(STOCK),), repeat=1, steps=1_000_000, seed=0, start_unix_ns=0, python=sys.executable,
        lockstep=None, scratch=False,
    )  # fmt: skip
    Search(base, Wishes(10.0)).save(found)
    return found


def tuned(folder: Path, starter: Starter, told: list[str] | None = None) -> TuneReport:
    means = Means(OFFERS, (told if told is not None else []).append, Silent(), starter, starter.clock)
    assert search(folder, means) is None
    return report_of(folder)


def test_what_helps_is_found_combined_and_proven(folder: Path) -> None:
    told: list[str] = []
    starter = Starter(
        {"channels_last": 0.7, "fused_optimizer": 0.95, "frozen_backward": 1.1, "allocator": 0.8, "compile": 1.2}
    )
    report = tuned(folder, starter, told)
    assert report.winner is not None
    assert report.winner.optimizations == ("channels_last", "fused_optimizer", "allocator")
    assert report.comparison is not None
    assert report.comparison.verdict.interval is not None
    assert report.comparison.verdict.interval.ratio == pytest.approx(0.7 * 0.95 * 0.8, rel=0.05)
    assert {one.name for one in report.factors} >= {"channels_last", "fused_optimizer", "frozen_backward"}
    reasons = {one.name: one.reason for one in report.eliminated}
    assert "this processor has none" in reasons["bf16"]
    assert "it cannot be 2.0 % faster" in reasons["compile"]
    assert any(line.startswith("Best between steps: channels_last, fused_optimizer") for line in told)


def test_what_cannot_be_worth_it_stays_off_for_the_rest(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found with the demo: half of the time went to blocks with one thread, whose steps took twice as long."""
    plans: list[SwitchingPlan] = []

    def follow(session: OpenSession, plan: SwitchingPlan) -> bool:
        plans.append(plan)
        return True

    monkeypatch.setattr(factorial_module, "follow_plan", follow)
    starter = Starter({"channels_last": 0.9, "threads=1": 2.0, "threads=2": 0.98}, noise=0.1, blocks=20)
    report = tuned(folder, starter)
    settings = plans[0].settings[:100]
    assert not any(setting.threads == 1 for setting in settings)
    assert plans[0].first_steps > 8 + 20 * plans[0].block_steps, "it begins after the steps that were made already"
    later = [options.switching for options in starter.started if options.switching is not None][1]
    assert (later.settings[0].threads, later.first_steps) == (plans[0].settings[0].threads, 8)
    effects = {one.name: one for one in report.factors}
    assert effects["threads=1"].ratio == pytest.approx(2.0, rel=0.15)
    assert effects["threads=1"].steps < 100 < effects["channels_last"].steps


def test_slow_steps_have_short_blocks_and_fast_ones_long_blocks() -> None:
    # Found with ResNet-50: in a minute of steps of 0.9 s, six per block left four blocks.
    assert [block_steps(1e6 * ms) for ms in (0.5, 2, 20, 200, 250, 900)] == [60, 30, 6, 6, 3, 3]


def test_equal_settings_are_no_better_than_stock(folder: Path) -> None:
    report = tuned(folder, Starter({}))
    assert report.winner is None
    assert "nothing better than stock" in TUNING_FORMATS["text"](report)


def test_threads_become_a_variable(folder: Path) -> None:
    report = tuned(folder, Starter({"threads=1": 0.6}))
    assert report.winner is not None
    assert (report.winner.optimizations, dict(report.winner.environment)) == ((), {"OMP_NUM_THREADS": "1"})


def test_what_looked_better_when_time_was_up_is_decided_in_the_shootout(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found with a GPT: the allocator was out because the race was over before it was known to be better."""
    record = load_search(folder)
    replace(record, wishes=Wishes(10.0, over=("allocator", "compile"))).save(folder)
    monkeypatch.setattr(race_module, "MOST_GROUPS", FEWEST_GROUPS)
    report = tuned(folder, Starter({"allocator": 0.95, "compile": 1.0}, noise=0.06))
    raced = load_search(folder)
    assert (raced.better, raced.promising) == ((), ("allocator",))
    assert report.winner is not None
    assert report.winner.optimizations == ("allocator",)
    assert report.comparison is not None
    assert report.comparison.candidate.name == "promising"


def test_a_shootout_ends_in_time_when_there_are_enough_runs_for_a_verdict(folder: Path) -> None:
    """A reviewer found: on a machine that became slower, it took much longer than was asked for."""
    told: list[str] = []
    starter = Starter({"channels_last": 0.7}, slow_in="shootout")
    report = tuned(folder, starter, told)
    assert report.winner is not None
    assert report.winner.optimizations == ("channels_last",)
    assert "Time for the proof is up." in told
    experiment = load_experiment(folder / "shootout").experiment
    assert (experiment.repeat, experiment.pending()) == (FEWEST_GROUPS, ())
    runs = len(starter.started)
    assert tuned(folder, starter).winner == report.winner
    assert len(starter.started) == runs, "it is over when it is resumed, too"


def test_a_shootout_of_slow_steps_has_no_windows_and_as_many_candidates_as_there_is_time_for(folder: Path) -> None:
    """Found with the demo, whose steps take 6 s: its proof took 28 minutes instead of 20."""
    record = load_search(folder)
    names = ("channels_last", "fused_optimizer", "frozen_backward", "bf16")
    finalists = tuple(Variant(name, (name,)) for name in names)
    ready = replace(
        record, base=replace(record.base, lockstep=True), wishes=Wishes(20.0), plain=Plain(step_ns=5.6e9, start_s=8.0),
        estimate=Estimate(), finalists=finalists, duration_s=1240.0,
    )  # fmt: skip
    ready.save(folder)
    starter = Starter({"channels_last": 0.7})
    tuned(folder, starter)
    experiment = load_experiment(folder / "shootout").experiment
    assert [one.name for one in experiment.variants] == ["stock", *names[:3]]
    assert (experiment.steps, experiment.overhead_percent) == (10, 0.0)


def test_a_script_of_few_steps_is_told_to_end_too_early_for_effects(folder: Path) -> None:
    told: list[str] = []
    tuned(folder, Starter({"allocator": 0.8}, blocks=2), told)
    reasons = [line for line in told if line.startswith("Stage 1 was not possible: ")]
    assert len(reasons) == 1
    assert "only 2 blocks of 6 steps were measured: the training ends by itself after" in reasons[0]


def test_what_looked_better_between_steps_is_decided_in_the_shootout(folder: Path) -> None:
    """Found with the demo: within 20 blocks, one of three useful switches was not known to be, and was given up."""
    replace(load_search(folder), wishes=Wishes(0.3, without=("allocator", "compile"))).save(folder)
    told: list[str] = []
    truth = {"channels_last": 0.7, "fused_optimizer": 0.95, "frozen_backward": 1.2}
    report = tuned(folder, Starter(truth, noise=0.08, blocks=18), told)
    record = load_search(folder)
    assert record.hopeful == ("fused_optimizer",)
    assert "Best between steps: channels_last; perhaps fused_optimizer." in told
    assert record.finalists is not None
    assert [one.optimizations for one in record.finalists] == [("channels_last", "fused_optimizer"), ("channels_last",)]
    assert report.winner is not None
    assert report.winner.optimizations == ("channels_last", "fused_optimizer")


def test_what_was_not_decided_between_steps_is_decided_in_the_shootout_too(folder: Path) -> None:
    """Found with the demo: frozen_bn, +1 % (-6 to +8) between steps, was left out and would have saved 4 %."""
    effects = (
        Effect("channels_last", 0.7, 0.65, 0.75, 20), Effect("fused_optimizer", 1.01, 0.94, 1.08, 20),
        Effect("frozen_backward", 1.08, 0.96, 1.2, 20), Effect("threads=1", 1.0, 0.9, 1.1, 20),
    )  # fmt: skip
    chosen = Variant("between-steps", ("channels_last",))
    assert possible_switches(Estimate(effects), chosen) == ("fused_optimizer",)
    looked = replace(load_search(folder), plain=Plain(20e6, 1.0), estimate=Estimate(effects), chosen=chosen)
    looked.save(folder)
    report = tuned(folder, Starter({"channels_last": 0.7, "fused_optimizer": 0.96}))
    assert report.winner is not None
    assert report.winner.optimizations == ("channels_last", "fused_optimizer")
    assert report.comparison is not None
    assert report.comparison.candidate.name == "possible"
    experiment = load_experiment(folder / "shootout").experiment
    assert [run.variant for run in experiment.certificates] == ["stock", "possible"], "only the winner needs one"


def test_what_is_hopeful_may_be_worth_having_and_has_one_number_of_threads() -> None:
    effects = tuple(Effect(f"threads={number}", 0.9, 0.8, 1.1, 9) for number in (1, 4))
    known = (Effect("a", 0.8, 0.7, 0.9, 9), Effect("b", 0.95, 0.9, 1.01, 9), Effect("c", 0.99, 0.9, 1.1, 9))
    names = [one.name for one in effects]
    assert hopeful_switches(Estimate((*effects, *known)), (), names) == ("threads=1", "b")
    assert hopeful_switches(Estimate((*effects, *known)), ("threads=4",), names) == ("b",)


def test_a_part_of_the_race_is_as_large_as_there_is_time_for(folder: Path) -> None:
    """Found with the demo: three candidates at once would have taken too long, and so none of them was tried."""
    record = load_search(folder)
    three = tuple(Variant(name, (name,)) for name in ("allocator", "omp_wait", "threads"))
    known = Estimate((Effect("channels_last", 0.6, 0.5, 0.7, 20),))
    chosen = Variant("between-steps", ("channels_last",))
    base = replace(record.base, lockstep=True)
    plain = Plain(step_ns=5e9, start_s=8.0)  # with channels_last, a run takes 38 s, and a group of k + 1 that often
    looked = replace(record, base=base, wishes=Wishes(8.0), plain=plain, variants=three, estimate=known, chosen=chosen)
    looked.save(folder)
    starter = Starter({"allocator": 0.8})
    tuned(folder, starter)
    assert ["allocator" in options.optimizations for options in starter.started[:4]] == [False, True, False, False]
    raced = {name for options in starter.started[:3] for name in options.optimizations}
    assert raced == {"channels_last", "allocator", "omp_wait"}


def test_one_that_trains_differently_is_out(folder: Path) -> None:
    report = tuned(folder, Starter({"channels_last": 0.7}, drifting="channels_last"))
    assert report.winner is None
    assert "trains differently" in {one.name: one.reason for one in report.eliminated}["between-steps"]


def test_one_that_fails_is_out_and_the_search_goes_on(folder: Path) -> None:
    report = tuned(folder, Starter({"allocator": 0.5, "compile": 0.5}, failing="compile"))
    assert report.winner is not None
    assert report.winner.optimizations == ("allocator",)
    assert "its run failed: exit code 1: ValueError" in {one.name: one.reason for one in report.eliminated}["compile"]


def test_one_that_was_not_on_has_no_effect(folder: Path) -> None:
    report = tuned(folder, Starter({"channels_last": 0.5}, states={"channels_last": "declined"}))
    assert report.winner is None
    assert {one.name: one.reason for one in report.eliminated}["channels_last"] == "declined as told"
    assert "channels_last" not in {one.name for one in report.factors}


def test_what_has_no_effect_by_itself_is_not_in_the_recipe(folder: Path) -> None:
    """Found with the demo: winograd, which needs bf16, helped in blocks with bf16, and was in a recipe without it."""
    report = tuned(folder, Starter({"channels_last": 0.7, "fused_optimizer": 0.9}, idle_alone="fused_optimizer"))
    assert "fused_optimizer" in {one.name for one in report.factors}
    assert report.winner is not None
    assert report.winner.optimizations == ("channels_last",)
    reasons = {one.name: one.reason for one in report.eliminated}
    assert reasons["fused_optimizer"] == "in the shootout, no effect as told"


def test_what_has_no_effect_takes_no_blocks(folder: Path) -> None:
    """Found with a RetinaNet, whose steps take a second: idle switches took the blocks, and there were no effects."""
    off = {"frozen_backward": "no effect", "fused_optimizer": "no effect"}
    report = tuned(folder, Starter({"channels_last": 0.5}, states=off, blocks=15))
    assert {one.name for one in report.factors} == {"channels_last", "threads=1", "threads=2"}


def test_a_conflict_keeps_the_better_side(folder: Path) -> None:
    report = tuned(folder, Starter({"frozen_backward": 0.9, "channels_last": 0.9, "compile": 0.4}))
    assert report.winner is not None
    assert report.winner.optimizations == ("channels_last", "compile")


def test_the_best_of_stage_1_that_does_not_run_by_itself_is_out(folder: Path) -> None:
    starter = Starter({"channels_last": 0.6, "allocator": 0.8}, failing_alone="channels_last")
    report = tuned(folder, starter)
    assert "between-steps failed: exit code 1" in {one.name: one.reason for one in report.eliminated}["between-steps"]
    assert report.winner is not None
    assert report.winner.optimizations == ("allocator",)


def test_a_race_that_was_stopped_goes_on_with_its_next_part(folder: Path) -> None:
    offers = (*OFFERS, *(offer(f"other-{number}") for number in range(4)))
    starter = Starter({"allocator": 0.8}, stop_in="race-2")
    assert search(folder, Means(offers, print, Silent(), starter, starter.clock)) == 2
    record = load_search(folder)
    assert (record.waves, record.better) == (1, ("allocator",))
    again = Starter({"allocator": 0.8}, now_s=100.0)
    assert search(folder, Means(offers, print, Silent(), again, again.clock)) is None
    assert not any("allocator" in options.optimizations for options in again.started[:4]), "the first part was over"
    winner = report_of(folder).winner
    assert winner is not None
    assert winner.optimizations == ("allocator",)


def test_what_takes_long_to_warm_up_races_by_itself(folder: Path) -> None:
    """Found with a GPT: each group of runs took a minute, all of it torch.compile's, and nothing was decided."""
    starter = Starter({"allocator": 0.8})
    tuned(folder, starter)
    by_folder: dict[str, set[str]] = {}
    for options, home in zip(starter.started, starter.homes, strict=True):
        by_folder.setdefault(home.name, set()).update(options.optimizations)
    assert "compile" not in by_folder["race-1"]
    assert by_folder["race-1"] >= {"allocator"}
    assert "compile" in by_folder["race-2"]


def test_a_race_for_which_there_is_no_time_is_not_begun(folder: Path) -> None:
    record = load_search(folder)
    replace(record, wishes=Wishes(0.2)).save(folder)
    told: list[str] = []
    report = tuned(folder, Starter({"allocator": 0.8}), told)
    reasons = {one.name: one.reason for one in report.eliminated}
    assert reasons["allocator"] == "too little time was left for trying it"
    assert not any("Stage 2" in line for line in told)


def test_a_training_that_fails_with_everything_on_is_searched_in_processes(folder: Path) -> None:
    starter = Starter({"channels_last": 0.6}, failing="frozen_backward")
    report = tuned(folder, starter)
    assert report.factors == ()
    assert report.winner is not None
    assert report.winner.optimizations == ("channels_last",)


def test_several_processes_are_not_switched_between_steps(folder: Path) -> None:
    starter = Starter({"channels_last": 0.6}, ranks=2)
    report = tuned(folder, starter)
    assert not any(options.switching for options in starter.started)
    assert report.winner is not None
    assert report.winner.optimizations == ("channels_last",)


def test_a_stopped_search_goes_on_where_it_was(folder: Path) -> None:
    truth = {"channels_last": 0.7, "allocator": 0.8}
    stopped = Starter(truth, stop_at=8)
    assert search(folder, Means(OFFERS, print, Silent(), stopped, stopped.clock)) == 2
    assert load_search(folder).estimate is not None
    before = report_of(folder, "stopped before its end")
    assert before.winner is None
    assert "before the search ended early" in TUNING_FORMATS["text"](before)
    again = Starter(truth, now_s=100.0)
    report = tuned(folder, again)
    assert not any(options.switching for options in again.started), "stage 1 was over"
    assert report.winner is not None
    assert report.winner.optimizations == ("channels_last", "allocator")


def test_a_search_that_was_stopped_between_steps_keeps_its_blocks(folder: Path) -> None:
    """A new user found: after Ctrl-C in stage 1 and --resume, nothing was left, and no time to measure it again."""
    stopped = Starter({"channels_last": 0.7}, blocks=40, stop_at=2)
    assert search(folder, Means(OFFERS, print, Silent(), stopped, stopped.clock)) == 2
    assert load_search(folder).estimate is None
    replace(load_search(folder), duration_s=400.0).save(folder)
    report = tuned(folder, Starter({"channels_last": 0.7}, blocks=7))
    estimate = load_search(folder).estimate
    assert estimate is not None
    assert estimate.blocks == 47
    assert report.winner is not None
    assert report.winner.optimizations == ("channels_last",)
    assert not (folder / "blocks.json").exists()


def test_a_search_that_had_no_time_for_anything_does_not_say_that_stock_is_best(folder: Path) -> None:
    replace(load_search(folder), wishes=Wishes(0.1, over=("allocator",))).save(folder)
    told: list[str] = []
    report = tuned(folder, Starter({}), told)
    assert "fastest     unknown, as nothing was tried\n" in TUNING_FORMATS["text"](report)
    assert told[-1] == "Nothing could be tried."


def test_what_the_first_look_calls_for_is_proven_even_if_there_is_no_time_for_a_race(folder: Path) -> None:
    """A new user found: with a slow loader and one minute, `loader` was not tried, though `advise` named it."""
    replace(load_search(folder), wishes=Wishes(0.2, over=("allocator", "loader"))).save(folder)
    starter = Starter({"loader": 0.5})
    offers = (*OFFERS, offer("loader"))
    assert search(folder, Means(offers, print, Silent(), starter, starter.clock)) is None
    report = report_of(folder)
    assert {one.name: one.reason for one in report.eliminated}["allocator"].startswith("too little time was left")
    assert report.winner is not None
    assert report.winner.optimizations == ("loader",)


def test_over_and_without_narrow_the_search(folder: Path) -> None:
    record = load_search(folder)
    replace(record, wishes=Wishes(10.0, over=("channels_last", "threads=2"), without=("threads=2",))).save(folder)
    starter = Starter({"allocator": 0.5, "channels_last": 0.9})
    report = tuned(folder, starter)
    assert report.winner is not None
    assert report.winner.optimizations == ("channels_last",)
    assert [one.name for one in report.factors] == ["channels_last"]


@pytest.mark.parametrize(
    ("wishes", "sentence"),
    [
        (Wishes(10.0, over=("chanels_last",)), r"^There is no chanels_last to search over\. There are: allocator, "),
        (Wishes(10.0, without=("threads=99",)), r"^There is no threads=99"),
        (Wishes(10.0, over=("bf16",)), r"^bf16 is not available for this training: this processor has none\. Fix: get"),
    ],
)
def test_a_name_that_cannot_be_searched_over_is_one_sentence(folder: Path, wishes: Wishes, sentence: str) -> None:
    replace(load_search(folder), wishes=wishes).save(folder)
    with pytest.raises(ProfilerError, match=sentence):
        tuned(folder, Starter({}))


def test_json_follows_the_contract(folder: Path) -> None:
    report = replace(tuned(folder, Starter({"channels_last": 0.7})), recipe="train.recipe.toml")
    document = json.loads(TUNING_FORMATS["json"](report))
    assert document["schema"] == "profilednn.tune/1"
    assert document["winner"] == {"optimizations": ["channels_last"], "environment": {}}
    assert document["verdict"]["verdict"] == "faster"
    assert document["losses"].startswith("losses same")
    assert {"name", "ratio", "low", "high", "steps"} == set(document["factors"][0])
    assert {"name", "reason"} == set(document["eliminated"][0])
    assert document["recipe"] == "train.recipe.toml"
    nothing = json.loads(TUNING_FORMATS["json"](replace(report, winner=None)))
    assert nothing["winner"] is None


def test_text_and_markdown_say_how_to_use_the_winner(folder: Path) -> None:
    report = replace(tuned(folder, Starter({"channels_last": 0.7, "threads=1": 0.8})), recipe="a.toml")
    text, markdown = TUNING_FORMATS["text"](report), TUNING_FORMATS["markdown"](report)
    for document in (text, markdown):
        assert "profilednn-tui run --recipe a.toml train.py" in document
        assert "OMP_NUM_THREADS=1 python train.py" in document
        assert "convert the images with .to(memory_format=torch.channels_last)" in document
    assert text.startswith("fastest     channels_last, OMP_NUM_THREADS=1: 1.")


def test_a_search_is_found_by_the_beginning_of_its_name(home: Path) -> None:
    with pytest.raises(ProfilerError, match=r"There is no search x\. None has been begun"):
        find_search("x")
    (home / "20261129-101010-tune-train.py").mkdir(parents=True)
    (home / "20261129-101010-tune-train.py" / "tune.json").write_text("{}")
    assert find_search("20261129").name == "20261129-101010-tune-train.py"
    with pytest.raises(ProfilerError, match="was not written by profilednn-tui"):
        load_search(find_search("20261129"))


def test_old_searches_go_when_there_are_many_or_they_are_large(
    folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = load_search(folder).base
    monkeypatch.setattr(record_module, "KEPT_SEARCHES", 4)
    monkeypatch.setattr(record_module, "KEPT_BYTES", 100_000)

    def searches() -> list[str]:
        return sorted(path.name for path in home.iterdir())

    for number, size_bytes in enumerate((1, 1, 90_000, 1, 1)):
        old = home / f"2026010{number}-tune"
        old.mkdir()
        Search(base, Wishes(1.0)).save(old)
        (old / "large").write_bytes(b"x" * size_bytes)
        os.utime(old / "tune.json", (1, 1))
    running = home / "20260100-tune"
    (running / "tune.json").touch()
    new = new_search(base, Wishes(1.0))
    assert searches() == sorted([running.name, "20260102-tune", "20260103-tune", "20260104-tune", new.name])
    (home / "20260104-tune" / "large").write_bytes(b"x" * 20_000)
    os.utime(home / "20260103-tune" / "tune.json", (1, 1))
    shutil.rmtree(new)
    new = new_search(base, Wishes(1.0))
    assert searches() == sorted([running.name, "20260103-tune", "20260104-tune", new.name]), "110 kB are too much"
