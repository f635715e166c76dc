"""Fingerprints of everything that fetching a batch may read or change: datasets, their code's globals, random numbers.

They are hashes of values, valid in one process and in its forked children. What cannot be followed, such as an open
file, raises `Declined`: it may be shared with other processes, or change unseen.
"""

from __future__ import annotations

import collections
import ctypes
import functools
import os
import random
import sys
import types
import zlib
from typing import Any

from . import Declined
from ._inspection import is_installed, is_of_program, is_trusted

MOST_OBJECTS = 4_000
MOST_ITEMS = 64
"""Of a container, from its beginning; of all others only the identity is compared, if at all."""
MOST_BYTES = 1 << 16
"""Of the data of an array, from its beginning, if it is not compared as a whole."""
_HEAP_TYPE = 1 << 9
_POINTER = 8
_CONTAINERS = (list, tuple, set, frozenset, dict, collections.deque)
_KNOWN = (*_CONTAINERS, collections.OrderedDict, collections.defaultdict)
_PLAIN = (type(None), bool, int, str, bytes, bytearray, slice, range, type(Ellipsis), type(NotImplemented))
_BY_IDENTITY = (type, types.ModuleType, types.BuiltinFunctionType, types.MethodDescriptorType,
                types.WrapperDescriptorType, types.GetSetDescriptorType, types.MethodWrapperType, property)  # fmt: skip
_IMMUTABLE = frozenset(
    {"re.Pattern", "datetime.date", "datetime.datetime", "datetime.timedelta", "decimal.Decimal", "torch.dtype",
     "torch.device", "torch.layout", "torch.memory_format", "torch.Size", "numpy.ufunc",
     "operator.itemgetter", "operator.attrgetter"}
)  # fmt: skip


def random_state(torch: Any) -> int:
    """The state of the generators that torch, Python and NumPy share in a process."""
    state = [zlib.crc32(_bytes_of(torch.default_generator.get_state())), hash(random.getstate())]
    numpy = sys.modules.get("numpy.random")
    if numpy is not None:
        _, keys, position, *rest = numpy.get_state()
        state.append(hash((zlib.crc32(keys), position, *rest)))
    return hash(tuple(state))


def data_state(torch: Any, *roots: Any, all_items: bool = False) -> int:
    """The state of objects and of all that they hold; with `all_items`, also of the items of large containers."""
    return _Walk(torch, whole=False, all_items=all_items).over(roots)


def batch_state(torch: Any, batch: Any) -> int:
    """All values in a batch, wherever in memory they are."""
    return _Walk(torch, whole=True, all_items=False).over((batch,))


def extent(torch: Any, batch: Any) -> tuple[int, int]:
    """The number of a batch's tensors, and the bytes that sending them to another process takes."""
    count = size = 0
    pending = [batch]
    while pending:
        value = pending.pop()
        if isinstance(value, (torch.Tensor, dict, list, tuple)) and "<locals>" in type(value).__qualname__:
            raise Declined(f"its batches hold a {type(value).__name__}, which cannot be sent from another process")
        if isinstance(value, torch.Tensor):
            if value.layout != torch.strided or value.device.type != "cpu":
                raise Declined("its batches hold tensors that are not dense ones on the CPU")
            count, size = count + 1, size + value.untyped_storage().nbytes()
            if value.requires_grad or value.untyped_storage().nbytes() != value.numel() * value.element_size():
                raise Declined("its batches hold views of larger tensors, or tensors that require gradients")
        elif isinstance(value, dict):
            pending += value.values()
        elif isinstance(value, (list, tuple)):
            pending += value
        elif isinstance(value, str):
            continue
        elif hasattr(value, "nbytes"):
            size += int(value.nbytes)
        elif not isinstance(value, (*_PLAIN, float)):
            raise Declined(f"its batches hold a {type(value).__name__}, which may change on its way between processes")
    return count, size


