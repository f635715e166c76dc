"""The ``plan`` command: time to train."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from profilednn_tui import units
from profilednn_tui.cli import completing, values
from profilednn_tui.launch.headless import say

if TYPE_CHECKING:
    from profilednn_tui.experiment.points import Measured
    from profilednn_tui.plan.convergence import Convergence

NO_CURVE, MEASURED = "none", "measured"
NUMBERS = "N,N"


@click.command("plan")
@click.argument(
    "sessions",
    metavar="SESSION|FILE.pdnn|EXPERIMENT[:CELL]...",
    nargs=-1,
    required=True,
    shell_complete=completing.sessions,
)
@click.option("--samples", metavar="N", type=click.IntRange(1, 10**15), help="Samples per epoch.")
@click.option(
    "--epochs", metavar="N", type=values.FiniteRange(0, 10**9, min_open=True),
    help="Epochs with the reference batch.",
)  # fmt: skip
@click.option(
    "--batch", metavar="N", type=click.IntRange(1, 10**9), help="The local batch of sessions that do not tell it."
)
@click.option(
    "--convergence", metavar="NAME|FILE|measured|none", default=NO_CURVE, show_default=True,
    help="What larger global batches need: reference points of ssd, resnet, bert or maskrcnn, a JSON file with "
    "\"points\": [[global batch, epochs], ...], or the noise that `run --gradient-noise` has measured.",
)  # fmt: skip
@click.option(
    "--noise-scale", metavar="B", type=values.FiniteRange(0, 10**15, min_open=True),
    help="The same from a gradient noise scale of B samples.",
)  # fmt: skip
@click.option(
    "--reference-batch", metavar="N", type=click.IntRange(1, 10**12),
    help="The global batch that --epochs and the convergence refer to  [default: the smallest measured, or in FILE]",
)  # fmt: skip
@click.option("--ranks", metavar=NUMBERS, default="", callback=values.whole_numbers, help="Ranks to look at.")
@click.option("--threads", metavar=NUMBERS, default="", callback=values.whole_numbers, help="Threads of each rank.")
@click.option(
    "--batches", metavar=NUMBERS, default="", callback=values.whole_numbers,
    help="Local batches to look at  [default: those of the sessions, with what fits on the cores]",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Same as --to json.")
@click.option(
    "--to", "format_name", metavar="FORMAT", type=click.Choice(values.REPORT_FORMATS), default="text", show_default=True
)
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Default: standard output.")
def plan_command(
    sessions: tuple[str, ...],
    samples: int | None,
    epochs: float | None,
    batch: int | None,
    convergence: str,
    noise_scale: float | None,
    reference_batch: int | None,
    ranks: tuple[int, ...],
    threads: tuple[int, ...],
    batches: tuple[int, ...],
    as_json: bool,
    format_name: str,
    output: Path | None,
) -> None:
    """Say how long training would take with other ranks, threads and local batches.

    Throughput and memory are measured where a session or a cell of a grid has them, and predicted between these.
    Convergence is assumed, from the source that is named.
    """
    from profilednn_tui.experiment.points import read_points
    from profilednn_tui.export.plan import FORMATS
    from profilednn_tui.plan.model import model_of
    from profilednn_tui.plan.planner import Training, make_plan, settings_to_plan

    format_name = values.format_asked_for(as_json, format_name) or "text"
    measured = read_points(sessions, batch)
    cores = measured.place.cores
    settings, too_large = settings_to_plan(measured.points, cores, ranks, threads, batches)
    if too_large:
        say(f"profilednn-tui: left out, as there are {units.counted(cores, 'core')}: {', '.join(too_large)}")
    assumed = _convergence(convergence, noise_scale, reference_batch, measured)
    training = Training(assumed, samples, epochs if epochs is not None else assumed.epochs)
    model = model_of(measured.points)
    found = make_plan(measured.name, model, measured.place, training, settings, measured.notes)
    values.write_text(FORMATS[format_name](found), output)


def _convergence(name: str, noise_scale: float | None, reference: int | None, found: Measured) -> Convergence:
    """What the options assume of sessions; without a reference, their smallest global batch is it."""
    from profilednn_tui.plan.convergence import NoiseScale, SameEpochs, file_curve, measured_noise_scale, named_curve
    from profilednn_tui.plan.references import REFERENCES

    smallest = min(point.setting.global_batch for point in found.points)
    if noise_scale is not None:
        if name != NO_CURVE:
            raise click.UsageError("--convergence and --noise-scale name two sources. Leave one of them out.")
        return NoiseScale(noise_scale, reference or smallest)
    if name == MEASURED:
        return measured_noise_scale(found.noise, reference or smallest)
    if name in REFERENCES:
        return named_curve(name, reference or smallest)
    if name != NO_CURVE:
        return file_curve(Path(name), reference)
    if reference is not None:
        raise click.UsageError("--reference-batch needs --convergence or --noise-scale. Name one of them.")
    return SameEpochs()
