"""Take the pictures of README and documentation from real runs: ``python -m screenshots.take [PART...]``.

Each part starts the program in a terminal, presses keys, and keeps what is on the screen. The whole takes some minutes
on a machine that does nothing else: a busy one would be in the pictures.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from screenshots import svg
from screenshots.terminal import Frame, Terminal

FOLDER = Path(__file__).resolve().parent
SCRIPTS = FOLDER.parent / "docs" / "recipes" / "scripts"
ENTER, ESCAPE, DOWN, RIGHT, UP = "\r", "\x1b", "\x1b[B", "\x1b[C", "\x1b[A"
PROGRAM = (sys.executable, "-m", "profilednn_tui")
DEMO = (*PROGRAM, "demo")


@dataclass
class Studio:
    """Where the pictures are taken: a folder of its own, in which the sessions are, too."""

    folder: Path
    environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        kept = ("HOME", "LANG", "PATH")
        self.environment = {name: os.environ[name] for name in kept if name in os.environ}
        self.environment |= {"PROFILEDNN_HOME": f"{self.folder}/sessions", "XDG_CONFIG_HOME": f"{self.folder}/config"}
        self.environment["PYTHONPATH"] = f"{FOLDER.parent}"

    @contextmanager
    def running(self, words: Sequence[str], columns: int = 120, lines: int = 38) -> Iterator[Terminal]:
        """A command in a terminal, which is over afterwards."""
        terminal = Terminal(words, columns, lines, self.folder, self.environment)
        try:
            yield terminal
        finally:
            terminal.close()

    def do(self, *words: str) -> str:
        """Run a command without a terminal; its output."""
        done = subprocess.run(
            words, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        if done.returncode not in (0, 3):  # 3: a gate has found what it looks for
            sys.exit(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout


class Film:
    """The frames of a terminal, each with the seconds that it is shown."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self.frames: list[tuple[Frame, float]] = []

    def show(self, seconds: float) -> None:
        """Keep the screen as it is now."""
        self.frames.append((self._terminal.frame(), seconds))

    def press(self, keys: str, seconds: float) -> None:
        """Press keys, and keep what they lead to."""
        self._terminal.press(keys)
        self.show(seconds)

    def watch(self, frames: int, each_s: float) -> None:
        """Keep the screen now and then, in the time that it took."""
        for _ in range(frames):
            self._terminal.wait(each_s)
            self.show(each_s)


def save(name: str, terminal: Terminal) -> None:
    """The screen as it is now, as a picture."""
    write(name, svg.picture(terminal.frame()), [terminal.frame()])


def write(name: str, drawing: str, frames: Sequence[Frame]) -> None:
    """A file, unless it tells something about this machine."""
    texts = ["\n".join("".join(cell.text for cell in row) for row in frame) for frame in frames]
    for secret in (str(FOLDER.parent), tempfile.gettempdir(), str(Path.home()), socket.gethostname()):
        if secret != "/" and any(secret in text for text in texts):
            sys.exit(f"{name}: {secret} is in the picture")
    path = FOLDER / f"{name}.svg"
    path.write_text(drawing, encoding="utf-8")
    print(f"{path.name}: {len(drawing) / 1e3:.0f} kB", flush=True)


def has_windows(text: str) -> bool:
    """Whether operators of some windows are on the screen, and findings in the header."""
    return "aten::" in text and "warming up" not in text


# ---------------------------------------------------------------- parts


def live(studio: Studio) -> None:
    """The live screen, large and small."""
    with studio.running(DEMO, 160, 46) as terminal:
        terminal.until(has_windows, "operators")
        terminal.wait(20)
        save("dashboard", terminal)
    with studio.running(DEMO, 80, 24) as terminal:
        terminal.until(has_windows, "operators")
        terminal.wait(10)
        save("compact", terminal)


def film(studio: Studio) -> None:
    """From the live screen to the line behind an operator, the findings and the flame graph."""
    with studio.running(DEMO) as terminal:
        terminal.until(has_windows, "operators")
        terminal.wait(8)
        taken = Film(terminal)
        taken.watch(6, 0.7)
        taken.press(DOWN, 0.7)
        taken.press(UP, 0.7)
        taken.press(ENTER, 3.0)
        taken.press(ENTER, 3.5)
        for _ in range(2):
            terminal.press(ESCAPE)
        taken.press("a", 3.5)
        terminal.press(ESCAPE)
        taken.press("f", 3.5)
        terminal.press(ESCAPE)
        taken.press("v", 3.0)
        terminal.press(ESCAPE)
        taken.watch(2, 0.7)
    write("live", svg.film(taken.frames), [frame for frame, _ in taken.frames])


