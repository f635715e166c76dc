"""Trying a remedy from the findings, with a stand-in for the command line."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import psutil
from textual.pilot import Pilot

from profilednn_tui.session.view import State
from profilednn_tui.tui.app import ProfilerApp
from tests.tui.advised import ADVICE, PROOF, THREADS, advised_app
from tests.tui.apps import following
from tests.tui.feeds import running_view
from tests.tui.pictures import come_to_rest
from tests.tui.screen_text import screen_text
from tests.tui.test_trial import MEASURED

ENDED = replace(running_view(), state=State.ENDED, live=False)
UNTRIED = replace(THREADS, measured=None)
ANSWER = json.dumps({"findings": [{"rule": THREADS.rule, "measured": MEASURED}]})
WAIT_S = 20.0


def stand_in(code: str) -> Callable[[str], Sequence[str]]:
    return lambda rule: (sys.executable, "-u", "-c", f"import os, sys, time, subprocess, signal\n{code}", rule)


def app_that_tries(code: str) -> ProfilerApp:
    advice = replace(ADVICE, findings=(UNTRIED,))
    return advised_app(ENDED, advice, try_command=stand_in(code), session=PROOF.session)


async def until(app: ProfilerApp, pilot: Pilot[None], text: str) -> None:
    """Wait for a text on the screen."""
    deadline_s = time.monotonic() + WAIT_S
    while text not in screen_text(app):
        assert time.monotonic() < deadline_s, screen_text(app)
        await pilot.pause(0.02)


async def test_the_result_appears_on_the_finding_with_interval_and_losses() -> None:
    code = f"print('2 of 8 runs', file=sys.stderr); time.sleep(0.3); assert sys.argv[1]; print({ANSWER!r})"
    app = app_that_tries(code)
    async with following(app) as (_, pilot):
        await come_to_rest(app, pilot)
        await pilot.press("a", "t")
        await until(app, pilot, "trying    2 of 8 runs")
        await pilot.press("escape")  # does not stop it
        await pilot.pause()
        await pilot.press("a")
        await until(app, pilot, "31 % of the step won (28 to 34 %), 4 runs per side in lockstep; losses the same")
        assert not app.advising.findings.attempts


async def test_a_refusal_is_told_in_its_own_words() -> None:
    app = app_that_tries("print('profilednn-tui: The script is gone.', file=sys.stderr); sys.exit(2)")
    async with following(app) as (_, pilot):
        await come_to_rest(app, pilot)
        await pilot.press("a", "t")
        await until(app, pilot, "not tried The script is gone.")
        assert app.advising.findings.attempts[THREADS.rule].running is False


async def test_t_on_the_finding_being_tried_stops_it() -> None:
    # Found by a new user: the screen showed neither how long a try takes nor how to end it.
    code = "print('2 of 8 runs', file=sys.stderr); time.sleep(600)"
    app = app_that_tries(code)
    async with following(app) as (_, pilot):
        await come_to_rest(app, pilot)
        await pilot.press("a", "t")
        await until(app, pilot, "trying    2 of 8 runs")
        assert "10 minutes at most; t stops it, and so does quitting." in screen_text(app)
        await pilot.press("t")
        await until(app, pilot, "This remedy is still being tried")
        await pilot.press("s")
        await until(app, pilot, "not tried 2 of 8 runs")
        assert app.advising.findings.attempts[THREADS.rule].running is False


async def test_a_result_that_is_not_judged_is_shown_as_such() -> None:
    """`advise --try` then ends with exit code 2, as it does when it refuses."""
    answer = ANSWER.replace('"helped"', '"not judged"')
    app = app_that_tries(f"print({answer!r}); sys.exit(2)")
    async with following(app) as (_, pilot):
        await come_to_rest(app, pilot)
        await pilot.press("a", "t")
        await until(app, pilot, "measured  not judged: 31 % of the step won")
        assert not app.advising.findings.attempts


async def test_an_end_without_a_measurement_is_told() -> None:
    app = app_that_tries("sys.exit(0)")
    async with following(app) as (_, pilot):
        await come_to_rest(app, pilot)
        await pilot.press("a", "t")
        await until(app, pilot, "the trial ended with exit code 0")


async def test_a_failed_trial_can_be_tried_again(tmp_path: Path) -> None:
    mark = tmp_path / "second"
    code = f"""
if os.path.exists({str(mark)!r}):
    print({ANSWER!r})
else:
    open({str(mark)!r}, "w").close()
    sys.exit(3)
"""
    app = app_that_tries(code)
    async with following(app) as (_, pilot):
        await come_to_rest(app, pilot)
        await pilot.press("a", "t")
        await until(app, pilot, "exit code 3")
        await pilot.press("t")
        await until(app, pilot, "31 % of the step won")


async def test_names_of_the_target_in_its_progress_are_plain() -> None:
    app = app_that_tries("print('running \\x1b[31m[bold]evil[/]', file=sys.stderr); time.sleep(60)")
    async with following(app) as (_, pilot):
        await come_to_rest(app, pilot)
        await pilot.press("a", "t")
        await until(app, pilot, "[bold]evil[/]")
        assert "\x1b" not in app.advising.findings.attempts[THREADS.rule].note


async def test_quitting_ends_the_trial_with_all_its_processes(tmp_path: Path) -> None:
    """Also one of its group that ignores SIGTERM, once the trial itself has cleaned up."""
    cleaned = tmp_path / "cleaned"
    child = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"
    )
    code = f"""
def clean(*_):
    open({str(cleaned)!r}, "w").close()
    sys.exit(1)
signal.signal(signal.SIGTERM, clean)
child = subprocess.Popen([sys.executable, "-c", {child!r}], stdout=subprocess.PIPE)
child.stdout.readline()
print("child", child.pid, file=sys.stderr)
time.sleep(60)
"""
    app = app_that_tries(code)
    async with following(app) as (_, pilot):
        await come_to_rest(app, pilot)
        await pilot.press("a", "t")
        await until(app, pilot, "trying    child ")
        pids = [app.trying._trial._process.pid, int(app.advising.findings.attempts[THREADS.rule].note.split()[1])]  # type: ignore[union-attr]
        assert os.getpgid(pids[1]) == pids[0] != os.getpgid(0)
        await pilot.press("q", "e")
        await pilot.pause()
    assert cleaned.exists()
    deadline_s = time.monotonic() + WAIT_S
    while any(map(_runs, pids)):
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
