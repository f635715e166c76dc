"""The alignment of parts."""

from __future__ import annotations

from profilednn_tui.compare.alignment import Change, OperatorName
from profilednn_tui.compare.comparison import Comparison, compare
from profilednn_tui.compare.runs import Side
from profilednn_tui.export.comparison.words import change_text
from profilednn_tui.session.view import Memory, Module, Operators
from tests.unit.compare.sides import MS, STEPS, one_run, operator, operators, run


def parts(first: Comparison) -> dict[str, Change]:
    return {f"{row.key.name} {row.key.input_shapes}".strip(): row.change for row in first.operators}


def test_operators_are_aligned_by_name_and_shapes() -> None:
    before = operators(
        operator("aten::conv2d", "a", 10 * MS), operator("aten::conv2d", "b", 8 * MS),
        operator("aten::log", "", 4 * MS), operator("aten::add_", "", 3 * MS), operator("aten::mul", "", 0.01 * MS),
    )  # fmt: skip
    after = operators(
        operator("aten::conv2d", "a", 5 * MS, dtypes="bfloat16"), operator("aten::conv2d", "b", 8.2 * MS),
        operator("profilednn::focal", "", 1 * MS), operator("aten::add_", "", 6 * MS),
        operator("aten::mul", "", 0.03 * MS),
    )  # fmt: skip
    found = compare(several("A", before), several("B", after))
    assert parts(found) == {
        "aten::conv2d a": Change.SHRUNK,
        "aten::log": Change.GONE,
        "aten::add_": Change.GROWN,
        "profilednn::focal": Change.ADDED,
        "aten::conv2d b": Change.GROWN,
        "aten::mul": Change.UNCHANGED,
    }
    assert [row.key for row in found.operators[:2]] == [
        OperatorName("aten::conv2d", "a"),
        OperatorName("aten::log", ""),
    ]


def several(name: str, found: Operators) -> Side:
    """Four runs that tell the same."""
    return Side(name, tuple(run(f"{name}{number}", STEPS, operators=found) for number in range(4)))


def test_one_run_per_side_tells_what_is_new_and_nothing_of_growth() -> None:
    before = operators(operator("aten::mm", "", 10 * MS), operator("aten::log", "", 4 * MS))
    after = operators(operator("aten::mm", "", 15 * MS), operator("aten::exp", "", 4 * MS))
    found = compare(one_run("A", operators=before), one_run("B", operators=after))
    assert parts(found) == {
        "aten::mm": Change.FEW_RUNS,
        "aten::log": Change.GONE,
        "aten::exp": Change.ADDED,
    }
    assert change_text(next(row for row in found.operators if row.key.name == "aten::mm")) == "(+50.0 %)"


def test_operators_are_means_over_the_runs_of_a_side() -> None:
    runs = tuple(run(str(ms), STEPS, operators=operators(operator("aten::mm", "", ms * MS))) for ms in (2, 4))
    (row,) = compare(Side("A", runs), Side("B", runs[:1])).operators
    assert (row.baseline_ns, row.candidate_ns) == (3 * MS, 2 * MS)


def test_modules_memory_and_phases_stand_side_by_side() -> None:
    def of(name: str, forward_ns: float, rss_bytes: int) -> Side:
        module = Module("layer1", "Sequential", 1, 1.0, forward_ns, 2 * MS, ())
        return one_run(name, operators=operators(modules=(module,)), memory=Memory(peak_rss_bytes=rss_bytes))

    found = compare(of("A", 5 * MS, 800_000_000), of("B", 3 * MS, 600_000_000))
    assert [(row.key.path, row.baseline_ns, row.candidate_ns) for row in found.modules] == [("layer1", 7 * MS, 5 * MS)]
    assert (found.figures[0].baseline, found.figures[0].candidate) == (800_000_000, 600_000_000)
    assert [row.key for row in found.phases] == ["forward", "backward", "optimizer"]
