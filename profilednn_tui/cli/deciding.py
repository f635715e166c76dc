"""How the runs of an experiment are made, where the user has left that open: a first look, and a question."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch.headless import say
from profilednn_tui.paths import session_word

if TYPE_CHECKING:
    from profilednn_tui.experiment.plan import Experiment, FirstLook

IN_PLACE, SCRATCH, NEITHER = "i", "s", "n"


def decided(experiment: Experiment, folder: Path) -> Experiment:
    """The experiment with order and place of its runs decided, and saved; exits the program on a signal.

    Raises a `ProfilerError` if the user has to decide and cannot be asked.
    """
    from profilednn_tui.experiment.first_look import settled
    from profilednn_tui.experiment.spread import expected

    if experiment.lockstep is not None and experiment.scratch is False:
        return experiment
    if experiment.first_look is None:
        experiment = replace(experiment, first_look=_look(experiment, folder))
        experiment.save(folder)
    look = experiment.first_look
    assert look is not None
    experiment = replace(experiment, scratch=_uses_scratch(experiment, look, folder))
    experiment = settled(experiment, look)
    experiment = replace(experiment, spread=expected(folder.parent, experiment))  # which depends on the order
    experiment.save(folder)
    place = "in scratch copies of the folder" if experiment.scratch else "in the folder itself"
    reason = f": {experiment.order_reason}" if experiment.order_reason else ""
    say(f"profilednn-tui: runs {place}, {'in lockstep' if experiment.lockstep else f'in turn{reason}'}")
    return experiment


def _look(experiment: Experiment, folder: Path) -> FirstLook:
    from profilednn_tui.experiment.background import run_in_background
    from profilednn_tui.experiment.first_look import first_look

    place = "in place" if experiment.scratch is False else f"in a copy of {experiment.working_directory}"
    say(f"profilednn-tui: a first look at {experiment.variants[0].name}, {place}, at what runs write and share")
    found = first_look(experiment, folder, run_in_background, lambda elapsed_s: None)
    if isinstance(found, int):
        say(f"profilednn-tui: stopped: profilednn-tui experiment --resume {session_word(folder)}")
        sys.exit(128 + found)
    return found


def _uses_scratch(experiment: Experiment, look: FirstLook, folder: Path) -> bool:
    """Whether the runs use scratch copies; asks the user if runs would overwrite files without having been told to."""
    from profilednn_tui.experiment.first_look import file_names

    scratch = experiment.scratch
    protected = look.elsewhere if scratch else (*look.files, *look.elsewhere)
    if scratch is False or not protected:
        return bool(scratch)
    resume = f"profilednn-tui experiment --resume {session_word(folder)}"
    written = f"Each run writes {file_names(protected)}"
    if look.elsewhere:
        outside = "which is outside of" if len(look.elsewhere) == 1 else "some of it outside of"
        advice = (
            f"{written}, {outside} {experiment.working_directory}, so that a scratch copy does not keep it from being "
            "overwritten. Make the script write elsewhere, or say that it may be overwritten"
        )
        if _can_ask() and click.confirm(f"{advice}. Overwrite it?", err=True):
            return bool(scratch)
        raise ProfilerError(f"{advice}: {resume} --in-place")
    if not _can_ask():
        raise ProfilerError(
            f"{written} in {experiment.working_directory}. Say whether runs may overwrite that, or use copies of the "
            f"folder: {resume} --in-place, or --scratch"
        )
    answer = click.prompt(
        f"{written} in {experiment.working_directory}. Run in [s]cratch copies, [i]n place, or [n]ot at all?",
        type=click.Choice([SCRATCH, IN_PLACE, NEITHER]),
        default=SCRATCH,
        show_choices=False,
        err=True,
    )
    if answer == NEITHER:
        raise ProfilerError(f"Nothing was overwritten. To go on: {resume} --in-place, or --scratch")
    return bool(answer == SCRATCH)


def _can_ask() -> bool:
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))
