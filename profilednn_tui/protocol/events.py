"""The lines of a recording: events written by the agent and the host, and commands from the host.

A recording has one append-only file per writer: ``agent-PID.jsonl`` from each training process, ``host.jsonl``
from the host's collectors. Every line is one JSON object ``{"event": KIND, ...fields}``; the first line of
each file is a `Header`. The same lines serve the live stream, the recording and the snapshot.

The agent runs this module inside the target, so it needs nothing but Python 3.9. Times are integers in
nanoseconds: ``*_unix_ns`` since the epoch, all others durations. Tables of integers are plain lists, because
step rows are written thousands of times per minute.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from .vocabulary import PHASES

MAGIC = "profilednn"
VERSION = 2
"""Format version. Increased when older readers would misread new files; `Header` says what needs no increase."""

COLUMNS: dict[str, tuple[str, ...]] = {
    "steps.rows": ("end_unix_ns", "duration_ns", *(f"{phase}_ns" for phase in PHASES), "loss", "flags"),
    "window.frames": ("file", "line", "function"),
    "window.nodes": ("parent", "frame"),
    "window.operators": ("name", "input_shapes", "dtypes", "memory_format"),
    "window.modules": ("path", "class", "calls", "forward_ns", "backward_ns", "parent"),
    "window.rows": ("operator", "node", "forward_node", "module", "calls", "self_ns", "total_ns", "backward", "phase"),
    "window.outside": ("node", "time_ns"),
    "primitives.operators": ("name", "input_shapes", "dtypes", "memory_format"),
    "primitives.rows": ("chain", "log_line", "calls", "time_ns"),
    "primitives.creations": ("chain", "log_line", "count", "time_ns"),
    "learning.rows": ("gradient_norm", "movement", "checksum"),
    "communication.times": ("cpu_ns", "delay_ns", "rest_ns"),
    "communication.waits": ("step", "group", "collective", "began_ns", "ended_ns"),
    "communication.collectives": ("step", "group", "count"),
    "threads.rows": ("pid", "tid", "name", "role", "cpu_percent", "voluntary_per_s", "involuntary_per_s", "core"),
    "workers.rows": ("pid", "role", "cpu_percent", "rss_bytes", "cpus"),
    "pss.rows": ("pid", "parent_pid", "pss_bytes"),
    "allocations.levels": ("time_ns", "bytes"),
    "allocations.phases": ("phase", "highest_bytes", "allocated_bytes", "allocations"),
    "allocations.peak": ("kind", "bytes"),
    "allocations.kept": ("phase", "bytes"),
    "allocations.owners": ("operator", "kind", "bytes", "blocks"),
    "loaders.rows": (
        "dataset", "iterable", "workers", "prefetch_factor", "persistent", "batch_size", "iterators", "starts",
        "batches", "start_ns", "first_ns", "end_ns", "wait_ns", "source_file", "source_line",
    ),
}  # fmt: skip
"""Column names of each table, by ``KIND.FIELD``; every file repeats them in its header."""


@dataclass(frozen=True)
class Header:
    """The first line of every file."""

    kind: ClassVar[str] = "header"

    magic: str
    version: int
    writer: str
    """``agent`` or ``host``."""
    pid: int
    start_unix_ns: int
    phases: list[str] = field(default_factory=list)
    """The writer's phases, in the order of its step rows. Absent in format 1."""
    columns: dict[str, list[str]] = field(default_factory=dict)
    """The writer's `COLUMNS`. Readers look columns up by name: they skip columns they do not know and treat missing
    ones as unknown, so a new column or phase needs no new version."""


def current_header(writer: str, pid: int, start_unix_ns: int) -> Header:
    """The header of a file written by this version."""
    columns = {table: list(names) for table, names in COLUMNS.items()}
    return Header(MAGIC, VERSION, writer, pid, start_unix_ns, list(PHASES), columns)


# ---------------------------------------------------------------- written by the agent


