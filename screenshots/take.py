"""Take the pictures of README and documentation from real runs: ``python -m screenshots.take [PART...]``.

Each part starts the program in a terminal, presses keys, and keeps what is on the screen. The whole takes some minutes
on a machine that does nothing else: a busy one would be in the pictures.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from profilednn_tui.experiment.plan import EXPERIMENT_FILE
from screenshots import svg
from screenshots.svg import Frame
from screenshots.terminal import Terminal

FOLDER = Path(__file__).resolve().parent
SCRIPTS = FOLDER.parent / "docs" / "recipes" / "scripts"
ENTER, ESCAPE, DOWN, RIGHT, UP = "\r", "\x1b", "\x1b[B", "\x1b[C", "\x1b[A"
PROGRAM = (sys.executable, "-m", "profilednn_tui")
EXAMPLE = FOLDER.parent / "profilednn_tui" / "examples" / "train_retinanet.py"
DEMO = (*PROGRAM, EXAMPLE.name, "--steps", "5000")
"""The script of the demo, in the studio: pictures show folders of files."""
GATE_LINES = 12
"""Of its answer."""


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
        shutil.copy(EXAMPLE, self.folder)

    @contextmanager
    def running(self, words: Sequence[str], columns: int = 120, lines: int = 38) -> Iterator[Terminal]:
        """A command in a terminal, which is over afterwards."""
        terminal = Terminal(words, columns, lines, self.folder, self.environment)
        try:
            yield terminal
        finally:
            terminal.close()
            self._end_trainings()

    def _end_trainings(self) -> None:
        """A training goes on without its terminal."""
        mark = self.environment["PROFILEDNN_HOME"]
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("PROFILEDNN_HOME") == mark:
                    process.kill()

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
        told = next((text for text in texts if re.search(rf"(?<!\w){re.escape(secret)}(?!\w)", text)), None)
        if secret != "/" and told is not None:
            sys.exit(f"{name}: {secret} is in the picture:\n{told}")
    path = FOLDER / f"{name}.svg"
    path.write_text(drawing, encoding="utf-8")
    print(f"{path.name}: {len(drawing) / 1e3:.0f} kB", flush=True)


def has_windows(text: str) -> bool:
    """Whether operators of some windows are on the screen."""
    return "convolution" in text and "warming up" not in text


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
    """A search for a training that has been recorded, when the first effects are known."""
    script = EXAMPLE.with_name("train_resnet18.py")
    shutil.copy(script, studio.folder)
    studio.do(*PROGRAM, "run", "--headless", "--steps", "30", "-o", "run.pdnn", script.name)
    (made,) = (path.parent for path in (studio.folder / "sessions").glob("*/session.json"))
    with studio.running((*PROGRAM, "open", made.name)) as terminal:
        terminal.until(has_windows, "operators")
        terminal.press("T")
        terminal.press(ENTER)
        terminal.until(lambda text: "blocks of steps:" in text, "effects")
        terminal.wait(20)
        save("tuning", terminal)


def compare(studio: Studio) -> None:
    """An experiment with the fused focal loss, and the comparison."""
    words = ("experiment", "--repeat", "4", "--steps", "12", "--variant", "stock=")
    studio.do(*PROGRAM, *words, "--variant", "fused=fused_focal_loss", EXAMPLE.name, "--classes", "264")
    (made,) = (studio.folder / "sessions").glob(f"*/{EXPERIMENT_FILE}")
    with studio.running((*PROGRAM, "compare", made.parent.name)) as terminal:
        terminal.until(lambda text: "faster" in text, "verdict")
        save("compare", terminal)


def ranks(studio: Studio) -> None:
    """Two ranks, one of which is late."""
    shutil.copy(SCRIPTS / "ranks.py", studio.folder)
    settings = Path(studio.environment["XDG_CONFIG_HOME"]) / "profilednn-tui" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text('[hidden_columns]\nranks = ["host"]\n')
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
    text = (project / "train.py").read_text()
    slower = text.replace("loss.backward()", "loss.backward(retain_graph=True), loss.backward()")
    assert slower != text
    (project / "train.py").write_text(slower)
    command = "gate --minutes 2 --fail-on 5% train.py"
    shown = f"2>/dev/null | sed 's|{studio.folder}|~|' | sed -n '1,{GATE_LINES}p'"
    script = f"""cd {project}
        echo '$ profilednn-tui {command}'
        {" ".join(PROGRAM)} {command} {shown}
        printf '...\\n$ echo $?\\n%s\\n' ${{PIPESTATUS[0]}}; sleep 60"""
    with studio.running(("bash", "-c", script), 110, GATE_LINES + 8) as terminal:
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
        with tempfile.TemporaryDirectory() as above:
            folder = Path(above) / "detection"
            folder.mkdir()
            PARTS[name](Studio(folder))


if __name__ == "__main__":
    main()
