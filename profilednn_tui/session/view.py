"""What is known about a session, as frozen values that all front ends read.

Durations are in nanoseconds (``_ns``), rates and shares in the named unit; shares are fractions of one. Series are
tuples of equal length, oldest first. Unknown values are ``None`` or an empty tuple, never zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING

from profilednn_tui.onednn.records import PrimitiveLog
from profilednn_tui.onednn.roofline import Peaks
from profilednn_tui.protocol.vocabulary import PHASES
from profilednn_tui.session.step_times import StepTimes

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]

__all__ = ["PHASES"]


class State(Enum):
    """The state of a session."""

    STARTING = "starting"
    """The target runs without an agent: it has not imported torch (yet)."""
    WAITING = "waiting for the first step"
    """The agent is there, but no step has ended; `SessionView.progress` says what is already known."""
    WARMING = "warming up"
    """Steps arrive, but there is no operator window yet."""
    RUNNING = "running"
    OUTSIDE = "from outside"
    """An attached process without an agent: only `SessionView.stacks` and the system's figures are available."""
    ENDED = "ended"
    """The target has ended, with `Target.exit_code` if known; or we have detached from it."""
    EXCERPT = "still running"
    """A snapshot that was taken while the target was running: how it went on is not known."""
    LOST = "incomplete"
    """The recording has no end, and the target is gone: it was killed together with the host."""


@dataclass(frozen=True, slots=True)
class Target:
    """The target, with its training process or the first of several."""

    name: str
    """The name that the user gave to the session, else the script."""
    argv: tuple[str, ...] = ()
    working_directory: str = ""
    python: str | None = None
    torch: str | None = None
    pid: int | None = None
    rank: int | None = None
    world_size: int | None = None
    life: int = 1
    """As in `ProcessEntry`."""
    intra_op_threads: int | None = None
    exit_code: int | None = None
    """Negative for a signal."""
    optimizations: tuple[str, ...] = ()
    script_sha256: str = ""
    """Of the script's text at the start; empty if unknown."""
    start_unix_ns: int = 0
    end_unix_ns: int | None = None
    attached: bool = False
    """Whether it was already running when we attached."""
    detached: bool = False
    """Whether we have detached from it, so that it may still be running."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What the agent has seen before the first step ended."""

    batches: int = 0
    forwards: int = 0
    backwards: int = 0
    optimizer_steps: int = 0
    inferences: int = 0
    """Module calls without gradients."""


@dataclass(frozen=True, slots=True)
class FirstInputs:
    """Checksums of the random state and the inputs with which training began."""

    generator_crc32: int
    inputs_crc32: int
    seed: int


@dataclass(frozen=True, slots=True)
class Conditions:
    """What costs time without being an operator, as the agent last saw it."""

    step: int
    anomaly_mode: bool
    onednn: bool
    """Whether torch may use oneDNN."""
    denormals: bool | None
    """Whether the training thread has ever met a denormal number; None if unknown."""
    flushes_denormals: bool | None
    graph_nodes: tuple[tuple[int, int], ...]
    """(step, nodes of the graph of its backward pass), where known; the newest looks."""
    watched_graphs: int
    """Graphs of earlier steps that are watched."""
    kept_graphs: int
    """How many of them are still in memory."""
    unneeded: tuple[str, ...]
    """Paths of modules that get gradients though no optimizer updates them, nor anything before them."""
    unneeded_weights: tuple[str, ...]
    """The same for modules through which the backward pass has to go for what is before them."""


@dataclass(frozen=True, slots=True)
class Update:
    """One update of an optimizer, with one entry for each name of `OptimizerLearning`; norms are Euclidean."""

    number: int
    """From 1."""
    gradient_norms: tuple[float | None, ...]
    """Just before the update; None without a gradient."""
    movements: tuple[float | None, ...]
    """Distance from the values before the first update; None if unknown."""
    checksums: tuple[int, ...]
    """Of the bits of the updated values."""


@dataclass(frozen=True, slots=True)
class OptimizerLearning:
    """What an optimizer's first updates did to its parameters, as recorded for a certificate."""

    class_name: str
    names: tuple[str, ...]
    """Paths in the model where known."""
    groups: tuple[int, ...]
    """The parameter group of each."""
    dtypes: tuple[str, ...]
    unread: int
    """Number of parameters that could not be read."""
    updates: tuple[Update, ...]


