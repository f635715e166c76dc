"""The findings of the diagnosis."""

from __future__ import annotations

import pytest

from profilednn_tui.cli.diagnosis import (
    processor_finding,
    ptrace_finding,
    terminal_finding,
    torch_finding,
)
from profilednn_tui.cli.findings import LIMITED, OK


@pytest.mark.parametrize(
    ("affinity", "quota", "threads", "verdict", "fix"),
    [
        (8, None, "", OK, ""),
        (8, None, "4", OK, ""),
        (8, 2.5, "", LIMITED, "--env OMP_NUM_THREADS=2"),
        (2, None, "8", LIMITED, "--env OMP_NUM_THREADS=2"),
        (8, 0.5, "", LIMITED, "--env OMP_NUM_THREADS=1"),
    ],
)
def test_threads_are_held_against_processors(
    affinity: int, quota: float | None, threads: str, verdict: str, fix: str
) -> None:
    finding = processor_finding(affinity, quota, threads)
    assert (finding.verdict, finding.fix) == (verdict, fix)


@pytest.mark.parametrize(
    ("scope", "root", "verdict"), [("0", False, OK), ("1", True, OK), ("1", False, LIMITED), ("3", True, LIMITED)]
)
def test_the_ptrace_scope_limits_users(scope: str, root: bool, verdict: str) -> None:
    assert ptrace_finding(scope, root).verdict == verdict


@pytest.mark.parametrize(
    ("size", "variables", "encoding", "verdict"),
    [
        ((120, 40), {"TERM": "xterm-256color"}, "utf-8", OK),
        ((120, 40), {"TERM": "xterm", "COLORTERM": "truecolor"}, "UTF-8", OK),
        ((79, 24), {"TERM": "xterm-256color"}, "utf-8", LIMITED),
        ((120, 40), {"TERM": "xterm"}, "utf-8", LIMITED),
        ((120, 40), {"TERM": "dumb"}, "utf-8", LIMITED),
        ((120, 40), {"TERM": "xterm-256color"}, "ascii", LIMITED),
    ],
)
def test_a_terminal_is_judged(size: tuple[int, int], variables: dict[str, str], encoding: str, verdict: str) -> None:
    finding = terminal_finding(size, variables, encoding)
    assert finding.verdict == verdict
    assert bool(finding.fix) == (verdict == LIMITED)


def test_an_old_torch_is_told_with_the_fix() -> None:
    assert torch_finding("python", "2.14.1+cpu").verdict == OK
    assert torch_finding("python", "2.3.0").fix == "python -m pip install 'torch>=2.4'"
    assert "--python PATH" in torch_finding("python", None).fix
