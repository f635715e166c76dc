"""Sessions written by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from profilednn_tui.protocol.events import Command, StepsEvent
from profilednn_tui.protocol.vocabulary import PHASES
from profilednn_tui.session.model.primitives import PrimitiveSeries
from profilednn_tui.session.model.steps import StepSeries
from profilednn_tui.session.open_session import SourceFile
from profilednn_tui.session.trace import Trace
from profilednn_tui.session.view import (  # fmt: skip
    EMPTY_VIEW,
    Agent,
    Core,
    Cores,
    Frame,
    Machine,
    Memory,
    Module,
    Notice,
    Operator,
    OperatorKey,
    Operators,
    Optimization,
    Phase,
    ProcessEntry,
    SessionView,
    Stack,
    Stacks,
    State,
    Steps,
    Target,
    Thread,
    ThreadStack,
    Worker,
)
from tests.unit.session.recordings import START_UNIX_NS, primitives, step_row

SOURCE = ("import torch", "", "def forward(self, x):", "    y = self.conv(x)", "    return y")


class FakeFeed:
    """The parts of a session that the app needs; records requests to it."""

    behind = False
    foreign = ""

    def __init__(self, view: SessionView = EMPTY_VIEW, output: bytes = b"") -> None:
        self.current = view
        self.output = output
        self.windows: list[int | None] = []
        self.commands: list[Command] = []
        self.typed = b""
        self.process: int | None = None
        self.traces: dict[int, Trace] = {}
        """Those that are kept, by window."""

    def poll(self) -> bool:
        return True

    def view(self, window: int | None = None) -> SessionView:
        self.windows.append(window)
        if window is None:
            return self.current
        return replace(self.current, operators=replace(self.current.operators, windows=(window,)))

    @property
    def traced_windows(self) -> tuple[int, ...]:
        return tuple(self.traces)

    def trace(self, window: int) -> Trace | None:
        return self.traces.get(window)

    def traces_beside(self, trace: Trace, shifts_ns: Mapping[int, int]) -> tuple[Trace, ...]:
        return ()

    def output_tail(self, max_bytes: int) -> bytes:
        return self.output[-max_bytes:]

    def source(self, file: str) -> SourceFile:
        return SourceFile(file, SOURCE if file == "/home/me/model.py" else None, foreign=self.foreign)

    def send(self, command: Command) -> int:
        self.commands.append(command)
        return 1

    def write_input(self, data: bytes) -> int:
        self.typed += data
        return len(data)

    def select_process(self, pid: int) -> None:
        self.process = pid

    def close(self) -> None:
        pass


ALONE = tuple(phase for phase in PHASES if phase != "communication")
"""The phases of a training without other ranks."""


def operator(
    name: str, self_ms: float, *, backward: bool = False, modules: tuple[str, ...] = ("net.conv",)
) -> Operator:
    frames = (Frame("/home/me/train.py", 12, "main"), Frame("/home/me/model.py", 4, "forward"))
    stack = Stack(() if backward else frames, frames if backward else (), modules[0], 2.0, self_ms * 1e6, self_ms * 1e6)
    return Operator(
        OperatorKey(name, "[[32, 3, 8, 8], [8, 3, 3, 3], []]", "float32", "contiguous"),
        2.0, self_ms * 1e6, self_ms * 1.5e6, self_ms / 100, backward, None, modules, (stack,),
        history=tuple(round(self_ms * factor * 1e6) for factor in (0.6, 0.8, 1.0)),
    )  # fmt: skip


def steps(count: int, duration_ms: float = 30.0) -> Steps:
    each = int(duration_ms * 1e6 / len(ALONE))
    row = tuple(each if phase in ALONE else 0 for phase in PHASES)
    return Steps(
        count, "optimizer", "", tuple(range(1, count + 1)), (sum(row),) * count, (row,) * count,
        tuple(1.0 / number for number in range(1, count + 1)), (0,) * count, (), duration_ms * 1e6, duration_ms * 1.1e6,
        1000 / duration_ms,
    )  # fmt: skip


def fast_steps(count: int) -> Steps:
    """A loop of three thousand steps per second, in which every 400th step is ten times as slow."""
    series, end_unix_ns, rows = StepSeries(), START_UNIX_NS, []
    for number in range(1, count + 1):
        duration_ns = 3_000_000 if number % 400 == 0 else 290_000 + number * 7_919 % 80_000
        end_unix_ns += duration_ns
        rows.append([end_unix_ns, *step_row(number, duration_ns, loss=1000 / (1000 + number))[1:]])
    series.add(StepsEvent(1, rows))
    return series.view()


def uneven_view() -> SessionView:
    """Steps of 25 to 30 ms, the first one slow, as well as three later ones that waited for data."""
    series, end_unix_ns = StepSeries(), START_UNIX_NS
    for number in range(1, 201):
        row = step_row(number, 25_000_000 + number * 7_919 % 5_000 * 1_000, loss=1 / number)
        if number in (70, 140, 190):
            row[2] += 300_000_000 - row[1]
            row[1] = 300_000_000
        elif number == 1:
            row = step_row(1, 900_000_000, StepsEvent.FIRST)
        end_unix_ns += row[1]
        series.add(StepsEvent(number, [[end_unix_ns, *row[1:]]]))
    return replace(running_view(), steps=series.view(), phases=series.phases())


def sampled_view(seconds: int = 200) -> SessionView:
    """`running_view` of a fast loop, with samples of cores and memory, one each second."""
    view = running_view()
    times = tuple(START_UNIX_NS + second * 1_000_000_000 for second in range(seconds))
    busy = tuple(360.0 if second % 50 > 8 else 40.0 for second in range(seconds))
    cores = tuple(replace(core, history=tuple(percent / 4 for percent in busy)) for core in view.cores.cores)
    rss = tuple(700_000_000 + 2_500_000 * second for second in range(seconds))
    faults = tuple(1_200.0 + second * 37 % 400 for second in range(seconds))
    return replace(
        view,
        steps=fast_steps(60_000),
        cores=replace(
            view.cores, cores=cores, target_history=busy, others_history=(0.0,) * seconds, history_unix_ns=times
        ),
        memory=replace(view.memory, rss_history=rss, faults_history=faults, history_unix_ns=times),
    )


def running_view(count: int = 100, operators: int = 40) -> SessionView:
    rows = [operator("aten::convolution_backward", 60, backward=True), operator("aten::mm", 50, modules=("net.fc",))]
    rows += [operator(f"aten::op{number}", 30 - number / 100) for number in range(operators - 2)]
    modules = (
        Module("net", "Net", 0, 1, 30e6, 60e6, ("net.conv", "net.fc")),
        Module("net.conv", "Conv2d", 1, 1, 20e6, 40e6, ()),
        Module("net.fc", "Linear", 1, 1, 10e6, 20e6, ()),
    )
    merged = Operators((1, 2, 3), 90, 0, tuple(rows), modules, 100e6, 40e6, True)
    return SessionView(
        state=State.RUNNING, live=True,
        target=Target("train.py", ("train.py", "--lr", "0.1"), torch="2.14.1", pid=4711),
        machine=Machine("A processor", 4, 2, 4), steps=steps(count),
        phases=tuple(Phase(name, 5e6, 5e6, 1 / len(ALONE)) for name in ALONE),
        operators=merged, window_numbers=(1, 2, 3),
        cores=Cores(tuple(Core(index, 90.0, 5.0, 0.0, True) for index in range(4)), 360.0, 20.0, 1.1),
        threads=(Thread(4711, 4711, "python", "main", 95.0, 3.0, 12.0, 0),), thread_count=9,
        workers=(Worker(4800, "DataLoader worker", 40.0, 400_000_000),),
        memory=Memory(1_200_000_000, 0, 1_300_000_000, 9_000_000_000, 1200.0, 0.0, 350.0, 9.0),
        agent=Agent(3, False, 2.0, 1.4), notices=(Notice("warning", "threads", "Set OMP_NUM_THREADS."),),
        processes=tuple(ProcessEntry(4711 + rank, 4711 + rank, rank, ("train.py",), count, False) for rank in range(2)),
        unix_ns=1_000,
    )  # fmt: skip


def many_cores(count: int) -> Cores:
    return Cores(tuple(Core(index, 90.0, 0.0, 0.0, True) for index in range(count)), 90.0 * count, 0.0, 1.0)


def attached_view() -> SessionView:
    """`running_view` of an attached process."""
    frames = (
        Frame("/home/me/train.py", 12, "main"),
        Frame("/v/site-packages/torch/nn/modules/module.py", 1, "_call_impl"),
        Frame("/home/me/model.py", 4, "forward"),
    )
    stacks = Stacks((ThreadStack(4711, 4711, "MainThread", True, True, frames),), (), 900)
    return replace(running_view(), target=Target("train.py", pid=4711, attached=True), stacks=stacks)


def optimized_view() -> SessionView:
    """`running_view` with one optimization on."""
    outcome = Optimization("channels_last", "on", "53 convolution weights and 1 input to channels last")
    target = Target("train.py", ("train.py",), optimizations=("channels_last",))
    return replace(running_view(), optimizations=(outcome,), target=target)


def view_with_primitives() -> SessionView:
    """`running_view` whose first operator runs the primitives of the window in `recordings`."""
    view = running_view()
    key = view.operators.rows[0].key
    series = PrimitiveSeries()
    event = primitives()
    strings = [*event.strings[:3], key.name, key.input_shapes, event.strings[5], key.dtypes, key.memory_format]
    series.add(replace(event, strings=strings, operators=[[3, 4, 6, 7], [5, 2, 2, 2]]))
    return replace(view, primitives=series.view([1]))
