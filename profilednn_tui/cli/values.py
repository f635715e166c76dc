"""Values of options, as the command line spells them: callbacks of click options."""

from __future__ import annotations

from collections.abc import Sequence

import click


def percent(context: click.Context, parameter: click.Parameter, text: str) -> float:
    """``2``, ``2%`` or ``0.5%``."""
    try:
        value = float(text.removesuffix("%"))
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise click.BadParameter(f"{text} is no percentage. Write a number from 0 to 100, such as 2%.")
    return value


def assignments(context: click.Context, parameter: click.Parameter, texts: Sequence[str]) -> dict[str, str]:
    """``NAME=VALUE``, any number of times."""
    for text in texts:
        name, equals, _ = text.partition("=")
        if not name or not equals:
            raise click.BadParameter(f"{text} is no assignment. Write NAME=VALUE.")
    return dict(text.split("=", 1) for text in texts)


def optimizations(context: click.Context, parameter: click.Parameter, text: str) -> tuple[str, ...]:
    """``NAME,NAME``; the names are checked when the target's interpreter is known."""
    return tuple(dict.fromkeys(filter(None, (name.strip() for name in text.split(",")))))
