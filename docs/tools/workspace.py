"""A folder in which the commands of a page can be run, with what the page takes for granted."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from docs.tools.pages import DOCS, ROOT

SCRIPTS = DOCS / "recipes" / "scripts"
ATTACHABLE_S = 100.0
"""How long a training is there to be attached to: `attach` waits for its end, and `--find-threads` takes a minute."""
PROGRAM = f"{sys.executable} -m profilednn_tui"

SSH = """#!/bin/sh
# The other machine is this one: what ssh would run there runs here.
while [ $# -gt 0 ]; do
    case "$1" in
        -o) shift 2 ;;
        -*) shift ;;
        *) shift; break ;;
    esac
done
[ "$1" = -- ] && shift
exec sh -c "$*"
"""
TRACE = """
import torch
with torch.profiler.profile() as prof:
    for _ in range(3):
        torch.randn(64, 64) @ torch.randn(64, 64)
        prof.step()
prof.export_chrome_trace("trace.json")
"""


class Workspace:
    """Scripts, sessions and running trainings, made when a command asks for them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "work"
        self.home = folder / "sessions"
        self._programs = folder / "bin"
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._recorded: dict[str, str] = {}
        self._make_programs()
        self._make_repository()

    @property
    def environment(self) -> dict[str, str]:
        """As in a shell of a user, with nothing of this process but what programs need."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("PROFILEDNN", "PYTHON", "PYTEST"))
        }
        site = self.folder / ".packages"
        return {
            **kept,
            "PATH": os.pathsep.join([str(self._programs), str(Path(sys.executable).parent), kept.get("PATH", "")]),
            "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)]),
            "PIP_TARGET": str(site),
            "PIP_NO_DEPS": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # pip reads this one the other way round
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PROFILEDNN_HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.folder.parent / "config"),
        }

    def run(self, text: str, time_limit_s: float) -> subprocess.CompletedProcess[str]:
        """Run a command as a shell does; what it leaves running ends at its time limit."""
        process = subprocess.Popen(
            ["bash", "-o", "pipefail", "-c", text],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=time_limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            return subprocess.CompletedProcess(text, -signal.SIGKILL, f"{output}\nnot done after {time_limit_s:.0f} s")
        return subprocess.CompletedProcess(text, process.returncode, output)

    def close(self) -> None:
        """End what still runs."""
        for process in self._running.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def filled_in(self, text: str) -> str:
        """The command with something real for each word that stands for something of the reader's."""
        for file, make in self._files.items():
            reads = re.search(rf"(?<!-o )(?<!> )\b{re.escape(file)}", text)
            if reads and not (self.folder / file).exists():
                make()
        for word, stand_in in self._words.items():
            pattern = (
                rf"(?<![\w/:-]){word}(?![\w-])|(?<=ssh://node-2/){word}(?![\w-])|(?<=/shared/home/){word}(?![\w-])"
            )
            if re.search(pattern, text):
                text = re.sub(pattern, stand_in().replace("\\", r"\\"), text)
        return text.replace("/shared/home/", f"{self.home}/")

    # ---- what commands ask for

    @property
    def _words(self) -> dict[str, Callable[[], str]]:
        return {
            "PID-OF-TORCHRUN": lambda: self._pid("torchrun --nproc-per-node 2 ranks.py", "--iterations", "1000000"),
            "PID": lambda: self._pid("python train.py", "--iterations", "1000000", "--pause", "0.002"),
            "SESSION-OF-NODE-1": lambda: self._node(1),
            "SESSION-OF-NODE-2": lambda: self._node(2),
            "SESSION": lambda: self._session("example"),
            "BEFORE": lambda: self._session("before"),
            "AFTER": lambda: self._session("after"),
            "GRID": self._newest_experiment,
            "EXPERIMENT": self._newest_experiment,
        }

    @property
    def _files(self) -> dict[str, Callable[[], None]]:
        return {
            "run.pdnn": lambda: self._prepare(f"{PROGRAM} --headless --steps 100 -o run.pdnn train.py"),
            "trace.json": lambda: self._prepare(f"{sys.executable} -c '{TRACE}'"),
            "trace.json.gz": lambda: self._prepare(f"{sys.executable} -c '{TRACE}' && gzip --keep trace.json"),
            "reference.log": lambda: self._prepare(f"ONEDNN_VERBOSE=1 {sys.executable} photos.py > reference.log"),
            "train.recipe.toml": self._make_recipe,
        }

    def _prepare(self, text: str) -> None:
        done = self.run(text, 300)
        if done.returncode:
            raise RuntimeError(f"{text}\n{done.stdout}")

    def _session(self, name: str) -> str:
        if name not in self._recorded:
            before = self._sessions()
            self._prepare(f"{PROGRAM} --headless --steps 150 --name {name} train.py")
            (self._recorded[name],) = self._sessions() - before
        return self._recorded[name]

    def _node(self, number: int) -> str:
        """Two launchers of one job: to torchrun, two machines."""
        if "node" not in self._recorded:
            before = self._sessions()
            job = f"--nnodes 2 --nproc-per-node 1 --master-addr 127.0.0.1 --master-port {_free_port()}"
            first, second = (
                f"{PROGRAM} run --headless -- torchrun {job} --node-rank {rank} ranks.py --iterations 100"
                for rank in (0, 1)
            )
            self._prepare(f"{first} & first=$!; {second} && wait $first")
            first, second = sorted(self._sessions() - before)
            self._recorded |= {"node": first, "node1": first, "node2": second}
        return self._recorded[f"node{number}"]

    def _sessions(self) -> set[str]:
        return {path.parent.name for path in self.home.glob("*/session.json")}

    def _newest_experiment(self) -> str:
        found = sorted(path.parent.name for path in self.home.glob("*/experiment.json"))
        if not found:
            self._prepare(
                f"{PROGRAM} experiment --repeat 4 --steps 60 --variant stock= --variant tried=fused_optimizer train.py"
            )
            return self._newest_experiment()
        return found[-1]

    def _pid(self, words: str, *arguments: str) -> str:
        """A training that runs and has made some steps."""
        running = self._running.get(words)
        if running is None or running.poll() is not None:
            running = subprocess.Popen(
                [*words.split(), *arguments],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            self._running[words] = running
            assert running.stdout is not None
            while line := running.stdout.readline():
                if line.startswith(b"step"):
                    break
            else:
                raise RuntimeError(f"{words} has ended")
            end = threading.Timer(ATTACHABLE_S, running.terminate)
            end.daemon = True
            end.start()
        time.sleep(0.5)
        return str(running.pid)

    def _make_recipe(self) -> None:
        """As a search writes it; one on a busy machine may prove nothing, and write none."""
        text = 'schema = "profilednn.recipe/1"\noptimizations = ["fused_optimizer"]\n'
        (self.folder / "train.recipe.toml").write_text(text)

    # ---- what is there from the start

    def _make_programs(self) -> None:
        self._programs.mkdir(parents=True)
        for name, text in (("profilednn-tui", f'#!/bin/sh\nexec {PROGRAM} "$@"\n'), ("ssh", SSH)):
            program = self._programs / name
            program.write_text(text)
            program.chmod(0o755)

    def _make_repository(self) -> None:
        """The scripts, in a repository with a revision before the newest; beside them, our examples."""
        shutil.copytree(SCRIPTS, self.folder)
        package = self.folder / "package"
        package.mkdir()
        (package / "__init__.py").touch()
        shutil.copy(SCRIPTS / "train.py", package)
        (self.folder / ".gitignore").write_text("*.pdnn\n.packages/\n*.log\n*.html\n*.json\n")
        shutil.copytree(ROOT / "examples", self.folder / "examples")
        git = "git -c user.name=docs -c user.email=docs@localhost"
        self._prepare(
            f"{git} init --quiet && {git} add . && {git} commit --quiet -m first && "
            f"{git} commit --quiet --allow-empty -m second"
        )


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
