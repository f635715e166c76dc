"""One line of a verbose log, of any version of oneDNN.

    mkldnn_verbose,exec,PRIMITIVE,IMPLEMENTATION,PROPAGATION,DESCRIPTORS,AUXILIARY,PROBLEM,TIME
    dnnl_verbose,exec,ENGINE,PRIMITIVE,IMPLEMENTATION,PROPAGATION,DESCRIPTORS,ATTRIBUTES,AUXILIARY,PROBLEM,TIME
    onednn_verbose,v1,TIMESTAMP,primitive,exec,ENGINE,PRIMITIVE,...

The version, the timestamp and the word ``primitive`` appear in some versions only; a template line, if there is one,
names the fields of the lines that follow. ``ukernel`` in place of ``primitive`` is the API of micro-kernels, and the
primitive ``gemm_api`` a call of ``dnnl_sgemm`` and its like: executions as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from math import isfinite

from profilednn_tui.onednn.records import DIRECTIONS, Primitive
from profilednn_tui.plain import plain

MARKER = re.compile(rb"(?:onednn|dnnl|mkldnn)_verbose,")

_WITHOUT_ENGINE = (
    "primitive",
    "implementation",
    "prop_kind",
    "memory_descriptors",
    "auxiliary",
    "problem_desc",
    "exec_time",
)
_WITH_ENGINE = ("engine", *_WITHOUT_ENGINE[:4], "attributes", *_WITHOUT_ENGINE[4:])
_NEEDED = frozenset(_WITHOUT_ENGINE)

_VERSION = re.compile(r"v\d+")
_WORD = re.compile(r"[a-z][a-z0-9_]*")
_ENGINE = re.compile(r"(?:cpu|gpu|any)(?:2[cg]pu|\d*(?::\d+)?)")
_STAMP = re.compile(r"\d+(?:\.\d+)?")
_COMPONENTS = ("primitive", "ukernel")
_REMARKS = frozenset({"info", "error", "warn", "warning", "debuginfo", "common", "graph", "compile", "profile"})
_SUBJECTS = frozenset({"cpu", "gpu", "acl", "ocl", "sycl", "jit_perf"})
"""The first words of remarks without a level, such as ``cpu,acl,unsupported: ...``."""
_ASIDES = frozenset({"check", "dispatch", "start", "debug", "external"})
"""After ``exec:`` or ``create:``: no event of a primitive. An external kernel's time is part of its primitive's."""
_GEMM_CALL = "gemm_api"
_TEMPLATE = "template:"


class Event(Enum):
    """What the line of a primitive reports."""

    EXECUTION = "exec"
    CREATION = "create"
    CACHED = "cache hit"


class Line(Enum):
    """Lines that do not report a primitive."""

    REMARK = "remark"
    """About the library, a failed check or a subgraph: understood, but nothing to add up."""
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line that reports a primitive."""

    event: Event
    primitive: Primitive
    time_ms: float
    stamped: bool
    """Whether the line has a timestamp."""
    decimal_comma: bool
    """Whether times are written as in ``1,432``: oneDNN follows the program's locale."""


@dataclass(frozen=True, slots=True)
class FieldNames:
    """The fields of the lines that follow a template line."""

    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Version:
    """A line about the library itself."""

    text: str


def parse(text: str, template: FieldNames | None) -> Entry | FieldNames | Version | Line:
    """Parse the part of a line after its marker."""
    words = plain(text.strip()).split(",")
    stamped = False
    if words and _VERSION.fullmatch(words[0]):
        del words[0]
    if words and _STAMP.fullmatch(words[0]):
        stamped = True
        del words[0]
    decimal_comma = stamped and bool(words) and words[0].isdecimal()
    if decimal_comma:
        del words[0]  # the timestamp's fraction
    component = len(words) > 1 and words[0] in _COMPONENTS
    if component:
        del words[0]
    operation, rest = (words[0], words[1:]) if words else ("", [])
    name, _, detail = operation.partition(":")
    if name in _REMARKS:
        return _remark(name, rest)
    if name in _SUBJECTS and not component and len(words) < len(_WITHOUT_ENGINE):
        return Line.REMARK
    if name not in ("exec", "create", "create_nested"):
        return Line.BAD
    if detail in _ASIDES:
        return Line.REMARK
    event = Event.EXECUTION if name == "exec" else Event.CACHED if detail == "cache_hit" else Event.CREATION
    fields = _fields_of(rest)
    if template is not None and len(template.fields) in (len(rest), len(rest) - 1):
        fields = template.fields  # a template of another length is garbled or from another library
    if rest[1:2] == [_GEMM_CALL] and len(rest) == len(_WITH_ENGINE) - 1:
        rest.insert(-2, "")  # written without auxiliary parameters
    if len(rest) == len(fields) + 1 and rest[-1].isdecimal() and rest[-2].isdecimal():
        decimal_comma = True
        rest = [*rest[:-2], f"{rest[-2]}.{rest[-1]}"]
    if len(rest) != len(fields):
        return Line.BAD
    values = dict(zip(fields, rest, strict=True))
    time_ms = _time_ms(values["exec_time"])
    primitive = _primitive(values)
    if time_ms is None or primitive is None:
        return Line.BAD
    return Entry(event, primitive, time_ms, stamped, decimal_comma)


def execution(line: str) -> Entry | None:
    """The execution that a whole line of output reports; None if it reports none."""
    told = parse(line.partition(",")[2], None) if MARKER.match(line.encode()) else None
    return told if isinstance(told, Entry) and told.event is Event.EXECUTION else None


def _fields_of(rest: list[str]) -> tuple[str, ...]:
    return _WITH_ENGINE if rest and _ENGINE.fullmatch(rest[0]) else _WITHOUT_ENGINE


def _remark(name: str, rest: list[str]) -> FieldNames | Version | Line:
    if name == "graph" or not rest:
        return Line.REMARK
    if rest[0].startswith(_TEMPLATE):
        fields = (rest[0].removeprefix(_TEMPLATE), *rest[1:])
        # The operation and the timestamp precede the other fields and are parsed where they appear.
        kept = tuple(field for field in fields if field not in ("timestamp", "operation"))
        whole = _NEEDED.issubset(kept) and kept[-1] == "exec_time" and len(set(kept)) == len(kept)
        return FieldNames(kept) if whole else Line.BAD
    text = ",".join(rest)
    tells = name == "info" and text.startswith(("oneDNN v", "DNNL v", "Intel MKL-DNN v", "cpu,"))
    return Version(text) if tells else Line.REMARK


def _primitive(values: dict[str, str]) -> Primitive | None:
    name, propagation = values["primitive"], values["prop_kind"]
    if not _WORD.fullmatch(name) or propagation not in DIRECTIONS or not values["problem_desc"]:
        return None
    if values["problem_desc"].startswith("-"):
        return None  # benchdnn would take it for an option
    return Primitive(
        name=name.removesuffix("_v2"),
        propagation=propagation,
        implementation=values["implementation"],
        problem=values["problem_desc"],
        descriptors=values["memory_descriptors"],
        attributes=values.get("attributes", "").strip(),
        auxiliary=values["auxiliary"],
        engine=values.get("engine", "cpu"),
    )


def _time_ms(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value >= 0 and isfinite(value) else None
