"""How long the training will be: the loops around its steps, and how many iterations they have.

The training thread notes where it is; the agent's thread finds the loops around that place in the program's text; then
the training thread reads the variables that tell how many iterations there are, and which one it is in. All of that is
rare: in the first step of an iteration over a DataLoader, and once a second.
"""

from __future__ import annotations

import dis
import os
import sys
import time
from collections import deque
from types import CodeType, FrameType
from typing import Any, Callable, NamedTuple

from ...protocol.events import TotalEvent
from ..isolation.guard import OUR_FOLDER, attempt
from .counting import Count, count_of, items_of
from .frameworks import Outlook, outlook_of
from .loaders import Iteration, LoaderFacts
from .loops import Line, Loop, Source, is_range, read_source

READ_INTERVAL_NS = 1_000_000_000
PREPARE_INTERVAL_NS = 100_000_000
"""Until the next look at whether the text has been searched."""
RATIO_STEPS = 8
"""After so many steps, the same is told a second time: that shows how many iterations a step has."""
MOST_FRAMES = 200
MOST_PLACES = 8
"""Places of the program at which steps end."""
MOST_FILES = 32

_STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep
_PACKAGES = f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}"
_FORKED = os.path.join("multiprocessing", "process.py")

Callers = tuple[tuple[CodeType, int], ...]
"""Their code, innermost first, and the instruction that each executes."""


class LoopOfFrame(NamedTuple):
    """A loop of one of the callers."""

    depth: int
    """Of the caller, from the innermost."""
    file: str
    loop: Loop

    def __str__(self) -> str:
        """``for epoch in range(20), train.py:40``"""
        return f"{self.loop.text}, {os.path.basename(self.file)}:{self.loop.line}"


class Plan(NamedTuple):
    """The loops around a step, innermost first, or why they are not known."""

    loops: list[LoopOfFrame]
    reason: str = ""


