"""Which rank died first, and how that is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from profilednn_tui.ranks.ends import Life, last_death, lives_of
from profilednn_tui.ranks.words import death_words, end_words, lives_words
from profilednn_tui.session.view import Frame, ProcessEnd, ProcessEntry

MS = 1_000_000
HOME = "/home/me"
CRASH = "RuntimeError: out of luck"


def end(at_ms: int, seen_ms: int | None = None, **facts: Any) -> ProcessEnd:
    """An end at a time, or one after which the process was last seen running at `seen_ms`."""
    return ProcessEnd(at_ms * MS, (at_ms if seen_ms is None else seen_ms) * MS, **facts)


def rank(number: int, how: ProcessEnd | None = None, **facts: Any) -> ProcessEntry:
    fields: dict[str, Any] = {
        "key": 100 + number, "pid": 100 + number,
        "rank": number, "argv": ("train.py",), "steps": 20, "ended": how is not None,
        "world_size": 2, "end": how,
    }  # fmt: skip
    return ProcessEntry(**{**fields, **facts})


def only(*ranks: ProcessEntry) -> Life:
    (life,) = lives_of(ranks)
    return life


def first_ranks(life: Life) -> list[int]:
    return [death.rank for death in life.first]


def test_ranks_that_end_as_they_should_have_not_died() -> None:
    life = only(rank(0, end(5)), rank(1, end(6, exit_code=0)))
    assert (life.first, life.followers) == ((), ())
    assert lives_words((rank(0, end(5)), rank(1, end(6))), HOME) == ()


def test_the_rank_that_raised_first_is_named_with_the_one_that_the_launcher_ended() -> None:
    raised = end(1_000, error=CRASH, source=Frame("/home/me/train.py", 52, ""), exit_code=1)
    ended = end(1_105, seen_ms=900, exit_code=-15, said_bye=False)
    life = only(rank(0, ended), rank(1, raised))
    assert first_ranks(life) == [1]
    assert [death.rank for death in life.followers] == [0]
    assert death_words(life, HOME) == (
        "rank 1 died first, after 20 steps: RuntimeError: out of luck (train.py:52); rank 0 followed after 105.0 ms, "
        "killed by SIGTERM (15)"
    )


def test_a_rank_that_was_killed_comes_before_those_whose_connections_broke() -> None:
    """Seen: the kernel reported the end of the killed rank 8 ms after the others had lost it."""
    killed = end(1_008, seen_ms=300, exit_code=-9, said_bye=False)
    broken = end(1_000, error="RuntimeError: Connection closed by peer", exit_code=1)
    life = only(rank(0, killed), rank(1, broken))
    assert first_ranks(life) == [0]
    assert "; rank 1 followed at once, RuntimeError: Connection" in death_words(life, HOME)


def test_a_rank_that_vanished_between_two_looks_may_have_been_first() -> None:
    vanished = end(2_000, seen_ms=1_000, said_bye=False)
    life = only(rank(0, vanished), rank(1, end(1_500, error=CRASH, exit_code=1)))
    assert first_ranks(life) == [1, 0]
    assert not life.cause_is_known
    assert death_words(life, HOME) == (
        "ranks 0 and 1 died, and it is not known which of them first (rank 1: RuntimeError: out of luck, rank 0: "
        "killed, but nobody saw by which signal)"
    )


def test_a_rank_that_was_seen_running_later_did_not_die_first() -> None:
    killed = end(9_000, seen_ms=8_000, exit_code=-9, said_bye=False)
    assert first_ranks(only(rank(0, killed), rank(1, end(1_500, error=CRASH, exit_code=1)))) == [1]


def test_ranks_that_fail_at_the_same_call_died_of_the_same() -> None:
    same = [rank(number, end(1_000 + 3 * number, error=CRASH, exit_code=1), steps=0) for number in range(2)]
    life = only(*same)
    assert first_ranks(life) == [0, 1]
    assert death_words(life, HOME) == "ranks 0 and 1 died of the same, after 0 steps: RuntimeError: out of luck"


def test_ranks_that_are_all_ended_from_outside_died_of_the_same() -> None:
    ends = [end(1_000 + number, seen_ms=500, exit_code=-15, said_bye=False) for number in range(2)]
    life = only(*(rank(number, how) for number, how in enumerate(ends)))
    assert first_ranks(life) == [0, 1]
    assert life.cause_is_known


def test_an_exception_that_was_printed_and_did_not_end_the_process_is_no_death() -> None:
    assert only(rank(0, end(5, error=CRASH, exit_code=0))).first == ()


def test_lives_are_told_with_their_world_sizes() -> None:
    """An elastic training that lost a rank."""
    crash = end(1_000, error=CRASH, exit_code=1)
    processes = (
        rank(0, end(1_050, exit_code=-15, said_bye=False)),
        rank(1, crash),
        rank(0, end(9_000), life=2, pid=102, world_size=1, steps=60),
    )
    one, two = lives_of(processes)
    assert (one.world_size, two.world_size, two.steps) == (2, 1, 60)
    assert last_death((one, two)) is one
    first, second = lives_words(processes, HOME)
    assert first.startswith("first life, 2 ranks, 20 steps: rank 1 died first, after 20 steps: RuntimeError")
    assert second == "second life, 1 rank, 60 steps"


def test_many_followers_are_counted() -> None:
    ranks = [rank(0, end(1_000, error=CRASH, exit_code=1))]
    ranks += [rank(number, end(1_000 + number, exit_code=-15, said_bye=False)) for number in range(1, 9)]
    assert death_words(only(*ranks), HOME).endswith("; 4 more followed")


def test_processes_without_ranks_have_no_lives() -> None:
    assert lives_of((replace(rank(0, end(5, error=CRASH)), rank=None),)) == ()


def test_an_end_in_a_word() -> None:
    assert end_words(None) == ""
    assert end_words(end(5)) == "ended"
    assert end_words(end(5, exit_code=0)) == "ended"
    assert end_words(end(5, exit_code=3)) == "exit code 3"
    assert end_words(end(5, exit_code=-9, said_bye=False)) == "SIGKILL"
    assert end_words(end(5, said_bye=False)) == "killed"
    assert end_words(end(5, error="torch.distributed.DistBackendError: lost", exit_code=1)) == "DistBackendError"