@dataclass(frozen=True)
class HelloEvent:
    """The agent is loaded: torch has been imported in a process of the target."""

    kind: ClassVar[str] = "hello"

    pid: int
    parent_pid: int
    main_thread_id: int
    """Native (operating system) id of the main thread."""
    argv: list[str]
    working_directory: str
    executable: str
    python: str
    torch: str
    intra_op_threads: int
    inter_op_threads: int
    rank: int | None
    """From the launcher's variables in a distributed run, None otherwise; a `DistributedEvent` may follow."""
    world_size: int | None
    """As the launcher's variables ask for it."""
    overhead_budget_percent: float
    optimizations: list[str]
    how: str
    """``launch`` or ``attach``."""
    unix_ns: int
    restarts: int | None = None
    """How often torchrun had restarted the ranks before; None without torchrun."""
    omp_num_threads: int | None = None
    """``OMP_NUM_THREADS``; None if it is not set."""


@dataclass(frozen=True)
class DistributedEvent:
    """The process has initialized torch.distributed; this rank replaces the one in its `HelloEvent`."""

    kind: ClassVar[str] = "distributed"

    rank: int
    world_size: int
    unix_ns: int


@dataclass(frozen=True)
class ProgressEvent:
    """Activity seen before the first step; written when a count changes, at most twice per second."""

    kind: ClassVar[str] = "progress"

    batches: int
    forwards: int
    backwards: int
    optimizer_steps: int
    unix_ns: int
    inferences: int = 0
    """Module calls with gradients disabled."""


@dataclass(frozen=True)
class StepSourceEvent:
    """What ends a step from now on, and why."""

    kind: ClassVar[str] = "step_source"

    source: str
    """``optimizer``; without a torch optimizer, ``dataloader`` or ``forward``: the next batch or forward pass after a
    backward pass."""
    reason: str
    thread_id: int
    """Native id of the training thread."""
    unix_ns: int


@dataclass(frozen=True)
class FirstInputsEvent:
    """With which random numbers and inputs the training began: two runs with the same ones see the same batches."""

    kind: ClassVar[str] = "first_inputs"

    generator_crc32: int
    """Of the state of torch's generator at the first forward pass with gradients."""
    inputs_crc32: int
    """Of the tensors that were passed to that call, of their first bytes where they are large; 0 without any."""
    seed: int
    """What torch's generator was seeded with last."""
    unix_ns: int


@dataclass(frozen=True)
class ConditionsEvent:
    """What costs time without being an operator, in one of the few steps in which the agent has looked."""

    kind: ClassVar[str] = "conditions"

    step: int
    anomaly_mode: bool
    """Whether autograd's anomaly detection is on."""
    onednn: bool
    """Whether torch may use oneDNN."""
    denormals: bool | None
    """Whether the training thread has ever met a denormal number; None if the processor does not tell."""
    flushes_denormals: bool | None
    """Whether the training thread treats denormal numbers as zero."""
    graph_nodes: int
    """Of the graph through which the backward pass goes; 0 if unknown."""
    watched_graphs: int
    """Graphs of earlier steps that are watched; at most 16."""
    kept_graphs: int
    """How many of them are still in memory."""
    unneeded: list[str]
    """Paths of the modules that get gradients though no optimizer updates them, nor anything before them."""
    unneeded_weights: list[str]
    """The same for modules through which the backward pass has to go for what is before them."""
    intra_op_threads: int
    unix_ns: int
    batch: int = 0
    """First dimension of the first input of the step's first forward pass; 0 if unknown."""
    input_elements: int = 0
    """Of all tensors that models with parameters were called with before that step's first backward pass; 0 if
    unknown."""


