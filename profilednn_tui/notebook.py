"""Watches the training in a cell of a notebook: ``%load_ext profilednn_tui.notebook``, then ``%%profile``.

The host runs as a process of its own and brings the agent into the kernel as `attach` does; it leaves when the cell
ends, however it ends. Only this module runs in the kernel.
"""

from __future__ import annotations

import ast
import ctypes
import html
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring
from IPython.display import HTML, display

BEGIN_LIMIT_S = 60.0
"""How long the host may take to bring the agent in: the first time, it reads torch's libraries."""
END_LIMIT_S = 60.0
REPORT_HEIGHT_PX = 640
_POLL_S = 0.02
_PR_SET_PTRACER = 0x59616D61
_HELLO = b'"event":"hello"'


@magics_class
class ProfileMagics(Magics):  # type: ignore[misc]
    """``%%profile``."""

    @magic_arguments()
    @argument("--overhead", default="2%", help="Limit on the profiling overhead; 2%% unless given.")
    @argument("-o", "--output", default="", help="Write a snapshot, FILE.pdnn, that `profilednn-tui open` shows.")
    @argument("--no-report", action="store_true", help="Print the summary only.")
    @cell_magic
    def profile(self, line: str, cell: str) -> Any:
        """Run a cell, and say what its training spent its time on and what holds it back."""
        __tracebackhide__ = True
        options = parse_argstring(self.profile, line)
        if importlib.util.find_spec("torch") is None:
            raise UsageError("This kernel has no torch: %%profile watches trainings of PyTorch.")
        self._check(options)
        shell = self.shell
        source = shell.transform_cell(cell)
        name = shell.compile.cache(source, shell.execution_count, raw_code=cell)
        parts = _compiled(source, name)
        importlib.import_module("torch")  # the agent needs it, and the cell would import it in any case
        with tempfile.TemporaryDirectory(prefix="profilednn-") as folder:
            snapshot = Path(folder) / "cell.pdnn"
            host = _Host(snapshot, options.overhead)
            result = None
            try:
                host.begin()
                result = self._run(parts)
            finally:
                problem = host.end()
                self._show(snapshot, problem, options)
        return result

    def _check(self, options: Any) -> None:
        """Refuse what would fail only after the cell."""
        from profilednn_tui.errors import ProfilerError
        from profilednn_tui.launch.session_folder import check_output
        from profilednn_tui.session.storage.catalog import session_of_process

        running = session_of_process(os.getpid())
        if running is not None:
            raise UsageError(f"This kernel is being watched already, in session {running.name}.")
        try:
            if options.output:
                check_output(Path(options.output).expanduser().absolute())
        except ProfilerError as error:
            raise UsageError(str(error)) from None

    def _run(self, parts: tuple[Any, Any]) -> Any:
        """Run a cell in the user's names; returns the value of its last line, if that is an expression."""
        __tracebackhide__ = True
        names = self.shell.user_ns
        exec(parts[0], names)
        return eval(parts[1], names) if parts[1] is not None else None

    def _show(self, snapshot: Path, problem: str, options: Any) -> None:
        if problem or not snapshot.exists():
            print(f"profilednn-tui: {problem or 'the host has left no recording'}", file=sys.stderr)
            return
        from profilednn_tui.export.session.page.report import html_text
        from profilednn_tui.export.session.summary import summary_lines
        from profilednn_tui.session.open_session import open_session

        with open_session(snapshot) as session:
            session.catch_up()
            view, windows = session.view(), session.traced_windows
            trace = session.trace(windows[-1]) if windows else None
            if options.output:
                session.save_snapshot(Path(options.output).expanduser())
        text = "\n".join(summary_lines(view))
        if options.no_report or not view.operators.windows:
            print(text)
            return
        page = html.escape(html_text(view, trace), quote=True)
        print(text)
        display(HTML(f'<div><iframe srcdoc="{page}" width="100%" height="{REPORT_HEIGHT_PX}"></iframe></div>'))


def _compiled(source: str, name: str) -> tuple[Any, Any]:
    """A cell as code, and its last line, if that is an expression whose value is to be shown."""
    tree = ast.parse(source, name)
    last = tree.body[-1] if tree.body and not source.rstrip().endswith(";") else None
    value = None
    if isinstance(last, ast.Expr):
        tree.body.pop()
        value = compile(ast.Expression(last.value), name, "eval", dont_inherit=True)
    return compile(tree, name, "exec", dont_inherit=True), value


def _close_window() -> None:
    """Close an operator window that is still open: only this thread can, and no step may follow in which it would."""
    forks = sys.modules.get("_profilednn.agent.isolation.forks")
    agent = forks.current() if forks is not None else None
    if agent is not None:
        agent.before_fork()
        agent.after_fork()


class _Host:
    """The process that watches this one."""

    def __init__(self, snapshot: Path, overhead: str) -> None:
        self._words = [
            sys.executable, "-m", "profilednn_tui", "attach", str(os.getpid()), "--headless", "--overhead", overhead,
            "-o", str(snapshot),
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None
        self._said: IO[bytes] | None = None

    def begin(self) -> None:
        """Start it, and wait for the agent; without one, the cell runs all the same."""
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed at the end
        self._process = subprocess.Popen(
            self._words, stdin=subprocess.DEVNULL, stdout=self._said, stderr=self._said, start_new_session=True
        )
        deadline_s = time.monotonic() + BEGIN_LIMIT_S
        with _traceable():
            while self._process.poll() is None and time.monotonic() < deadline_s:
                if self._agent_is_here() or b"No agent in process" in self._words_so_far():
                    return
                time.sleep(_POLL_S)

    def end(self) -> str:
        """Have it leave and write what it has; returns why there is nothing, or an empty text."""
        process = self._process
        if process is None or self._said is None:
            return "the host was not started"
        _close_window()
        if process.poll() is None:
            process.send_signal(signal.SIGINT)  # it takes the agent out first
        deadline_s = time.monotonic() + END_LIMIT_S
        while process.poll() is None:
            with suppress(KeyboardInterrupt, subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline_s - time.monotonic()))
            if process.poll() is None and time.monotonic() >= deadline_s:
                process.kill()
                return "the host did not end in time: its session is among those of `profilednn-tui list`"
        said = self._words_so_far().decode("utf-8", "replace").strip()
        self._said.close()
        return "" if process.returncode in (0, -signal.SIGINT, 128 + signal.SIGINT) else said[-1_000:]

    def _agent_is_here(self) -> bool:
        from profilednn_tui.protocol.files import agent_recording
        from profilednn_tui.session.storage.catalog import session_of_process

        folder = session_of_process(os.getpid())
        if folder is None:
            return False
        with suppress(OSError), (folder / agent_recording(os.getpid())).open("rb") as stream:
            return _HELLO in stream.read(65_536)
        return False

    def _words_so_far(self) -> bytes:
        assert self._said is not None
        self._said.seek(0)
        return self._said.read()


@contextmanager
def _traceable() -> Iterator[None]:
    """Let processes of this user trace this one, where the kernel (Yama) allows that to its parents only."""
    library = ctypes.CDLL(None)
    library.prctl(_PR_SET_PTRACER, ctypes.c_ulong(2**64 - 1), 0, 0, 0)
    try:
        yield
    finally:
        library.prctl(_PR_SET_PTRACER, 0, 0, 0, 0)


def load_ipython_extension(shell: Any) -> None:
    """Called by ``%load_ext``."""
    shell.register_magics(ProfileMagics)


def unload_ipython_extension(shell: Any) -> None:
    """Called by ``%unload_ext``."""
    shell.magics_manager.magics["cell"].pop("profile", None)
