"""A stand-in for running trainings, whose steps take what the settings make of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from profilednn_tui.clock import Clock
from profilednn_tui.compare.factorial import Switch
from profilednn_tui.experiment.background import EndedRun
from profilednn_tui.launch.command import TargetCommand
from profilednn_tui.launch.options import LaunchOptions
from profilednn_tui.protocol.events import FirstInputsEvent, OptimizationEvent, StepsEvent
from profilednn_tui.protocol.files import agent_recording
from profilednn_tui.tune.design import switches_on
from tests.unit.session import recordings as r

STEP_NS = 20_000_000
RUN_S, SLOW_RUN_S = 6.0, 400.0


@dataclass
class Starter:
    """Writes recordings; `truth` is the factor of each optimization and ``threads=N``."""

    truth: Mapping[str, float]
    states: Mapping[str, str] = field(default_factory=dict)
    """Of optimizations that are not on."""
    failing: str = ""
    """A run with this optimization fails."""
    failing_alone: str = ""
    """A run with this optimization fails, unless settings change between its steps."""
    idle_alone: str = ""
    """An optimization that has no effect, unless settings change between steps."""
    stop_in: str = ""
    """The name of the folder in which a run is stopped by a signal."""
    drifting: str = ""
    """Losses drift with this optimization."""
    noise: float = 0.01
    ranks: int = 1
    """Processes that train."""
    blocks: int = 60
    """That a run with a switching plan makes."""
    slow_in: str = ""
    """The name of the folder in which a run takes `SLOW_RUN_S`."""
    stop_at: int | None = None
    """The number of the run that a signal stops."""
    now_s: float = 0.0
    started: list[LaunchOptions] = field(default_factory=list)
    homes: list[Path] = field(default_factory=list)
    """Where each was started."""

    @property
    def clock(self) -> Clock:
        return Clock(unix_ns=lambda: 7, monotonic_s=lambda: self.now_s)

    def __call__(
        self,
        targets: Sequence[tuple[TargetCommand, LaunchOptions]],
        home: Path,
        on_beat: Callable[[Path, float], None],
    ) -> tuple[EndedRun, ...]:
        self.now_s += self._run_s(home)
        chance = np.random.default_rng(len(self.started))
        common = float(chance.normal(0, self.noise))
        return tuple(self._run(options, home, on_beat, len(targets) > 1, common) for _, options in targets)

    def _run(
        self,
        options: LaunchOptions,
        home: Path,
        on_beat: Callable[[Path, float], None],
        lockstep: bool,
        common: float,
    ) -> EndedRun:
        self.started.append(options)
        self.homes.append(home)
        chance = np.random.default_rng(1000 + len(self.started))
        rows = (
            self._switched(options, chance) if options.switching is not None else self._plain(options, chance, common)
        )
        agent = [event for event in r.agent_events() if not isinstance(event, StepsEvent)]
        receipts = [
            OptimizationEvent(name, self._state(name, options), "as told", r.START_UNIX_NS)
            for name in options.optimizations
        ]
        agent[2:2] = [FirstInputsEvent(1, 2, 0, r.START_UNIX_NS), *receipts, StepsEvent(1, rows)]
        folder = home / f"{len(self.started)}-{options.name}"
        r.write_session(folder, agent=agent, host=[r.machine(), r.cores((5.0,) * 4, (1.0, 0.0, 0.0, 0.0))], exit_code=0)
        for rank in range(1, self.ranks):
            other = [r.hello(r.PID + rank, rank), StepsEvent(1, rows)]
            r.append(folder / agent_recording(r.PID + rank), r.header("agent", r.PID + rank), *other)
        (folder / "output.log").write_text("ValueError: no data\n")
        on_beat(folder, 1.0)
        failed = self.failing in options.optimizations
        failed = failed or (self.failing_alone in options.optimizations and options.switching is None)
        stopped = self.stop_at is not None and len(self.started) >= self.stop_at
        stopped_by = 2 if stopped or home.name == self.stop_in else None
        return EndedRun(folder, int(failed), stopped_by, self._run_s(home), 40 if lockstep else None)

    def _state(self, name: str, options: LaunchOptions) -> str:
        idle = name == self.idle_alone and options.switching is None
        return "no effect" if idle else self.states.get(name, "on")

    def _run_s(self, home: Path) -> float:
        return SLOW_RUN_S if home.name == self.slow_in else RUN_S

    def _plain(self, options: LaunchOptions, chance: np.random.Generator, common: float) -> list[list[object]]:
        names = [*options.optimizations]
        if "OMP_NUM_THREADS" in options.environment:
            names.append(f"threads={options.environment['OMP_NUM_THREADS']}")
        acting = (name for name in names if name != self.idle_alone)
        factor = math.prod(self.truth.get(name, 1.0) for name in acting) * math.exp(common)
        scale = 1.5 if self.drifting and self.drifting in names else 1.0
        return [
            r.step_row(step, round(factor * STEP_NS * math.exp(chance.normal(0, self.noise))), 0, scale * 2.0 / step)
            for step in range(1, 31)
        ]

    def _switched(self, options: LaunchOptions, chance: np.random.Generator) -> list[list[object]]:
        plan = options.switching
        assert plan is not None
        switches = [Switch(name, optimization=name) for name in options.optimizations]
        switches += [
            Switch(f"threads={count}", threads=count) for count in {one.threads for one in plan.settings} - {0}
        ]
        rows = [r.step_row(step, STEP_NS) for step in range(1, plan.first_steps + 1)]
        for block in range(0 if self.failing in options.optimizations else self.blocks):
            on = switches_on(plan.setting(block), switches)
            factor = math.prod(self.truth.get(name, 1.0) for name in on if self.states.get(name, "on") == "on")
            for place in range(plan.block_steps):
                ns = round(factor * STEP_NS * math.exp(chance.normal(0, self.noise)))
                rows.append(r.step_row(len(rows) + 1, ns, StepsEvent.SWITCHED if place == 0 else 0))
        return rows
