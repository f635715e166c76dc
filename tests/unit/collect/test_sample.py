from __future__ import annotations

from profilednn_tui.collect.sample import CoreTicks, choose_main, core_ticks
from profilednn_tui.collect.tree import ProcessTree
from tests.unit.collect.samples import process, thread

PROC_STAT = b"""cpu  10 0 10 80 0 0 0 0 0 0
cpu0 10 1 20 60 4 2 3 5 0 0
cpu2 0 0 0 7 0 0 0 0 0 0
intr 5
"""


def tree(**ticks: int) -> ProcessTree:
    processes = (process(int(name[1:]), {int(name[1:]): thread(used)}) for name, used in ticks.items())
    return ProcessTree({each.pid: each for each in processes})


def test_the_lines_of_each_core_are_read() -> None:
    assert core_ticks(PROC_STAT) == {0: CoreTicks(36, 5, 105), 2: CoreTicks(0, 0, 7)}


def test_before_there_is_an_agent_the_busiest_process_is_the_main_one() -> None:
    assert choose_main(tree(p5=1, p6=50), {}, 5) == 6


def test_a_process_with_an_agent_comes_before_a_busier_one() -> None:
    assert choose_main(tree(p5=900, p6=50), {6: None}, 5) == 6


def test_ranks_do_not_take_turns() -> None:
    assert choose_main(tree(p5=100, p6=150), {5: 0, 6: 1}, 5) == 5


def test_a_launcher_that_imports_torch_is_left_for_the_process_that_trains() -> None:
    assert choose_main(tree(p5=100, p6=250), {5: None, 6: None}, 5) == 6


def test_an_empty_tree_has_none() -> None:
    assert choose_main(ProcessTree(), {}, 5) is None
