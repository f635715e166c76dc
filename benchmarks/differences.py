"""Whether the flame graph of two sides, and the tables, colour what has changed and only that.

`python -m benchmarks.differences [--minutes M]` makes experiments of 8 groups in lockstep with
benchmarks/planted_change.py: with equal variants, and with a function of a fifth of the step that takes 15 %
longer. It goes on where the last call ended.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.conditions import RESULTS, Contention, machine, versions, write
from benchmarks.trials import Row, Trials
from profilednn_tui.compare.alignment import Change
from profilednn_tui.compare.comparison import Comparison, judge_nodes, profiled_views
from profilednn_tui.experiment.sides import experiment_report
from profilednn_tui.flame.difference import Delta, Difference, difference_of
from profilednn_tui.flame.tree import Kind, Shape
from profilednn_tui.flame.tree import Path as TreePath

PROGRAM = Path(__file__).parent / "planted_change.py"
PLANTED, EQUAL = "15 % in a fifth of the step", "equal sides"
CASES = {PLANTED: 20, EQUAL: 20}
GROUPS, STEPS, OVERHEAD = 8, 200, "30%"
FUNCTION, SHAPE = "augment", "[[96, 192]"
"""The function that is changed, and the shape of what only it computes with."""


def trial(case: str) -> Row:
    """One experiment."""
    words = [sys.executable, "-m", "profilednn_tui", "experiment", "--lockstep", "--in-place", "--no-certificate"]
    words += ["--repeat", str(GROUPS), "--steps", str(STEPS), "--overhead", OVERHEAD, "--name", "one"]
    words += ["--variant", "A=PLANTED=0", "--variant", f"B=PLANTED={15 if case == PLANTED else 0}"]
    words += ["--env", f"CORE={max(os.sched_getaffinity(0))}", str(PROGRAM)]
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "PROFILEDNN_HOME": home}
        subprocess.run(words, env=environment, capture_output=True, check=True)
        (folder,) = Path(home).glob("*-one")
        (comparison,) = experiment_report(folder, ()).comparisons
    sides = [profiled_views(side) for side in (comparison.baseline, comparison.candidate)]
    found = difference_of(sides[0], sides[1], Shape(), partial(judge_nodes, comparison))
    function = next(delta for path, delta in found.nodes.items() if path and path[-1].name == FUNCTION)
    return {
        "outcome": comparison.verdict.outcome.value,
        "runs": [len(side) for side in sides],
        "before_ms": function.before / 1e6,
        "after_ms": function.after / 1e6,
        "function": _sign(function),
        "coloured_share": coloured(found),
        "wrong": sum(delta.changed and not _explained(path) for path, delta in found.nodes.items()),
        "table": table_signs(comparison),
    }


def _sign(delta: Delta) -> str:
    return "grey" if not delta.changed else "grown" if delta.difference > 0 else "shrunk"


def _explained(path: TreePath) -> bool:
    """Whether a node leads to the function, or is below it: the root, its caller, and itself."""
    return not path or any(label.name == FUNCTION for label in path) or path[-1].kind is Kind.FRAME


def coloured(found: Difference) -> float:
    """The share of the width at whose end a coloured node is."""
    parents = {path[:-1] for path in found.nodes if path}
    leaves = [(path, delta) for path, delta in found.nodes.items() if path not in parents]
    whole = sum(delta.before + delta.after for _, delta in leaves)
    return sum(delta.before + delta.after for _, delta in leaves if delta.changed) / whole


def table_signs(comparison: Comparison) -> list[str]:
    """How the operators that only the function calls are marked, and how many others are."""
    own = [row.change for row in comparison.operators if row.key.input_shapes.startswith(SHAPE)]
    others = [row for row in comparison.operators if not row.key.input_shapes.startswith(SHAPE)]
    marked = (Change.GROWN, Change.SHRUNK)
    return [
        "grown" if Change.GROWN in own else "shrunk" if Change.SHRUNK in own else "grey",
        str(sum(row.change in marked for row in others)),
    ]


def lines(rows: list[Row]) -> Iterator[str]:
    """What came out."""
    yield "| case | experiments | function coloured | table marked | wrong sign | width coloured | others in tables |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for case in CASES:
        made = [row for row in rows if row["case"] == case]
        if not made:
            continue
        flame, table = ([row["function"] for row in made], [row["table"][0] for row in made])
        cells = [
            case, str(len(made)), str(flame.count("grown")), str(table.count("grown")),
            str(flame.count("shrunk") + table.count("shrunk")),
            f"{100 * sum(row['coloured_share'] for row in made) / len(made):.1f} %",
            f"{sum(int(row['table'][1]) for row in made) / len(made):.2f}",
        ]  # fmt: skip
        yield f"| {' | '.join(cells)} |"
    planted = [row["after_ms"] / row["before_ms"] - 1 for row in rows if row["case"] == PLANTED]
    if planted:
        longer = 100 * sum(planted) / len(planted)
        yield f"\n- The function took {longer:.0f} % longer on average where that was planted; widths are means."


def main() -> None:
    """Make the missing experiments and write the table."""
    trials = Trials(RESULTS / "differences.jsonl")
    minutes = trials.minutes_asked_for(__doc__, 60.0)
    contention = Contention()
    trials.go_on(minutes, CASES, trial)
    head = ["## Differences of flame graphs", "", *machine(), versions("torch")]
    note = f"- Each experiment: {GROUPS} groups in lockstep, {STEPS} steps, up to {OVERHEAD} overhead, one core."
    write("differences", [*head, note, contention.line(), "", *lines(trials.rows())])


if __name__ == "__main__":
    main()