@dataclass(frozen=True)
class StepsEvent:
    """Finished steps. Each row follows `COLUMNS`: end, duration, the phases in the order of `PHASES`, the loss (null if
    unknown; "nan", "inf" and "-inf" as strings), and flags.
    """

    kind: ClassVar[str] = "steps"

    first: int
    """Number of the first row's step; steps count from 1 and rows are consecutive."""
    rows: list[list[Any]]

    PROFILED: ClassVar[int] = 1
    """Flag: torch.profiler was on during the step, so its duration is not representative."""
    DISTURBED: ClassVar[int] = 2
    """Flag: the step right after a window; it includes the cost of stopping and summarizing that window."""
    FIRST: ClassVar[int] = 4
    """Flag: the first step, which includes lazy initialization."""
    WARM_UP: ClassVar[int] = 8
    """Flag: the step includes the warm-up of an optimization, such as compilation."""
    LAST: ClassVar[int] = 16
    """Flag: the program's last step, which no boundary ended; it counts up to the end of its backward pass."""
    SWITCHED: ClassVar[int] = 32
    """Flag: the first step of a block, right after the settings were switched."""


@dataclass(frozen=True)
class GroupEvent:
    """A process group of torch.distributed of which this process is a rank."""

    kind: ClassVar[str] = "group"

    number: int
    """Among the groups of this process, from 0."""
    name: str
    """The same on all ranks of the group."""
    ranks: list[int]
    """Its ranks, as numbered in the whole job."""
    backend: str
    counted: bool
    """Whether the backend counts the collectives of the group."""
    host: str
    clock: str
    """Names the monotonic clock of the machine; times of two processes with the same one can be compared."""
    unix_ns: int
    job: list[str] = field(default_factory=list)
    """Names of the job, alike on all its machines: its run id, the address of its store, that of the cluster."""
    clock_ns: int = 0
    """The machine's clock at `unix_ns`; 0 if unknown."""


@dataclass(frozen=True)
class CommunicationEvent:
    """How this rank waited for others in some consecutive steps.

    The rows of `times` are those of the steps: what the training thread used of the processor, for how long it was
    ready to run and had no core, and its waits beyond those told one by one. A row of `waits` has the step, the number
    of the group and that of the collective in it, alike on all ranks, and on the clock of the group when it began to
    wait for the collective, as it entered it, and when that ended. A row of `collectives` has a step, and how many
    there had been in a group when it ended: in the look that found the group, and in the newest; -1 if not counted.
    """

    kind: ClassVar[str] = "communication"

    first: int
    """Number of the first of these steps."""
    times: list[list[int]]
    waits: list[list[int]]
    collectives: list[list[int]] = field(default_factory=list)


@dataclass(frozen=True)
class InputSizesEvent:
    """How large the inputs of some consecutive steps were, in a run whose settings are switched between steps."""

    kind: ClassVar[str] = "input_sizes"

    first: int
    """Number of the first of these steps."""
    elements: list[int]
    """Of each step: elements of all tensors that models with parameters were called with; 0 if there were none."""


@dataclass(frozen=True)
class ParametersEvent:
    """The parameters of an optimizer at its first update, in a run for a certificate; one `LearningEvent` follows for
    each update."""

    kind: ClassVar[str] = "parameters"

    optimizer: int
    """Number of the optimizer, from 0, in the order of their first updates."""
    class_name: str
    names: list[str]
    """One for each row: the path in the model, or the place among the optimizer's groups."""
    groups: list[int]
    """The parameter group of each row."""
    dtypes: list[str]
    unread: int
    """Number of parameters that cannot be read, such as those of distributed tensors."""
    unix_ns: int


@dataclass(frozen=True)
class LearningEvent:
    """One update of an optimizer, with one row for each name in its `ParametersEvent`.

    A row has the Euclidean norm of the gradient just before the update (null without a gradient), the Euclidean
    distance from the values before the first update (null if unknown), and the CRC-32 of the values' bits. Norms that
    are not finite are strings, as in `StepsEvent`.
    """

    kind: ClassVar[str] = "learning"

    optimizer: int
    update: int
    """From 1."""
    rows: list[list[Any]]
    unix_ns: int


