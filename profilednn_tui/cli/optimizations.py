"""``--with help``: all optimizations, and why some are not available."""

from __future__ import annotations

from typing import Any

import click


def asks_for_help(optimizations: tuple[str, ...] = (), **_options: Any) -> bool:
    """Whether ``--with help`` was given."""
    return optimizations == ("help",)


def print_optimizations(python: str | None) -> None:
    """Print which optimizations are available in the target's environment."""
    from profilednn_tui.launch.interpreter import find_interpreter
    from profilednn_tui.launch.optimizations import describe_optimizations

    found = describe_optimizations(find_interpreter(python))
    width = max(len(one.name) for one in found)
    for one in found:
        click.echo(f"{'yes' if one.available else 'no':4}{one.name:{width}}  {one.description}")
        for label, text in (("", one.reason), ("fix: ", one.fix), ("not with ", ", ".join(one.conflicts))):
            if text:
                click.echo(f"{'':4}{'':{width}}  {label}{text}")
