"""Parsing of option values, as callbacks of click options, and writing to the file of ``-o``."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.variants import Variant, parse_variant

STANDARD_OUTPUT = "-"
REPORT_FORMATS = ("text", "json", "markdown")

MAY_DIFFER = ("script", "arguments", "shapes")
"""What ``--across`` allows to differ between two compared runs."""


class FiniteRange(click.FloatRange):
    """A `click.FloatRange` without nan, which is within every range, and without infinity."""

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        found = super().convert(value, parameter, context)
        if not isfinite(found):
            self.fail(f"{value} is not a finite number.", parameter, context)
        return found


def percent(context: click.Context, parameter: click.Parameter, text: str) -> float:
    """``2``, ``2%`` or ``0.5%``."""
    try:
        value = float(text.removesuffix("%"))
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise click.BadParameter(f"{text} is not a percentage. Write a number from 0 to 100, such as 2%.")
    return value


def optional_percent(context: click.Context, parameter: click.Parameter, text: str | None) -> float | None:
    """A percentage; None if none was given."""
    return None if text is None else percent(context, parameter, text)


def checks(context: click.Context, parameter: click.Parameter, text: str) -> tuple[str, ...]:
    """``NAME,NAME``: what may differ between two runs; the machine never may."""
    names = tuple(filter(None, text.split(",")))
    unknown = [name for name in names if name not in MAY_DIFFER]
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)} cannot be left out. Possible: {', '.join(MAY_DIFFER)}.")
    return names


def whole_numbers(context: click.Context, parameter: click.Parameter, text: str) -> tuple[int, ...]:
    """``N,N``: whole numbers from 1 on; none if the text is empty."""
    words = tuple(filter(None, (word.strip() for word in text.split(","))))
    if not all(word.isascii() and word.isdecimal() and len(word) < 10 and int(word) for word in words):
        raise click.BadParameter(f"{text} is not a list of whole numbers. Write N,N, such as 1,2,4.")
    return tuple(dict.fromkeys(map(int, words)))


def assignments(context: click.Context, parameter: click.Parameter, texts: Sequence[str]) -> dict[str, str]:
    """``NAME=VALUE``, any number of times."""
    for text in texts:
        name, equals, _ = text.partition("=")
        if not name or not equals:
            raise click.BadParameter(f"{text} is not an assignment. Write NAME=VALUE.")
    return dict(text.split("=", 1) for text in texts)


def optimizations(context: click.Context, parameter: click.Parameter, text: str) -> tuple[str, ...]:
    """``NAME,NAME``; the names are checked later, when the target's interpreter is known."""
    return tuple(dict.fromkeys(filter(None, (name.strip() for name in text.split(",")))))


def searched_optimizations(context: click.Context, parameter: click.Parameter, text: str | None) -> tuple[str, ...]:
    """As `optimizations`, but not none, and ``threads=N`` among them; empty if the option was not given."""
    names = optimizations(context, parameter, text or "")
    if text is not None and not names:
        raise click.BadParameter("It names nothing. Leave it out to search over everything, or write NAME,NAME.")
    for name in names:
        key, _, count = name.partition("=")
        if key == "threads" and not (count.isdecimal() and int(count)):
            raise click.BadParameter(f"{name} is no number of threads. Write threads=N, with N at least 1.")
    return names


def variants(context: click.Context, parameter: click.Parameter, texts: Sequence[str]) -> tuple[Variant, ...]:
    """``NAME=ITEM,ITEM``, any number of times, with distinct names."""
    parsed = tuple(parse_variant(text) for text in texts)
    names = [variant.name for variant in parsed]
    duplicate = next((name for name in names if names.count(name) > 1), None)
    if duplicate is not None:
        raise click.BadParameter(f"There are two variants {duplicate}. Give each its own name.")
    return parsed


def snapshot_file(context: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
    """A file that a snapshot is written to while standard output is in other use."""
    if path is not None and str(path) == STANDARD_OUTPUT:
        raise click.BadParameter(
            "Standard output is the target's. Name a FILE.pdnn, or use "
            "`profilednn-tui export SESSION --to pdnn -o -` afterwards."
        )
    return path


def format_asked_for(as_json: bool, format_name: str | None) -> str | None:
    """The format that ``--json`` and ``--to`` (the parameter ``format_name``) name together."""
    if not as_json:
        return format_name
    source = click.get_current_context().get_parameter_source("format_name")
    if source is ParameterSource.COMMANDLINE and format_name != "json":
        raise click.UsageError(f"--json and --to {format_name} name two formats. Leave one of them out.")
    return "json"


def write_text(text: str, output: Path | None) -> None:
    """Write to the file of ``-o``, else to standard output, as for ``-o -``."""
    if output is None or str(output) == STANDARD_OUTPUT:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ProfilerError(f"Cannot write {output}: {error.strerror or error}. Name a writable file.") from None
