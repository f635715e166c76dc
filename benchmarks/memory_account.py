"""How much of the memory of public trainings has an owner.

`python -m benchmarks.memory_account` runs ResNet-50, a GPT, the demo and a program that keeps its losses, asks for an
account after some steps, and writes benchmarks/results/memory_account.md.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.conditions import machine, versions, write
from profilednn_tui import units
from profilednn_tui.protocol.codec import encode
from profilednn_tui.protocol.events import Command
from profilednn_tui.protocol.files import control_file
from profilednn_tui.protocol.vocabulary import MEMORY_NOW
from profilednn_tui.session import memory_owners as owners
from profilednn_tui.session.open_session import open_session
from profilednn_tui.session.view import MemoryAccount, SessionView

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "profilednn_tui" / "examples"
CASES: dict[str, list[str]] = {
    "ResNet-50": [str(HERE / "programs" / "resnet50.py")],
    "GPT": [str(HERE / "programs" / "gpt.py")],
    "RetinaNet (the demo)": [str(EXAMPLES / "train_retinanet.py"), "--steps", "100000"],
    "losses kept (a public complaint)": [str(HERE / "faults" / "memory_growth_losses.py")],
}
STEPS = 14
"""Before the account that is shown; more are taken by themselves."""
LIMIT_S = 600.0
OWNERS = (
    owners.PARAMETERS, owners.GRADIENTS, owners.OPTIMIZER_STATE, owners.SAVED, owners.TENSORS, owners.HEAP,
    owners.SLACK, owners.CODE, owners.INTERPRETER, owners.FILES, owners.AGENT,
)  # fmt: skip


def look(words: list[str], home: Path) -> SessionView:
    """Run a training until it has answered; returns what its session then shows."""
    command = [sys.executable, "-m", "profilednn_tui", "run", "--headless", *words]
    environment = {**os.environ, "PROFILEDNN_HOME": str(home)}
    running = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline_s, asked = time.monotonic() + LIMIT_S, False
    try:
        while time.monotonic() < deadline_s:
            time.sleep(0.5)
            folder = next((path for path in home.iterdir() if path.is_dir()), None) if home.exists() else None
            if folder is None or not any(folder.glob("agent-*.jsonl")):
                continue
            with open_session(folder) as session:
                session.catch_up()
                view = session.view()
            if view.steps.count >= STEPS and not asked:
                asked = True
                (folder / control_file(view.target.pid or 0)).write_bytes(encode(Command(MEMORY_NOW)))
            account, step = view.memory_account, view.allocations
            if account is not None and step is not None and account.step >= STEPS:
                return view
            if running.poll() is not None:
                break
        sys.exit(f"{words[0]}: no account in {LIMIT_S:g} s")
    finally:
        running.terminate()
        running.wait()


def line(name: str, view: SessionView) -> str:
    """A row of the table."""
    account, step = view.memory_account, view.allocations
    assert account is not None
    assert step is not None
    held = {owner.name: owner for owner in account.owners}
    sizes = (units.bytes_size(held[owner].size_bytes) if owner in held else "0" for owner in OWNERS)
    grows = held[owners.SAVED].growth_bytes if owners.SAVED in held else 0
    saved = dict(step.at_peak).get("saved", 0)
    peak = f"{units.bytes_size(step.peak_bytes)}, saved {units.bytes_size(saved)}"
    cells = (
        name, units.bytes_size(account.total_bytes), *sizes, f"{100 * share(account):+.1f} %",
        units.bytes_size(grows or 0), peak, units.duration(account.cost_ns),
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def share(account: MemoryAccount) -> float:
    """Of what no owner explains."""
    return (account.unexplained_bytes or 0) / account.total_bytes


def main() -> None:
    """Write the table."""
    rows = []
    for name, words in CASES.items():
        with tempfile.TemporaryDirectory() as home:
            view = look(words, Path(home))
        rows.append(line(name, view))
        print(rows[-1], flush=True)
    titles = ("training", "all", *OWNERS, "unexplained", "saved per step", "a step's peak above its begin", "cost")
    write(
        "memory_account",
        [
            "## Who holds the memory",
            "",
            *machine(),
            versions("torch", "torchvision"),
            f"- An account between two steps, after {STEPS} or more, and what the steps after it allocate.",
            "",
            f"| {' | '.join(titles)} |",
            f"|{'---|' + '---:|' * (len(titles) - 1)}",
            *rows,
        ],
    )


if __name__ == "__main__":
    main()
