"""Determines which optimization an error in training points to."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MAX_FRAMES = 200


@dataclass(frozen=True)
class Failure:
    """An exception in training, without the objects that it keeps alive."""

    text: str
    where: str
    """``the forward pass``, ``the backward pass``, or empty."""
    files: tuple[str, ...]
    """Files in the traceback, outermost first."""
    remark: str = ""

    @classmethod
    def of(cls, error: BaseException, where: str, remark: str = "") -> Failure:
        files: list[str] = []
        entry = error.__traceback__
        while entry is not None and len(files) < MAX_FRAMES:
            files.append(entry.tb_frame.f_code.co_filename)
            entry = entry.tb_next
        return cls(f"{type(error).__name__}: {error}"[:300], where, tuple(files), remark)

    def pointed_at(self, optimizations: Sequence[Any]) -> list[Any]:
        """The optimizations whose clues occur in the error's text or traceback."""
        places = "\n".join(self.files)
        return [one for one in optimizations if any(clue in self.text or clue in places for clue in one.clues)]

    def sentence(self, on: Sequence[Any]) -> str:
        """For the session: what was on when training failed, and which optimization the error points to."""
        names = ", ".join(one.name for one in on)
        place = f" in {self.where}" if self.where else ""
        pointed = ", ".join(one.name for one in self.pointed_at(on))
        verdict = f"the error points to {pointed}" if pointed else "the error points to none of them"
        remark = f" ({self.remark})" if self.remark else ""
        first_line = self.text.partition("\n")[0]
        were = "was" if len(on) == 1 else "were"
        return (
            f"training failed{place} with {first_line}{remark} while {names} {were} on: {verdict}; "
            "a run without optimizations will tell for certain"
        )


def unhandled() -> Failure | None:
    """The exception that ends this process, once the interpreter has printed it; None for an exit or Ctrl-C."""
    error = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    return Failure.of(error, "") if isinstance(error, Exception) else None
