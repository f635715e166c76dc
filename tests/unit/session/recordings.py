"""Recordings like those of an agent and a host, built with `encode`, for tests only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from profilednn_tui.protocol.codec import encode
from profilednn_tui.protocol.events import (
    MAGIC,
    VERSION,
    ByeEvent,
    CoresEvent,
    ExitEvent,
    Header,
    HelloEvent,
    MachineEvent,
    MemoryEvent,
    PrimitivesEvent,
    StatusEvent,
    StepsEvent,
    StepSourceEvent,
    ThreadsEvent,
    TotalEvent,
    WindowEvent,
    WorkersEvent,
    current_header,
)
from profilednn_tui.protocol.files import HOST_RECORDING, agent_recording
from profilednn_tui.session.model.part import Part
from profilednn_tui.session.model.session import Session
from profilednn_tui.session.open_session import OpenSession
from profilednn_tui.session.storage.folder import ExitFile, SessionFile
from profilednn_tui.session.view import OperatorKey, SessionView

START_UNIX_NS = 1_790_000_000_000_000_000
PID = 4_100_001
"""Above Linux's largest pid: never alive."""
LAUNCHER_PID = 4_100_000
STEP_NS = 40_000_000


def hello(pid: int = PID, rank: int | None = None, **changes: Any) -> HelloEvent:
    fields: dict[str, Any] = {
        "pid": pid,
        "parent_pid": LAUNCHER_PID,
        "main_thread_id": pid,
        "argv": ["/home/user/venv/bin/python", "train.py", "--lr", "0.1"],
        "working_directory": "/home/user/project",
        "executable": "/home/user/venv/bin/python",
        "python": "3.11.7",
        "torch": "2.14.1",
        "intra_op_threads": 4,
        "inter_op_threads": 4,
        "rank": rank,
        "world_size": None if rank is None else 2,
        "overhead_budget_percent": 2.0,
        "optimizations": [],
        "how": "launch",
        "unix_ns": START_UNIX_NS + 2_000_000_000,
    }
    return HelloEvent(**{**fields, **changes})


