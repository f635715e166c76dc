"""oneDNN primitives and their statistics, as frozen values. Times are in milliseconds, as in the logs."""

from __future__ import annotations

from dataclasses import dataclass

from profilednn_tui.onednn.descriptors import Tensor, tensors

DIRECTIONS = {
    "forward_training": "FWD_D",
    "forward_inference": "FWD_I",
    "forward_scoring": "FWD_I",
    "forward": "FWD_D",
    "backward": "BWD_DW",
    "backward_data": "BWD_D",
    "backward_weights": "BWD_W",
    "backward_bias": "BWD_W",
    "undef": "",
    "": "",
}
"""oneDNN's propagation kinds -> benchdnn's directions; empty for a primitive without a direction."""


@dataclass(frozen=True, slots=True)
class Primitive:
    """What identifies a primitive: every field of its log line except the time."""

    name: str
    """``convolution``, ``reorder`` ..."""
    propagation: str
    """A key of `DIRECTIONS`."""
    implementation: str
    """``jit:avx512_core``, ``brg_matmul:avx512_core_bf16``, ``ref`` ..."""
    problem: str
    """``mb32_ic64oc64_ih56...`` or dimensions such as ``16x3x3x3``."""
    descriptors: str = ""
    """Memory descriptors: data type and layout of each tensor."""
    attributes: str = ""
    auxiliary: str = ""
    """Algorithm, flags, axis: parameters of this kind of primitive."""
    engine: str = "cpu"

    @property
    def direction(self) -> str:
        """``FWD_D``, ``FWD_I``, ``BWD_D``, ``BWD_W``, ``BWD_DW`` or empty."""
        return DIRECTIONS[self.propagation]

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The tensors that the memory descriptors name."""
        return tensors(self.descriptors)

    @property
    def is_reorder(self) -> bool:
        """Whether it only moves data from one layout or type to another."""
        return self.name == "reorder"

    @property
    def is_reference(self) -> bool:
        """Whether oneDNN found no optimized code and ran its reference loops."""
        if self.name in _MADE_OF_OTHERS:
            return False
        return self.implementation == "ref" or self.implementation.startswith(("ref:", "ref_"))


_MADE_OF_OTHERS = frozenset({"rnn", "concat", "sum"})
"""Their ``ref`` is no loop of its own: it calls optimized matrix products (rnn) or reorders."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How often something ran, and for how long."""

    count: int = 0
    total_ms: float = 0.0
    least_ms: float = 0.0
    most_ms: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        if not self.count or not other.count:
            return self if self.count else other
        return Tally(
            self.count + other.count,
            self.total_ms + other.total_ms,
            min(self.least_ms, other.least_ms),
            max(self.most_ms, other.most_ms),
        )

    @property
    def mean_ms(self) -> float | None:
        """Mean time; None if it never ran."""
        return self.total_ms / self.count if self.count else None


@dataclass(frozen=True, slots=True)
class PrimitiveUse:
    """One distinct primitive of a log with its statistics."""

    primitive: Primitive
    execution: Tally = Tally()
    creation: Tally = Tally()
    """Created from scratch."""
    cached: Tally = Tally()
    """Taken from oneDNN's primitive cache."""


@dataclass(frozen=True, slots=True)
class PrimitiveLog:
    """The content of one or several logs."""

    uses: tuple[PrimitiveUse, ...] = ()
    """Longest execution time first."""
    lines: int = 0
    """All lines, including other programs' output."""
    primitive_lines: int = 0
    """Executions and creations."""
    bad_lines: int = 0
    """oneDNN's lines that cannot be parsed: torn, garbled, or of an unknown form."""
    remarks: int = 0
    """oneDNN's lines that report no primitive: its version, failed checks, subgraphs, kernels of other libraries."""
    bad_example: str = ""
    """The first of the bad lines."""
    versions: tuple[str, ...] = ()
    """oneDNN's version, threads and instruction set, as reported in the logs."""
    damage: tuple[str, ...] = ()
    """One sentence per truncated or damaged file."""

    @property
    def time_ms(self) -> float:
        """Execution time of all primitives."""
        return sum(use.execution.total_ms for use in self.uses)

    @property
    def calls(self) -> int:
        """Executions of all primitives."""
        return sum(use.execution.count for use in self.uses)
