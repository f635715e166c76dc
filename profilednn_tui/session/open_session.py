"""An open session: live folders, finished ones and snapshots behind one interface."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType, TracebackType

from profilednn_tui.clock import SYSTEM_CLOCK, Clock
from profilednn_tui.errors import ProfilerError
from profilednn_tui.onednn.roofline import Peaks
from profilednn_tui.paths import SESSION_FILE, list_session_folders, session_home
from profilednn_tui.plain import plain
from profilednn_tui.protocol.codec import encode
from profilednn_tui.protocol.events import EVENTS, Command
from profilednn_tui.protocol.files import TRACES, control_file
from profilednn_tui.session.keys import pid_of
from profilednn_tui.session.model.fragmentation import fragmentation
from profilednn_tui.session.model.part import Part
from profilednn_tui.session.model.process import Process
from profilednn_tui.session.model.session import Session
from profilednn_tui.session.notices import damage
from profilednn_tui.session.part_reader import PartReader
from profilednn_tui.session.storage.files import append
from profilednn_tui.session.storage.folder import INPUT_FIFO, SessionFile
from profilednn_tui.session.storage.jobs import check_parts
from profilednn_tui.session.storage.liveness import is_alive
from profilednn_tui.session.storage.peaks import CACHE_FILE, PeaksKey, known_peaks
from profilednn_tui.session.storage.snapshot import SUFFIX, SnapshotStore, write_snapshot
from profilednn_tui.session.storage.store import FolderStore, Store
from profilednn_tui.session.torch_trace.file import is_torch_trace
from profilednn_tui.session.torch_trace.store import TorchTraceStore
from profilednn_tui.session.trace import Trace
from profilednn_tui.session.traces import Traces, process_name
from profilednn_tui.session.view import Fragmentation, SessionView, Steps

POLL_BUDGET_S = 0.02
"""A poll of a huge recording stops after this time, so that the screen responds while it loads."""
MOST_BESIDE = 16
"""Processes whose calls are shown beside those of another one."""
SEVERAL = "The sessions of several machines are only read together: open one of them alone to steer it."

_LINE_END = re.compile(r"\r\n|\r|\n")
"""Line ends as Python counts them; `splitlines` would count form feeds as well."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A source file that a frame names."""

    file: str
    lines: tuple[str, ...] | None = None
    """Plain texts; None if there is no copy of the file here."""
    path: Path | None = None
    """The file on this machine; None if it must not be opened."""
    foreign: str = ""
    """Why it must not be opened."""

    @property
    def missing(self) -> str:
        """Why it cannot be edited, or shown, in one sentence."""
        return self.foreign or (
            f"{self.file} is not on this machine: the session was recorded elsewhere, or the file is gone."
        )


@dataclass(frozen=True, slots=True)
class ProcessTimeline:
    """What is known of a training process in time."""

    key: int
    """As in `ProcessEntry`."""
    name: str
    """``rank 1``, or ``process 4711``."""
    pid: int
    steps: Steps
    traces: Iterator[Trace]
    """The calls of its newest windows, oldest first, read one by one."""