def step_row(number: int, duration_ns: int = STEP_NS, flags: int = 0, loss: Any = None) -> list[Any]:
    """A step that ends where the next begins; its phases add up to it."""
    phases = [duration_ns * part // 20 for part in (1, 6, 1, 9, 2, 0, 0)]
    end_unix_ns = START_UNIX_NS + 3_000_000_000 + number * STEP_NS
    return [end_unix_ns, duration_ns, *phases, duration_ns - sum(phases), loss, flags]


def steps(first: int, count: int, **row: Any) -> StepsEvent:
    return StepsEvent(first, [step_row(number, **row) for number in range(first, first + count)])


def training(count: int, first: int = 1) -> StepsEvent:
    """Realistic steps: the first is slow and flagged, and the loss falls."""
    rows = [step_row(number, STEP_NS + number % 7 * 100_000, 0, 2.0 / number) for number in range(first, first + count)]
    if first == 1:
        rows[0] = step_row(1, 20 * STEP_NS, StepsEvent.FIRST, 2.0)
    return StepsEvent(first, rows)


def window(number: int = 1, step: int = 5, slower: float = 1.0, script: str = "train.py") -> WindowEvent:
    """One step of a small convolutional net: forward, backward and optimizer, with stacks and modules."""

    def ns(microseconds: float) -> int:
        return round(microseconds * 1000 * slower)

    strings = [
        "", script, "<module>", "main", "net.py", "forward", "backward", "step",
        "aten::conv2d", "aten::mkldnn_convolution", "aten::convolution_backward", "aten::add_",
        "[[32, 3, 8, 8], [8, 3, 3, 3], []]", "[[32, 8, 6, 6], [32, 3, 8, 8], [8, 3, 3, 3]]",
        "[[8, 3, 3, 3], [8, 3, 3, 3], []]",
        "float32", "contiguous", "Net", "conv", "Conv2d",
    ]  # fmt: skip
    at = {text: index for index, text in enumerate(strings)}
    conv, backward, optimizer = at["[[32, 3, 8, 8], [8, 3, 3, 3], []]"], at[strings[13]], at[strings[14]]
    dtypes, contiguous = at["float32"], at["contiguous"]
    rows = [
        [0, 2, -1, 1, 1, ns(100), ns(4000), 0, 1],
        [1, 2, -1, 1, 1, ns(3900), ns(3900), 0, 1],
        [2, 3, 2, 1, 1, ns(9000), ns(9000), 1, 3],
        [3, 4, -1, -1, 4, ns(700), ns(700), 0, 1],
    ]
    return WindowEvent(
        number=number,
        step=step,
        end_unix_ns=step_row(step)[0],
        duration_ns=ns(20_000),
        cost_ns=12_000_000,
        summarize_ns=2_000_000,
        events=240,
        stacks=True,
        truncated=False,
        operator_ns=sum(row[5] for row in rows),
        strings=strings,
        frames=[
            [at[script], 40, at["<module>"]],
            [at[script], 21, at["main"]],
            [at["net.py"], 9, at["forward"]],
            [at[script], 24, at["main"]],
            [at[script], 25, at["main"]],
        ],
        nodes=[[-1, 0], [0, 1], [1, 2], [0, 3], [0, 4]],
        operators=[
            [at["aten::conv2d"], conv, dtypes, contiguous],
            [at["aten::mkldnn_convolution"], conv, dtypes, contiguous],
            [at["aten::convolution_backward"], backward, dtypes, contiguous],
            [at["aten::add_"], optimizer, dtypes, contiguous],
        ],
        modules=[
            [at["Net"], at["Net"], 1, ns(4500), ns(9500), -1],
            [at["conv"], at["Conv2d"], 1, ns(4200), ns(9200), 0],
        ],
        rows=rows,
    )


def big_window(number: int, operators: int = 400, stacks: int = 12, depth: int = 20) -> WindowEvent:
    """A window of a large model: `operators` times `stacks` rows."""
    strings = [
        "",
        "float32",
        "contiguous",
        "/home/user/project/model.py",
        *(f"function_{i}" for i in range(depth)),
    ]
    names = len(strings)
    strings += [f"aten::operator_{i}" for i in range(operators)]
    shapes = len(strings)
    strings += [f"[[{i}, 64, 56, 56], [64, 64, 3, 3]]" for i in range(operators)]
    modules = len(strings)
    strings += [f"backbone.layer{i}" for i in range(stacks)] + ["Conv2d"]
    nodes = [[i - 1, i] for i in range(depth)] + [[depth - 1, depth + i] for i in range(operators * stacks)]
    rows = [
        [operator, depth + operator * stacks + stack, -1, stack, 2, 1000 + operator * stack, 5000 + operator, 0, 1]
        for operator in range(operators)
        for stack in range(stacks)
    ]
    return WindowEvent(
        number=number,
        step=number * 50,
        end_unix_ns=step_row(number * 50)[0],
        duration_ns=900_000_000,
        cost_ns=300_000_000,
        summarize_ns=40_000_000,
        events=60_000,
        stacks=True,
        truncated=True,
        operator_ns=sum(row[5] for row in rows) + 1_000_000,
        strings=strings,
        frames=[[3, line + 1, 4 + line % depth] for line in range(depth + operators * stacks)],
        nodes=nodes,
        operators=[[names + i, shapes + i, 1, 2] for i in range(operators)],
        modules=[[modules + i, len(strings) - 1, 1, 3_000_000, 6_000_000, -1] for i in range(stacks)],
        rows=rows,
    )


def machine(affinity: Sequence[int] = (0, 1, 2, 3)) -> MachineEvent:
    return MachineEvent(
        cpu="AMD EPYC 9354 32-Core Processor",
        cores=4,
        physical_cores=2,
        affinity=list(affinity),
        quota=None,
        memory_bytes=16_000_000_000,
        numa_nodes=1,
        kernel="6.1.0",
        unix_ns=START_UNIX_NS,
    )


def cores(
    target: Sequence[float] = (90.0, 90.0, 90.0, 90.0), others: Sequence[float] = (1.0, 0.0, 0.0, 0.0), **changes: Any
) -> CoresEvent:
    busy = [a + b for a, b in zip(target, others, strict=True)]
    fields: dict[str, Any] = {
        "unix_ns": START_UNIX_NS + 3_000_000_000,
        "busy": busy,
        "target": list(target),
        "steal": [0.0] * len(busy),
        "target_percent": sum(target),
        "others_percent": sum(others),
        "host_percent": 1.5,
        "throttled_percent": 0.0,
    }
    return CoresEvent(**{**fields, **changes})


def memory(rss_bytes: int = 800_000_000) -> MemoryEvent:
    return MemoryEvent(
        unix_ns=START_UNIX_NS + 3_000_000_000,
        rss_bytes=rss_bytes,
        workers_rss_bytes=0,
        peak_rss_bytes=rss_bytes,
        available_bytes=9_000_000_000,
        minor_faults_per_s=1200.0,
        major_faults_per_s=0.0,
        user_percent=320.0,
        system_percent=40.0,
    )


def threads() -> ThreadsEvent:
    rows = [
        [PID, PID, "python", "main", 96.0, 12.0, 3.0, 0],
        [PID, PID + 1, "pt_autograd_0", "autograd", 88.0, 10.0, 4.0, 1],
        [PID, PID + 2, "python", "OpenMP", 91.5, 8.0, 5.0, 2],
    ]
    return ThreadsEvent(START_UNIX_NS + 3_000_000_000, 14, rows)


def workers() -> WorkersEvent:
    return WorkersEvent(START_UNIX_NS + 3_000_000_000, [[PID + 9, "DataLoader worker", 12.0, 210_000_000, 4]])


def status(count: int = 0, windows: int = 0, overhead_percent: float = 0.8, **changes: Any) -> StatusEvent:
    fields: dict[str, Any] = {
        "steps": count,
        "windows": windows,
        "budget_percent": 2.0,
        "paused": False,
        "elapsed_ns": 10_000_000_000,
        "hooks_ns": 10_000_000,
        "windows_ns": 60_000_000,
        "writer_ns": 10_000_000,
        "overhead_percent": overhead_percent,
        "dropped_events": 0,
        "unix_ns": START_UNIX_NS + 6_000_000_000,
    }
    return StatusEvent(**{**fields, **changes})


def total(step: int, **changes: Any) -> TotalEvent:
    """In the first of 20 epochs of 50 steps."""
    fields: dict[str, Any] = {
        "step": step,
        "pass_number": 0,
        "passes": 20,
        "place": -1,
        "length": 50,
        "first_step": -1,
        "steps": -1,
        "source": "for epoch in range(20), train.py:40",
        "reason": "",
        "unix_ns": step_row(step)[0],
    }
    return TotalEvent(**{**fields, **changes})


def epoch(number: int, first_step: int, **changes: Any) -> TotalEvent:
    """In the first step of an epoch."""
    fields = {"step": first_step, "pass_number": number, "place": 1, "first_step": first_step, **changes}
    return total(**fields)


def epochs(count: int) -> list[Any]:
    """A training of 20 epochs of 50 steps, at the end of the first step of one of them."""
    events: list[Any] = [hello(), training(50 * (count - 1) + 1)]
    return [*events, *(epoch(number, 50 * number + 1) for number in range(count))]


def bye(reason: str = "exit") -> ByeEvent:
    return ByeEvent(reason, START_UNIX_NS + 60_000_000_000)


def exit_event(exit_code: int = 0) -> ExitEvent:
    return ExitEvent(exit_code, START_UNIX_NS + 61_000_000_000, 200.0, 20.0, 900_000_000)


def session_file(**changes: Any) -> SessionFile:
    fields: dict[str, Any] = {
        "name": "train",
        "argv": ["train.py", "--lr", "0.1"],
        "working_directory": "/home/user/project",
        "python": "/home/user/venv/bin/python",
        "start_unix_ns": START_UNIX_NS,
        "launcher_pid": LAUNCHER_PID,
        "terminal": True,
    }
    return SessionFile(**{**fields, **changes})


def header(writer: str, pid: int, version: int = VERSION, magic: str = MAGIC) -> Header:
    return replace(current_header(writer, pid, START_UNIX_NS), version=version, magic=magic)


def lines(*events: Any) -> bytes:
    return b"".join(encode(event) for event in events)


def append(path: Path, *events: Any) -> None:
    with path.open("ab") as stream:
        stream.write(lines(*events))


def agent_events(count: int = 40, windows: int = 3) -> list[Any]:
    """A training run from its start, without its end."""
    events: list[Any] = [
        hello(),
        StepSourceEvent("optimizer", "SGD.step ends each iteration", PID, START_UNIX_NS + 2_500_000_000),
        training(count),
    ]
    events += [window(number, step=number * 5) for number in range(1, windows + 1)]
    return [*events, status(count, windows)]


def host_events() -> list[Any]:
    return [machine(), cores(), cores(), cores(), threads(), memory(), workers()]


def write_session(
    folder: Path,
    agent: Iterable[Any] | None = None,
    host: Iterable[Any] | None = None,
    exit_code: int | None = None,
    **started: Any,
) -> Path:
    """A session folder; without `exit_code`, its end is unknown."""
    folder.mkdir(parents=True, exist_ok=True)
    session_file(**started).save(folder)
    append(folder / agent_recording(PID), header("agent", PID), *(agent_events() if agent is None else agent))
    append(folder / HOST_RECORDING, header("host", LAUNCHER_PID), *(host_events() if host is None else host))
    if exit_code is not None:
        ended = exit_event(exit_code)
        ExitFile(exit_code, ended.unix_ns, ended.user_s, ended.system_s, ended.max_rss_bytes).save(folder)
    return folder


def on_machine(folder: Path, host: str, boot: str = "another") -> Path:
    """Have the session of a folder be recorded by another machine."""
    replace(SessionFile.load(folder, as_written=True), host=host, boot=boot).save(folder)
    return folder


CONVOLUTION = (
    "cpu,convolution,jit:avx512_core,forward_training,src:f32:a:blocked:aBcd16b::f0 wei:f32:a:blocked:ABcd16b16a::f0 "
    "dst:f32:a:blocked:aBcd16b::f0,attr-scratchpad:user,alg:convolution_direct,mb1_ic16oc16_ih8oh8kh3"
)
REORDER = "cpu,reorder,jit:uni,undef,src:f32::blocked:abcd::f0 dst:f32::blocked:aBcd16b::f0,,,1x16x8x8"
OUTER, INNER = OperatorKey("aten::conv2d", "[[1, 16, 8, 8]]"), OperatorKey("aten::mkldnn_convolution", "")


def primitives(number: int = 1, **changes: Any) -> PrimitivesEvent:
    """oneDNN's primitives in a window: inside two operators and outside of any."""
    fields: dict[str, Any] = {
        "window": number,
        "step": 10 * number,
        "end_unix_ns": number,
        "cost_ns": 1000,
        "strings": [CONVOLUTION, REORDER, "", OUTER.name, OUTER.input_shapes, INNER.name],
        "operators": [[3, 4, 2, 2], [5, 2, 2, 2]],
        "chains": [[0, 1], [0]],
        "rows": [[0, 0, 1, 3_000_000], [0, 1, 2, 500_000], [1, 1, 1, 250_000], [-1, 1, 1, 250_000]],
    }
    return PrimitivesEvent(**{**fields, **changes})


def caught_up(session: OpenSession) -> OpenSession:
    """The session after reading everything written so far."""
    while session.poll():
        pass
    return session


def view_of(*events: Any, live: bool = False) -> SessionView:
    """The view of a session after these events from its agent."""
    session = Session([Part(session_file(), live=live)])
    for event in events:
        session.apply(PID, event)
    return session.view()
