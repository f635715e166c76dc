"""Which rank died first, and of what, in all the ways in which ranks die."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.process.harness import run as plain
from tests.process.harness import watch
from tests.process.ranks import LAUNCHED, TORCHRUN, Launched, launched

CRASH = "RuntimeError: out of luck"


def assert_rank_1_crashed(seen: Launched) -> None:
    assert seen.outcome.exit_code == 1
    (life,) = seen.lives
    # Beside other tests, nobody may see when the other rank was ended.
    death = next(one for one in life.first if one.rank == 1)
    assert (death.end.error, death.end.said_bye) == (CRASH, True)
    assert death.end.exit_code in (1, None), "its parent may have asked for it first"
    source = death.end.source
    assert source is not None
    assert source.file == LAUNCHED
    assert "raise RuntimeError" in Path(LAUNCHED).read_text().splitlines()[source.line - 1]
    assert [follower.rank for follower in life.followers] in ([0], [])


@pytest.mark.parametrize("end", ["raise", "early"])
def test_a_rank_of_torchrun_raises(tmp_path: Path, end: str) -> None:
    assert_rank_1_crashed(launched(tmp_path, *TORCHRUN, LAUNCHED, "env", end))


@pytest.mark.parametrize("end", ["raise", "early"])
def test_a_spawned_rank_raises(tmp_path: Path, end: str) -> None:
    """`torch.multiprocessing` catches the exception and exits."""
    assert_rank_1_crashed(launched(tmp_path, sys.executable, LAUNCHED, "spawn", end))


def test_a_rank_is_killed(tmp_path: Path) -> None:
    seen = launched(tmp_path, *TORCHRUN, LAUNCHED, "env", "kill")
    (life,) = seen.lives
    (death,) = life.first
    assert (death.rank, death.end.error, death.end.said_bye) == (1, "", False)
    assert death.end.exit_code in (-9, None), "torchrun may have asked for it first"
    assert [follower.rank for follower in life.followers] == [0]


@pytest.mark.parametrize("name", ["fork", "spawn"])
def test_children_that_raise_print_and_end_as_without_us(tmp_path: Path, name: str) -> None:
    code = (
        "import multiprocessing as mp\nfrom children import train_and_raise\n"
        f"if __name__ == '__main__':\n    c = mp.get_context('{name}').Process(target=train_and_raise)\n"
        "    c.start(); c.join(); print(c.exitcode)\n"
    )
    script = tmp_path / "raises.py"
    script.write_text(code)
    folder = tmp_path / "session"
    folder.mkdir()
    here = {"PYTHONPATH": str(Path(LAUNCHED).parent)}
    without = plain(str(script), **here)
    ended, recordings = watch(folder, str(script), PYTHONPATH=_with_boot(here["PYTHONPATH"]))
    assert ended.stdout == without.stdout == "1\n"
    assert ended.stderr == without.stderr
    (trained,) = [recording for recording in recordings if recording.steps]
    bye = trained.events[-1]
    assert bye["error"] == "ValueError: boom"
    assert bye["file"].endswith("children.py")
    assert bye["exit_code"] in (1, None)


def _with_boot(path: str) -> str:
    from tests.process.harness import BOOT

    return f"{BOOT}:{path}"