@dataclass(frozen=True)
class GradientNoiseEvent:
    """How much the gradients of two neighbouring updates have in common, in a run for the gradient noise scale."""

    kind: ClassVar[str] = "gradient_noise"

    update: int
    """Number of the second one, from 1."""
    square: float
    """Mean of their squared Euclidean norms."""
    product: float
    """Their inner product."""
    unread: int
    """Number of parameters whose gradients could not be read."""
    unix_ns: int


@dataclass(frozen=True)
class WindowEvent:
    """The summary of one profiled step.

    Indices point into the tables of the same window; -1 means "none".
    """

    kind: ClassVar[str] = "window"

    number: int
    """Counts from 1."""
    step: int
    """The step that was profiled."""
    end_unix_ns: int
    duration_ns: int
    """Wall time of the profiled step, start and stop of the profiler excluded."""
    cost_ns: int
    """The window's cost to training: starting, stopping and summarizing it, plus the slowdown of the step."""
    summarize_ns: int
    events: int
    """Nodes of the raw event tree."""
    stacks: bool
    """Whether Python stacks were recorded."""
    truncated: bool
    """Whether minor rows were dropped to keep the event small."""
    operator_ns: int
    """Total self time of all operators in the step, including dropped rows."""
    strings: list[str]
    frames: list[list[int]]
    """[file string, line, function string]; `line` is the line being executed, or 0 if unknown."""
    nodes: list[list[int]]
    """The call tree: [parent node, frame]."""
    operators: list[list[int]]
    """[name string, input shapes string, dtypes string, memory format string]."""
    modules: list[list[int]]
    """[path string, class string, calls, forward_ns, backward_ns, parent module]; times include children."""
    rows: list[list[int]]
    """[operator, node, forward node, module, calls, self_ns, total_ns, backward, phase]; `forward node` is the place
    in the forward pass that a backward operator stems from; `backward` is 1 for operators run by the autograd engine;
    `phase` is that of the training thread at the time, as its place in the header's phases."""
    outside: list[list[int]] = field(default_factory=list)
    """[node, time_ns]: the training thread's time outside of operators, at the line that made the call it was spent
    in; between calls, at the ``def`` of the function. Together with `operator_ns` it adds up to the step, less the
    agent's own time: where an annotation's own time includes that of calls, its node has it subtracted. Empty without
    stacks."""


@dataclass(frozen=True)
class TraceEvent:
    """The calls of one window in the order in which they began; `WindowEvent` has their sums.

    It is not part of the recording: the newest ones have files of their own.
    """

    kind: ClassVar[str] = "trace"

    window: int
    """Number of the window, and with `end_unix_ns` the same as in its `WindowEvent`."""
    step: int
    end_unix_ns: int
    began_unix_ns: int
    """When the step began: times count from then on."""
    thread: int
    """The profiler's number of the training thread; 0 if unknown."""
    calls: int
    """Length of the columns of calls."""
    complete: bool
    """Whether all calls are here; else the first ones."""
    columns: dict[str, str]
    """By name: 64-bit integers, little-endian, all lowest bytes first, compressed by zlib, in base64. ``call.row``: 1 +
    index of the window's row, 0 for one left out there; ``~`` of that for an only child of the same name, which is part
    of the call around it. ``call.start_ns``, ``call.duration_ns``, ``call.self_ns``, ``call.thread`` (the profiler's
    numbers). ``phase.end_ns``, ``phase.phase``: consecutive spans of the training thread; -1 outside of the step and
    for the agent's own time. ``primitive.row``: index of the `PrimitivesEvent`'s row, ``~`` of that for its creations;
    ``primitive.start_ns``, ``primitive.duration_ns``."""


