"""The commands that README and the documentation show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

PROGRAMS = ("profilednn-tui", "pip", "python", "make", "git", "eval", "ONEDNN_VERBOSE=1")
"""With which a command begins in a block that also may hold other things."""
GENERATED = ("reference/json.md", "reference/kernels.md")
INCLUDED = re.compile(r"\A```\{include\}")
"""A page that only includes a file of the repository."""

_COMMENT = re.compile(r"\s{2,}#.*$")
_SYNOPSIS = re.compile(r"[A-Za-z]\|[A-Z]|\[[A-Z-]|=\.\.\.")


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code in a page."""

    language: str
    """Empty for an indented one."""
    line: int
    """Of the page, where its text begins."""
    text: str


@dataclass(frozen=True, slots=True)
class Command:
    """One command, as a reader would type it."""

    page: str
    line: int
    text: str

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def is_synopsis(self) -> bool:
        """Whether it says what can be written rather than what to write."""
        return _SYNOPSIS.search(self.text) is not None


def pages() -> tuple[Path, ...]:
    """README and all pages that are written by hand, but for decisions, which show no commands."""
    found = [path for path in sorted(DOCS.rglob("*.md")) if "decisions" not in path.parts]
    written = [path for path in found if path.relative_to(DOCS).as_posix() not in GENERATED]
    return (ROOT / "README.md", *(path for path in written if not INCLUDED.match(path.read_text(encoding="utf-8"))))


def blocks(text: str) -> Iterator[Block]:
    """The blocks of code of a page, fenced and indented."""
    language: str | None = None
    kept: list[str] = []
    begin = 0
    indented = False
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        fence = re.match(r"\s*```+(.*)", line)
        if language is not None:
            if fence:
                yield Block(language, begin, "\n".join(kept))
                language, kept = None, []
            else:
                kept.append(line)
        elif fence:
            language, begin = fence[1].strip(), number + 1
        elif line.startswith("    ") and (indented or not kept):
            if not indented:
                indented, begin = True, number
            kept.append(line[4:])
        elif indented:
            if line.strip():
                yield Block("", begin, "\n".join(kept))
                indented, kept = False, []
            else:
                kept.append("")
    if indented:
        yield Block("", begin, "\n".join(kept))


def commands(page: Path) -> Iterator[Command]:
    """The commands of a page in order: behind ``$`` in a console, else lines that begin with a program."""
    name = page.relative_to(ROOT).as_posix() if page.is_relative_to(ROOT) else page.name
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.language not in ("", "console"):
            continue
        for number, line in enumerate(block.text.splitlines(), start=block.line):
            prompt = line.startswith("$ ")
            word = line.removeprefix("$ ").split(" ")[0]
            if prompt or (block.language == "" and word in PROGRAMS):
                yield Command(name, number, _COMMENT.sub("", line.removeprefix("$ ")).strip())


def python_blocks(page: Path) -> Iterator[Block]:
    """The examples in Python of a page."""
    return (block for block in blocks(page.read_text(encoding="utf-8")) if block.language == "python")
