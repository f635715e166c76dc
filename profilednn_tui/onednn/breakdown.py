"""Where the time of a log goes: one group per direction, implementation, shape, data type or layout."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from profilednn_tui.onednn.descriptors import Tensor
from profilednn_tui.onednn.records import Primitive, PrimitiveLog, PrimitiveUse, Tally


class By(Enum):
    """What primitives are grouped by."""

    DIRECTION = "direction"
    IMPLEMENTATION = "implementation"
    SHAPE = "shape"
    DATA_TYPE = "dtype"
    LAYOUT = "layout"


@dataclass(frozen=True, slots=True)
class Group:
    """The primitives with one label."""

    label: tuple[str, ...]
    """One word for each of the grouping's `COLUMNS`."""
    primitives: int
    """The number of distinct primitives."""
    execution: Tally
    creation: Tally
    cached: Tally
    share: float
    """Fraction of the execution time of all primitives."""
    reorder: bool
    reference: bool
    """Whether any of them ran oneDNN's reference loops."""


COLUMNS: Mapping[By, tuple[str, ...]] = MappingProxyType(
    {
        By.DIRECTION: ("primitive", "direction"),
        By.IMPLEMENTATION: ("implementation", "primitive"),
        By.SHAPE: ("primitive", "direction", "shape"),
        By.DATA_TYPE: ("data type", "primitive"),
        By.LAYOUT: ("layout", "primitive"),
    }
)


def configuration(primitive: Primitive) -> str:
    """Data types of source, weights and destination, ``u8:s8:f32``; a single one if they are equal."""
    types = [tensor.data_type for tensor in _main_tensors(primitive)]
    return types[0] if len(set(types)) == 1 else ":".join(types)


def task(primitive: Primitive) -> tuple[str, str, str, str]:
    """What is computed: two primitives with the same task differ at most in implementation and layouts."""
    return primitive.name, primitive.direction, configuration(primitive), primitive.problem


def layout(primitive: Primitive) -> str:
    """Layouts of source, weights and destination; for a reorder, source and destination."""
    tags = [tensor.layout for tensor in _main_tensors(primitive)]
    if primitive.is_reorder:
        return " → ".join(tags)
    return tags[0] if len(set(tags)) == 1 else ":".join(tags)


_LABELS: Mapping[By, Callable[[Primitive], tuple[str, ...]]] = MappingProxyType(
    {
        By.DIRECTION: lambda primitive: (primitive.name, primitive.direction),
        By.IMPLEMENTATION: lambda primitive: (primitive.implementation or "-", primitive.name),
        By.SHAPE: lambda primitive: (primitive.name, primitive.direction, primitive.problem),
        By.DATA_TYPE: lambda primitive: (configuration(primitive), primitive.name),
        By.LAYOUT: lambda primitive: (layout(primitive), primitive.name),
    }
)


def breakdown(log: PrimitiveLog, by: By) -> tuple[Group, ...]:
    """The groups, longest execution time first."""
    label = _LABELS[by]
    members: dict[tuple[str, ...], list[PrimitiveUse]] = {}
    for use in log.uses:
        members.setdefault(label(use.primitive), []).append(use)
    groups = [_group(name, uses, log.time_ms) for name, uses in members.items()]
    return tuple(sorted(groups, key=lambda group: -group.execution.total_ms))


def time_share(log: PrimitiveLog, chosen: Callable[[Primitive], bool]) -> float | None:
    """The chosen primitives' share of the execution time; None for a log without any."""
    if not log.time_ms:
        return None
    return sum(use.execution.total_ms for use in log.uses if chosen(use.primitive)) / log.time_ms


def total(tallies: Iterable[Tally]) -> Tally:
    """The sum of the tallies."""
    return sum(tallies, Tally())


def _group(label: tuple[str, ...], uses: list[PrimitiveUse], time_ms: float) -> Group:
    execution = total(use.execution for use in uses)
    return Group(
        label,
        len(uses),
        execution,
        total(use.creation for use in uses),
        total(use.cached for use in uses),
        execution.total_ms / time_ms if time_ms else 0.0,
        all(use.primitive.is_reorder for use in uses),
        any(use.primitive.is_reference for use in uses),
    )


def _main_tensors(primitive: Primitive) -> list[Tensor]:
    """Source, weights and destination; the first tensor if none of them is present, as in some backward passes."""
    found = primitive.tensors
    main = [tensor for tensor in found if tensor.role.removesuffix("_layer") in _MAIN_ROLES]
    return main or list(found[:1]) or [_UNKNOWN]


_MAIN_ROLES = frozenset({"src", "wei", "dst", "data"})
_UNKNOWN = Tensor("", "", "")