@dataclass(frozen=True, slots=True)
class GradientPair:
    """What the gradients of two neighbouring updates have in common."""

    update: int
    """Number of the second one."""
    square: float
    """Mean of their squared Euclidean norms."""
    product: float
    """Their inner product."""
    unread: int
    """Number of parameters that are left out."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One part of the step. Medians over unprofiled steps; `share` is of the sum of all phases' means.

    A phase that no step has may be missing; the others are in the order of `PHASES`.
    """

    name: str
    median_ns: float
    mean_ns: float
    share: float


_NO_TIMES = StepTimes()


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps so far. The series cover the newest steps (bounded); `count` counts all."""

    count: int = 0
    source: str | None = None
    """What ends a step, as in `protocol.StepSource`."""
    source_reason: str = ""
    numbers: tuple[int, ...] = ()
    durations_ns: tuple[int, ...] = ()
    phases_ns: tuple[tuple[int, ...], ...] = ()
    """One tuple per step, in the order of `PHASES`."""
    losses: tuple[float | None, ...] = ()
    flags: tuple[int, ...] = ()
    end_unix_ns: tuple[int, ...] = ()
    median_ns: float | None = None
    """Over steps without flags (see `protocol.Steps`), the newest 1,000."""
    p95_ns: float | None = None
    steps_per_s: float | None = None
    """From the time between the ends of the newest steps, so that everything is included."""
    input_elements: tuple[int, ...] = ()
    """How large the inputs of each step were, 0 if unknown; empty in all runs but those that switch between steps."""
    times: StepTimes = _NO_TIMES
    """Of all steps, not only the newest."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One Python frame of a call stack, at the line being executed; line 0 if unknown."""

    file: str
    line: int
    function: str


@dataclass(frozen=True, slots=True)
class OperatorKey:
    """The properties by which calls belong to the same operator."""

    name: str
    input_shapes: str
    """As torch prints it, e.g. ``[[32, 3, 8, 8], [8, 3, 3, 3], []]``; empty when not recorded."""
    dtypes: str = ""
    memory_format: str = ""
    """``contiguous``, ``channels_last``, ``strided``; for a copy that changes it, both: ``strided to contiguous``; for
    a tensor not laid out in memory like that, torch's name of its layout (``sparse_coo``, ``mkldnn``), ``nested``,
    ``quantized``, ``meta`` or ``wrapper``; or empty."""


@dataclass(frozen=True, slots=True)
class Stack:
    """One call site of an operator. Frames are ordered from the outermost to the innermost."""

    frames: tuple[Frame, ...]
    forward_frames: tuple[Frame, ...]
    """For a backward operator: where the forward pass created its work."""
    module: str
    """Path of the nn.Module, empty outside of any."""
    calls_per_step: float
    self_ns_per_step: float
    total_ns_per_step: float
    phase: str = ""
    """As in `Operator`."""


@dataclass(frozen=True, slots=True)
class OutsideTime:
    """Time of the training thread outside of operators."""

    frames: tuple[Frame, ...]
    """Where it was spent, from the outermost frame to the line that made a call; the time between a function's calls is
    at its ``def``. Empty if unknown."""
    ns_per_step: float


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator with its figures: of one window, or the medians over the merged ones."""

    key: OperatorKey
    calls_per_step: float
    self_ns_per_step: float
    total_ns_per_step: float
    share: float
    """Of the self time of all operators."""
    backward: bool
    """Run by the autograd engine (mostly)."""
    trend: float | None
    """Self time in the newest window divided by the median of the earlier merged ones; needs four windows."""
    modules: tuple[str, ...]
    stacks: Sequence[Stack]
    """Heaviest first."""
    phase: str = ""
    """The phase of the step in which it ran (mostly); empty if unknown."""
    history: tuple[int | None, ...] = ()
    """Recorded self time in ns in each of the newest windows, up to those shown here, oldest first; None in a window
    that recorded only its top operators, without this one. Empty if unknown."""


@dataclass(frozen=True, slots=True)
class Module:
    """One nn.Module of the tree; times are per step and include its children."""

    path: str
    class_name: str
    depth: int
    calls_per_step: float
    forward_ns: float
    backward_ns: float
    children: tuple[str, ...]
    """Paths."""

    @property
    def time_ns(self) -> float:
        """Forward and backward."""
        return self.forward_ns + self.backward_ns


@dataclass(frozen=True, slots=True)
class Fragmentation:
    """One phase of a step on the training thread; medians over the windows. Shares are of the phase's time."""

    phase: str
    duration_ns: float
    calls: float
    """Of operators that are in no other one."""
    short_calls: float
    short_calls_share: float
    gaps: float
    """Times without an operator."""
    short_gaps: float
    gaps_share: float


