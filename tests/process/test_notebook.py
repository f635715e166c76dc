"""`%%profile` in a real kernel."""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from jupyter_client.manager import KernelManager

TRAIN = """%%profile {options}
import torch
model = torch.nn.Linear(64, 64)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range({steps}):
    loss = model(torch.ones(512, 64)).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    {more}
{last}
"""
LIMIT_S = 120.0


@dataclass
class Answer:
    """What a cell has led to."""

    status: str = ""
    out: str = ""
    error: str = ""
    value: str = ""
    page: str = ""
    traceback: list[str] = field(default_factory=list)


class Kernel:
    """A kernel of its own, with sessions in a folder of its own."""

    def __init__(self, home: Path) -> None:
        self.manager = KernelManager(kernel_name="python3")
        environment = {**os.environ, "PROFILEDNN_HOME": str(home), "OMP_NUM_THREADS": "1"}
        self.manager.start_kernel(env=environment)
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def run(self, code: str, interrupt_after: str = "") -> Answer:
        """Run a cell to its end; it is interrupted once it has printed `interrupt_after`."""
        sent = self.client.execute(code)
        answer, deadline_s = Answer(), time.monotonic() + LIMIT_S
        while time.monotonic() < deadline_s:
            try:
                message = self.client.get_iopub_msg(timeout=1.0)
            except queue.Empty:
                continue
            if message["parent_header"].get("msg_id") != sent:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                name = "out" if content["name"] == "stdout" else "error"
                setattr(answer, name, getattr(answer, name) + content["text"])
                if interrupt_after and interrupt_after in answer.out:
                    interrupt_after = ""
                    self.manager.interrupt_kernel()
            elif kind == "display_data":
                answer.page += content["data"].get("text/html", "")
            elif kind == "execute_result":
                answer.value = content["data"]["text/plain"]
            elif kind == "error":
                answer.traceback = content["traceback"]
            elif kind == "status" and content["execution_state"] == "idle":
                reply = self.client.get_shell_msg(timeout=30)
                answer.status = reply["content"]["status"]
                return answer
        raise AssertionError(f"the cell did not end: {answer}")

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    home = tmp_path_factory.mktemp("home")
    home.chmod(0o700)
    made = Kernel(home)
    assert made.run("%load_ext profilednn_tui.notebook").status == "ok"
    yield made
    made.close()


def train(steps: int, more: str = "pass", last: str = "round(loss.item(), 3) >= 0", options: str = "") -> str:
    return TRAIN.format(steps=steps, more=more, last=last, options=options)


CLEAN = """
import gc, os, sys, threading, torch
left = [name for name in sys.modules if "profilednn" in name and "agent" in name]
tasks = [open(f"/proc/self/task/{task}/comm").read().strip() for task in os.listdir("/proc/self/task")]
children = open(f"/proc/self/task/{os.getpid()}/children").read().split()
print([torch.nn.Module.__call__.__module__, "profilednn" in str(tasks), children, sys.getprofile()])
"""


def assert_clean(kernel: Kernel) -> None:
    """Nothing of ours stays in the kernel."""
    told = kernel.run(CLEAN).out
    assert told.strip() == "['torch.nn.modules.module', False, [], None]"


def test_a_cell_has_summary_value_and_page(kernel: Kernel, tmp_path: Path) -> None:
    snapshot = tmp_path / "cell.pdnn"
    answer = kernel.run(train(3_000, options=f"--overhead 20% -o {snapshot}"))

    assert answer.status == "ok"
    assert answer.value == "True"
    assert "steps " in answer.out
    assert "aten::addmm" in answer.out
    assert answer.page.startswith("<div><iframe srcdoc=")
    assert snapshot.exists()
    assert kernel.run("type(model).__name__").value == "'Linear'"
    assert_clean(kernel)


def test_the_next_cell_is_watched_by_itself(kernel: Kernel) -> None:
    first, second = (kernel.run(train(steps, options="--no-report")) for steps in (1_500, 2_500))

    assert first.status == second.status == "ok"
    assert not first.page
    assert "aten::addmm" in second.out or "steps " in second.out
    assert_clean(kernel)


def test_an_exception_is_that_of_the_cell(kernel: Kernel) -> None:
    answer = kernel.run(train(2_000, more="assert step < 1_000, 'too far'"))

    assert answer.status == "error"
    text = "\n".join(answer.traceback)
    assert "too far" in text
    assert "notebook.py" not in text
    assert "steps " in answer.out
    assert_clean(kernel)


def test_an_interrupt_ends_the_cell_and_leaves_nothing(kernel: Kernel) -> None:
    answer = kernel.run(train(10_000_000, more="step == 500 and print('now', flush=True)"), interrupt_after="now")

    assert answer.status == "error"
    assert "KeyboardInterrupt" in "\n".join(answer.traceback)
    assert "steps " in answer.out
    assert_clean(kernel)


def test_a_cell_that_trains_nothing_says_so(kernel: Kernel) -> None:
    answer = kernel.run("%%profile\n1 + 1")

    assert (answer.status, answer.value) == ("ok", "2")
    assert_clean(kernel)


def test_a_syntax_error_is_that_of_the_cell(kernel: Kernel) -> None:
    answer = kernel.run("%%profile\nfor")
    assert answer.status == "error"
    assert "SyntaxError" in "\n".join(answer.traceback)
    assert_clean(kernel)


def test_a_cell_of_one_step_does_not_wait_for_the_next_one(kernel: Kernel) -> None:
    """A window that was open at its end kept the agent in the kernel for 15 s, and the next cell without one."""
    began_s = time.monotonic()
    assert kernel.run(train(1, options="--no-report")).status == "ok"
    assert time.monotonic() - began_s < 12, "no wait for a step that never ends"
    second = kernel.run(train(2_000, options="--no-report"))
    assert "already has an agent" not in second.error
    assert "steps " in second.out
    assert_clean(kernel)


def test_the_cell_means_what_it_means_without_us(kernel: Kernel) -> None:
    """Our own future imports were inherited: annotations became texts."""
    answer = kernel.run("%%profile --no-report\ndef f(x: int) -> str: ...\nf.__annotations__")
    assert answer.value == "{'x': int, 'return': str}"


def test_a_semicolon_silences_the_value(kernel: Kernel) -> None:
    assert kernel.run("%%profile --no-report\n1 + 1;").value == ""


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("%%profile --no-report\n%%profile\n1", "being watched already"),
        ("%%profile -o /nonexistent/x.pdnn\nprint('ran')", "there is no folder"),
    ],
)
def test_what_cannot_work_is_refused_in_a_sentence(kernel: Kernel, cell: str, words: str) -> None:
    answer = kernel.run(cell)
    assert words in answer.error + "\n".join(answer.traceback)
    assert "Traceback" not in answer.error
    assert "ran" not in answer.out
    assert_clean(kernel)
