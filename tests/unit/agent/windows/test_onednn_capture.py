"""oneDNN's output, distinguished from other output."""

from __future__ import annotations

import ctypes

import pytest

from profilednn_tui.agent.isolation.c_stdout import CStdout
from profilednn_tui.agent.windows.onednn_capture import Execution, executions

LINE = b"onednn_verbose,v1,1795694318653.5,primitive,exec,cpu,reorder,jit:uni,undef,src dst,,,16x3x3x3,0.25\n"


def test_an_execution_has_its_middle_and_its_text() -> None:
    (one,) = executions(LINE)
    assert one == Execution(one.middle_ns, "cpu,reorder,jit:uni,undef,src dst,,,16x3x3x3", 250_000)
    assert abs(one.middle_ns - 1_795_694_318_653_625_000) < 1_000, "a float of milliseconds is that exact"


def test_a_creation_that_the_cache_could_not_spare_is_told_from_an_execution() -> None:
    created, ran = executions(LINE.replace(b"exec", b"create:cache_miss").replace(b"0.25", b"0.1") + LINE)
    assert (created.created, created.duration_ns) == (True, 100_000)
    assert (ran.created, ran.duration_ns) == (False, 250_000)
    assert created.text == ran.text


@pytest.mark.parametrize(
    "text", [b"", b"loss 0.3\n", LINE[:-1], LINE.replace(b"0.25", b"x"), LINE.replace(b"exec", b"create:cache_hit")]
)
def test_everything_else_is_passed_over(text: bytes) -> None:
    assert executions(text) == []


def test_without_timestamp_there_is_no_middle() -> None:
    assert executions(LINE.replace(b"1795694318653.5,", b""))[0].middle_ns == 0


def test_c_code_prints_into_memory_only_while_caught(capfd: pytest.CaptureFixture[str]) -> None:
    libc = ctypes.CDLL(None)
    stream = CStdout()
    for number in (1, 2):
        assert stream.catch()
        assert not stream.catch(), "it is caught already"
        libc.printf(b"in window %d\n", number)
        print("python", number, flush=True)
        assert stream.release() == b"in window %d\n" % number
    assert stream.release() == b""
    assert capfd.readouterr().out == "python 1\npython 2\n"
    stream.write(b"late\n")
    libc.fflush(None)
    assert capfd.readouterr().out == "late\n"
    assert stream.used