@dataclass(frozen=True, slots=True)
class PaceChange:
    """A change of the step time since the windows were taken; medians of plain steps."""

    before_ns: float
    now_ns: float


@dataclass(frozen=True, slots=True)
class Operators:
    """Operators of one window, or of several merged."""

    windows: tuple[int, ...] = ()
    """Numbers of the windows merged here."""
    step: int | None = None
    """The profiled step of the newest of them."""
    end_unix_ns: int = 0
    rows: tuple[Operator, ...] = ()
    """Most self time first."""
    modules: tuple[Module, ...] = ()
    """In tree order."""
    self_ns_per_step: float = 0.0
    """Self time of all operators, rows left out of the recording included; of several windows, the median."""
    profiled_step_ns: float | None = None
    """Median wall time of the profiled steps: compare with `Steps.median_ns`."""
    stacks: bool = False
    truncated: bool = False
    steps: tuple[int, ...] = ()
    """The profiled steps of all of them."""
    gap_ns_per_step: float = 0.0
    """How far the rows, each a median, fall short of the median of all operators' time, or exceed it if negative; 0
    for one window."""
    outside: tuple[OutsideTime, ...] = ()
    """Empty if it was not recorded."""
    since: PaceChange | None = None
    """Set if the windows no longer represent the run."""


_EMPTY_LOG = PrimitiveLog()


@dataclass(frozen=True, slots=True)
class Primitives:
    """oneDNN primitives in the windows of `Operators`, summed: divide by the number of windows for values per step."""

    windows: tuple[int, ...] = ()
    """Numbers of the windows with data on primitives; empty if there are none."""
    log: PrimitiveLog = _EMPTY_LOG
    by_operator: Mapping[OperatorKey, PrimitiveLog] = field(default_factory=lambda: MappingProxyType({}))
    """The primitives run inside each operator, directly or through other operators."""
    joined_share: float | None = None
    """Share of the time that was attributed to an operator."""
    creations_logged: bool = False
    """Whether the windows have data on which primitives were created: `PrimitiveUse.creation`."""


@dataclass(frozen=True, slots=True)
class Core:
    """One logical CPU in the newest sample, in percent."""

    index: int
    target: float
    others: float
    steal: float
    allowed: bool
    """Whether the target's affinity includes it."""
    history: tuple[float, ...] = ()
    """Busy percent of the newest samples."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Processor use of the newest sample, with history."""

    cores: tuple[Core, ...] = ()
    target_percent: float | None = None
    others_percent: float | None = None
    host_percent: float | None = None
    throttled_percent: float = 0.0
    target_history: tuple[float, ...] = ()
    others_history: tuple[float, ...] = ()
    history_unix_ns: tuple[int, ...] = ()
    """When the samples of these two histories were taken; each covers the time since the one before."""
    mean_percent: tuple[float, ...] = ()
    """Busy percent per core over the whole session."""
    mean_target_percent: float | None = None
    mean_others_percent: float | None = None
    mean_throttled_percent: float | None = None
    contention: str | None = None
    """A sentence if something else disturbs the timings ("others 100 % of one core: timings are not reliable")."""

    @property
    def idle_percent(self) -> float | None:
        """Unused capacity of all cores together, in percent of one core; None before the first sample."""
        if not self.cores:
            return None
        return sum(max(0.0, 100.0 - core.target - core.others - core.steal) for core in self.cores)


@dataclass(frozen=True, slots=True)
class Thread:
    """One thread of the target in the newest sample."""

    pid: int
    tid: int
    name: str
    role: str
    cpu_percent: float
    voluntary_per_s: float
    involuntary_per_s: float
    core: int


@dataclass(frozen=True, slots=True)
class ThreadStack:
    """The stack of a Python thread when it was last sampled from outside."""

    pid: int
    tid: int
    name: str
    active: bool
    """Whether it was running, or computing in native code."""
    holds_gil: bool
    frames: tuple[Frame, ...]
    """Outermost first."""


@dataclass(frozen=True, slots=True)
class Stacks:
    """The newest sample of all stacks from outside."""

    threads: tuple[ThreadStack, ...] = ()
    failures: tuple[str, ...] = ()
    unix_ns: int = 0


