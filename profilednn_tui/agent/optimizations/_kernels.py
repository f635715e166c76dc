"""Loads our C++ kernels into the target from next to this package, without installing anything."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import Any

from . import Context, Missing

NAME = "profilednn_kernels"
_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PLACES = (os.path.join(_PACKAGE, os.pardir, NAME), os.path.join(_PACKAGE, os.pardir, "kernels", NAME))
"""Next to this package if installed; in the folder ``kernels`` of a clone."""
MINIMUM_TORCH = (2, 4)


def kernels() -> Any:
    """The kernels package; raises an error if it cannot be loaded here."""
    if NAME in sys.modules:
        return sys.modules[NAME]
    folder = next((place for place in PLACES if os.path.isfile(os.path.join(place, "__init__.py"))), None)
    if folder is None:
        raise ImportError(f"{NAME} is not next to profilednn_tui: reinstall profilednn-tui")
    start = os.path.join(folder, "__init__.py")
    spec = importlib.util.spec_from_file_location(NAME, start, submodule_search_locations=[folder])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        for name in [name for name in sys.modules if name == NAME or name.startswith(f"{NAME}.")]:
            del sys.modules[name]
        raise
    return module


def missing_kernels(context: Context) -> Missing | None:
    """Why the kernels cannot run in this process; None if they can."""
    if context.torch_version < MINIMUM_TORCH:
        needed = ".".join(map(str, MINIMUM_TORCH))
        return Missing(
            f"torch {context.torch.__version__} is too old for custom operators",
            f"install torch>={needed} in the target's environment",
        )
    try:
        reason = kernels().unavailable_reason()
    except Exception as error:  # noqa: BLE001 - any error from the target's torch is a reason
        reason = f"{type(error).__name__}: {error}"
    if reason is None:
        return None
    why, _, fix = reason.rstrip(".").rpartition(": ")
    return Missing(why, fix)
