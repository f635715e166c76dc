"""What the TUI remembers between runs, in a file that users may edit."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import msgspec

from profilednn_tui.errors import ProfilerError
from profilednn_tui.paths import FOLDER_MODE
from profilednn_tui.session.storage.files import read_file
from profilednn_tui.session.storage.folder import atomic_file

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE_LIMIT_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class Preferences:
    """Empty fields are as if they were never chosen."""

    theme: str = ""
    """Name of a theme of the TUI."""
    sort: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """By table: the title of a column, with ``reversed`` behind it if it is sorted against its usual direction."""
    panes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """By place on the dashboard: the pane that is shown there."""
    hidden_columns: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """By table: the titles of columns that are switched off."""
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """By name of an action: its keys, as they were written. Only users change them."""


def preferences_file() -> Path:
    """``$XDG_CONFIG_HOME/profilednn-tui/config.toml``, else below ``~/.config``."""
    home = os.environ.get("XDG_CONFIG_HOME", "")
    base = Path(home) if os.path.isabs(home) else Path("~/.config").expanduser()
    # It may be a link, as managers of such files make them: then the file behind it is read and written.
    return Path(os.path.realpath(base / "profilednn-tui" / "config.toml"))


def read_preferences(path: Path) -> Preferences:
    """The preferences in a file, none if there is no such file; a `ProfilerError` if it cannot be read."""
    try:
        found = tomllib.loads(read_file(path, FILE_LIMIT_BYTES).decode("utf-8"))
    except FileNotFoundError:
        return Preferences()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ProfilerError(f"{path} cannot be read ({reason}). Mend it, or remove it.") from None
    theme = found.get("theme", "")
    if not isinstance(theme, str):
        raise ProfilerError(f'{path}: theme is no text. Write theme = "profilednn-light", or leave it out.')
    return Preferences(
        theme,
        _words(found, "sort", path),
        _words(found, "panes", path),
        _lists(found, "hidden_columns", 'operators = ["module", "bound"]', path),
        _lists(found, "keys", 'flame = "F" or flame = ["F", "f5"]', path),
    )


def _words(found: Mapping[str, object], name: str, path: Path) -> Mapping[str, str]:
    try:
        return MappingProxyType(msgspec.convert(found.get(name, {}), dict[str, str]))
    except msgspec.ValidationError:
        raise ProfilerError(
            f'{path}: [{name}] is no table of texts, such as operators = "calls". Mend or remove it.'
        ) from None


def _lists(found: Mapping[str, object], name: str, example: str, path: Path) -> Mapping[str, tuple[str, ...]]:
    try:
        lists = msgspec.convert(found.get(name, {}), dict[str, str | list[str]])
    except msgspec.ValidationError:
        raise ProfilerError(
            f"{path}: [{name}] is no table of texts or lists of texts, such as {example}. Mend or remove it."
        ) from None
    return MappingProxyType({key: (value,) if isinstance(value, str) else tuple(value) for key, value in lists.items()})


def remember(path: Path, preferences: Preferences) -> None:
    """Write the preferences to a file; comments in it, and what this version does not know, stay. An `OSError` if that
    is impossible."""
    import tomlkit

    try:
        document = tomlkit.parse(read_file(path, FILE_LIMIT_BYTES).decode("utf-8"))
    except FileNotFoundError:
        document = tomlkit.document()
        document.add(tomlkit.comment("What profilednn-tui remembers: `profilednn-tui config` explains it."))
    if preferences.theme:
        document["theme"] = preferences.theme
    hidden = {table: list(titles) for table, titles in preferences.hidden_columns.items()}
    chosen: tuple[tuple[str, Mapping[str, str | list[str]]], ...] = (
        ("sort", preferences.sort),
        ("panes", preferences.panes),
        ("hidden_columns", hidden),
    )
    for name, values in chosen:
        for key, value in values.items():
            if name not in document:
                document[name] = tomlkit.table()
            table = document[name]
            table[key] = value
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    if path.exists() and not path.stat().st_mode & stat.S_IWUSR:
        raise PermissionError(errno.EACCES, f"{path} is write-protected")
    with atomic_file(path) as stream:
        stream.write(tomlkit.dumps(document).encode("utf-8"))