@dataclass(frozen=True)
class MemoryAccountEvent:
    """What the memory of the process held between two steps, in bytes.

    Kinds of resident memory come from the kernel; files and shared memory count with the due share of pages that
    several processes have, memory without a file as a whole. `in_use_bytes` to `allocator_bytes` are the allocator's
    own figures, and the owners of tensors are those that the agent knows; each storage counts once.
    """

    kind: ClassVar[str] = "memory_account"

    step: int
    """The step that had just ended."""
    unix_ns: int
    cost_ns: int
    """Of taking the account; part of no step."""
    pss_bytes: int
    """Of the whole process: of pages that several processes have, the due share."""
    anonymous_pss_bytes: int
    """The same for memory without a file."""
    files_bytes: int
    shared_bytes: int
    code_bytes: int
    """Generated at run time, mostly by oneDNN for its primitives."""
    stack_bytes: int
    """Of the main thread."""
    heaps_bytes: int
    """Of glibc's malloc."""
    others_bytes: int
    """Large blocks, the interpreter's arenas, heaps of other allocators, stacks of other threads."""
    allocator: str
    """``glibc``, ``jemalloc`` or ``tcmalloc``; empty if it tells nothing."""
    in_use_bytes: int | None
    """Allocated and not freed."""
    in_heaps_bytes: int | None
    """Of these, in heaps."""
    allocator_bytes: int | None
    """Resident in all; None if only the kernel tells that, as for glibc."""
    interpreter_bytes: int
    """The interpreter's small objects, from their number."""
    agent_bytes: int
    """What the process grew by when the agent started."""
    parameters_bytes: int
    """With buffers."""
    gradients_bytes: int
    optimizer_state_bytes: int
    saved_bytes: int | None
    """Kept by graphs for a backward pass; None if this torch does not tell."""
    saved_complete: bool
    """Whether all graphs were visited."""
    other_tensors_bytes: int
    """Inputs, outputs, data sets and whatever else the program refers to."""
    elsewhere_bytes: int = 0
    """Of all tensors, what is in mapped files or shared memory, and not in `files_bytes` or `shared_bytes`."""


@dataclass(frozen=True)
class AllocationsEvent:
    """What one step allocated and freed, from torch's own events for two steps in a row.

    Levels count from what was allocated when the step began. Blocks of the step before are known, too, so that what
    they free shows; older ones are not. Operators are strings by index; -1 stands for none.
    """

    kind: ClassVar[str] = "allocations"

    step: int
    unix_ns: int
    duration_ns: int
    """Of the step, with the profiler on."""
    cost_ns: int
    events: int
    peak_ns: int
    """When the level was highest, since the step began."""
    peak_bytes: int
    end_bytes: int
    """The level at the step's end."""
    levels: list[list[int]]
    """[time_ns, bytes]: the highest level of each stretch of time, in order."""
    phases: list[list[int]]
    """[phase, highest level in it, bytes allocated in it, number of allocations]."""
    peak: list[list[int]]
    """[kind, bytes] of what was allocated at the peak and not when the step began: places in `PEAK_KINDS`."""
    freed_bytes: int
    """Of what was allocated when the step began, freed before the peak."""
    kept: list[list[int]]
    """[phase, bytes]: allocated in that phase of the step before and still there at the end of this one."""
    strings: list[str]
    owners: list[list[int]]
    """[operator, kind, bytes, blocks] at the peak, largest first."""


@dataclass(frozen=True)
class LoadersEvent:
    """DataLoaders that the training thread has iterated over; written when their figures have changed much.

    A row has the class of the dataset and whether it is iterable; the number of workers, the prefetch factor (-1
    without workers), whether workers are persistent, and the batch size (-1 if unknown); the number of iterators, of
    those for which other workers were started, and of batches; the training thread's time in starting iterators, in
    waiting for the first batch of each worker after that, in finding that there is no more, and in waiting for all
    other batches; and the program's line that started the first iterator.
    """

    kind: ClassVar[str] = "loaders"

    rows: list[list[Any]]
    unix_ns: int


