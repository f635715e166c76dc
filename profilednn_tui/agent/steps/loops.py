"""The loops around a line of a program, from its source text.

The text is read and parsed anew, on the agent's thread: `linecache` would keep it where the program looks.
"""

from __future__ import annotations

import ast
import io
import os
import re
import tokenize
from typing import NamedTuple

MOST_BYTES = 128 * 1024
"""Of a source file: parsing it holds the interpreter for up to 60 ms."""

MOST_TEXT = 120
"""Characters of a loop's first line that are told."""

_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

_COMPREHENSION_FRAMES = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")

_WRAPPERS = ("enumerate", "list", "tuple", "iter")
_BARS = ("tqdm", "tqdm_notebook", "track", "progress_bar", "master_bar")
"""Functions whose result has the items of their first argument; those of the second group are progress bars."""
_RANGES = ("range", "trange")

# A warning that the parser gives about a text would be on the target's stderr for a second time, if not for the first.
_ESCAPE = re.compile(r"\\[^\r\n]")
_NUMBER_BEFORE_WORD = re.compile(r"(?<![\w.])(\d[\w.]*?)(and|else|for|if|in|is|or)\b")
_LEAVES = re.compile(r"\b(return|break|continue)\b")
_HARMLESS = {"return": "yield ", "break": "pass ", "continue": "pass    "}


class Line(NamedTuple):
    """Where a frame is."""

    function: str
    first_line: int
    """Of the function."""
    line: int
    column: int
    """In bytes; -1 if unknown."""


class Loop(NamedTuple):
    """A loop around a line."""

    text: str
    """Its first line, such as ``for epoch in range(args.epochs)``."""
    line: int
    items: ast.expr | None
    """What it runs over, without functions around it that change nothing; None for a loop with another end."""
    variable: str
    """The variable that tells the iteration; empty if the program may change it, too."""
    numbered: bool
    """Whether that variable has the number of the iteration from 0, and not an item."""


class Source:
    """The loops of one source file."""

    def __init__(self, text: bytes) -> None:
        """Raises a `SyntaxError` or `ValueError` for a text that Python does not parse."""
        encoding, _ = tokenize.detect_encoding(io.BytesIO(text).readline)
        tree = ast.parse(_without_warnings(text.decode(encoding)))
        self._nodes = [node for node in ast.walk(tree) if isinstance(node, (*_LOOPS, *_COMPREHENSIONS))]

    def around(self, where: Line) -> list[Loop]:
        """The loops of a function around one of its lines, innermost first."""
        found: list[Loop] = []
        for node in self._nodes:
            if isinstance(node, _LOOPS):
                if where.first_line <= node.lineno <= where.line <= (node.body[-1].end_lineno or 0):
                    found.append(_loop(node))
            elif _is_in(node, where):
                found.append(Loop("a comprehension", node.lineno, None, "", False))
        return sorted(found, key=lambda loop: -loop.line)


def read_source(file: str, newest_s: float) -> Source | None:
    """The loops of a file; None if it cannot be read or parsed, is too large, or newer than `newest_s` in Unix time."""
    try:
        found = os.stat(file)
        if found.st_size > MOST_BYTES or found.st_mtime > newest_s:
            return None
        with open(file, "rb") as stream:
            return Source(stream.read(MOST_BYTES))
    except (OSError, SyntaxError, ValueError, LookupError, RecursionError, MemoryError):
        return None


def _without_warnings(text: str) -> str:
    """The text with the same loops on the same lines, but nothing that the parser warns about: escapes that do not
    exist, numbers right before a word, and jumps out of ``finally``."""
    text = _ESCAPE.sub("__", text)
    text = _NUMBER_BEFORE_WORD.sub(r"\1 \2", text)
    return _LEAVES.sub(lambda found: _HARMLESS[found[0]], text)


def _is_in(node: ast.expr, where: Line) -> bool:
    """Whether the frame is in a comprehension; from Python 3.12 on, it has none of its own."""
    if where.function in _COMPREHENSION_FRAMES:
        return node.lineno == where.first_line <= where.line <= (node.end_lineno or 0)
    begin, end = (node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0)
    return where.column >= 0 and begin <= (where.line, where.column) < end


def _loop(node: ast.For | ast.AsyncFor | ast.While) -> Loop:
    if isinstance(node, ast.While):
        return Loop(_clipped(f"while {ast.unparse(node.test)}"), node.lineno, None, "", False)
    items, target, numbered = node.iter, node.target, False
    names = target.elts if isinstance(target, ast.Tuple) else [target]
    text = _clipped(f"for {', '.join(map(ast.unparse, names))} in {ast.unparse(items)}")
    while isinstance(items, ast.Call) and items.args and called(items) in (*_WRAPPERS, *_BARS):
        if called(items) == "enumerate":
            pair = target.elts if isinstance(target, ast.Tuple) and len(target.elts) == 2 else (ast.Constant(0),) * 2
            from_zero = len(items.args) == 1 and not items.keywords
            target, numbered = (pair[0] if from_zero else ast.Constant(0)), True
        items = items.args[0]
    variable = target.id if isinstance(target, ast.Name) and not _is_set_in(node, target) else ""
    return Loop(text, node.lineno, items, variable, numbered)


def _clipped(text: str) -> str:
    return text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}..."


def called(call: ast.Call) -> str:
    """The last name of the function that is called; empty if it has none."""
    function = call.func
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _is_set_in(loop: ast.For | ast.AsyncFor, target: ast.Name) -> bool:
    """Whether the body changes the variable of its loop."""
    return any(
        isinstance(node, ast.Name) and node.id == target.id and not isinstance(node.ctx, ast.Load)
        for statement in loop.body
        for node in ast.walk(statement)
    )


def is_range(items: ast.expr | None) -> bool:
    """Whether it is a call of `range` or `trange`."""
    return isinstance(items, ast.Call) and called(items) in _RANGES
