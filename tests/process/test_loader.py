"""The optimization `loader`: the same batches in the same order, whoever prepares them, or a reason why not."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.process.harness import Ended, run, watch

SOME_WORKERS = r"\d+ DataLoader workers?"
"""How many it takes depends on how fast this machine prepares and trains: `enough_workers` has its own tests."""


@cache
def plain(*kinds: str) -> Ended:
    return run("loader.py", *kinds)


def trained(folder: Path, *kinds: str) -> tuple[Ended, dict[str, Any]]:
    """How the program ended under the optimization, and the receipt of the process that trained."""
    ended, recordings = watch(folder, "loader.py", *kinds, PROFILEDNN_WITH="loader")
    assert [event for one in recordings for event in one.of("agent_error")] == []
    (recording,) = (one for one in recordings if one.steps)
    return ended, recording.of("optimization")[-1]


@pytest.mark.parametrize(
    ("kinds", "state", "words"),
    [
        (
            ("shuffled", "sequential", "breaking", "epochs"),
            "on",
            [f"prepared by {SOME_WORKERS} of ours, after 3 were compared with those of the main process"],
        ),
        (("anew",), "on", [f"prepared by {SOME_WORKERS} of ours"]),
        (
            ("growing", "sometimes"),
            "on",
            [
                f"prepared by {SOME_WORKERS} of ours",
                "Growing left alone, because the program changes the dataset while it iterates over it",
                "SometimesAugmented left alone, because fetching a batch draws random numbers",
            ],
        ),
        (
            ("augmented", "caching", "printing", "opened", "own_sampler", "stream"),
            "declined",
            [
                "Augmented left alone, because fetching a batch draws random numbers",
                "Caching left alone, because fetching a batch changes the dataset",
                r"Printing left alone, because its code uses print \(loader.py:",
                "Opened left alone, because it holds a _io.BufferedReader",
                r"Slow left alone, because its sampler \(OwnSampler\) may depend on what happens between two batches",
                "Stream left alone, because an IterableDataset would give every worker all of its data",
            ],
        ),
        (
            ("workers", "workers_augmented", "workers_breaking"),
            "on",
            ["DataLoader workers kept 6 times instead of being started anew"],
        ),
        (
            ("workers_epochs", "workers_caching", "workers_init"),
            "declined",
            [
                "Caching left alone, because fetching a batch changes a worker's copy of the dataset",
                "Slow left alone, because its worker_init_fn is meant to be called at every start",
            ],
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_what_is_learned_is_the_same_to_the_last_bit(
    tmp_path: Path, kinds: tuple[str, ...], state: str, words: list[str]
) -> None:
    expected = plain(*kinds)
    assert expected.exit_code == 0, expected.stderr
    ended, receipt = trained(tmp_path, *kinds)
    assert ended == expected
    assert receipt["state"] == state, receipt
    assert [word for word in words if not re.search(word, receipt["text"])] == [], receipt
    assert receipt["text"].count("left alone") == sum("left alone" in word for word in words), receipt


def test_a_dataset_that_fails_in_a_worker_fails_as_in_the_program(tmp_path: Path) -> None:
    ended, _ = trained(tmp_path, "failing")
    assert ended == plain("failing")
    assert ended.exit_code == 1
