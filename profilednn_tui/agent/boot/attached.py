"""Loads the agent from the source code that an injection brought along, and starts it; runs in its own thread.

`profilednn_tui.attach.payload` creates the order.
"""

from __future__ import annotations

import sys
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class CarriedModules(Loader):
    """Finds and loads the modules of ``_profilednn`` from memory: the target may be unable to read our files."""

    ENTRY = "/profilednn-carried"

    def __init__(self, modules: dict[str, tuple[str, str]]) -> None:
        self._modules = modules

    def find_spec(self, name: str, target: Any = None) -> ModuleSpec | None:
        if name not in self._modules:
            return None
        path, _ = self._modules[name]
        spec = ModuleSpec(name, self, origin=path, is_package=path.endswith("__init__.py"))
        spec.has_location = True
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations.append(self.ENTRY)
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """Python's default is sufficient."""

    def exec_module(self, module: ModuleType) -> None:
        path, source = self._modules[module.__name__]
        exec(compile(source, path, "exec", dont_inherit=True), module.__dict__)

    def get_source(self, name: str) -> str:
        return self._modules[name][1]


def wait_for_torch() -> Any:
    """Wait for torch to be fully imported and return it; None if this process has not imported it."""
    import time

    for _ in range(600):
        torch = sys.modules.get("torch")
        if torch is None:
            return None
        if not getattr(getattr(torch, "__spec__", None), "_initializing", False):
            return torch
        time.sleep(0.1)
    return None


def load(order: dict[str, Any]) -> Any:
    """The agent's module `start_attached`: the loaded one if its source is the same, otherwise a new one."""
    import importlib

    package: Any = sys.modules["_profilednn"]
    if getattr(package, "digest", None) != order["digest"]:
        for name in [name for name in sys.modules if name.startswith("_profilednn.")]:
            del sys.modules[name]
        package.digest = order["digest"]
        package.__path__ = [CarriedModules.ENTRY]
        sys.path_importer_cache[CarriedModules.ENTRY] = CarriedModules(order["modules"])
    importlib.import_module("_profilednn.agent.memory.footprint")  # first: it measures what we take
    return importlib.import_module("_profilednn.agent.start_attached")


def present() -> str | None:
    """The session folder of an agent that is already running in this process; None if there is none."""
    # The second name is from the first version, whose agent may still be running.
    forks = sys.modules.get("_profilednn.agent.isolation.forks") or sys.modules.get("_profilednn.agent.presence")
    agent = forks.current() if forks is not None else None
    return None if agent is None else agent.folder


def answer(order: dict[str, Any], event: str, **fields: str) -> None:
    """Tell the host why no agent was started."""
    import json
    import os
    import time

    path = os.path.join(order["folder"], f"answer-{os.getpid()}.jsonl")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w") as stream:
        stream.write(json.dumps(dict(event=event, unix_ns=time.time_ns(), **fields)) + "\n")


def attach(order: dict[str, Any]) -> None:
    """Start the agent unless one is already running."""
    import _thread

    package = sys.modules.setdefault("_profilednn", ModuleType("_profilednn"))
    with package.__dict__.setdefault("attach_lock", _thread.allocate_lock()):
        folder = present()
        if folder is not None:
            answer(order, "present", folder=folder)
            return
        if wait_for_torch() is None:
            answer(order, "failed", text="it has not imported torch")
            return
        load(order).start(order)


def main(order: dict[str, Any]) -> None:
    """Attach, and tell the host if that fails."""
    try:
        attach(order)
    except Exception as error:  # noqa: BLE001 - fail open: the program continues without an agent
        answer(order, "failed", text=f"the agent did not start: {error!r}")
