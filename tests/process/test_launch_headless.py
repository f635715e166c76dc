"""A headless run is a plain run: same exit code, same bytes."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.process.launching import PROGRAM, ROOT, Outcome, run

SUMMARY_BEGINS = b"target     "


@dataclass(frozen=True)
class Case:
    """A small program and how to run it."""

    files: dict[str, str]
    words: tuple[str, ...] = ("script.py",)
    stdin: bytes = b""
    variables: dict[str, str] = field(default_factory=dict)


def script(text: str, *arguments: str, stdin: bytes = b"", **variables: str) -> Case:
    return Case({"script.py": text}, ("script.py", *arguments), stdin, variables)


IDENTITY = """
import os, sys
print(sys.argv, sys.path, __name__, __file__, os.getcwd(), sorted(name for name in globals()))
print(sys.flags, sys.executable, sys.orig_argv if hasattr(sys, "orig_argv") else "")
"""
SURROUNDINGS = """
import os, signal
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
STANDARD = (1 << 31) - 1  # not the two after these, reserved by the C library: posix_spawn leaves them changed
print([int(status[name], 16) & STANDARD for name in ("SigBlk", "SigIgn")])
print(os.nice(0), os.getpgrp() == os.getpgid(os.getppid()), sorted(os.listdir("/proc/self/fd")))
print(signal.pthread_sigmask(signal.SIG_BLOCK, ()), signal.getsignal(signal.SIGINT))
"""
PICKLED = """
import multiprocessing, pickle
class Sample:
    def __init__(self, value): self.value = value
def double(sample): return Sample(sample.value * 2)
if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.apply(double, (pickle.loads(pickle.dumps(Sample(21))),)).value)
"""
FORKS = """
import os, sys
child = os.fork()
if child == 0:
    os.write(1, b"child\\n")
    os._exit(0)
print(os.waitpid(child, 0)[1])
sys.exit(5)
"""
LATE = """
import atexit, threading
atexit.register(print, "at exit")
release = threading.Event()
threading.Thread(target=lambda: (release.wait(), print("late"))).start()
threading.Timer(0.05, release.set).start()
"""
REEXEC = """
import os, sys
if len(sys.argv) < 3:
    os.execv(sys.executable, [sys.executable, *sys.argv, "again"])
print(sys.argv)
"""

CASES = {
    "sees its own argv, path, name and file": script(IDENTITY, "--steps", "3", "--", "-o", "x", "--headless"),
    "sees its own signals, niceness, group and files": script(SURROUNDINGS),
    "raises": script("def outer():\n    raise ValueError('cause')\nouter()\n"),
    "exits with a code": script("import sys; sys.exit(3)"),
    "exits with a message": script("raise SystemExit('no data')"),
    "exits without cleaning up": script("import os; print('lost'); os._exit(7)"),
    "dies of SIGTERM": script("import os, signal; os.kill(os.getpid(), signal.SIGTERM)"),
    "dies of SIGINT": script("import os, signal; os.kill(os.getpid(), signal.SIGINT)"),
    "dies of SIGKILL": script("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"),
    "crashes": script("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"),
    "reads stdin": script("import sys; print(sys.stdin.read()[::-1])", stdin=b"one\ntwo"),
    "is debugged through stdin": script("value = 4\nbreakpoint()\nprint('on')\n", stdin=b"p value\nc\n"),
    "has a syntax error": script("def broken(:\n    pass\n"),
    "lacks a package": script("import package_that_nobody_has"),
    "uses a future feature": script("from __future__ import annotations\nx: Missing = 1\nprint(__annotations__)"),
    "prints late": script(LATE),
    "pickles its classes": script(PICKLED),
    "forks": script(FORKS),
    "replaces itself": script(REEXEC, "x"),
    "closes all files": script("import os, sys\nos.closerange(0, 256)\nos._exit(9)"),
    "has a sitecustomize": Case(
        {"site/sitecustomize.py": "import builtins; builtins.marked = True", "script.py": "print(marked)"},
        variables={"PYTHONPATH": os.pathsep.join(("site", str(ROOT)))},
    ),
    "is a folder": Case({"app/__main__.py": IDENTITY}, ("app", "x")),
}

COMMANDS = {
    "a module": Case({"package/__init__.py": "", "package/part.py": IDENTITY}, ("-m", "package.part", "-m", "--x")),
    "a package": Case({"package/__init__.py": "", "package/__main__.py": IDENTITY}, ("-m", "package")),
}


def write(files: dict[str, str], folder: Path) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def compare(plain: Outcome, ours: Outcome) -> None:
    assert ours.exit_code == plain.exit_code
    assert ours.stdout == plain.stdout
    first, _, rest = ours.stderr.partition(b"\n")
    assert first.startswith(b"profilednn-tui: watching ")
    assert rest.startswith(plain.stderr)
    assert rest[len(plain.stderr) :].startswith(SUMMARY_BEGINS)


@pytest.mark.parametrize("name", CASES)
def test_a_script(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    write(case.files, tmp_path)
    compare(
        run((sys.executable, *case.words), tmp_path, case.stdin, **case.variables),
        run((*PROGRAM, *case.words), tmp_path, case.stdin, **case.variables),
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_a_module(name: str, tmp_path: Path) -> None:
    case = COMMANDS[name]
    write(case.files, tmp_path)
    compare(run((sys.executable, *case.words), tmp_path), run((*PROGRAM, "run", *case.words), tmp_path))


@pytest.mark.parametrize(
    "words",
    [
        (sys.executable, "-u", "-W", "error", "-B", "script.py"),
        ("sh", "-c", f"exec {sys.executable} script.py"),
        ("sh", "-c", f"{sys.executable} script.py; exit 6"),
        (sys.executable, "-c", IDENTITY),
    ],
)
def test_a_command(words: tuple[str, ...], tmp_path: Path) -> None:
    write({"script.py": IDENTITY}, tmp_path)
    compare(run(words, tmp_path), run((*PROGRAM, "run", "--", *words), tmp_path))


@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&-", "<&-", "0<&- >&- 2>&-"])
def test_closed_streams_stay_closed(redirection: str, tmp_path: Path) -> None:
    text = "import os; open('seen', 'w').write(str(sorted(map(int, os.listdir('/proc/self/fd'))))); os._exit(4)"
    write({"script.py": text}, tmp_path)
    seen = []
    for words in ((sys.executable,), PROGRAM):
        line = f"{' '.join(words)} script.py {redirection}"
        assert run(("sh", "-c", line), tmp_path).exit_code == 4
        seen.append((tmp_path / "seen").read_text())
    assert seen[0] == seen[1]


def test_a_reader_that_leaves_early_ends_both_in_the_same_way(tmp_path: Path) -> None:
    write({"script.py": "for number in range(100_000): print(number)"}, tmp_path)
    outcomes = []
    for words in ((sys.executable,), PROGRAM):
        line = f"{' '.join(words)} script.py | head -1; echo ${{PIPESTATUS[0]}}"
        outcomes.append(run(("bash", "-c", line), tmp_path).stdout)
    assert outcomes[0] == outcomes[1] == b"0\n1\n"


def test_files_of_the_shell_reach_the_target(tmp_path: Path) -> None:
    write({"script.py": "import os; print(os.read(3, 100))", "data": "from fd 3"}, tmp_path)
    line = f"exec {' '.join(PROGRAM)} script.py 3< data"
    assert run(("sh", "-c", line), tmp_path).stdout == b"b'from fd 3'\n"
