"""Every process that trains has a stream of its own, from its first step to its last."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.process.harness import Recording, run, watch


def assert_whole(recording: Recording) -> None:
    """All 40 steps are present, after the hello and before the goodbye."""
    kinds = [event["event"] for event in recording.events]
    numbers = [event["first"] + row for event in recording.of("steps") for row in range(len(event["rows"]))]
    assert kinds[:2] == ["header", "hello"]
    assert kinds[-1] == "bye"
    assert numbers == list(range(1, 41))
    assert recording.of("step_source")[0]["source"] == "optimizer"
    assert recording.of("agent_error") == []


@pytest.mark.parametrize(
    ("name", "children"),
    [
        ("fork", 2),
        ("spawn", 2),
        ("forkserver", 2),
        ("daemon", 1),
        ("raises", 1),
        ("pool", 1),
        ("bare", 2),
        ("exit_by_name", 1),
        ("hogwild", 2),
        ("spawned_ranks", 2),
        ("spawned_loader", 1),
    ],
)
def test_no_step_of_a_child_is_lost_at_either_end(tmp_path: Path, name: str, children: int) -> None:
    plain = run("children.py", name)
    watched, found = watch(tmp_path, "children.py", name)

    assert watched.stdout == plain.stdout
    assert watched.exit_code == plain.exit_code
    assert len(watched.stderr.splitlines()) == len(plain.stderr.splitlines())
    trained = [recording for recording in found if recording.steps]
    assert len(trained) == children
    for recording in trained:
        assert_whole(recording)
    silent = [recording for recording in found if not recording.steps]
    assert len(silent) <= 1, "only the parent: what never trains opens no stream"


@pytest.mark.parametrize(("name", "children"), [("terminated_pool", 2), ("killed", 1)])
def test_no_step_of_a_child_that_a_signal_ends_is_lost(tmp_path: Path, name: str, children: int) -> None:
    """Found by code review: the last half second of a worker of `multiprocessing.Pool` was lost."""
    plain = run("children.py", name)
    watched, found = watch(tmp_path, "children.py", name)

    assert (watched.stdout, watched.stderr, watched.exit_code) == (plain.stdout, plain.stderr, plain.exit_code)
    trained = [recording for recording in found if recording.steps]
    assert trained
    assert len(trained) <= children, "one worker may have taken both pieces of work"
    for recording in trained:
        kinds = [event["event"] for event in recording.events]
        numbers = [event["first"] + row for event in recording.of("steps") for row in range(len(event["rows"]))]
        assert kinds[:2] == ["header", "hello"]
        assert kinds.count("hello") == 1
        assert numbers == list(range(1, len(numbers) + 1))
    assert sum(map(len, (recording.steps for recording in trained))) == 40 * children


def test_the_rank_of_a_spawned_process_is_learned_from_its_process_group(tmp_path: Path) -> None:
    _, found = watch(tmp_path, "children.py", "spawned_ranks")

    known = []
    for recording in found:
        if recording.steps:
            hello, later = recording.of("hello")[0], recording.of("distributed")
            known.append((later[-1]["rank"], later[-1]["world_size"], hello["rank"]))
    assert sorted(known) == [(0, 2, None), (1, 2, None)]
