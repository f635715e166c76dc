"""Reads variables of running frames, and attributes of what they hold, without a trace in the program.

Up to Python 3.12, `frame.f_locals` leaves one: it copies all variables into a dictionary that the frame keeps, so that
they live longer, and that is the one that `locals()` has returned to the program. There the values are read from where
the interpreter keeps them. Where that is not known for certain, variables of functions are unknown.
"""

from __future__ import annotations

import ctypes
import inspect
import sys
from types import CellType, FrameType, MemberDescriptorType
from typing import Any, Callable

UNKNOWN: Any = object()
"""What is returned for a value that cannot be read."""

_OPTIMIZED = inspect.CO_OPTIMIZED
_POINTER = ctypes.sizeof(ctypes.c_void_p)
_FRAME_3_11, _LOCALS_3_11 = 3 * _POINTER, 9 * _POINTER
"""In CPython 3.11: where an object of type frame has the address of the interpreter's frame, and that its variables."""


def variable(frame: FrameType, name: str) -> Any:
    """The value that a name has in a running frame: local, of an enclosing function, or global; else `UNKNOWN`."""
    code = frame.f_code
    local = name in code.co_varnames or name in code.co_cellvars or name in code.co_freevars
    if local and code.co_flags & _OPTIMIZED:
        return _read_local(frame, name)
    return dict.get(frame.f_globals, name, UNKNOWN)


def attribute(owner: Any, name: str) -> Any:
    """What `owner.name` is stored as, in the object, its class or its slots, without code of the program; else
    `UNKNOWN`."""
    kind = type(owner)
    found = inspect.getattr_static(owner, name, UNKNOWN)
    if type(found) is MemberDescriptorType:
        try:
            return found.__get__(owner, kind)
        except (AttributeError, TypeError):
            return UNKNOWN
    if found is UNKNOWN and dict in type.mro(kind):  # dictionaries whose keys are attributes as well
        return dict.get(owner, name, UNKNOWN)
    return found


def _through_proxy(frame: FrameType, name: str) -> Any:
    """From Python 3.13 on, `f_locals` copies nothing."""
    try:
        return frame.f_locals[name]
    except KeyError:
        return UNKNOWN


def _through_interface(frame: FrameType, name: str) -> Any:
    """In Python 3.12, C's interface reads one variable."""
    prototype = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object, ctypes.py_object)  # `pythonapi` is shared
    try:
        return prototype(("PyFrame_GetVar", ctypes.pythonapi))(frame, name)
    except NameError:
        return UNKNOWN


def _through_memory(frame: FrameType, name: str) -> Any:
    """Up to Python 3.11, variables are an array of pointers; those that inner functions use are in cells."""
    code = frame.f_code
    begin, place, in_cell = _begin(frame), _place(frame, name), name in code.co_cellvars or name in code.co_freevars
    address = ctypes.c_void_p.from_address(begin + place * _POINTER).value
    if address is None:
        return UNKNOWN
    value = ctypes.cast(address, ctypes.py_object).value
    if in_cell and type(value) is CellType:
        try:
            return value.cell_contents
        except ValueError:
            return UNKNOWN
    return value


def _begin(frame: FrameType) -> int:
    """Where the variables of a frame begin."""
    if sys.version_info >= (3, 11):
        return int(ctypes.c_void_p.from_address(id(frame) + _FRAME_3_11).value or 0) + _LOCALS_3_11
    return id(frame) + int(type(frame).__basicsize__) - _POINTER


def _place(frame: FrameType, name: str) -> int:
    """The index of a variable among those of its frame."""
    code = frame.f_code
    names, cells = code.co_varnames, code.co_cellvars
    if sys.version_info >= (3, 11):
        cells = tuple(cell for cell in cells if cell not in names)  # an argument keeps its place
    elif name in cells:
        return len(names) + cells.index(name)
    return (*names, *cells, *code.co_freevars).index(name)


def _unknown(frame: FrameType, name: str) -> Any:
    return UNKNOWN


def _reader() -> Callable[[FrameType, str], Any]:
    if sys.version_info >= (3, 13):
        return _through_proxy
    is_debug_build = hasattr(sys, "gettotalrefcount")  # which may lay objects out differently
    if sys.implementation.name != "cpython" or is_debug_build:
        return _unknown
    if sys.version_info >= (3, 12):
        return _through_interface
    return _through_memory if _is_where_it_should_be(object(), object()) else _unknown


def _is_where_it_should_be(first: object, second: object) -> bool:
    """Whether this function's own variables are found; addresses are compared before any is followed."""
    frame = sys._getframe()
    begin = _begin(frame)
    found = [ctypes.c_void_p.from_address(begin + place * _POINTER).value for place in range(3)]
    return found == [id(first), id(second), id(frame)]


_read_local = _reader()
