"""Runs with given steps, as views without files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from profilednn_tui.compare.runs import Run, Side, Turn
from profilednn_tui.compare.samples import FairSteps
from profilednn_tui.compare.verdict import Outcome, judge
from profilednn_tui.protocol.vocabulary import PHASES
from profilednn_tui.session.view import (
    Cores,
    FirstInputs,
    Machine,
    Module,
    Operator,
    OperatorKey,
    Operators,
    SessionView,
    State,
    Steps,
    Target,
)

MS = 1e6
MACHINE = Machine(cpu="AMD EPYC 9354 32-Core Processor", cores=4, affinity=4, memory_bytes=16_000_000_000)


def steps(durations_ns: Sequence[float], losses: Sequence[float | None] | None = None) -> Steps:
    count = len(durations_ns)
    whole = tuple(round(value) for value in durations_ns)
    return Steps(
        count=count,
        numbers=tuple(range(1, count + 1)),
        durations_ns=whole,
        phases_ns=tuple((0, value // 3, 0, value // 2, value - value // 2 - value // 3, 0, 0, 0) for value in whole),
        losses=tuple(losses) if losses is not None else (None,) * count,
        flags=(0,) * count,
        steps_per_s=50.0,
    )


def operator(name: str, shapes: str, self_ns: float, calls: float = 1.0, dtypes: str = "float32") -> Operator:
    key = OperatorKey(name, shapes, dtypes, "contiguous")
    return Operator(key, calls, self_ns, self_ns, 0.0, False, None, (), ())


def operators(*rows: Operator, modules: tuple[Module, ...] = ()) -> Operators:
    return Operators(windows=(1,), rows=rows, modules=modules)


def view(durations_ns: Sequence[float], losses: Sequence[float | None] | None = None, **changes: Any) -> SessionView:
    target = Target("train.py", argv=("train.py", "--lr", "0.1"), torch="2.14.1", exit_code=0, script_sha256="ab")
    base = SessionView(
        state=State.ENDED,
        target=target,
        machine=MACHINE,
        first_inputs=FirstInputs(1, 2, 0),
        steps=steps(durations_ns, losses),
    )
    return replace(base, **changes)


def run(name: str, durations_ns: Sequence[float], losses: Sequence[float | None] | None = None, **changes: Any) -> Run:
    return Run(name, view(durations_ns, losses, **changes))


def settled(durations_ns: npt.NDArray[np.float64], turn: Turn | None = None, lockstep: bool = False) -> FairSteps:
    """A run in the form a verdict needs."""
    count = len(durations_ns)
    return FairSteps(np.arange(1, count + 1), durations_ns, np.zeros((count, len(PHASES))), turn, lockstep)


def disturbed(view_of: SessionView) -> SessionView:
    return replace(view_of, cores=Cores(contention="others 98 % of one core: timings are not reliable"))


def noisy(
    generator: np.random.Generator, count: int, step_ns: float = 20 * MS, spread: float = 0.03
) -> npt.NDArray[np.float64]:
    """Step durations with a long right tail, like real ones."""
    return step_ns * np.exp(np.abs(generator.normal(0, spread, count)))


def side(name: str, generator: np.random.Generator, runs: int, slower: float = 1.0, spread: float = 0.015) -> Side:
    """Runs that vary by `spread`, the standard deviation of the logarithm."""
    return Side(
        name,
        tuple(
            run(f"{name}-{number}", list(noisy(generator, 60, 20 * MS * slower * np.exp(generator.normal(0, spread)))))
            for number in range(runs)
        ),
    )


STEPS = list(noisy(np.random.default_rng(7), 60))


def one_run(name: str, **changes: object) -> Side:
    """A side with a single run."""
    return Side(name, (run(name, STEPS, **changes),))  # type: ignore[arg-type]


def runs(
    generator: np.random.Generator, count: int, slower: float, spread: float, wild: float = 0.0
) -> list[FairSteps]:
    """Runs with few steps; a share of them, `wild`, is slower throughout."""
    offsets = generator.normal(0, spread, count) + (generator.random(count) < wild) * 0.08
    return [settled(noisy(generator, 30, 20 * MS * slower * float(np.exp(offset)))) for offset in offsets]


def in_lockstep(generator: np.random.Generator, count: int, slower: float) -> Outcome:
    """The verdict on groups whose members are slowed by the same factor."""
    slowdowns = np.exp(generator.normal(0, 0.08, count))
    baseline, candidate = (
        [
            settled(run.durations_ns * factor, ("experiment", block), lockstep=True)
            for block, (run, factor) in enumerate(zip(runs(generator, count, of, 0.01), slowdowns, strict=True))
        ]
        for of in (1.0, slower)
    )
    return judge(baseline, candidate, ()).outcome
