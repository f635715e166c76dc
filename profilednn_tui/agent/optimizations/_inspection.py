"""What a model's code reveals before it runs: the names it uses, and whether a call can be repeated.

Code of torch, torchvision and Python itself is not read. The answers are reasons, not proofs: code that cannot be
followed counts against a call.
"""

from __future__ import annotations

import dis
import math
import os
import re
import sys
from collections.abc import Iterator
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

_WRITES_ELSEWHERE = frozenset(
    {"print", "open", "input", "exec", "eval", "setattr", "delattr", "next", "__import__", "breakpoint", "exit", "vars",
     "globals"}
)  # fmt: skip
"""Builtins that have, or may have, side effects that a second call would see."""
_NOT_REPEATABLE = frozenset(
    {"save", "load", "backward", "step", "zero_grad", "register_hook", "register_forward_hook", "seed", "share_memory_",
     "register_forward_pre_hook", "register_full_backward_hook", "retain_grad", "register_post_accumulate_grad_hook",
     "set_num_threads", "set_default_dtype", "set_default_device", "tofile", "add_module", "register_module",
     "requires_grad_", "register_buffer", "register_parameter", "load_state_dict", "set_"}
)  # fmt: skip
"""Attributes of tensors, modules and torch with such side effects."""
_TRUSTED = frozenset({"torch", "torchvision", "_profilednn", "profilednn_kernels", "profilednn_tui"})
"""Packages whose code is known to have no such side effects."""
_PLAIN = (int, float, complex, bool, str, bytes, type(None), tuple, frozenset, type, ModuleType, BuiltinFunctionType)
_IMMUTABLE_TORCH = ("dtype", "device", "memory_format", "layout", "Size")
_OPERATIONS = {"STORE_GLOBAL", "DELETE_GLOBAL"}


def functions_of(model: Any) -> Iterator[tuple[Any, FunctionType]]:
    """The forward methods of a model's modules that are not torch's own, each with a module that has it."""
    seen: set[Any] = set()
    for module in model.modules():
        for name in ("forward", "__call__"):
            function = _plain(getattr(type(module), name, None))
            if isinstance(function, FunctionType) and function not in seen and not is_trusted(function):
                seen.add(function)
                yield module, function


def hooks_of(model: Any) -> list[Any]:
    """The hooks that the program has registered on a model's modules and parameters, or on all modules."""
    tables = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    found = [hook for module in model.modules() for name in tables for hook in getattr(module, name, {}).values()]
    of_tensors = ("_backward_hooks", "_post_accumulate_grad_hooks")
    found += [
        hook for one in model.parameters() for name in of_tensors for hook in (getattr(one, name, None) or {}).values()
    ]
    shared = sys.modules.get("torch.nn.modules.module")
    names = (
        "_global_forward_hooks",
        "_global_forward_pre_hooks",
        "_global_backward_hooks",
        "_global_backward_pre_hooks",
    )
    return found + [hook for name in names for hook in getattr(shared, name, {}).values()]


def mention(model: Any, names: frozenset[str]) -> str:
    """The first of `names` that the model's own code uses, with its place ("view (train.py:31)"); empty if none.

    A hook that cannot be read counts as mentioning all of them.
    """
    for module, function in functions_of(model):
        for code in codes_of(function, module):
            place = _place(code, names)
            if place:
                return place
    for hook in hooks_of(model):
        function = _plain(hook)
        if _is_torch(hook):
            continue
        if not isinstance(function, FunctionType):
            return f"a hook that cannot be read ({type(hook).__name__})"
        for code in codes_of(function, None):
            place = _place(code, names)
            if place:
                return f"a hook that uses {place}"
    return ""


def program_mentions(pattern: str) -> str:
    """The program's own file that matches a regular expression; empty if none does. Installed packages are skipped."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None) if isinstance(module, ModuleType) else None
        ours = module.__name__.partition(".")[0] in _TRUSTED
        if not file or not file.endswith(".py") or ours or is_installed(file):
            continue
        try:
            with open(file, encoding="utf-8", errors="replace") as stream:
                if re.search(pattern, stream.read(2_000_000)):
                    return os.path.basename(str(file))
        except OSError:
            continue
    return ""


def why_not_repeatable(model: Any, torch: Any) -> str:
    """Why a call of the model cannot be repeated as if it had not been made; empty if it can."""
    if hooks_of(model):
        return "the program has hooks on its modules"
    known = _known_names(model, torch)
    for module, function in functions_of(model):
        if "forward" in vars(module):
            return f"{type(module).__name__} has its own forward"
        for code in codes_of(function, module):
            reason = _reason(code, function.__globals__, known)
            if reason:
                return f"{code.co_name} in {os.path.basename(code.co_filename)} {reason}"
    return ""


def _known_names(model: Any, torch: Any) -> frozenset[str]:
    """Attributes without side effects: of tensors, torch and its functions, plain values, and the model's modules."""
    known: set[str] = set()
    for owner in (torch.Tensor, torch, torch.nn, torch.nn.functional, math, list, dict, tuple, str, set, slice, range):
        known.update(dir(owner))
    known.update(name for name in ("utils", "checkpoint", "functional", "ops", "fft", "linalg", "special"))
    for module in model.modules():
        known.update(dir(type(module)))
        for name, value in vars(module).items():
            if isinstance(value, (*_PLAIN, list, dict, FunctionType, MethodType)) or _is_torch(value):
                known.add(name)
        known.update(module._parameters, module._buffers, module._modules)
    return frozenset(known - _NOT_REPEATABLE)


