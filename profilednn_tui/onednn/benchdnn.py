"""The arguments with which benchdnn, oneDNN's benchmark program, runs a logged primitive again.

The words and their order are those of oneDNN's own ``scripts/verbose_converter``, except where older logs have words
that today's benchdnn does not take: a batch normalization's ``S`` is ``CH``, the primitive ``logsoftmax`` is an
algorithm of softmax, and data types that a log leaves out are f32. Layouts that oneDNN chose are left to it again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from profilednn_tui.onednn.attributes import attribute_options
from profilednn_tui.onednn.descriptors import Tensor
from profilednn_tui.onednn.problem import dimensions, sizes
from profilednn_tui.onednn.records import Primitive

PROGRAM = "benchdnn"


@dataclass(frozen=True)
class _Logged:
    """A primitive, with its fields at hand."""

    primitive: Primitive

    @cached_property
    def auxiliary(self) -> Mapping[str, str]:
        return auxiliary(self.primitive)

    @cached_property
    def tensors(self) -> tuple[Tensor, ...]:
        return self.primitive.tensors

    @cached_property
    def roles(self) -> Mapping[str, Tensor]:
        """The last tensor of each role; gradients stand for their tensors if those are not named."""
        gradients = {one.role.removeprefix("diff_"): one for one in self.tensors}
        return gradients | {one.role: one for one in self.tensors}

    @property
    def algorithm(self) -> str:
        """Without the primitive's name in front, ``direct`` for ``convolution_direct``."""
        return self.auxiliary.get("alg", "").removeprefix(f"{self.primitive.name}_")

    def present(self, *roles: str) -> list[Tensor]:
        return [self.roles[role] for role in roles if role in self.roles]

    def auxiliary_options(self, *names: str) -> list[str]:
        return [f"--{name}={self.auxiliary[name]}" for name in names if name in self.auxiliary]


def auxiliary(primitive: Primitive) -> dict[str, str]:
    """``alg:eltwise_relu alpha:0`` as a dictionary."""
    return {key: value for key, _, value in (word.partition(":") for word in primitive.auxiliary.split())}


def driver(primitive: Primitive) -> str | None:
    """benchdnn's name of the primitive; None if it does not run this kind."""
    known = _DRIVERS.get(primitive.name)
    return known[0] if known is not None else None


def lost_in_benchdnn(primitive: Primitive) -> tuple[str, ...]:
    """The primitive's attributes that benchdnn has no option for."""
    return attribute_options(primitive.attributes).lost


def benchdnn_arguments(primitive: Primitive, *knobs: str) -> list[str] | None:
    """benchdnn's arguments for a primitive, None if it has no driver; `knobs` are the options of the run."""
    known = _DRIVERS.get(primitive.name)
    if known is None:
        return None
    name, options = known
    logged = _Logged(primitive)
    directed = "prop" if primitive.name == "rnn" else "dir"
    words = [
        f"--{name}",
        *knobs,
        "--allow-enum-tags-only=0",  # a log's layouts need not have a name in oneDNN's API
        *_engine(primitive),
        *([f"--{directed}={primitive.direction}"] if primitive.direction or directed == "prop" else []),
        *options(logged),
        *attribute_options(primitive.attributes).options,
        *_grouped(logged),
    ]
    return [*words, _shapes(primitive)]


def _engine(primitive: Primitive) -> list[str]:
    """A reorder between two engines has both in its name, ``cpu2gpu``; the option names the one that is not the CPU."""
    if "2" in primitive.engine:
        return ["--engine=gpu", f"--cross-engine={primitive.engine}"]
    return [f"--engine={primitive.engine}"]


def _shapes(primitive: Primitive) -> str:
    """The problem, without the names that old versions gave to sizes where benchdnn wants dimensions."""
    problem = primitive.problem
    if primitive.name == "binary":
        return ":".join(problem.split(":")[:2])  # the third source of a selection has the shape of the result
    if primitive.name == "matmul" and (product := _PRODUCT.fullmatch(problem)):
        batch, rows, columns, common = product.groups(default="")
        stack = f"{batch}x" if batch else ""
        return f"{stack}{rows}x{common}:{stack}{common}x{columns}"
    if primitive.name in _WITH_DIMENSIONS and _NAMED_SIZES.fullmatch(problem):
        return "x".join(map(str, sizes(problem).values()))
    return problem


_PRODUCT = re.compile(r"(?:b(\d+))?m(\d+)n(\d+)k(\d+)")
_NAMED_SIZES = re.compile(r"mb\d+ic\d+(?:id\d+)?(?:ih\d+)?(?:iw\d+)?")
_WITH_DIMENSIONS = ("eltwise", "layer_normalization", "logsoftmax", "shuffle", "softmax")


# ---------------------------------------------------------------- data types, tags and strides


