"""The due share of other processes."""

from __future__ import annotations

import subprocess
import sys
import time

from profilednn_tui.clock import SYSTEM_CLOCK
from profilednn_tui.collect.pss import INTERVAL_S, PssReader
from profilednn_tui.collect.sample import Sample, SampleReader


def sample_of(pid: int) -> Sample:
    return SampleReader(pid, dict, tuple, int, SYSTEM_CLOCK).read()


def test_a_child_has_a_share_and_the_process_itself_is_left_out() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    with subprocess.Popen([sys.executable, "-c", code]) as parent:
        try:
            deadline_s = time.monotonic() + 60
            while len((sample := sample_of(parent.pid)).tree.processes) < 2 and time.monotonic() < deadline_s:
                time.sleep(0.05)
            reader = PssReader()
            event = reader.look(sample)
            assert event is not None
            ((pid, parent_pid, size),) = event.rows
            assert parent_pid == parent.pid != pid
            assert size > 100_000
            assert reader.look(sample) is None, f"at most once in {INTERVAL_S} s"
        finally:
            for one in sample_of(parent.pid).tree.processes:
                subprocess.run(["kill", "-9", str(one)], check=False)


def test_a_process_alone_has_nothing_to_tell() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as alone:
        try:
            assert PssReader().look(sample_of(alone.pid)) is None
        finally:
            alone.kill()