def _reason(code: CodeType, names: dict[str, Any], known: frozenset[str]) -> str:
    for instruction in dis.get_instructions(code):
        operation, argument = instruction.opname, instruction.argval
        if operation in _OPERATIONS or (operation == "STORE_DEREF" and argument not in code.co_cellvars):
            return f"changes {argument}"
        if operation == "STORE_ATTR" and argument not in known:  # changes of modules are detected after the call
            return f"sets {argument}"
        if operation == "LOAD_GLOBAL":
            reason = _of_global(str(argument), names)
            if reason:
                return reason
        if operation in ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR") and argument not in known:
            return f"uses {argument}"
    return ""


def _of_global(name: str, names: dict[str, Any]) -> str:
    if name not in names:
        return f"calls {name}" if name in _WRITES_ELSEWHERE else ""
    value = names[name]
    readable = isinstance(value, (*_PLAIN, FunctionType)) or type(value).__name__ in _IMMUTABLE_TORCH
    return "" if readable else f"uses the global {name}"


def codes_of(function: FunctionType, module: Any, depth: int = 3) -> Iterator[CodeType]:
    """The code of a function, of its inner functions, and of functions it names: globals and methods of `module`."""
    seen: set[CodeType] = set()
    pending = [(function, depth)]
    while pending:
        function, left = pending.pop()
        codes = [function.__code__]
        while codes:
            code = codes.pop()
            if code in seen:
                continue
            seen.add(code)
            yield code
            codes += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
            for name in code.co_names if left else ():
                # From all base classes: a method may call the one that it overrides.
                methods = [vars(base)[name] for base in type(module).__mro__ if name in vars(base)]
                for value in (function.__globals__.get(name), *methods):
                    called = _plain(value)
                    if isinstance(called, FunctionType) and not is_trusted(called):
                        pending.append((called, left - 1))


def _place(code: CodeType, names: frozenset[str]) -> str:
    if names.isdisjoint(code.co_names):
        return ""
    line = code.co_firstlineno
    for instruction in dis.get_instructions(code):
        line = _line_of(instruction, line)
        if instruction.argval in names and instruction.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            return f"{instruction.argval} ({os.path.basename(code.co_filename)}:{line})"
    return ""


def _line_of(instruction: dis.Instruction, before: int) -> int:
    line: Any = (
        getattr(instruction, "line_number", None) or instruction.starts_line
    )  # the latter is a bool from 3.13 on
    return before if line is None or isinstance(line, bool) else int(line)


def _plain(value: Any) -> Any:
    """The function underneath methods and decorators."""
    value = getattr(value, "__func__", value)
    while isinstance(value, FunctionType) and "__wrapped__" in vars(value):
        value = vars(value)["__wrapped__"]
    return value


def is_trusted(function: FunctionType | type) -> bool:
    """Whether a function or class belongs to torch, to us or to Python itself."""
    package = (function.__module__ or "").partition(".")[0]
    return package in _TRUSTED or package in _STANDARD


def is_of_program(kind: type) -> bool:
    """Whether a class is the program's own: neither from an installed package nor from Python itself."""
    module = sys.modules.get(kind.__module__)
    file = getattr(module, "__file__", None)
    package = kind.__module__.partition(".")[0]
    return bool(file) and package not in _TRUSTED and not is_installed(str(file))


def _is_torch(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] == "torch"


def is_installed(file: str) -> bool:
    return any(part in file for part in (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")) or (
        file.startswith((sys.base_prefix + os.sep + "lib", os.path.dirname(os.__file__)))
    )


_STANDARD = frozenset(getattr(sys, "stdlib_module_names", ("collections", "contextlib", "functools", "math", "typing")))
