"""The certificate of an experiment: the runs for it, and the file with its figures."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from profilednn_tui.cli import values
from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch.headless import say
from profilednn_tui.paths import session_word

if TYPE_CHECKING:
    from profilednn_tui.export.comparison.report import Report

JSON, MARKDOWN = ".json", ".md"


def check_certificate_file(path: Path) -> None:
    """Reject a file that could not be written after the runs."""
    if path.suffix not in (JSON, MARKDOWN):
        raise ProfilerError(f"{path} is neither JSON nor Markdown. Name a file that ends in {JSON} or {MARKDOWN}.")
    if path.is_dir():
        raise ProfilerError(f"{path} is a folder. Name a file with --certificate FILE.")
    if not path.parent.is_dir():
        raise ProfilerError(f"Cannot write {path}: there is no folder {path.parent}. Create it or name another file.")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ProfilerError(f"Cannot write {path}: permission denied. Name another file with --certificate FILE.")


def certify(folder: Path) -> None:
    """Make the missing runs for the certificate; exits the program when interrupted by a signal."""
    from profilednn_tui.experiment.certificate import make_certificate_runs
    from profilednn_tui.experiment.plan import load_experiment

    recorded = load_experiment(folder, as_written=True).experiment
    outcome = make_certificate_runs(recorded, folder, lambda variant: say(f"certificate  {variant}"))
    if outcome.stopped_by is not None:
        resume = f"profilednn-tui experiment --resume {session_word(folder)}"
        say(f"profilednn-tui: stopped, {len(outcome.experiment.uncertified())} runs are missing: {resume}")
        sys.exit(128 + outcome.stopped_by)


def write_certificate(report: Report, path: Path) -> None:
    """Write the figures of all comparisons in the format that the suffix names."""
    from profilednn_tui.export.comparison.certificate import certificate_json, certificate_markdown

    values.write_text(certificate_json(report) if path.suffix == JSON else certificate_markdown(report), path)