def screens(studio: Studio) -> None:
    """What the keys of the live screen lead to."""
    with studio.running(DEMO) as terminal:
        terminal.until(has_windows, "operators")
        terminal.wait(20)
        for name, keys in (
            ("operator", [ENTER]),
            ("source", [ENTER, ENTER]),
            ("findings", ["a"]),
            ("flame", ["f"]),
            ("timeline", ["v"]),
            ("optimizations", ["o"]),
            ("export", ["E"]),
            ("help", ["?"]),
        ):
            for key in keys:
                terminal.press(key)
            terminal.rest()
            if name == "optimizations":
                terminal.until(lambda text: "channels_last" in text, "optimizations")
            save(name, terminal)
            for _ in keys:
                terminal.press(ESCAPE)
        terminal.press("7")
        for key in (DOWN, RIGHT, DOWN, RIGHT):
            terminal.press(key)
        save("modules", terminal)
        terminal.press("M")
        terminal.press("m")
        terminal.until(lambda text: "above its begin" in text, "allocations of a step")
        terminal.wait(9)  # the pop-up goes
        save("memory", terminal)


def tuning(studio: Studio) -> None:
    """A search, when the first effects are known."""
    with studio.running(DEMO) as terminal:
        terminal.until(has_windows, "operators")
        terminal.wait(10)
        terminal.press("T")
        terminal.press(ENTER)
        terminal.until(lambda text: "stage 1" in text or "effect" in text, "search")
        terminal.wait(200)
        save("tuning", terminal)


def compare(studio: Studio) -> None:
    """An experiment with the fused focal loss, and the comparison."""
    script = studio.folder / "train.py"
    shutil.copy(FOLDER.parent / "profilednn_tui" / "examples" / "retinanet.py", script)
    name = studio.folder / "fused"
    words = ("experiment", "--no-certificate", "--repeat", "4", "--steps", "12", "--name", name.name)
    studio.do(*PROGRAM, *words, "--variant", "stock=", "--variant", "fused=fused_focal_loss", "train.py")
    newest = max((studio.folder / "sessions").glob("*"), key=lambda path: path.stat().st_mtime)
    with studio.running((*PROGRAM, "compare", newest.name)) as terminal:
        terminal.until(lambda text: "faster" in text, "verdict")
        save("compare", terminal)


def ranks(studio: Studio) -> None:
    """Two ranks, one of which is late."""
    shutil.copy(SCRIPTS / "ranks.py", studio.folder)
    words = ("run", "--", "torchrun", "--nproc-per-node", "2", "ranks.py", "--slow", "--iterations", "100000")
    path = f"{Path(sys.executable).parent}:{studio.environment['PATH']}"
    studio.environment["PATH"] = path
    with studio.running((*PROGRAM, *words)) as terminal:
        terminal.until(lambda text: "late by" in text, "late rank")
        terminal.press("R")
        terminal.wait(10)
        save("ranks", terminal)


def gate(studio: Studio) -> None:
    """A revision that has become slower, refused."""
    project = studio.folder / "project"
    project.mkdir()
    shutil.copy(SCRIPTS / "train.py", project)
    for words in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "Train"],
    ):
        studio.do("git", "-C", str(project), *words)
    script = project / "train.py"
    text = script.read_text()
    slower = text.replace("loss.backward()", "loss.backward(retain_graph=True)\n        loss.backward()")
    assert slower != text
    script.write_text(slower)
    command = "profilednn-tui gate --minutes 2 --fail-on 5% train.py"
    shell = (
        f"cd {project} && printf '$ %s\\n' '{command}' && {' '.join(PROGRAM)} {command.partition(' ')[2]} 2>/dev/null"
    )
    with studio.running(("bash", "-c", f"{shell}; printf '$ echo $?\\n%s\\n' $?; sleep 60"), 100, 14) as terminal:
        terminal.until(lambda text: "echo $?" in text, "answer", 300.0)
        save("gate", terminal)


PARTS: dict[str, Callable[[Studio], None]] = {
    part.__name__: part for part in (live, film, screens, tuning, compare, ranks, gate)
}


def main() -> None:
    """All parts, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="PART", help=", ".join(PARTS))
    for name in parser.parse_args().parts or PARTS:
        with tempfile.TemporaryDirectory() as folder:
            PARTS[name](Studio(Path(folder)))


if __name__ == "__main__":
    main()
