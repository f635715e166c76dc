"""The target's terminal output as lines: colours kept, carriage returns and erasures applied, the rest dropped."""

from __future__ import annotations

import re

from profilednn_tui.plain import plain
from profilednn_tui.tui.renderables.line import Line, Span, merge

_TOKEN = re.compile(
    r"\x1b\[([0-9;:?]{0,64})([ -/]{0,8})([@-~])"  # CSI
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)"  # OSC and other strings
    r"|\x1b[ -/]*[0-~]|[\x00-\x1f\x7f]",
    re.DOTALL,
)
_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_ATTRIBUTES = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "reverse"}
_TAB = 8


class _Pen:
    """The colours and attributes in force."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.foreground = self.background = ""
        self.attributes: dict[str, None] = {}

    @property
    def role(self) -> str:
        words = [*self.attributes, self.foreground] if self.foreground else [*self.attributes]
        return " ".join((*words, "on", self.background) if self.background else words)

    def select(self, parameters: str) -> None:
        codes = [int(code) if code.isdigit() else 0 for code in parameters.replace(":", ";").split(";")]
        while codes:
            code = codes.pop(0)
            if code == 0:
                self.reset()
            elif code in _ATTRIBUTES:
                self.attributes[_ATTRIBUTES[code]] = None
            elif 22 <= code <= 27:
                for number in (1, 2) if code == 22 else (code - 20,):
                    self.attributes.pop(_ATTRIBUTES.get(number, ""), None)
            elif code in (38, 48):
                self._extended(code == 38, codes)
            elif 30 <= code <= 37 or 90 <= code <= 97:
                self.foreground = _basic(code - 30 if code < 40 else code - 90, code >= 90)
            elif 40 <= code <= 47 or 100 <= code <= 107:
                self.background = _basic(code - 40 if code < 50 else code - 100, code >= 100)
            elif code == 39:
                self.foreground = ""
            elif code == 49:
                self.background = ""

    def _extended(self, foreground: bool, codes: list[int]) -> None:
        colour = ""
        if codes[:1] == [5] and len(codes) >= 2:
            colour = f"ansi_{codes[1] & 255}"
            del codes[:2]
        elif codes[:1] == [2] and len(codes) >= 4:
            colour = "#{:02x}{:02x}{:02x}".format(*(value & 255 for value in codes[1:4]))
            del codes[:4]
        if foreground:
            self.foreground = colour
        else:
            self.background = colour


def _basic(number: int, bright: bool) -> str:
    return f"ansi_{'bright_' if bright else ''}{_COLOURS[number]}"


def output_lines(data: bytes, most: int = 2_000) -> tuple[Line, ...]:
    """The newest `most` lines. A progress bar that rewrites its line shows its newest state."""
    pen = _Pen()
    lines: list[list[Span]] = [[]]
    row = column = position = 0
    text = data.decode("utf-8", "replace")
    for match in _TOKEN.finditer(text):
        column = _write(lines[row], column, text[position : match.start()], pen.role)
        position = match.end()
        token, parameters, final = match.group(), match.group(1) or "", match.group(3)
        if token == "\n":
            row, column = row + 1, 0
            if row == len(lines):
                lines.append([])
        elif token == "\r":
            column = 0
        elif token == "\b":
            column = max(0, column - 1)
        elif token == "\t":
            column = _write(lines[row], column, " " * (_TAB - column % _TAB), pen.role)
        elif final == "m":
            pen.select(parameters)
        elif final == "K":
            _erase(lines[row], column, parameters)
        elif final == "A":  # up: several progress bars, one below the other
            row = max(0, row - (int(parameters) if parameters.isdigit() else 1))
        elif final == "B":
            row = min(len(lines) - 1, row + (int(parameters) if parameters.isdigit() else 1))
        elif final == "J" and parameters in ("2", "3"):
            lines, row, column = [[]], 0, 0
    _write(lines[row], column, text[position:], pen.role)
    while lines and not lines[-1]:
        lines.pop()
    return tuple(merge(cells) for cells in lines[-most:])


def _write(cells: list[Span], column: int, text: str, role: str) -> int:
    if not text:
        return column
    text = plain(text)  # removes C1 controls and marks that change the writing direction
    if column > len(cells):
        cells.extend([(" ", "")] * (column - len(cells)))
    cells[column : column + len(text)] = [(character, role) for character in text]
    return column + len(text)


def _erase(cells: list[Span], column: int, mode: str) -> None:
    if mode in ("", "0"):
        del cells[column:]
    elif mode == "2":
        cells.clear()
    else:
        cells[:column] = [(" ", "")] * min(column, len(cells))