@dataclass(frozen=True, slots=True)
class Worker:
    """One child process of the target in the newest sample."""

    pid: int
    role: str
    cpu_percent: float
    rss_bytes: int
    cpus: int | None = None
    """Number of logical CPUs that it may run on; None if unknown."""


@dataclass(frozen=True, slots=True)
class Loader:
    """A DataLoader that the training thread has iterated over; the times are those of that thread, in all iterators."""

    dataset: str
    """Class of the dataset."""
    iterable: bool
    """Whether the dataset is an IterableDataset."""
    workers: int
    prefetch_factor: int | None
    """None without workers."""
    persistent: bool
    batch_size: int | None
    iterators: int
    """How often an iteration was started: mostly once per epoch."""
    starts: int
    """How often other workers were started for that."""
    batches: int
    start_ns: int
    """In starting iterators, and with them workers that are not persistent."""
    first_ns: int
    """In waiting for the first batch of each worker of each iterator."""
    end_ns: int
    """In finding that there are no more batches, which ends workers that are not persistent."""
    wait_ns: int
    """In waiting for all other batches."""
    source: Frame | None
    """Where the first iterator was started."""

    @property
    def around_ns(self) -> int:
        """The time at the borders of iterations."""
        return self.start_ns + self.first_ns + self.end_ns


@dataclass(frozen=True, slots=True)
class Remaining:
    """How long the training will still take, with what lies between its epochs."""

    seconds: float | None = None
    low_s: float | None = None
    """With `high_s`, an interval that holds the truth in 19 of 20 cases."""
    high_s: float | None = None
    epochs: int | None = None
    """Of the whole training."""
    steps: int | None = None
    """Of the whole training; an expectation where epochs count."""
    source: str = ""
    """What tells how long the training is; empty if nothing does."""
    reason: str = ""
    """Why the time is unknown, in a sentence; empty if it is known."""


@dataclass(frozen=True, slots=True)
class Stepping:
    """Medians of the samples that were taken while steps ran: loading and ending are different."""

    faults_per_s: float
    user_percent: float
    system_percent: float


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of the newest sample, with history."""

    rss_bytes: int | None = None
    workers_rss_bytes: int = 0
    peak_rss_bytes: int | None = None
    available_bytes: int | None = None
    minor_faults_per_s: float | None = None
    major_faults_per_s: float | None = None
    user_percent: float | None = None
    system_percent: float | None = None
    stepping: Stepping | None = None
    rss_history: tuple[int, ...] = ()
    faults_history: tuple[float, ...] = ()
    history_unix_ns: tuple[int, ...] = ()
    """When the samples of these two histories were taken."""


@dataclass(frozen=True, slots=True)
class MemoryOwner:
    """What one owner holds of the memory."""

    name: str
    """One of `session.memory_owners`."""
    size_bytes: int
    growth_bytes: float | None = None
    """Per step, over all accounts; None with fewer than two."""


@dataclass(frozen=True, slots=True)
class MemoryAccount:
    """Who held the memory of a process and of its workers between two steps."""

    step: int
    """The one that had just ended."""
    unix_ns: int
    total_bytes: int
    owners: tuple[MemoryOwner, ...]
    """Largest first."""
    unexplained_bytes: int | None
    """Negative if owners add up to more; None if the allocator tells nothing, and the rest is in one owner."""
    allocator: str
    tells_saved: bool
    """Whether this torch tells what graphs keep."""
    saved_complete: bool
    """Whether all graphs were visited: else `saved activations` hold more."""
    steps: tuple[int, ...] = ()
    """Of all accounts, in order."""
    cost_ns: int = 0


@dataclass(frozen=True, slots=True)
class PhaseAllocations:
    """What a phase of the step allocates."""

    phase: str
    highest_bytes: int
    """Above what was allocated when the step began."""
    allocated_bytes: int
    allocations: int


@dataclass(frozen=True, slots=True)
class PeakOwner:
    """Blocks at the peak that one operator has allocated."""

    operator: str
    """Empty if it was none."""
    kind: str
    size_bytes: int
    blocks: int


@dataclass(frozen=True, slots=True)
class StepAllocations:
    """What one step allocated and freed; levels count from what was allocated when it began."""

    step: int
    unix_ns: int
    duration_ns: int
    events: int
    peak_ns: int
    """Since the step's begin."""
    peak_bytes: int
    end_bytes: int
    levels: tuple[tuple[int, int], ...]
    """Time since the step's begin in nanoseconds, and level, in order."""
    phases: tuple[PhaseAllocations, ...]
    at_peak: tuple[tuple[str, int], ...]
    """Kind and bytes of what was allocated in the step and there at its peak: `vocabulary.PEAK_KINDS`."""
    freed_bytes: int
    """Of what was allocated before, freed until the peak."""
    kept: tuple[tuple[str, int], ...]
    """Phase and bytes: allocated in the step before and not freed in this one."""
    owners: tuple[PeakOwner, ...]
    """Largest first."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine, as the target sees it."""

    cpu: str = ""
    cores: int | None = None
    physical_cores: int | None = None
    affinity: int | None = None
    """Number of CPUs the target may run on."""
    quota: float | None = None
    memory_bytes: int | None = None
    numa_nodes: int | None = None
    features: tuple[str, ...] = ()
    """Instruction sets by the kernel's names, such as ``avx512_bf16``; empty if unknown."""
    usable_physical_cores: int | None = None
    """Physical cores of the CPUs that the target may run on."""
    command_cpus: tuple[int, ...] = ()
    """Those that the command might run on when it was started; its processes may have bound themselves to fewer."""