def _type(tensor: Tensor) -> str:
    return tensor.data_type or "f32"


def _tag(tensor: Tensor) -> str:
    return "any" if tensor.chosen else tensor.layout


def _weights_tag(tensor: Tensor) -> str:
    """Weights with compensation have no layout that benchdnn could name."""
    return _tag(tensor) if tensor.flags == "f0" else "any"


def _types_of(tensors: Iterable[Tensor], option: str = "dt") -> list[str]:
    types = ":".join(map(_type, tensors))
    return [f"--{option}={types}"] if types else []


def _typed(logged: _Logged, *roles: str) -> list[str]:
    """``--sdt=f32 --ddt=f32``."""
    return [f"--{role[0]}dt={_type(one)}" for role in roles for one in logged.present(role)]


def _tagged(logged: _Logged, *roles: str) -> list[str]:
    """``--stag=any --wtag=any --dtag=abcd``."""
    return [
        f"--{role[0]}tag={_weights_tag(one) if role == 'wei' else _tag(one)}"
        for role in roles
        for one in logged.present(role)
    ]


def _strided(logged: _Logged, *roles: str) -> list[str]:
    """Plain tensors by their strides if they are not dense, all others by their tags."""
    tags, strides = [], []
    for role in roles:
        for one in logged.present(role):
            if one.group is not None:
                continue
            tag = _weights_tag(one) if role == "wei" else _tag(one)
            by_strides = one.strides if tag != "any" and tag.islower() else ""
            strides.append(by_strides)
            tags += [] if by_strides else [f"--{role[0]}tag={tag}"]
    return [*tags, f"--strides={':'.join(strides)}"]


def _first(logged: _Logged) -> list[str]:
    """Primitives whose tensors share one type and layout."""
    return [word for one in logged.tensors[:1] for word in (f"--dt={_type(one)}", f"--tag={one.layout}")]


def _bias(logged: _Logged) -> list[str]:
    bias = next((one for one in logged.tensors if one.role in ("bia", "diff_bia")), None)
    if bias is not None:
        return [f"--bia-dt={_type(bias)}"]
    named = any(word.startswith(("bia", "fbia")) for word in logged.primitive.descriptors.split())
    return ["--bia-dt=undef"] if named else []


# ---------------------------------------------------------------- the primitives


def _convolution(logged: _Logged) -> list[str]:
    # With a fused depthwise convolution, the log has the first one's result as the second one's source.
    result = "src_fused" if "src_fused" in logged.roles else "dst"
    return [
        *([f"--alg={logged.algorithm}"] if logged.algorithm else []),
        *_types_of(logged.present("src", "wei", result)),
        *_bias(logged),
        *_tagged(logged, "src", "wei"),
        *(f"--dtag={_tag(one)}" for one in logged.present(result)),
    ]


def _matmul(logged: _Logged) -> list[str]:
    bias = logged.roles.get("bia")
    _, _, mask = (bias.flags if bias is not None else "").partition("_mask")
    return [
        f"--runtime_dims_masks={logged.auxiliary.get('runtime_dims_masks', '')}",
        *([f"--bia_mask={mask}"] if mask else []),
        *_types_of(logged.present("src", "wei", "dst")),
        *_bias(logged),
        *_strided(logged, "src", "wei", "dst"),
    ]


def _grouped(logged: _Logged) -> list[str]:
    """The log has no sizes of groups: equal ones, as far as possible."""
    source = logged.roles.get("src")
    shapes = dimensions(logged.primitive.problem)
    if source is None or source.group is None or not shapes or source.group[0] >= len(shapes[0]) or not source.group[1]:
        return []
    axis, count = source.group
    size, larger = divmod(shapes[0][axis], count)
    sizes = "+".join(str(size + (index < larger)) for index in range(min(count, _MOST_GROUPS)))
    return [f"--grouped={axis}:{count}:{sizes}"]


_MOST_GROUPS = 65_536


def _micro_kernel(logged: _Logged) -> list[str]:
    """Leading dimensions in place of strides, except for the weights."""
    weights = logged.present("wei")
    by_strides = [one.strides if _weights_tag(one).islower() and _weights_tag(one) != "any" else "" for one in weights]
    rows = [one.strides.partition("x")[0] if one.role != "wei" else "" for one in logged.present("src", "wei", "dst")]
    return [
        f"--bs={logged.auxiliary.get('bs', '')}",
        f"--beta={logged.auxiliary.get('beta', '')}",
        *_types_of(logged.present("src", "wei", "dst")),
        *(f"--wtag={_weights_tag(one)}" for one, strides in zip(weights, by_strides, strict=True) if not strides),
        f"--strides=:{':'.join(by_strides)}:",
        f"--ld={':'.join(rows)}",
    ]