class OpenSession:
    """One session to read, and to control while it is live; closed at the end of a ``with`` block.

    Several parts, each recorded by one machine, are read as one session.
    """

    def __init__(
        self,
        stores: Sequence[Store],
        alive: Callable[[int, int], bool] = is_alive,
        clock: Clock = SYSTEM_CLOCK,
        name: str = "",
        kinds: Collection[str] = EVENTS,
    ) -> None:
        """`name` is what to call it instead of as its first part; only events of these `kinds` are read."""
        first = stores[0]
        self.location = first.location
        """The folder or the snapshot file; of several parts, the first one."""
        self.started = replace(first.session_file, name=name) if name else first.session_file
        """What was started, and how."""
        self.foreign = first.foreign if len(stores) == 1 else SEVERAL
        """Why nothing that the session names is run or opened here; empty for the user's own session."""
        self._clock = clock
        parts = [Part(self.started, first.folder is not None, first.cut_short)]
        parts += [Part(store.session_file, store.folder is not None, store.cut_short) for store in stores[1:]]
        self._session = Session(parts, _known_peaks)
        self._readers = [
            PartReader(store, machine, self._session, alive, clock, kinds) for machine, store in enumerate(stores)
        ]
        self._traces = Traces(stores)
        self._told: tuple[SessionView, tuple[int, ...], SessionView] | None = None
        """The last view of the session, the windows with traces at that time, and what was made of both."""
        self._sources = lru_cache(maxsize=64)(self._read_source)

    def __enter__(self) -> OpenSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def parts(self) -> int:
        """Of how many machines it has recordings."""
        return len(self._readers)

    @property
    def behind(self) -> bool:
        """Whether the last `poll` stopped at its budget: poll again at once."""
        return any(reader.behind for reader in self._readers)

    def poll(self) -> bool:
        """Read new data, for some milliseconds at most; True if there was any."""
        begin_s, share_s = self._clock.monotonic_s(), POLL_BUDGET_S / len(self._readers)
        changed = False
        for number, reader in enumerate(self._readers, start=1):
            changed = reader.poll(begin_s + share_s * number) or changed
        return changed

    @property
    def live(self) -> bool:
        """Whether more events may come."""
        return self._session.live

    def catch_up(self) -> None:
        """Read everything recorded so far."""
        while self.poll():
            pass

    def view(self, window: int | None = None) -> SessionView:
        """The current view; with `window`, its operators are those of that window alone."""
        view, traced = self._session.view(window), self.traced_windows
        if self._told is None or self._told[0] is not view or self._told[1] != traced:
            self._told = view, traced, replace(view, traced_windows=traced, fragmentation=self._fragmentation(traced))
        return self._told[2]

    @property
    def damage(self) -> str:
        """What cannot be read, as `notices.damage`; a whole `view` of a large session takes much memory."""
        return damage(self._session.trouble)

    def _fragmentation(self, windows: Sequence[int]) -> tuple[Fragmentation, ...]:
        return fragmentation([trace for window in windows if (trace := self.trace(window))])

    @property
    def traced_windows(self) -> tuple[int, ...]:
        """Windows of the process that is shown whose calls are kept, oldest first."""
        process = self._session.shown_process
        return self._traces.numbers(process) if process else ()

    def trace(self, window: int) -> Trace | None:
        """The calls of a window of the process that is shown; None if they are not kept."""
        process = self._session.shown_process
        return self._traces.of(process, window) if process else None

    def timelines(self) -> Iterator[ProcessTimeline]:
        """All training processes, the shown one first."""
        shown = self._session.shown_process
        for process in (*([shown] if shown else ()), *self._session.others()):
            key = process.key
            yield ProcessTimeline(
                key, process_name(process), pid_of(key), process.steps.view(), self._traces_of(process)
            )

    def _traces_of(self, process: Process) -> Iterator[Trace]:
        """Read one by one, when they are asked for."""
        for number in self._traces.numbers(process):
            if trace := self._traces.of(process, number):
                yield trace

    def traces_beside(self, trace: Trace, shifts_ns: Mapping[int, int] = MappingProxyType({})) -> tuple[Trace, ...]:
        """Those of other processes whose windows were open at the same time, on the clock of the one that is shown.

        `shifts_ns` is what to add to the times of a process, by its key.
        """
        shown = self._session.shown_process
        here_ns = shifts_ns.get(shown.key, 0) if shown is not None else 0
        began, ended = trace.began_unix_ns, trace.began_unix_ns + trace.duration_ns
        found = []
        for process in self._session.others()[:MOST_BESIDE]:
            # A window is told once it is summarized, so that its step ended some time before: the first one told since
            # is the only one that may have been open.
            shift_ns = shifts_ns.get(process.key, 0) - here_ns
            since = [window for window in process.windows.newest(TRACES) if window.end_unix_ns + shift_ns > began]
            other = self._traces.of(process, since[0].number) if since else None
            if other is not None:
                found.append(replace(other, began_unix_ns=other.began_unix_ns + shift_ns))
        return tuple(
            other for other in found if other.began_unix_ns < ended and other.began_unix_ns + other.duration_ns > began
        )

    def output_tail(self, max_bytes: int) -> bytes:
        """The end of what the target wrote to its terminal, on the machine that is shown."""
        return self._shown.output_tail(max_bytes)

    def source(self, file: str) -> SourceFile:
        """A source file named by a frame, as far as it is available here."""
        return self._sources(file, self._session.shown_machine)

    def send(self, command: Command) -> int:
        """Send a command to every running agent; returns their number."""
        folder = self._steered
        agents = self._session.running_agents if folder and self._session.live else ()
        for key in agents:
            assert folder
            path = folder / control_file(pid_of(key))
            try:
                append(path, encode(command))
            except OSError as error:
                raise ProfilerError(f"Cannot send a command through {path}: {error.strerror or error}.") from None
        return len(agents)

    def write_input(self, data: bytes) -> int:
        """Write to the target's terminal; returns how many bytes it took, 0 if nothing reads them."""
        if self._steered is None:
            return 0
        try:
            handle = os.open(
                self._steered / INPUT_FIFO, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC
            )
        except OSError:
            return 0
        try:
            return os.write(handle, data) if stat.S_ISFIFO(os.fstat(handle).st_mode) else 0
        except (BlockingIOError, BrokenPipeError):
            return 0
        finally:
            os.close(handle)

    def select_process(self, key: int) -> None:
        """Show this process of the target from now on."""
        self._session.select_process(key)

    @property
    def source_files(self) -> frozenset[str]:
        """All files named in call stacks."""
        return self._session.source_files

    @property
    def _shown(self) -> Store:
        return self._readers[self._session.shown_machine].store

    @property
    def _steered(self) -> Path | None:
        """The folder if it may be written to, else None."""
        return None if self.foreign else self._readers[0].store.folder

    @property
    def attached(self) -> bool:
        """Whether the target was already running when it was attached to, so that a viewer may detach from it."""
        return self.started.attached

    def save_snapshot(self, path: Path) -> None:
        """Write the session as recorded so far to one file; raises a `ProfilerError`."""
        if self.parts > 1:
            raise ProfilerError("A snapshot holds what one machine recorded. Export each of the sessions by itself.")
        try:
            write_snapshot(self._readers[0].store, self.source_files, self._session.live, path)
        except OSError as error:
            raise ProfilerError(f"Cannot write {path}: {getattr(error, 'strerror', None) or error}.") from None

    def close(self) -> None:
        """Close the files."""
        for reader in self._readers:
            reader.close()

    def _read_source(self, file: str, machine: int) -> SourceFile:
        store = self._readers[machine].store
        text, path, foreign = store.source(file), store.source_path(file), self.foreign or store.foreign
        if text is not None:
            lines = _LINE_END.split(text.decode("utf-8", "replace").expandtabs(4))
            return SourceFile(file, tuple(map(plain, lines[:-1] if not lines[-1] else lines)), path, foreign)
        return SourceFile(file, None, path, foreign)


