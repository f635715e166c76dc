"""HTML of which every text is escaped: names come from the program, or from files of others."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from typing import Any

_VOID = frozenset({"meta"})


class Markup(str):
    """HTML, not to be escaped again."""

    __slots__ = ()


def element(tag: str, *children: str, **attributes: str) -> Markup:
    """An element; a child that is no `Markup` is text. A trailing underscore of an attribute's name is left out."""
    names = (f' {name.rstrip("_").replace("_", "-")}="{html.escape(value)}"' for name, value in attributes.items())
    inside = "".join(map(_escaped, children))
    return Markup(f"<{tag}{''.join(names)}>{inside}{'' if tag in _VOID else f'</{tag}>'}")


def joined(parts: Iterable[str]) -> Markup:
    """Several, one after the other."""
    return Markup("".join(map(_escaped, parts)))


def data(identifier: str, value: Any) -> Markup:
    """Data for a script of the page, in which nothing can end the element."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup(f'<script type="application/json" id="{identifier}">{safe}</script>')


def table(columns: Iterable[str], rows: Iterable[Iterable[str]], left: int) -> Markup:
    """A table whose first `left` columns are text and whose others are numbers."""
    head = element("tr", *(element("th", name, class_=_side(place, left)) for place, name in enumerate(columns)))
    body = (
        element("tr", *(element("td", cell, class_=_side(place, left)) for place, cell in enumerate(row)))
        for row in rows
    )
    return element("table", element("thead", head), element("tbody", *body))


def _side(place: int, left: int) -> str:
    return "text" if place < left else "number"


def _escaped(part: str) -> str:
    return part if isinstance(part, Markup) else html.escape(part)