@dataclass(frozen=True)
class TotalEvent:
    """How far the training was in the loops around one of its steps, and how long these are.

    A pass is one run of the innermost loop, mostly over the batches of a DataLoader: an epoch.
    """

    kind: ClassVar[str] = "total"

    step: int
    """The step that was about to end."""
    pass_number: int
    """Of the pass it belongs to, from 0; -1 if unknown."""
    passes: int
    """Of the whole training; -1 if unknown."""
    place: int
    """Iterations of this pass so far, this one included; -1 if unknown."""
    length: int
    """Iterations of a pass; -1 if unknown."""
    first_step: int
    """Of this pass; -1 if unknown."""
    steps: int
    """Of the whole training, if that is what ends it; else -1."""
    source: str
    """What tells the length, such as the loop and its line; empty if nothing does."""
    reason: str
    """Why the length is unknown, in a sentence; empty if it is known."""
    unix_ns: int


@dataclass(frozen=True)
class PrimitivesEvent:
    """What oneDNN ran in the window of the same number. It has its own tables; -1 means "none"."""

    kind: ClassVar[str] = "primitives"

    window: int
    step: int
    end_unix_ns: int
    cost_ns: int
    """Cost to training of joining primitives to operators; part of the window's cost."""
    strings: list[str]
    operators: list[list[int]]
    """As in `WindowEvent`."""
    chains: list[list[int]]
    """The operators enclosing a primitive, outermost first."""
    rows: list[list[int]]
    """[chain, string of the log line between ``exec,`` and its time, calls, time_ns]."""
    creations: list[list[int]] = field(default_factory=list)
    """[chain, string of the log line, count, time_ns] of the primitives that oneDNN's cache did not have."""
    creations_logged: bool = False
    """Whether creations were recorded."""


@dataclass(frozen=True)
class OptimizationEvent:
    """The outcome of a requested optimization; a later event with the same name replaces an earlier one."""

    kind: ClassVar[str] = "optimization"

    name: str
    state: str
    """``on``, ``unavailable``, ``conflict``, ``no effect``, ``declined`` or ``failed``."""
    text: str
    """The receipt of what was actually changed, or the reason and the fix."""
    unix_ns: int


@dataclass(frozen=True)
class NoticeEvent:
    """Something the user should know about this recording, in one sentence with cause and fix."""

    kind: ClassVar[str] = "notice"

    level: str
    """``info`` or ``warning``."""
    code: str
    """Stable name; a later notice with the same code replaces the earlier one."""
    text: str
    unix_ns: int


@dataclass(frozen=True)
class AgentErrorEvent:
    """An exception inside the agent; it was caught there, and training continued."""

    kind: ClassVar[str] = "agent_error"

    where: str
    text: str
    unix_ns: int


@dataclass(frozen=True)
class StatusEvent:
    """The agent's own statistics; cumulative, about once per second."""

    kind: ClassVar[str] = "status"

    steps: int
    windows: int
    budget_percent: float
    paused: bool
    """Whether windows were paused by a command."""
    elapsed_ns: int
    """Since the first step began."""
    hooks_ns: int
    """Estimated from the time that the hooks measure themselves and the number of nested module calls; with the cost of
    accounts of the memory."""
    windows_ns: int
    """Measured cost of all windows."""
    writer_ns: int
    """CPU time of the agent's thread."""
    overhead_percent: float
    """(hooks + windows + writer) / `run_ns`, over the whole session."""
    dropped_events: int
    unix_ns: int
    run_ns: int = 0
    """The time that the cost is compared with: `elapsed_ns`, or the time since the agent started, capped at one minute,
    if that is longer, so that the start-up of a short run counts towards its budget. 0 means `elapsed_ns`."""


