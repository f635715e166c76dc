"""The ``advise`` command: what holds a training back, and what to try."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from profilednn_tui.cli.sessions import open_whole
from profilednn_tui.cli.values import write_text

FORMATS = ("text", "markdown", "json")


@click.command("advise")
@click.argument("session", metavar="SESSION|FILE.pdnn")
@click.option("--json", "as_json", is_flag=True, help="Same as --to json.")
@click.option(
    "--to", "format_name", metavar="FORMAT", type=click.Choice(FORMATS), default="text", show_default=True,
    help="text, markdown or json.",
)  # fmt: skip
@click.option(
    "--reference", metavar="SESSION|FILE.pdnn", help="Name kernels that it has and this session lacks, and more."
)
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Default: standard output.")
def advise_command(session: str, as_json: bool, format_name: str, reference: str | None, output: Path | None) -> None:
    """Say what holds a training back, what that costs at most, and what to try.

    The same session always gives the same words.
    """
    from profilednn_tui.advise.advisor import advise
    from profilednn_tui.advise.reference import beside_reference
    from profilednn_tui.export.advice import ADVICE_FORMATS

    view = open_whole(session).view()
    advice = advise(view)
    if reference is not None:
        advice = replace(advice, reference=beside_reference(view, open_whole(reference).view()))
    write_text(ADVICE_FORMATS["json" if as_json else format_name](advice, view), output)
