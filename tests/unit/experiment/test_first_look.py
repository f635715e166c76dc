"""The order that follows from a first look."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profilednn_tui.experiment.first_look import file_names, settled
from profilednn_tui.experiment.plan import Experiment, FirstLook
from profilednn_tui.experiment.variants import Variant

UNDECIDED = Experiment(
    name="tuning", words=("train.py",), kind="script", working_directory="/project", variants=(Variant("A"),),
    repeat=8, steps=40, seed=7, start_unix_ns=1, lockstep=None, scratch=False,
)  # fmt: skip
WRITES = FirstLook(files=("model.pt",))


@pytest.mark.parametrize(
    ("look", "scratch", "reason"),
    [
        (FirstLook(), False, ""),
        (WRITES, False, "the runs write model.pt"),
        (WRITES, True, ""),
        (FirstLook(elsewhere=("/data/model.pt",)), True, "the runs write /data/model.pt"),
        (FirstLook(why_in_turn="2 processes train"), True, "2 processes train"),
        (replace(WRITES, why_in_turn="2 processes train"), False, "2 processes train; the runs write model.pt"),
    ],
)
def test_lockstep_is_the_default_where_it_is_safe(look: FirstLook, scratch: bool, reason: str) -> None:
    found = settled(replace(UNDECIDED, scratch=scratch), look)
    assert (found.lockstep, found.order_reason) == (not reason, reason)


@pytest.mark.parametrize("wish", [True, False])
def test_what_the_user_wants_is_not_overruled(wish: bool) -> None:
    found = settled(replace(UNDECIDED, lockstep=wish), FirstLook(why_in_turn="2 processes train"))
    assert (found.lockstep, found.order_reason) == (wish, "")


def test_many_files_are_counted() -> None:
    assert file_names(("a", "b", "c")) == "a, b, c"
    assert file_names(tuple("abcdef")) == "a, b, c and 3 more"
