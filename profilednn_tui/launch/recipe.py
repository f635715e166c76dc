"""Recipes: the setting that a search has proven, in a file that `run --recipe` takes.

A recipe may come from somebody else. It can switch on optimizations by name and set variables that decide about speed,
and nothing else: no program, library or path is in it.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from profilednn_tui.errors import ProfilerError
from profilednn_tui.plain import plain, plain_values
from profilednn_tui.session.storage.files import read_file

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SCHEMA = "profilednn.recipe/1"
RECIPE_BYTES = 64_000
MOST_VARIABLES = 30
VARIABLES = re.compile(
    r"OMP_(NUM_THREADS|WAIT_POLICY|PROC_BIND|PLACES|DYNAMIC|SCHEDULE|MAX_ACTIVE_LEVELS)"
    r"|GOMP_(SPINCOUNT|CPU_AFFINITY)|KMP_(AFFINITY|BLOCKTIME|HW_SUBSET|SETTINGS)|MKL_(NUM_THREADS|DYNAMIC)"
    r"|OPENBLAS_NUM_THREADS|MALLOC_[A-Z_]+|GLIBC_TUNABLES|ONEDNN_MAX_CPU_ISA|ONEDNN_PRIMITIVE_CACHE_CAPACITY"
    r"|LRU_CACHE_CAPACITY"
)
"""Those that a recipe may set."""
NUMBER_OF_THREADS = re.compile(r"\w*_NUM_THREADS")
_NUMBERS = re.compile(r"[1-9]\d{0,4}(,[1-9]\d{0,4})*")

_NAME = re.compile(r"[A-Za-z_][\w-]*")
_KEYS = frozenset({"schema", "optimizations", "environment"})


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a recipe switches on and sets."""

    optimizations: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """``channels_last, OMP_NUM_THREADS=2``"""
        settings = (f"{name}={value}" for name, value in self.environment.items())
        return ", ".join([*self.optimizations, *settings]) or "nothing"


def read_recipe(path: Path) -> Recipe:
    """Read a recipe; raises a `ProfilerError` if the file is none, or sets anything that a recipe may not."""
    try:
        body = plain_values(tomllib.loads(read_file(path.expanduser(), RECIPE_BYTES).decode()))
    except OSError as error:
        raise ProfilerError(f"The recipe {path} cannot be read: {error.strerror or error}. Check its path.") from None
    except (ValueError, RecursionError) as error:
        first = plain(str(error)).splitlines()[0] if str(error) else "no text"
        raise ProfilerError(f"{path} is no recipe: {first}. `profilednn-tui tune` writes one.") from None
    return _recipe(path, body)


def belongs_to_another(path: Path) -> bool:
    """Whether the file is another user's, so that its settings should be seen before they are used."""
    return os.stat(path.expanduser()).st_uid != os.geteuid()


def recipe_text(recipe: Recipe, comments: Sequence[str] = ()) -> str:
    """The file's text; each comment becomes a line at its top."""
    lines = [f"# {plain(comment)}".rstrip() for comment in comments]
    lines += [f"schema = {_string(SCHEMA)}", f"optimizations = [{', '.join(map(_string, recipe.optimizations))}]"]
    if recipe.environment:
        lines += ["", "[environment]", *(f"{name} = {_string(value)}" for name, value in recipe.environment.items())]
    return "\n".join(lines) + "\n"


def _recipe(path: Path, body: dict[str, Any]) -> Recipe:
    if body.get("schema") != SCHEMA:
        raise ProfilerError(f'{path} is no recipe of this version: its schema is not "{SCHEMA}".')
    unknown = sorted(body.keys() - _KEYS)
    if unknown:
        raise ProfilerError(f"{path} has {', '.join(unknown)}, which no recipe of this version has. Remove it.")
    names, variables = body.get("optimizations", []), body.get("environment", {})
    if not isinstance(names, list) or not all(isinstance(name, str) and _NAME.fullmatch(name) for name in names):
        raise ProfilerError(f"{path}: optimizations has to be a list of names.")
    if not isinstance(variables, dict) or not all(isinstance(value, str) for value in variables.values()):
        raise ProfilerError(f'{path}: environment has to be a table of texts, such as OMP_NUM_THREADS = "2".')
    refused = sorted(name for name in variables if not VARIABLES.fullmatch(name))
    if refused or len(variables) > MOST_VARIABLES:
        raise ProfilerError(
            f"{path} sets {', '.join(refused[:3]) or 'too many variables'}, and a recipe may only set variables of "
            "threads, allocators and oneDNN. Set others yourself with --env NAME=VALUE."
        )
    for name, value in variables.items():
        if "/" in value:
            raise ProfilerError(f"{path}: {name} names a path ({value}), and a recipe has none. Remove it.")
        if NUMBER_OF_THREADS.fullmatch(name) and not _NUMBERS.fullmatch(value):
            raise ProfilerError(f'{path}: {name} is no number of threads ({value}). Write {name} = "2", for example.')
    return Recipe(tuple(dict.fromkeys(names)), dict(variables))


def _string(text: str) -> str:
    """A basic string of TOML, which has the escapes of JSON."""
    return json.dumps(text).replace("\x7f", "\\u007f")