@dataclass(frozen=True)
class ByeEvent:
    """The agent leaves: the process exits normally, or the agent was told to detach.

    In the host's recording: the host stops recording a process that it did not start.
    """

    kind: ClassVar[str] = "bye"

    reason: str
    """``exit``; ``detach`` (on request) or ``unread`` (no reader) if the process keeps running; otherwise a failure."""
    unix_ns: int
    error: str = ""
    """Class and message of the exception that the process ends with; empty if there is none."""
    file: str = ""
    line: int = 0
    """The innermost line of the program in its traceback; empty and 0 if unknown."""
    exit_code: int | None = None
    """None if it is not known yet."""


# ---------------------------------------------------------------- written by the host's collectors


@dataclass(frozen=True)
class MachineEvent:
    """The machine, as the target sees it; written once."""

    kind: ClassVar[str] = "machine"

    cpu: str
    cores: int
    """Logical CPUs of the machine."""
    physical_cores: int
    affinity: list[int]
    """Logical CPUs the target may run on."""
    quota: float | None
    """Number of CPUs that the cgroup allows; None without a limit."""
    memory_bytes: int
    numa_nodes: int
    kernel: str
    unix_ns: int
    features: list[str] = field(default_factory=list)
    """The instruction sets that decide how fast products are, by the kernel's names; empty if unknown."""
    usable_physical_cores: int = 0
    """Physical cores of the CPUs in `affinity`; 0 if unknown."""


@dataclass(frozen=True)
class CoresEvent:
    """Usage of each logical CPU since the last sample, in percent of one core."""

    kind: ClassVar[str] = "cores"

    unix_ns: int
    busy: list[float]
    """Total usage by core index."""
    target: list[float]
    """The share of the target's threads (assigned to the core each last ran on); at most `busy`."""
    steal: list[float]
    target_percent: float
    """CPU usage of the target and its children, summed over cores: 400 means four cores."""
    others_percent: float
    """CPU usage of everything else except idle, steal and the profiler itself."""
    host_percent: float
    """CPU usage of profilednn-tui's own host processes."""
    throttled_percent: float
    """Share of the time for which the cgroup quota throttled the target."""
    elapsed_s: float = 1.0
    """Length of the interval."""


@dataclass(frozen=True)
class ThreadsEvent:
    """The target's busiest threads since the last sample.

    Row: [pid, tid, name, role, cpu percent, voluntary switches/s, involuntary switches/s, last core].
    Roles: main, autograd, OpenMP, DataLoader worker, DataLoader thread, agent, other.
    """

    kind: ClassVar[str] = "threads"

    unix_ns: int
    count: int
    """All threads of the target and its children, including those without a row."""
    rows: list[list[Any]]
    awaits_input: bool = False
    """Whether a process waits for input from a terminal; False if the system does not tell."""


@dataclass(frozen=True)
class MemoryEvent:
    """Memory and time split of the target since the last sample."""

    kind: ClassVar[str] = "memory"

    unix_ns: int
    rss_bytes: int
    """Main process."""
    workers_rss_bytes: int
    """DataLoader workers and other children; shared pages are counted once per process."""
    peak_rss_bytes: int
    available_bytes: int
    """Memory still available on the machine (or in the cgroup)."""
    minor_faults_per_s: float
    major_faults_per_s: float
    user_percent: float
    system_percent: float


@dataclass(frozen=True)
class WorkersEvent:
    """Child processes of the target. Row: [pid, role, cpu percent, rss bytes, CPUs it may run on (0 if unknown)].

    Roles: DataLoader worker, rank N, other.
    """

    kind: ClassVar[str] = "workers"

    unix_ns: int
    rows: list[list[Any]]


@dataclass(frozen=True)
class PssEvent:
    """The due share of each process of the target without an agent in all memory, by the kernel; every 10 s at most.

    Row: [pid, parent's pid, bytes].
    """

    kind: ClassVar[str] = "pss"

    unix_ns: int
    rows: list[list[int]]


@dataclass(frozen=True)
class AffinityEvent:
    """The logical CPUs that the computing threads of a process with an agent may run on, together; written when they
    change."""

    kind: ClassVar[str] = "affinity"

    unix_ns: int
    pid: int
    cpus: list[int]