def _batch_norm(logged: _Logged) -> list[str]:
    flags = logged.auxiliary.get("flags")
    return [*([f"--flags={_norm_flags(flags)}"] if flags is not None else []), *_first(logged)]


def _norm_flags(flags: str) -> str:
    """Without the words of old versions: numbers before 1.0, and scale and shift as one before 3.0."""
    if flags.isdecimal():
        flags = "".join(letter for bit, letter in enumerate("GSR") if int(flags) >> bit & 1)
    return flags.replace("S", "CH")


def _other_norm(logged: _Logged) -> list[str]:
    """Layer and group normalization."""
    flags = logged.auxiliary.get("flags")
    tensors = logged.present("src", "dst") or list(logged.tensors[:1])
    scale = [one for one in logged.tensors if "scale" in one.role] or [
        one for one in logged.tensors if one.role == "shift"
    ]
    return [
        *([f"--flags={_norm_flags(flags)}"] if flags is not None else []),
        *_types_of(tensors),
        *_types_of(scale[:1], "ss_dt"),
        f"--tag={':'.join(map(_tag, tensors))}",
        *(f"--stat_tag={_tag(one)}" for one in logged.present("stats")),
    ]


def _pooling(logged: _Logged) -> list[str]:
    return [
        *logged.auxiliary_options("alg"),
        *_types_of(logged.present("src", "dst") or logged.tensors[:1]),
        *_first(logged)[1:],
    ]


def _eltwise(logged: _Logged) -> list[str]:
    return [*logged.auxiliary_options("alg", "alpha", "beta"), *_first(logged)]


def _lrn(logged: _Logged) -> list[str]:
    algorithm = logged.algorithm.partition("_")[0].upper()
    return [*([f"--alg={algorithm}"] if algorithm in ("ACROSS", "WITHIN") else []), *_first(logged)]


def _shuffle(logged: _Logged) -> list[str]:
    return [*logged.auxiliary_options("axis", "group"), *_first(logged)]


def _prelu(logged: _Logged) -> list[str]:
    tensors = logged.present("data", "wei")
    return [*_types_of(tensors, "sdt"), f"--stag={':'.join(map(_tag, tensors))}"]


def _several(logged: _Logged) -> list[str]:
    """Any number of sources, one result."""
    sources = [one for one in logged.tensors if one.role.startswith("src")]
    return [
        *_types_of(sources, "sdt"),
        *_typed(logged, "dst"),
        f"--stag={':'.join(map(_tag, sources))}",
        *_tagged(logged, "dst"),
    ]


def _concat(logged: _Logged) -> list[str]:
    source = next((_type(one) for one in logged.tensors if one.role.startswith("src")), "f32")
    return [*logged.auxiliary_options("axis"), f"--sdt={source}", *_several(logged)[1:]]


def _binary(logged: _Logged) -> list[str]:
    sources = [one for one in logged.tensors if one.role.startswith("src")][:2]  # the third one is a condition
    return [
        f"--alg={logged.algorithm}",
        *_types_of(sources, "sdt"),
        *_typed(logged, "dst"),
        f"--stag={':'.join(map(_tag, sources))}",
        *_tagged(logged, "dst"),
    ]


def _reduction(logged: _Logged) -> list[str]:
    return [
        f"--alg={logged.algorithm}",
        *logged.auxiliary_options("p", "eps"),
        *_typed(logged, "src", "dst"),
        *_tagged(logged, "src", "dst"),
    ]


def _softmax(logged: _Logged) -> list[str]:
    old = "softmax_log" if logged.primitive.name == "logsoftmax" else "softmax_accurate"
    return [
        f"--alg={logged.auxiliary.get('alg', old)}",
        *logged.auxiliary_options("axis"),
        *(_typed(logged, "src", "dst") or _typed_data(logged)),
        *_tagged(logged, "src", "dst"),
    ]


def _typed_data(logged: _Logged) -> list[str]:
    """Before 3.0, source and result were one."""
    return [
        word
        for one in logged.tensors[:1]
        for word in (f"--sdt={_type(one)}", f"--ddt={_type(one)}", f"--stag={_tag(one)}", f"--dtag={_tag(one)}")
    ]


def _resampling(logged: _Logged) -> list[str]:
    return [f"--alg={logged.algorithm}", *_typed(logged, "src", "dst"), *_first(logged)[1:]]


def _reorder(logged: _Logged) -> list[str]:
    return [
        *logged.auxiliary_options("runtime-dim-mask"),
        *_typed(logged, "src", "dst"),
        *_strided(logged, "src", "dst"),
        *(f"--iflag={flags}" for one in logged.present("src") if (flags := _compensation(one))),
        *(f"--oflag={flags}" for one in logged.present("dst") if (flags := _compensation(one))),
    ]


