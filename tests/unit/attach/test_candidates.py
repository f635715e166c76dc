"""Which process a pid refers to: none is chosen by guessing."""

from __future__ import annotations

from profilednn_tui.attach.candidates import Candidate, meant_by

TRAINING = Candidate(10, ("python", "train.py"))


def test_a_process_that_trains_means_itself() -> None:
    child = Candidate(11, ("python", "evaluate.py"))
    assert meant_by(10, (TRAINING, child)).candidates == (TRAINING,)


def test_a_shell_means_the_one_training_below_it() -> None:
    meant = meant_by(5, (TRAINING,))
    assert meant.candidates == (TRAINING,)
    assert meant.belong_together


def test_a_launcher_means_its_ranks() -> None:
    launcher = Candidate(5, ("python", "/usr/bin/torchrun", "train.py"))
    ranks = tuple(Candidate(10 + rank, ("python", "train.py"), rank) for rank in range(2))
    meant = meant_by(5, (launcher, *ranks))
    assert meant.candidates == ranks
    assert meant.belong_together


def test_the_parent_of_spawned_ranks_means_them() -> None:
    """The parent has torch, too, but does not train: attaching to it alone showed nothing (#21)."""
    words = ("python", "-c", "from multiprocessing.spawn import spawn_main", "--multiprocessing-fork")
    ranks = tuple(Candidate(11 + number, words, parent_pid=10) for number in range(2))
    meant = meant_by(10, (TRAINING, *ranks))
    assert meant.candidates == ranks
    assert meant.belong_together


def test_the_parent_of_forked_ranks_means_them() -> None:
    """They have its command line, as DataLoader workers have."""
    ranks = tuple(Candidate(11 + number, TRAINING.argv, parent_pid=10, in_group=True) for number in range(2))
    meant = meant_by(10, (TRAINING, *ranks))
    assert meant.candidates == ranks
    assert meant.belong_together


def test_the_module_of_a_launcher_is_one() -> None:
    assert Candidate(5, ("python", "-m", "torch.distributed.run", "train.py")).launcher
    assert not TRAINING.launcher


def test_trainings_that_have_nothing_to_do_with_each_other_must_be_named() -> None:
    other = Candidate(20, ("python", "other.py"))
    assert not meant_by(1, (TRAINING, other)).belong_together


def test_two_distributed_trainings_are_not_one() -> None:
    ranks = tuple(Candidate(10 + number, ("python", "train.py"), rank) for number, rank in enumerate((0, 1, 0, 1)))
    assert not meant_by(1, ranks).belong_together