def open_session(
    path_or_name: str | Path, alive: Callable[[int, int], bool] = is_alive, started_here: bool = False
) -> OpenSession:
    """Open a session folder, a session by name or by the beginning of its folder's name, or a ``.pdnn`` file.

    With `started_here`, the caller has created the folder, so that it is not another user's.
    """
    return OpenSession([open_store(path_or_name, started_here)], alive)


def open_parts(paths_or_names: Sequence[str | Path], job: str = "") -> OpenSession:
    """Open the parts that several machines have recorded of one job as one session; raises a `ProfilerError`.

    They must say that they are of the same job, unless the user calls it `job`.
    """
    stores: list[Store] = []
    try:
        for one in paths_or_names:
            stores.append(open_store(one))
        check_parts(stores, job)
        return OpenSession(stores, name=job)
    except BaseException:
        for store in stores:
            store.close()
        raise


def open_store(path_or_name: str | Path, started_here: bool = False) -> Store:
    """Find what `open_session` opens; raises a `ProfilerError`."""
    path = Path(os.path.expanduser(path_or_name))
    if os.path.isfile(path):
        if path.suffix != SUFFIX and not os.stat(path).st_size:
            raise ProfilerError(f"{path} is empty: it was not written to the end. Copy or export it again.")
        return TorchTraceStore(path) if is_torch_trace(path) else SnapshotStore(path)
    if not os.path.lexists(path / SESSION_FILE):
        path = _find(str(path_or_name)) or path
    if not os.path.isdir(path):
        kind = "file" if path.suffix == SUFFIX else "session, folder or file"
        raise ProfilerError(
            f"There is no {kind} {path_or_name}. `profilednn-tui list` shows the sessions on this machine."
        )
    return FolderStore(path, started_here)


def _known_peaks(key: PeaksKey) -> Peaks | None:
    try:
        home = session_home()
    except ProfilerError:  # anyone can write there, so the figures cannot be trusted
        return None
    return known_peaks(home / CACHE_FILE, key)


def _find(name: str) -> Path | None:
    """A session on this machine: by folder name, by the name that its user gave (the newest), or by a unique prefix."""
    folders = list_session_folders()
    exact = [folder for folder in folders if folder.name == name] or [
        folder for folder in folders if _given_name(folder) == name
    ]
    if exact:
        return exact[0]
    beginning = [folder for folder in folders if name and folder.name.startswith(name)]
    if len(beginning) > 1:
        some = ", ".join(folder.name for folder in beginning[:3])
        raise ProfilerError(
            f"{len(beginning)} sessions under {session_home()} begin with {name}: {some}. Name one of them."
        )
    return beginning[0] if beginning else None


def _given_name(folder: Path) -> str | None:
    try:
        return SessionFile.load(folder).name
    except ProfilerError:
        return None
