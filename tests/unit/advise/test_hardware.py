"""The rules on bfloat16, and on oneDNN's reorders and its cache of primitives."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profilednn_tui.advise.advisor import advise
from profilednn_tui.onednn.records import Primitive, PrimitiveLog, PrimitiveUse, Tally
from profilednn_tui.onednn.roofline import Peaks
from profilednn_tui.session.view import Machine, Memory, Operator, Primitives, SessionView
from tests.unit.advise.sessions import operator, session
from tests.unit.advise.test_rules import found, rules_of

AMX = Machine("Xeon Platinum 8480+", 4, 4, 4, features=("avx2", "avx512f", "avx512_bf16", "amx_bf16"))
AVX512_BF16 = Machine("EPYC 9354", 4, 4, 4, features=("avx2", "avx512f", "avx512_bf16"))
AVX2 = Machine("EPYC 7763", 4, 4, 4, features=("avx2", "fma"))


def reasons(view: SessionView) -> dict[str, str]:
    return {one.rule: one.reason for one in advise(view).abstained}


def convolution(implementation: str, dtype: str = "bf16", problem: str = "mb1_ic16oc16_ih8oh8kh3") -> Primitive:
    descriptors = f"src:{dtype}:a:blocked:acdb::f0 wei:{dtype}:a:blocked:Acdb16a::f0 dst:{dtype}:a:blocked:acdb::f0"
    return Primitive("convolution", "forward_training", implementation, problem, descriptors)


def with_primitives(view: SessionView, row: Operator, *uses: PrimitiveUse, windows: int = 2) -> SessionView:
    """The session with primitives that ran inside of one of its operators."""
    log = PrimitiveLog(uses, primitive_lines=len(uses))
    return replace(
        view, primitives=Primitives(tuple(range(1, windows + 1)), log, {row.key: log}, 1.0, creations_logged=True)
    )


def measured(view: SessionView, float32_gflops: float, bfloat16_gflops: float) -> SessionView:
    """On a machine whose peaks are known."""
    return replace(view, peaks=Peaks(float32_gflops, bfloat16_gflops, 20.0, 4, "2.14.1"))


def product(dtype: str) -> tuple[Operator, ...]:
    return operator("aten::mm", 50.0, dtypes=dtype, phase="backward"), operator("aten::relu", 9.0)


def test_products_in_float32_on_a_processor_that_is_faster_in_bfloat16() -> None:
    finding = found(session(*product("float32"), machine=AMX), "bf16-available")
    assert finding.sentence == (
        "50 % of the step multiplies in float32, and this processor has instructions for bfloat16 (amx_bf16)"
    )
    assert finding.remedy.optimizations == ("bf16",)
    assert finding.ceiling == pytest.approx(0.5 * 0.9)


def test_avx512_bf16_is_faster_on_some_processors_only() -> None:
    """Emerald Rapids whose host hides AMX takes 1.6 times as long in bfloat16, and all programs were told to use it."""
    view = session(*product("float32"), machine=AVX512_BF16)
    assert "bf16-available" not in rules_of(view)
    assert "`profilednn-tui onednn --roofline` measures it" in reasons(view)["bf16-available"]
    assert "bf16-available" not in rules_of(measured(view, 200.0, 125.0))
    assert "bf16-available" not in rules_of(measured(view, 200.0, 210.0))


def test_the_ceiling_follows_what_was_measured() -> None:
    view = measured(session(*product("float32"), machine=AVX512_BF16), 100.0, 250.0)
    assert found(view, "bf16-available").ceiling == pytest.approx(0.5 * 0.6)


def test_bfloat16_on_a_processor_that_was_measured_to_be_slower_with_it() -> None:
    view = measured(session(*product("bfloat16"), machine=AVX512_BF16), 200.0, 125.0)
    finding = found(view, "bf16-no-hardware")
    assert finding.sentence == (
        "50 % of the step multiplies in bfloat16, which takes 1.60x as long as float32 on this processor (avx512_bf16)"
    )
    assert finding.ceiling == pytest.approx(0.5 * (1 - 1 / 1.6))
    assert "bf16-no-hardware" not in rules_of(measured(view, 100.0, 100.0))


def test_without_such_instructions_float32_is_right() -> None:
    assert rules_of(session(machine=AVX2)) == []


def test_unknown_instruction_sets_are_said_to_be_unknown() -> None:
    assert reasons(session())["bf16-available"] == "this recording does not tell the processor's instruction sets"
    assert reasons(session())["bf16-no-hardware"] == "this recording does not tell the processor's instruction sets"


def test_bfloat16_that_the_processor_has_to_imitate() -> None:
    """pytorch #118499 and #86270."""
    rows = (operator("aten::mm", 50.0, "backward", dtypes="bfloat16"), operator("aten::relu", 9.0, dtypes="bfloat16"))
    finding = found(session(*rows, machine=AVX2), "bf16-no-hardware")
    assert finding.sentence == (
        "50 % of the step multiplies in bfloat16, for which this processor has no instructions: float32 is faster here"
    )
    assert finding.ceiling == pytest.approx(0.45)
    assert "(train.py:24)" in finding.remedy.change
    assert "bf16-no-hardware" not in rules_of(session(*rows, machine=AMX))


