"""What each of the demo's useful optimizations contributes: runs with all, with all but one, and with each alone.

`python -m benchmarks.ablation [--repeat N]` writes benchmarks/results/ablation.md and screenshots/ablation.svg. After
Ctrl-C, the next call continues with the missing runs.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.conditions import RESULTS, Contention, machine, versions, write
from benchmarks.optimizations import DEMO, TOGETHER
from profilednn_tui.cli.launching import DEMO_SCRIPT
from screenshots import svg
from screenshots.svg import Cell
from screenshots.take import FOLDER

HOME = RESULTS / "ablation"
"""Where the sessions are kept until the report is written."""
STEPS = 10
WIDTH = 100


def tool(*words: str) -> str:
    """Run one of our commands and return its stdout; its stderr, the progress, is shown."""
    command = [sys.executable, "-m", "profilednn_tui", *words]
    done = subprocess.run(command, env={**os.environ, "PROFILEDNN_HOME": str(HOME)}, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout


def run_experiment(repeat: int) -> str:
    """Make the missing runs; returns the experiment's name."""
    HOME.mkdir(parents=True, exist_ok=True)
    if begun := [path.parent.name for path in HOME.glob("*/experiment.json")]:
        tool("experiment", "--resume", begun[0])
    else:
        variant = ("--ablate", "--variant", f"together={','.join(TOGETHER)}")
        length = ("--repeat", str(repeat), "--steps", str(STEPS), "--overhead", "0")
        tool("experiment", *variant, *length, str(DEMO_SCRIPT), *DEMO)
    return next(HOME.glob("*/experiment.json")).parent.name


def sections(markdown: str) -> Iterator[str]:
    """The verdicts and the contributions, without the details of each variant."""
    kept = False
    for line in markdown.splitlines():
        if line.startswith("#"):
            kept = line.startswith(("## Verdicts", "## Contributions"))
        if kept:
            yield line.replace("## ", "### ", 1) if line.startswith("## ") else line


def picture(text: str) -> str:
    """The table of contributions as a terminal shows it."""
    lines = text[text.index("Contributions") :].rstrip().splitlines()
    return svg.picture(tuple(tuple(map(Cell, line[:WIDTH].ljust(WIDTH))) for line in lines))


def main() -> None:
    """Make the runs, and write the table and the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=4, help="runs of each variant (default: %(default)s)")
    contention = Contention()
    name = run_experiment(parser.parse_args().repeat)
    lines = [
        "## Ablation",
        "",
        *machine(),
        versions("torch", "torchvision"),
        f"- Demo at 512x512, batch 2, 264 classes; runs of {STEPS} steps in turn, each in its own process.",
        contention.line(),
        "",
        *sections(tool("compare", name, "--to", "markdown")),
    ]
    (FOLDER / "ablation.svg").write_text(picture(tool("compare", name)), encoding="utf-8")
    write("ablation", lines)
    shutil.rmtree(HOME)


if __name__ == "__main__":
    main()
