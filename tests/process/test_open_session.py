"""Sessions of writers that end at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from profilednn_tui.session.open_session import open_session
from profilednn_tui.session.storage.liveness import is_alive
from profilednn_tui.session.view import State
from tests.unit.session import recordings as r


def test_a_zombie_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(child.pid, time.time_ns())
    child.wait()


WRITER = """
import sys
sys.path.insert(0, sys.argv[1])
from tests.unit.session import recordings as r
from pathlib import Path
folder = Path(sys.argv[2])
r.write_session(folder, agent=[r.hello()])
with (folder / r.agent_recording(r.PID)).open("ab", buffering=0) as stream:
    number = 0
    while True:
        number += 1
        stream.write(r.lines(r.steps(number, 1)))
        if number % 50 == 0:
            stream.write(r.lines(r.window(number // 50, step=number)))
        print(number, flush=True)
"""


@pytest.mark.parametrize("at", [1, 40, 149, 320])
def test_a_writer_killed_at_any_moment_leaves_a_session_that_opens(tmp_path: Path, at: int) -> None:
    root = Path(__file__).parents[2]
    folder = tmp_path / "s"
    with subprocess.Popen([sys.executable, "-c", WRITER, root, folder], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        told = 0
        for line in writer.stdout:
            told = int(line)
            if told >= at:
                break
        writer.send_signal(signal.SIGKILL)
    view = r.caught_up(open_session(folder)).view()
    assert view.state is State.LOST
    assert view.steps.count >= told
    assert view.steps.numbers == tuple(range(1, view.steps.count + 1))
    assert view.agent.bad_lines == 0