class TrainingTotal:
    """`look` is called on the training thread at the ends of steps, `prepare` on the agent's thread."""

    def __init__(self, torch: Any, loaders: LoaderFacts, put: Callable[[Any], None], late: bool) -> None:
        """`late`: training may have begun before the agent."""
        self._loader_class = torch.utils.data.DataLoader
        self._skipped = (OUR_FOLDER, os.path.dirname(os.path.abspath(torch.__file__)) + os.sep)
        self._loaders = loaders
        self._put = put
        self._late = late
        self._process_began_s = attempt(_process_began_s)[0] or 0.0
        self._plans: dict[tuple[tuple[int, int], ...], Plan | None] = {}
        """By the identities of the callers' code and their instructions; None while it is being prepared."""
        self._known: list[Callers] = []
        """Those with a plan: as they are kept, no other code gets their identities."""
        self._asked: deque[Callers] = deque()
        self._sources: dict[str, Source | None] = {}
        self._newest: Iteration | None = None
        """The iteration over a DataLoader in which it was last read."""
        self._due_ns = 0
        self._told: tuple[Any, ...] = ()
        self._told_again_at = 0

    def look(self, step: int, now_ns: int, stop_after: int | None) -> None:
        """Read where the training is, if that is due; `stop_after` is the number of steps it has been limited to."""
        newest = self._loaders.newest
        if now_ns < self._due_ns and (newest is self._newest or newest is None or newest.ended):
            return
        outlook, error = attempt(self._read, step)
        if error is not None:
            outlook = Outlook(reason=f"the loops of the program could not be read ({type(error).__name__})")
        self._newest, self._due_ns = newest, now_ns + (READ_INTERVAL_NS if outlook else PREPARE_INTERVAL_NS)
        if outlook is None:
            return
        if stop_after is not None and not 0 <= outlook.steps <= stop_after:
            outlook = outlook._replace(steps=stop_after, source=outlook.source or f"--steps {stop_after}")
        self._tell(step, outlook)

    def prepare(self) -> None:
        """Find the loops around the places that are not known yet."""
        while self._asked:
            callers = self._asked.popleft()
            plan, error = attempt(self._plan, callers)
            key = tuple((id(code), instruction) for code, instruction in callers)
            self._plans[key] = plan or Plan(
                [], f"the program's text could not be searched for loops ({type(error).__name__})"
            )

    # ---- on the training thread

    def _read(self, step: int) -> Outlook | None:
        """Where the training is; None while that is being prepared."""
        frames = self._callers()
        for frame in frames:
            outlook = outlook_of(frame, step)
            if outlook is not None:
                return self._in_newest(outlook)
        key = tuple((id(frame.f_code), frame.f_lasti) for frame in frames)
        if key not in self._plans:
            if len(self._plans) >= MOST_PLACES:
                return Outlook(reason="steps end at too many places of the program")
            callers = tuple((frame.f_code, frame.f_lasti) for frame in frames)
            self._known.append(callers)
            self._plans[key] = None
            self._asked.append(callers)
        plan = self._plans[key]
        return None if plan is None else self._follow(plan, frames)

    def _callers(self) -> list[FrameType]:
        """The program's frames, innermost first: up to its module, or to where its process began."""
        found: list[FrameType] = []
        frame: FrameType | None = sys._getframe(1)
        for _ in range(MOST_FRAMES):
            if frame is None or (frame.f_code.co_name == "_bootstrap" and frame.f_code.co_filename.endswith(_FORKED)):
                break
            if not frame.f_code.co_filename.startswith(self._skipped):
                found.append(frame)
                if frame.f_code.co_name == "<module>":
                    break
            frame = frame.f_back
        return found

    def _follow(self, plan: Plan, frames: list[FrameType]) -> Outlook:
        newest = self._loaders.newest
        number = newest.number - 1 if newest is not None and not self._late else -1
        if plan.reason:
            return self._in_newest(Outlook(number, reason=plan.reason))
        counts = [count_of(frames[one.depth], one.loop) for one in plan.loops]
        inner = self._pass_loop(plan, frames, counts)
        outer = list(zip(plan.loops, counts))[inner + 1 :]
        endless = [one for one, count in outer if count is None]
        if endless or (not outer and plan.loops[inner].loop.items is None):
            reason = f"the number of iterations of `{(endless or plan.loops)[0]}` is not known"
            return self._in_newest(Outlook(number, reason=reason))
        total, now = _combined([count for _, count in outer if count is not None])
        if now < 0 and len(outer) == 1:
            now = number
        if now < 0:
            changed = next(one for one, count in outer if count is None or count.now < 0)
            reason = f"the program changes the variable of `{changed}`"
            return self._in_newest(Outlook(number, reason=reason))
        outlook = Outlook(now, total, source=str(plan.loops[-1]))
        count = counts[inner]
        if inner:
            return self._in_newest(outlook)._replace(place=-1)  # its iterations are loops themselves
        if count is not None:
            return outlook._replace(length=count.total, place=count.now + 1 if count.now >= 0 else -1)
        return self._in_newest(outlook)._replace(length=-1 if newest is None else self._loaders.length(newest))

    def _pass_loop(self, plan: Plan, frames: list[FrameType], counts: list[Count | None]) -> int:
        """Which loop is a pass: the innermost over a DataLoader, else over something of unknown length, else of all."""
        for place, one in enumerate(plan.loops):
            if self._loader_class in type.mro(type(items_of(frames[one.depth], one.loop))):
                return place
        return next((place for place, count in enumerate(counts) if count is None), 0)

    def _in_newest(self, outlook: Outlook) -> Outlook:
        """With the place in the newest iteration over a DataLoader."""
        newest = self._loaders.newest
        return outlook if newest is None else outlook._replace(place=newest.batches, first_step=newest.after_step + 1)

    def _tell(self, step: int, outlook: Outlook) -> None:
        known = outlook._replace(place=-1)
        if known != self._told:
            self._told, self._told_again_at = known, step + RATIO_STEPS
        elif step < self._told_again_at or outlook.place < 0:
            return
        else:
            self._told_again_at = sys.maxsize
        self._put(
            TotalEvent(
                step=step,
                pass_number=outlook.pass_number,
                passes=outlook.passes,
                place=outlook.place,
                length=outlook.length,
                first_step=outlook.first_step,
                steps=outlook.steps,
                source=outlook.source,
                reason=outlook.reason,
                unix_ns=time.time_ns(),
            )
        )

    # ---- on the agent's thread

    def _plan(self, callers: Callers) -> Plan:
        loops: list[LoopOfFrame] = []
        for depth, (code, instruction) in enumerate(callers):
            file = code.co_filename
            theirs = file.startswith((_STANDARD_LIBRARY, "<frozen ")) or any(part in file for part in _PACKAGES)
            if theirs and (len(loops) > 1 or any(is_range(one.loop.items) for one in loops)):
                continue  # what a library runs the whole training in
            source = self._source(file)
            if source is not None:
                loops += [LoopOfFrame(depth, file, loop) for loop in source.around(_line(code, instruction))]
            elif not theirs:
                return Plan([], f"the text of {os.path.basename(file)} cannot be read, or has changed")
        return Plan(loops) if loops else Plan([], "no loop of the program is around the end of a step")

    def _source(self, file: str) -> Source | None:
        if file not in self._sources:
            if len(self._sources) >= MOST_FILES:
                return None
            self._sources[file] = read_source(file, self._process_began_s)
        return self._sources[file]


def _combined(counts: list[Count]) -> Count:
    """Nested loops, innermost first, as one."""
    total, now = 1, 0
    for count in reversed(counts):
        total *= count.total
        now = -1 if now < 0 or count.now < 0 else now * count.total + count.now
    return Count(total, now)


def _process_began_s() -> float:
    """Unix time in seconds, rounded up; texts that are newer are not those that the program consists of."""
    with open("/proc/self/stat", "rb") as stream:
        ticks = int(stream.read().rpartition(b")")[2].split()[19])
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + ticks / os.sysconf("SC_CLK_TCK") + 1


def _line(code: CodeType, instruction: int) -> Line:
    """Where a function executes an instruction."""
    line = code.co_firstlineno
    for begin, number in dis.findlinestarts(code):
        if begin > instruction:
            break
        line = number or line
    column = None
    if sys.version_info >= (3, 11):
        _, _, column, _ = list(code.co_positions())[instruction // 2]
    return Line(code.co_name, code.co_firstlineno, line, -1 if column is None else column)