@dataclass(frozen=True)
class ProcessEndEvent:
    """A process with an agent has ended."""

    kind: ClassVar[str] = "process_end"

    pid: int
    exit_code: int | None
    """Negative for a signal; None if its parent had asked for it first."""
    alive_unix_ns: int
    """When it was last seen running."""
    unix_ns: int
    """When the kernel reported its end, or when it was seen to be gone; its connections were closed a little before."""


@dataclass(frozen=True)
class OpenMPEvent:
    """The OpenMP runtimes that the training process has loaded; written when they are first seen or change."""

    kind: ClassVar[str] = "openmp"

    unix_ns: int
    pid: int
    runtimes: list[str]
    """Paths of the libraries, torch's own copy first."""


@dataclass(frozen=True)
class AttachedEvent:
    """The outcome of loading the agent into a process that we did not start."""

    kind: ClassVar[str] = "attached"

    pid: int
    way: str
    """``remote_exec``, ``injection``, ``thread`` or ``gdb``; empty if all methods failed and there is no agent."""
    reasons: list[str]
    """Why the earlier methods failed, one sentence each."""
    stopped_ns: int
    """How long a thread of the target was stopped for it."""
    unix_ns: int


@dataclass(frozen=True)
class StacksEvent:
    """The Python stack of every thread of the target and its children, sampled from outside."""

    kind: ClassVar[str] = "stacks"

    unix_ns: int
    strings: list[str]
    threads: list[list[Any]]
    """[pid, tid, name string, active, holds the GIL, frames]; frames are flat triples from the outermost to the
    innermost: function string, file string, current line."""
    failures: list[str]
    """Why some processes could not be sampled."""


@dataclass(frozen=True)
class ExitEvent:
    """The target's first process ended."""

    kind: ClassVar[str] = "exit"

    exit_code: int
    """Negative if the target was killed by a signal, as in `subprocess`."""
    unix_ns: int
    user_s: float
    system_s: float
    max_rss_bytes: int


AGENT_EVENTS: tuple[type[Any], ...] = (
    HelloEvent,
    DistributedEvent,
    ProgressEvent,
    StepSourceEvent,
    FirstInputsEvent,
    ConditionsEvent,
    StepsEvent,
    InputSizesEvent,
    ParametersEvent,
    LearningEvent,
    GradientNoiseEvent,
    WindowEvent,
    PrimitivesEvent,
    MemoryAccountEvent,
    AllocationsEvent,
    LoadersEvent,
    GroupEvent,
    CommunicationEvent,
    TotalEvent,
    OptimizationEvent,
    NoticeEvent,
    AgentErrorEvent,
    StatusEvent,
    ByeEvent,
)
HOST_EVENTS: tuple[type[Any], ...] = (
    MachineEvent,
    CoresEvent,
    ThreadsEvent,
    MemoryEvent,
    WorkersEvent,
    PssEvent,
    OpenMPEvent,
    AffinityEvent,
    ProcessEndEvent,
    AttachedEvent,
    StacksEvent,
    NoticeEvent,
    ByeEvent,
    ExitEvent,
)
_ALL: tuple[type[Any], ...] = (Header, *AGENT_EVENTS, TraceEvent, *HOST_EVENTS)
EVENTS: dict[str, type[Any]] = {event.kind: event for event in _ALL}


# ---------------------------------------------------------------- commands, host to agent


@dataclass(frozen=True)
class Command:
    """One line of ``control-PID``, appended by a host and executed by the training thread at a step boundary."""

    kind: ClassVar[str] = "command"

    action: str
    """One of `ACTIONS`."""
    value: float = 0.0
    """Budget in percent for ``budget``; number of steps for ``stop_after`` (0: at the next boundary); number of threads
    for ``set_threads`` (0: the program's own)."""
