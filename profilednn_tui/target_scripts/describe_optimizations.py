"""Answers the host's questions about optimizations, in the target's interpreter.

Run as ``python describe_optimizations.py QUESTION [NAME ...]``.

``names`` and ``launch`` do not need torch. ``describe`` imports it, and tells what is available there and what is not,
with the reason. The answer is one line of JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from types import ModuleType
from typing import Any


def describe() -> list[dict[str, Any]]:
    """All optimizations with their descriptions, their conflicts, and why they are not available, if so."""
    try:
        torch: Any = importlib.import_module("torch")
    except ImportError:
        torch = None
    context = optimizations.here(torch, frozenset())
    return [offer(name, context) for name in (*registry.names(), *registry.third_party())]


def offer(name: str, context: Any) -> dict[str, Any]:
    """The description of one optimization; one whose code fails is not available."""
    answer = {
        "name": name,
        "description": "",
        "conflicts": [],
        "at_launch": False,
        "live": False,
        "reason": "",
        "fix": "",
    }
    try:
        kind = registry.load(name)
        answer.update(
            description=kind.description, conflicts=list(kind.conflicts), at_launch=kind.at_launch, live=kind.live
        )
        if context.torch is None and not kind.at_launch:
            answer.update(reason="torch is not installed there", fix="choose another interpreter with --python PATH")
            return answer
        missing = kind(context).missing()
        if missing is not None:
            answer.update(reason=missing.reason, fix=missing.fix)
    except Exception as error:  # noqa: BLE001 - third-party code
        answer.update(reason=f"{type(error).__name__}: {error}", fix="ask its provider")
    return answer


def launch(chosen: list[str], quota: float | None) -> dict[str, Any]:
    """What the chosen optimizations change before the target starts; the agent reports those that cannot."""
    context = optimizations.here(None, frozenset(chosen), quota)
    answer: dict[str, Any] = {"environment": {}, "preload": [], "processors": []}
    kinds: list[Any] = []
    for name in chosen:
        try:
            kind = registry.load(name)
            if not kind.at_launch or registry.conflict(kind, kinds) or kind(context).missing() is not None:
                continue
            changes = kind(context).prepare_launch()
        except Exception:  # noqa: BLE001, S112 - the agent tries again, and reports
            continue
        kinds.append(kind)
        answer["environment"].update(changes.environment)
        answer["preload"] += [changes.preload] if changes.preload else []
        answer["processors"] = list(changes.processors) or answer["processors"]
    return answer


if __name__ == "__main__":
    sys.path.pop(0)  # the folder of this file, whose modules have common names
    package = ModuleType("_profilednn")
    package.__path__ = [os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]
    sys.modules["_profilednn"] = package
    registry: Any = importlib.import_module("_profilednn.agent.optimizations._registry")
    optimizations: Any = importlib.import_module("_profilednn.agent.optimizations")
    question, *words = sys.argv[1:]
    if question == "names":
        found: Any = [*registry.names(), *registry.third_party()]
    elif question == "describe":
        found = describe()
    else:
        found = launch(words[1:], float(words[0]) if words[0] != "none" else None)
    print(json.dumps(found))
