"""Starts the agent right after the target has imported torch; run by `sitecustomize` next to this file."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class TorchFinder:
    """A finder that intercepts ``import torch`` once: it asks the real finders and adds a step after loading."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name != "torch":
            return None
        try:
            sys.meta_path.remove(self)
        except ValueError:
            return None
        spec: ModuleSpec | None = None
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            spec = find(name, path, target) if find is not None else None
            if spec is not None:
                break
        if spec is None or spec.loader is None or not hasattr(spec.loader, "exec_module"):
            sys.meta_path.insert(0, self)
            return spec
        self._add_start(spec.loader)
        return spec

    def _add_start(self, loader: Any) -> None:
        original = loader.exec_module
        finder = self

        def exec_module(module: ModuleType) -> None:
            del loader.exec_module  # an instance attribute: deleting it restores the loader
            try:
                original(module)
            except BaseException as error:
                sys.meta_path.insert(0, finder)
                # A bare `raise` adds no entry, so dropping ours leaves the traceback of a plain run.
                if error.__traceback__ is not None:
                    error.__traceback__ = error.__traceback__.tb_next
                raise
            start_agent()

        try:
            loader.exec_module = exec_module
        except AttributeError:  # a loader with slots: there is no agent, and the host reports that
            return


def start_agent() -> None:
    """Load the agent under its private package name and start it; never raises."""
    import importlib
    import os

    try:
        package = ModuleType("_profilednn")
        package.__path__ = [os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))]
        sys.modules["_profilednn"] = package
        importlib.import_module("_profilednn.agent.memory.footprint")  # first: it measures what we take
        importlib.import_module("_profilednn.agent.start_launched").start()
    except Exception as error:  # noqa: BLE001 - fail open: training continues without an agent
        leave_note(error)


def leave_note(error: Exception) -> None:
    """Tell the host why there is no agent, in the format of the agent's own event."""
    import json
    import os
    import time

    note = {"event": "agent_error", "where": "start", "text": repr(error)[:500], "unix_ns": time.time_ns()}
    # Format 1, which every version reads: our code may be too broken to ask for the current version.
    head: dict[str, Any] = {"event": "header", "magic": "profilednn", "version": 1, "writer": "agent"}
    head.update(pid=os.getpid(), start_unix_ns=time.time_ns())
    path = os.path.join(os.environ.get("PROFILEDNN_SESSION", ""), f"agent-{os.getpid()}.jsonl")
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w") as stream:
            stream.write(json.dumps(head) + "\n" + json.dumps(note) + "\n")
    except OSError:
        return


sys.meta_path.insert(0, TorchFinder())
