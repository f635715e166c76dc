"""oneDNN's verbose log of a window: enabled with the window, and captured before it is printed."""

from __future__ import annotations

import ctypes
import os
import re
import time
from typing import Any, Callable, NamedTuple

from ...protocol.events import NoticeEvent
from ...protocol.vocabulary import INFO
from ..isolation.c_stdout import CStdout

MAX_LINES = 200_000
_VARIABLES = ("ONEDNN_VERBOSE", "DNNL_VERBOSE", "MKLDNN_VERBOSE")
_STAMP = b"ONEDNN_VERBOSE_TIMESTAMP"
_LINE = re.compile(rb"onednn_verbose,[^\n]*\n")
_USE = re.compile(
    rb"onednn_verbose,(?:v\d+,)?(?:(\d+(?:\.\d+)?),)?(?:primitive,)?(exec|create:cache_miss),(.*),([^,\n]+)\n"
)
_CREATION = b"create:cache_miss"
_WITH_CREATIONS = 2
"""The log's level: executions, and creations as well."""


class Execution(NamedTuple):
    """One execution of a primitive, or its creation."""

    middle_ns: int
    """Its midpoint since the epoch; 0 without a timestamp."""
    text: str
    """The line between ``exec,`` and the time; the same for its creation."""
    duration_ns: int
    created: bool = False
    """Whether it was created here, because oneDNN's cache did not have it."""


class OneDnnCapture:
    """Switches oneDNN's verbose log on and off with each window. The program's own use of the log comes first."""

    def __init__(self, torch: Any, report: Callable[[Any], None]) -> None:
        self._torch = torch
        self._report = report
        self._stdout: CStdout | None = None
        self._verbose: Any = vars(torch._C).get("_verbose")
        self._wanted_by_program = False
        self._stamped = False
        refused = self._refused(torch)
        if refused is None:
            try:
                self._stdout = CStdout()
            except RuntimeError as error:
                refused = str(error)
        if refused is not None:
            self._tell(refused)
            return
        self._set_verbose: Callable[[int], Any] = self._verbose.mkldnn_set_verbose
        self._verbose.mkldnn_set_verbose = self._watched_set_verbose

    def start(self) -> None:
        """Enable the log unless the program itself uses it."""
        if self._stdout is None or self._wanted_by_program:
            return
        if self._stdout.used:
            self._tell("the program's own C code prints, too, and its output would be delayed")
            self._leave()
            return
        if not self._stamped:
            self._stamped = True
            self._ask_for_timestamps()
        if not self._stdout.catch():
            return
        if not self._set_verbose(_WITH_CREATIONS):
            self._give_back()
            self._tell("this torch cannot enable oneDNN's verbose log")
            self._leave()

    def stop(self) -> list[Execution] | None:
        """Disable the log and return what was created and ran meanwhile; None if the log was not captured."""
        if self._stdout is None or not self._stdout.caught:
            return None
        if not self._wanted_by_program:
            self._set_verbose(0)
        return executions(self._give_back())

    def forget(self) -> None:
        """In a forked child: drop the open window, which belongs to the parent."""
        if self._stdout is not None and self._stdout.caught:
            self._set_verbose(0)
            self._stdout.forget()

    def remove(self) -> None:
        """Restore what was replaced."""
        if self._stdout is not None:
            self.stop()
            self._leave()

    def _leave(self) -> None:
        self._stdout = None
        self._verbose.mkldnn_set_verbose = self._set_verbose

    def _ask_for_timestamps(self) -> None:
        """Have oneDNN log something with the variable set, as it reads it only once, at its first line; then unset it.

        Neither the program's `os.environ` nor its children see the variable.
        """
        assert self._stdout is not None
        if _STAMP.decode() in os.environ or not self._stdout.catch():
            return
        torch, libc = self._torch, ctypes.CDLL(None)
        libc.setenv(_STAMP, b"1", 1)
        try:
            self._set_verbose(1)
            with torch._C._DisableTorchDispatch(), torch.no_grad():
                torch.ones(2, 2, dtype=torch.float32, device="cpu").to_mkldnn()
        except (RuntimeError, AttributeError):
            pass  # then primitives are not joined to operators
        finally:
            self._set_verbose(0)
            libc.unsetenv(_STAMP)
            self._give_back()

    def _give_back(self) -> bytes:
        """Release stdout and pass on what others printed through it."""
        assert self._stdout is not None
        text = self._stdout.release()
        self._stdout.write(_LINE.sub(b"", text))
        return text

    def _watched_set_verbose(self, level: int) -> Any:
        """Replaces torch's function: the program may want to see the log itself."""
        self._wanted_by_program = bool(level)
        if level and self._stdout is not None and self._stdout.caught:
            self._give_back()
        return self._set_verbose(level)

    @staticmethod
    def _refused(torch: Any) -> str | None:
        own = [name for name in _VARIABLES if os.environ.get(name, "0") not in ("0", "none", "")]
        if own:
            return f"the program prints oneDNN's log itself ({own[0]} is set): read it with `profilednn-tui onednn`"
        if not getattr(torch._C, "_has_mkldnn", False):
            return "this torch was built without oneDNN"
        if not hasattr(getattr(torch._C, "_verbose", None), "mkldnn_set_verbose"):
            return "this torch cannot enable oneDNN's verbose log"
        return None

    def _tell(self, reason: str) -> None:
        self._report(NoticeEvent(INFO, "no_primitives", f"no oneDNN primitives: {reason}", time.time_ns()))


def executions(text: bytes) -> list[Execution]:
    """The executions and creations in a verbose log, at most `MAX_LINES`; all other lines are skipped."""
    found = []
    for stamp, event, line, duration in _USE.findall(text)[:MAX_LINES]:
        try:
            duration_ns = int(float(duration) * 1e6)
            start_ns = int(float(stamp) * 1e6) if stamp else 0
        except ValueError:
            continue
        middle_ns = start_ns + duration_ns // 2 if stamp else 0
        found.append(Execution(middle_ns, line.decode("utf-8", "replace"), duration_ns, event == _CREATION))
    return found