@dataclass(frozen=True, slots=True)
class Agent:
    """The agent's figures on itself."""

    windows: int = 0
    paused: bool = False
    budget_percent: float | None = None
    overhead_percent: float | None = None
    hooks_percent: float | None = None
    windows_percent: float | None = None
    writer_percent: float | None = None
    dropped_events: int = 0
    bad_lines: int = 0
    """Lines of the recording that could not be read (a torn tail does not count)."""
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence the user should know."""

    level: str
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Optimization:
    """The outcome of a requested optimization."""

    name: str
    state: str
    """``on``, ``unavailable``, ``conflict``, ``no effect``, ``failed``; ``asked`` until the outcome is known."""
    text: str
    """What was actually changed, or the reason why not, with the fix."""


@dataclass(frozen=True, slots=True)
class ProcessEnd:
    """How a process ended, as far as it is known."""

    unix_ns: int
    """When its agent said goodbye, as soon as the interpreter was to end; else when it was seen to be gone."""
    alive_unix_ns: int
    """When it was last known to run; the same if it has said goodbye."""
    error: str = ""
    """Class and message of the exception that nothing caught; empty if there was none, or if nobody saw it."""
    source: Frame | None = None
    """The innermost line of the program in its traceback."""
    exit_code: int | None = None
    """Negative for a signal."""
    said_bye: bool = True
    """Whether its agent could say goodbye; it cannot if a signal kills the process."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a process has exchanged with other ranks."""

    world_size: int
    """Of the largest process group that it has joined."""
    backends: tuple[str, ...]
    """Of its groups."""
    collectives: int | None = None
    """How many there were between two looks, in all groups; None if they are not counted, or before the second look."""
    steps: int = 0
    """Between those looks."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """The size of a step's inputs, in a step in which the agent has looked."""

    step: int
    batch: int
    """First dimension of the first input; 0 if unknown."""
    elements: int
    """Of all tensors that models with parameters were called with; 0 if unknown."""


@dataclass(frozen=True, slots=True)
class ProcessEntry:
    """One process of the target that has, or had, an agent."""

    key: int
    """Names it in its session: the pid, unless the session has parts from several machines."""
    pid: int
    rank: int | None
    argv: tuple[str, ...]
    steps: int
    ended: bool
    median_ns: float | None = None
    """Of its steps, as in `Steps`."""
    life: int = 1
    """Of the training, in which it took part: ranks may be restarted; from 1. Without a rank, of its pid."""
    shown: bool = False
    """Whether the view shows this process."""
    optimizations: tuple[Optimization, ...] = ()
    world_size: int | None = None
    asked_size: int | None = None
    """How many processes the launcher's variables ask for."""
    intra_op_threads: int = 1
    restarts: int | None = None
    """How often torchrun had restarted the ranks before; None without torchrun."""
    omp_num_threads: int | None = None
    """``OMP_NUM_THREADS`` at its start; None if it was not set."""
    cpus: tuple[int, ...] = ()
    """Logical CPUs that its computing threads may run on, together; empty if unknown."""
    exchange: Exchange | None = None
    """None as long as it has joined no process group."""
    inputs: tuple[Inputs, ...] = ()
    """The newest looks, oldest first."""
    end: ProcessEnd | None = None
    """None while it runs, and if nothing is known of its end."""


