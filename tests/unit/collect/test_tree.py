from __future__ import annotations

import os
import threading

from profilednn_tui.collect import procfs
from profilednn_tui.collect.tree import TreeReader
from tests.unit.session import recordings as r


def test_a_process_that_is_gone_is_an_empty_tree() -> None:
    assert TreeReader(r.PID).read().processes == {}


def test_threads_have_switches_and_names() -> None:
    done = threading.Event()
    helper = threading.Thread(target=done.wait)
    helper.start()
    me = TreeReader(os.getpid()).read().processes[os.getpid()]
    done.set()
    helper.join()
    assert helper.native_id in me.threads
    assert me.threads[os.getpid()].voluntary > 0


def test_names_with_spaces_and_brackets_are_read(tmp_path: object) -> None:
    line = b"12 (a) b (c) S 3 1 1 0 -1 0 4 0 5 0 6 7 0 0 20 0 8 0 9 100 11 " + b"0 " * 14 + b"2 0 0"
    path = f"{tmp_path}/stat"
    with open(path, "wb") as stream:
        stream.write(line)
    stat = procfs.stat(path)
    assert stat is not None
    assert (stat.name, stat.state, stat.parent_pid, stat.cpu_ticks) == ("a) b (c", "S", 3, 13)
    assert (stat.minor_faults, stat.major_faults, stat.thread_count) == (4, 5, 8)
    assert (stat.start_ticks, stat.rss_pages, stat.core) == (9, 11, 2)


def test_numbers_are_found_after_their_label() -> None:
    assert procfs.number_after(b"VmPeak: 9 kB\nVmHWM:\t  123 kB\n", b"\nVmHWM:") == 123
    assert procfs.number_after(b"VmPeak: 9 kB\n", b"\nVmHWM:") is None
    assert procfs.number_after(b"VmHWM:", b"VmHWM:") is None
