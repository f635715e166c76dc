"""The target of a session, to be run again as an experiment."""

from __future__ import annotations

import os
import time

from profilednn_tui import units
from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.plan import Experiment
from profilednn_tui.experiment.variants import Variant
from profilednn_tui.launch.options import DEFAULT_OVERHEAD_PERCENT
from profilednn_tui.launch.rerun import Rerun
from profilednn_tui.ranks.launchers import LAUNCHERS
from profilednn_tui.session.open_session import OpenSession

FEWEST_STEPS = 10
"""That a session must have."""


def why_not_again(session: OpenSession) -> str:
    """Why a session's target cannot be run again in an experiment, in one or two sentences; empty if it can."""
    view = session.view()
    if session.foreign:
        return session.foreign
    if not session.location.is_dir():
        return "A snapshot cannot be started again: start the script with `profilednn-tui SCRIPT` to try a remedy."
    if session.attached:
        return (
            "The session was attached to a process that was already running, so how to start it is not recorded. "
            "Start the script with `profilednn-tui SCRIPT`."
        )
    if launcher := _launcher(session):
        return f"{launcher} starts the training by itself: run the script without it to try a remedy."
    trains = max(sum(process.steps > 0 for process in view.processes), view.target.world_size or 1)
    if trains > 1:
        return (
            f"{units.count(trains)} processes train in this session. A remedy can only be tried where one does: "
            "start the script with `profilednn-tui SCRIPT`, without the launcher."
        )
    if not session.started.argv:
        return "The session does not record what was started. Start the script with `profilednn-tui SCRIPT`."
    if view.steps.count < FEWEST_STEPS:
        made = units.counted(view.steps.count, "step")
        return f"The session has {made} so far, and {FEWEST_STEPS} are needed to measure a remedy. Let it run longer."
    return ""


def experiment_again(
    session: OpenSession, name: str, variants: tuple[Variant, ...], steps: int, scratch: bool | None = None
) -> Experiment:
    """An experiment with a session's target, whose order is not decided; raises a `ProfilerError` if it is not here."""
    again = Rerun.of(session.location)
    command, options = again.command, again.options
    if not os.path.isdir(command.working_directory):
        raise ProfilerError(
            f"The target's folder {command.working_directory} is not on this machine. Start the script there."
        )
    module = command.named[0] == "-m"
    return Experiment(
        name=name,
        words=command.named[1:] if module else command.named,
        kind="module" if module else "script" if command.python else "command",
        working_directory=command.working_directory,
        variants=variants,
        repeat=1,
        steps=steps,
        seed=0,
        start_unix_ns=time.time_ns(),
        python=command.python or None,
        environment=dict(options.environment),
        overhead_percent=DEFAULT_OVERHEAD_PERCENT,
        lockstep=None,
        scratch=scratch,
    )


def _launcher(session: OpenSession) -> str:
    """The program that starts ranks, if the training was started by one."""
    started = session.started
    program = os.path.basename(started.argv[0]) if started.argv and not started.python else ""
    return program if program in LAUNCHERS else ""