@dataclass(frozen=True, slots=True)
class Group:
    """A process group, as one of its ranks knows it."""

    number: int
    name: str
    """The same on all ranks of the group."""
    ranks: tuple[int, ...]
    backend: str
    counted: bool
    """Whether its backend counts collectives; else they are numbered by the step."""
    host: str
    clock: str
    """Two ranks with the same one have the same monotonic clock."""
    since_epoch_ns: int | None = None
    """Unix time minus that clock's, when the rank joined the group; None if unknown."""


@dataclass(frozen=True, slots=True, eq=False)
class RankRecord:
    """The newest steps of one rank, of which there are n; arrays of integers, times in nanoseconds."""

    key: int
    """As in `ProcessEntry`."""
    rank: int
    pid: int
    intra_op_threads: int
    ended: bool
    groups: tuple[Group, ...]
    count: int
    """Of all steps."""
    numbers: Integers
    """Of shape (n,), consecutive."""
    durations: Integers
    phases: Integers
    """Of shape (n, phases), in the order of `PHASES`."""
    flags: Integers
    ends: Integers
    """Unix time."""
    times: Integers
    """Of shape (n, 3): what the training thread used of the processor; for how long it was ready to run and had no
    core; and its waits for other ranks that are not told one by one. -1 in steps of which nothing was told."""
    waits: Integers
    """Of shape (waits, 5), in the order of time: step; number of the group; number of the collective in it, alike on
    all ranks; when this rank began to wait for it, as it entered it, and when it went on, on the clock of the group."""
    operators: Callable[[], Operators]
    """Of the newest windows."""


@dataclass(frozen=True, slots=True)
class SessionView:
    """Everything about a session at one moment."""

    state: State = State.STARTING
    live: bool = False
    """Whether more events may come."""
    target: Target = Target(name="")
    machine: Machine = Machine()
    peaks: Peaks | None = None
    """Peak rates of a machine with this processor; None if they were not measured."""
    progress: Progress = Progress()
    first_inputs: FirstInputs | None = None
    """None if they were not recorded."""
    conditions: Conditions | None = None
    """None before the agent has looked."""
    learning: tuple[OptimizerLearning, ...] = ()
    """One for each optimizer; empty unless recorded."""
    gradient_noise: tuple[GradientPair, ...] = ()
    """The newest pairs; empty unless recorded."""
    steps: Steps = Steps()
    remaining: Remaining = Remaining()
    epoch_starts: tuple[int, ...] = ()
    """Numbers of the newest steps that are known to begin an epoch; what lies between two epochs is part of them."""
    phases: tuple[Phase, ...] = ()
    operators: Operators = Operators()
    merged_ranks: int = 0
    """Of how many ranks the operators are, if not of the process that is shown alone."""
    fragmentation: tuple[Fragmentation, ...] = ()
    """Of the newest windows, in the order of `PHASES`; empty if their calls are not kept."""
    traced_windows: tuple[int, ...] = ()
    """Windows whose calls are kept: see `OpenSession.trace`."""
    primitives: Primitives = Primitives()
    window_numbers: tuple[int, ...] = ()
    """Windows that can be stepped through."""
    cores: Cores = Cores()
    threads: tuple[Thread, ...] = ()
    thread_count: int | None = None
    openmp_runtimes: tuple[str, ...] | None = None
    """Paths of the OpenMP runtimes that the training process has loaded, torch's first; None if unknown."""
    workers: tuple[Worker, ...] = ()
    loaders: tuple[Loader, ...] = ()
    """Empty in recordings of earlier versions."""
    stacks: Stacks = Stacks()
    memory: Memory = Memory()
    memory_account: MemoryAccount | None = None
    """None before the agent has taken one."""
    allocations: StepAllocations | None = None
    """Of the newest step of which they were asked for."""
    agent: Agent = Agent()
    optimizations: tuple[Optimization, ...] = ()
    """Those requested, in order of the requests."""
    notices: tuple[Notice, ...] = ()
    processes: tuple[ProcessEntry, ...] = ()
    ranks: tuple[RankRecord, ...] = ()
    """The newest life of each rank, in their order; empty unless the training is distributed."""
    awaits_input: bool = False
    """Whether a running target waits for input from its terminal, as far as the system tells."""
    unix_ns: int = 0
    """Time of the newest event."""


EMPTY_VIEW = SessionView()