def _compensation(tensor: Tensor) -> str:
    """``f1:s8m1`` as ``s8s8_comp:1``."""
    names = {"s8m": "s8s8_comp", "zpm": "zp_comp"}
    words = tensor.flags.split(":")[1:]
    return "+".join(f"{names[word[:3]]}:{word[3:]}" for word in words if word[:3] in names)


def _rnn(logged: _Logged) -> list[str]:
    kind, direction, activation = (logged.auxiliary.get(name, "") for name in ("alg", "direction", "activation"))
    direction = direction.removeprefix("unidirectional_").removeprefix("bidirectional_")
    backward = any("diff" in one.role for one in logged.tensors)
    layers = [f"{'diff_' if backward else ''}{name}" for name in ("src_layer", "wei_layer", "dst_layer")]
    present = {one.role for one in logged.tensors}
    strided = any(one.strides for one in logged.tensors if one.role in ("src_iter", "src_layer"))
    return [
        *([f"--alg={kind.upper()}"] if kind else []),
        *([f"--direction={direction}"] if direction else []),
        *([f"--activation={activation.removeprefix('eltwise_').upper()}"] if activation.startswith("eltwise_") else []),
        *logged.auxiliary_options("flags"),
        f"--cfg={_rnn_types(logged)}",
        f"--tag={':'.join(_tag(one) for one in logged.tensors if one.role in layers)}",
        *(["--with-peephole=true"] if "wei_peephole" in present else []),
        *(["--with-projection=true"] if "wei_proj" in present else []),
        f"--trivial-strides={'false' if strided else 'true'}",
    ]


def _rnn_types(logged: _Logged) -> str:
    """``f32``, ``bf16f32`` if the bias has another type, or the types of all states, ``u8u8u8u8``."""
    roles = ("src_iter", "src_iter_c", "src_layer", "dst_iter", "dst_layer")
    states = {one.role: _type(one) for one in logged.tensors if one.role in roles}
    types = set(states.values())
    if types == {"bf16"}:
        bias = next((_type(one) for one in logged.tensors if one.role == "bias"), "bf16")
        return "bf16" if bias == "bf16" else f"bf16{bias}"
    if types in ({"f32"}, {"f16"}):
        return types.pop()
    return "".join(
        states[role] for role in roles if role in states and not (role == "src_iter_c" and states[role] == "f16")
    )


def _attention(logged: _Logged) -> list[str]:
    tensors = {one.role: one for one in logged.tensors}
    mask = logged.auxiliary.get("msk", "buffer" if "msk" in tensors else None)
    scale, _, _ = logged.auxiliary.get("scl", "").partition(":")
    sides = [(role, tensors[role]) for role in ("query", "key", "val", "dst") if role in tensors]
    types = [_type(one) for _, one in sides]
    return [
        *([f"--mask={mask}"] if mask is not None else []),
        *([f"--scale={scale}"] if scale not in ("", "mul") else []),
        f"--dt={types[0] if len(set(types)) == 1 else ':'.join(types)}",
        *([f"--mdt={_type(tensors['msk'])}"] if "msk" in tensors else []),
        *(f"--{role[0]}tag={_tag(one)}" for role, one in sides),
    ]


def _zero_pad(logged: _Logged) -> list[str]:
    return [word for one in logged.tensors[:1] for word in (f"--dt={_type(one)}", f"--tag={_tag(one)}")]


_DRIVERS: Mapping[str, tuple[str, Callable[[_Logged], list[str]]]] = MappingProxyType(
    {
        "batch_normalization": ("bnorm", _batch_norm),
        "binary": ("binary", _binary),
        "brgemm": ("brgemm", _micro_kernel),
        "concat": ("concat", _concat),
        "convolution": ("conv", _convolution),
        "deconvolution": ("deconv", _convolution),
        "eltwise": ("eltwise", _eltwise),
        "group_normalization": ("gnorm", _other_norm),
        "inner_product": ("ip", _convolution),
        "layer_normalization": ("lnorm", _other_norm),
        "logsoftmax": ("softmax", _softmax),
        "lrn": ("lrn", _lrn),
        "matmul": ("matmul", _matmul),
        "pooling": ("pool", _pooling),
        "prelu": ("prelu", _prelu),
        "reduction": ("reduction", _reduction),
        "reorder": ("reorder", _reorder),
        "resampling": ("resampling", _resampling),
        "rnn": ("rnn", _rnn),
        "sdpa": ("sdpa", _attention),
        "shuffle": ("shuffle", _shuffle),
        "softmax": ("softmax", _softmax),
        "sum": ("sum", _several),
        "zero_pad": ("zeropad", _zero_pad),
    }
)
"""oneDNN's kinds of primitives: benchdnn's name, and its options between direction and attributes."""