@pytest.mark.parametrize(
    "implementation", ["brg_conv_fwd:avx512_core_amx", "jit_bf16:avx512_core_bf16", "brgconv:avx10_1_512_amx"]
)
def test_bfloat16_that_runs_on_kernels_for_it_is_no_finding(implementation: str) -> None:
    row = operator("aten::mkldnn_convolution", 29.0, dtypes="bfloat16")
    view = session(row, machine=AMX)
    fast = PrimitiveUse(convolution(implementation), Tally(2, 56.0, 28.0, 28.0))
    assert "bf16-available" not in rules_of(with_primitives(view, row, fast))


def test_after_trying_the_share_that_really_ran_on_kernels_for_bfloat16() -> None:
    row = operator("aten::mkldnn_convolution", 29.0, dtypes="bfloat16")
    slow = PrimitiveUse(convolution("ref:any", problem="g3ic3oc3"), Tally(2, 42.0, 21.0, 21.0))
    fast = PrimitiveUse(convolution("brg_conv_fwd:avx512_core_amx"), Tally(2, 14.0, 7.0, 7.0))
    view = with_primitives(session(row, machine=AMX), row, slow, fast)
    finding = found(view, "bf16-available")
    assert finding.sentence == (
        "bfloat16 is on, but only 25 % of the time of its products is in oneDNN's kernels for it (amx_bf16)"
    )
    assert finding.ceiling == pytest.approx(0.9 * 0.21, rel=0.01)
    assert [one.value for one in finding.evidence] == [28.0, 21.0, 21.0]


def test_a_variant_with_bf16_does_not_propose_it_again() -> None:
    healthy = session(machine=AMX)
    view = replace(healthy, target=replace(healthy.target, optimizations=("bf16",)))
    assert "bf16-available" in rules_of(session(operator("aten::mm", 50.0, dtypes="float32"), machine=AMX))
    assert "bf16-available" not in rules_of(view)


def changing(created_ms: float, count: int = 8, created: int = 4) -> SessionView:
    """Two windows, each with shapes of its own, that create some of their primitives."""
    rows = [
        replace(operator("aten::mkldnn_convolution", 14.0 + shape, dtypes="float32"), calls_per_step=0.5)
        for shape in range(2)
    ]
    view = session(*rows)
    use = PrimitiveUse(
        convolution("jit:avx2", "f32"),
        Tally(count, 20.0, 2.5, 2.5),
        Tally(created, created_ms, created_ms / max(1, created), created_ms / max(1, created)),
    )
    log = PrimitiveLog((use,), primitive_lines=count)
    inside = {row.key: log for row in rows}
    return replace(view, primitives=Primitives((1, 2), log, inside, 1.0, creations_logged=True))


def test_primitives_that_are_created_anew_in_each_step() -> None:
    finding = found(changing(created_ms=10.0), "primitive-cache-misses")
    assert finding.sentence.startswith(
        "oneDNN creates 2 primitives anew in each step, because shapes change from step to step: "
    )
    assert [one.value for one in finding.evidence] == [2.0, 4.0, 5.0, 2]
    assert finding.ceiling == pytest.approx(2 * 0.05, rel=0.01)
    assert "multiples of 64 (train.py:24)" in finding.remedy.change


def test_creations_that_cost_memory_alone() -> None:
    """pytorch #98688: memory grows with variable shapes."""
    view = changing(created_ms=0.01)
    assert "primitive-cache-misses" not in rules_of(view)
    growing = Memory(10**9, rss_history=tuple(10**9 + 10**7 * second for second in range(12)))
    finding = found(replace(view, memory=growing), "primitive-cache-misses")
    assert finding.ceiling == 0.0
    assert finding.sentence.endswith(", and oneDNN keeps them in memory")
    assert finding.evidence[-1].value == pytest.approx(50.0)


def test_primitives_that_the_cache_has_are_no_finding() -> None:
    assert "primitive-cache-misses" not in rules_of(changing(created_ms=0.0, created=0))
    assert "primitive-cache-misses" not in rules_of(changing(created_ms=10.0, count=80)), "few of many"


def test_what_cannot_be_told_of_the_cache() -> None:
    view = changing(created_ms=10.0)
    old = replace(view, primitives=replace(view.primitives, creations_logged=False))
    assert reasons(old)["primitive-cache-misses"] == "this recording does not tell which primitives were created"
    once = replace(view, primitives=replace(view.primitives, windows=(1,)))
    assert reasons(once)["primitive-cache-misses"] == "only one window has data on oneDNN primitives"


@pytest.mark.parametrize("name", ["convolution", "rnn"])
def test_channels_last_is_a_remedy_for_reorders_beside_convolutions_alone(name: str) -> None:
    """It was advised for an LSTM, whose weights oneDNN packs."""
    row = operator("aten::mkldnn_rnn_layer", 28.0, dtypes="float32")
    work = PrimitiveUse(replace(convolution("jit:uni"), name=name), Tally(2, 28.0, 14.0, 14.0))
    move = PrimitiveUse(replace(convolution("jit:uni"), name="reorder"), Tally(2, 28.0, 14.0, 14.0))
    remedy = found(with_primitives(session(row), row, work, move), "reorders").remedy
    assert remedy.optimizations == (("channels_last",) if name == "convolution" else ())
    assert ("No convolution runs here" in remedy.change) == (name == "rnn")