class _Walk:
    def __init__(self, torch: Any, whole: bool, all_items: bool) -> None:
        self._torch = torch
        self._whole = whole
        self._all_items = all_items
        self._seen: dict[int, int] = {}
        self._kept: list[Any] = []
        """Objects made on the way: their identities must not be used again meanwhile."""
        self._found: list[Any] = []
        self._pending: list[Any] = []

    def over(self, roots: tuple[Any, ...]) -> int:
        self._pending = list(reversed(roots))
        while self._pending:
            self._visit(self._pending.pop())
        return hash(tuple(self._found))

    def _visit(self, value: Any) -> None:
        kind = type(value)
        if kind in _PLAIN:
            self._found.append((kind.__name__, repr(value) if kind in (slice, bytearray) else value))
            return
        if kind in (float, complex):
            self._found.append(repr(value))  # NaN
            return
        if isinstance(value, _BY_IDENTITY) or f"{kind.__module__}.{kind.__qualname__}" in _IMMUTABLE:
            self._found.append(id(value) if isinstance(value, _BY_IDENTITY) else repr(value))
            return
        if id(value) in self._seen:
            self._found.append(("again", self._seen[id(value)]))
            return
        self._seen[id(value)] = len(self._seen)
        if len(self._seen) > MOST_OBJECTS:
            raise Declined("its dataset consists of too many objects to watch them all")
        if isinstance(value, self._torch.Tensor):
            self._tensor(value)
        elif isinstance(value, types.FunctionType):
            self._function(value)
        elif isinstance(value, types.MethodType):
            self._push(value.__self__, value.__func__)
        elif isinstance(value, functools._lru_cache_wrapper):
            self._push(value.__wrapped__)  # what it keeps changes how long a call takes, not its result
        elif isinstance(value, os.PathLike) and kind.__module__.partition(".")[0] == "pathlib":
            self._found.append(repr(value))  # it keeps what it has computed
        elif isinstance(value, functools.partial):
            self._push(value.func, value.args, value.keywords)
        elif isinstance(value, self._torch.Generator):
            self._found.append(zlib.crc32(_bytes_of(value.get_state())))
        elif isinstance(value, random.Random):
            self._found.append(hash(value.getstate()))
        elif isinstance(value, _CONTAINERS):
            self._container(value)
            if kind not in _KNOWN:
                self._instance(value, kind)
        elif kind.__module__.partition(".")[0] == "numpy":
            self._of_numpy(value, kind)
        else:
            self._instance(value, kind)

    def _push(self, *values: Any) -> None:
        self._pending += reversed(values)

    def _tensor(self, tensor: Any) -> None:
        if tensor.layout != self._torch.strided or tensor.device.type != "cpu":
            raise Declined("it holds a tensor that is not a dense one on the CPU")
        self._found.append((tuple(tensor.shape), str(tensor.dtype)))
        if not self._whole:
            self._found.append((tensor._version, tensor.data_ptr()))
        self._found.append(zlib.crc32(_bytes_of(tensor, None if self._whole else MOST_BYTES)))

    def _of_numpy(self, value: Any, kind: Any) -> None:
        if hasattr(value, "bit_generator"):
            self._push(value.bit_generator.state)
        elif kind.__name__ == "ndarray" and not value.dtype.hasobject:
            size = value.size if self._whole else max(1, MOST_BYTES // max(1, value.itemsize))
            self._found.append((value.shape, value.dtype.str, zlib.crc32(value.reshape(-1)[:size].tobytes())))
        elif hasattr(value, "item") and not getattr(value, "shape", (0,)):
            self._found.append(repr(value))
        else:
            self._found.append(repr(value) if kind.__name__.endswith(("dtype", "DType")) else self._foreign(kind))

    def _container(self, value: Any) -> None:
        self._found.append((type(value).__name__, len(value)))
        items = value.items() if isinstance(value, dict) else value
        for number, item in enumerate(items):
            if number == MOST_ITEMS and not self._whole:
                if self._all_items:
                    self._found.append(hash(tuple(map(id, value.values() if isinstance(value, dict) else value))))
                break
            if isinstance(value, dict):
                self._kept.append(item)
            self._pending.append(item)

    def _function(self, function: Any) -> None:
        self._found.append(id(function.__code__))
        if not _is_own(function):
            return
        self._push(*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
        for cell in function.__closure__ or ():
            try:
                self._push(cell.cell_contents)
            except ValueError:  # not assigned yet
                self._found.append("empty")
        for name in sorted(_names(function.__code__)):
            if name in function.__globals__:
                self._push(function.__globals__[name])

    def _instance(self, value: Any, kind: Any) -> None:
        slots: list[Any] = []
        for base in kind.__mro__:
            if base is object or base in _CONTAINERS:
                continue
            own = vars(base).get("__slots__", ())
            slots += [vars(base)[name] for name in ((own,) if isinstance(own, str) else own) if name in vars(base)]
            if not base.__flags__ & _HEAP_TYPE:
                self._foreign(kind)
        least = next((base.__basicsize__ for base in kind.__mro__ if base in _CONTAINERS), object.__basicsize__)
        if kind.__basicsize__ > least + _POINTER * (2 + len(slots)):
            self._foreign(kind)
        self._found.append(id(kind))
        if is_of_program(kind):
            self._push(*(item for base in kind.__mro__ for item in vars(base).values() if _is_own(item)))
        attributes = getattr(value, "__dict__", None)
        if isinstance(attributes, dict):
            self._kept.append(attributes)
            self._pending.append(attributes)
        for slot in slots:
            try:
                self._push(slot.__get__(value))
            except AttributeError:
                self._found.append("unset")

    def _foreign(self, kind: Any) -> Any:
        raise Declined(
            f"it holds a {kind.__module__}.{kind.__qualname__}, which other processes may not be able to use"
        )


def _is_own(value: Any) -> bool:
    return isinstance(value, types.FunctionType) and not (is_trusted(value) or is_installed(value.__code__.co_filename))


def _names(code: types.CodeType) -> set[str]:
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found |= _names(constant)
    return found


def _bytes_of(tensor: Any, most: int | None = None) -> bytes:
    """The bytes of a tensor in the order of its elements, of the first ones up to `most`."""
    tensor = tensor.detach()
    if not tensor.is_contiguous():
        tensor = tensor.contiguous()
    size = tensor.numel() * tensor.element_size()
    return ctypes.string_at(tensor.data_ptr(), size if most is None else min(size, most)) if size else b""
