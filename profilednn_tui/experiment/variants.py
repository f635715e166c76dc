"""A variant of an experiment and its syntax on the command line."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch.recipe import read_recipe

PYTHON = "python"
RECIPE = "recipe:"

_NAME = re.compile(r"[^\s/=,:]+")
_VARIABLE = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Variant:
    """A set of optimizations, environment variables and an interpreter."""

    name: str
    optimizations: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    python: str | None = None
    """The target's interpreter; None for the experiment's."""
    folder: str | None = None
    """What its scratch copies are made of; None for the experiment's."""
    values: dict[str, str] = field(default_factory=dict)
    """Those of a cell of a grid, for the words of the target."""

    @property
    def text(self) -> str:
        """The variant's optimizations and settings, as written on the command line."""
        settings = [*(f"{name}={value}" for name, value in self.environment.items())]
        settings += [f"{PYTHON}={self.python}"] if self.python else []
        return ", ".join([*self.optimizations, *settings]) or "nothing switched on"


def parse_variant(text: str) -> Variant:
    """``NAME=ITEM,ITEM``: an item is an optimization, ``VARIABLE=VALUE``, ``python=PATH`` or ``recipe:FILE``.

    Quotes keep a comma inside a value: ``tuned='KMP_AFFINITY="granularity=fine,compact"'``.
    """
    name, equals, rest = text.partition("=")
    if not equals or not _NAME.fullmatch(name):
        raise ProfilerError(
            f"{text} is not a variant. Write NAME=OPT,OPT,VARIABLE=VALUE,python=PATH; a name has no spaces, commas, "
            "colons or slashes, and NAME= alone is a variant with nothing switched on."
        )
    optimizations: list[str] = []
    environment: dict[str, str] = {}
    python: str | None = None
    for item in _items(name, rest):
        key, is_setting, value = item.partition("=")
        if item.startswith(RECIPE):
            recipe = read_recipe(Path(item.removeprefix(RECIPE)))
            optimizations += recipe.optimizations
            environment |= recipe.environment
        elif not is_setting:
            optimizations.append(item)
        elif key == PYTHON:
            python = value
        elif _VARIABLE.fullmatch(key):
            environment[key] = value
        else:
            raise ProfilerError(f"{item} in the variant {name} is not a setting. Write VARIABLE=VALUE or python=PATH.")
    return Variant(name, tuple(dict.fromkeys(optimizations)), environment, python)


def _items(name: str, text: str) -> list[str]:
    words = shlex.shlex(text, posix=True, punctuation_chars="")
    words.whitespace = ","
    words.whitespace_split = True
    words.commenters = ""
    try:
        return [word.strip() for word in words if word.strip()]
    except ValueError:
        raise ProfilerError(f"The variant {name} has a quote that is not closed: {text}.") from None
