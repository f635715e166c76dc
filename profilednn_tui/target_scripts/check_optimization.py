"""Checks an optimization of another package, in the target's interpreter.

Run as ``python check_optimization.py NAME``. The answer is one line of JSON: a list of checks, each with its subject,
its verdict (``ok``, ``limited`` or ``broken``), a text and a fix. The last ones train a small model without it,
with it, and after it.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import json
import os
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

STEPS = 8
"""Enough for those that only observe the first passes."""
ROUNDING = 5e-2
"""Relative difference of losses that the precision of bfloat16 explains."""

Check = tuple[str, str, str, str]
"""Subject, verdict, text, fix."""
OK, LIMITED, BROKEN = "ok", "limited", "broken"


class StopError(Exception):
    """The check in its first argument makes the rest pointless."""


def checks(name: str) -> Iterator[Check]:
    """All checks, up to the first that makes the rest pointless."""
    try:
        yield from _checks(name)
    except StopError as stopped:
        yield stopped.args[0]


def _checks(name: str) -> Iterator[Check]:
    own = name in registry.names()
    theirs = None if own else _entry_point(name)
    if theirs is not None:
        yield "entry point", OK, f"{theirs.value} in the group {registry.GROUP}", ""
    try:
        kind = registry.load(name)
    except Exception as error:  # noqa: BLE001 - third-party code
        raise StopError(
            ("class", BROKEN, f"it cannot be loaded: {_text(error)}", "the entry point names MODULE:CLASS, a class")
        ) from None
    yield "class", OK, f"{kind.__module__}.{kind.__qualname__}", ""
    problems = [*_wrong_values(kind), *_wrong_members(kind)]
    yield from problems or [("members", OK, f"uses {', '.join(_used(kind)) or 'none'}", "")]
    if any(verdict == BROKEN for _, verdict, _, _ in problems):
        return
    yield from _availability(name, kind)
    yield from _training(name)


def _entry_point(name: str) -> Any:
    found = registry.third_party()
    if name in found:
        return found[name]
    fix = f'install one here whose pyproject.toml has [project.entry-points."{registry.GROUP}"] {name} = "MODULE:CLASS"'
    known = f"; there are {', '.join(sorted(found))}" if found else ""
    raise StopError(("entry point", BROKEN, f"no package in this environment offers {name}{known}", fix))


def _used(kind: Any) -> list[str]:
    """The members that it overrides."""
    known = vars(optimizations.Optimization)
    members = (name for name in known if not name.startswith("_") and name != "name")
    return [name for name in members if getattr(kind, name) is not known[name]]


def _wrong_values(kind: Any) -> Iterator[Check]:
    if not isinstance(kind.description, str) or not kind.description.strip() or "\n" in kind.description:
        yield "description", BROKEN, "it has no description of one line", 'description = "what changes, in one line"'
    for name, expected in (("conflicts", tuple), ("clues", tuple), ("wary_of", frozenset), ("refuses", frozenset)):
        value = getattr(kind, name)
        if not isinstance(value, expected) or not all(isinstance(one, str) for one in value):
            yield name, BROKEN, f"{name} is {value!r}", f"make it a {expected.__name__} of texts"
    for name in ("at_launch", "live", "changes_model", "copies_inputs", "risky"):
        if not isinstance(getattr(kind, name), bool):
            yield name, BROKEN, f"{name} is {getattr(kind, name)!r}", "make it True or False"
    if kind.acts_on not in ("", "model", "optimizer"):
        yield "acts_on", BROKEN, f"acts_on is {kind.acts_on!r}", 'make it "model", "optimizer" or ""'


def _wrong_members(kind: Any) -> Iterator[Check]:
    known = {name: value for name, value in vars(optimizations.Optimization).items() if not name.startswith("_")}
    inherited = (optimizations.Optimization, object)
    members = {name for one in kind.__mro__ if one not in inherited for name in vars(one)}
    for name in sorted(member for member in members if not member.startswith("_")):
        if name in known:
            if inspect.isfunction(known[name]):
                yield from _wrong_arguments(name, getattr(kind, name), known[name])
            continue
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
        if close and name not in registry.OFFERED:
            yield name, BROKEN, f"{name} is never called", f"did you mean {close[0]}?"


def _wrong_arguments(name: str, theirs: Any, ours: Any) -> Iterator[Check]:
    wanted = list(inspect.signature(ours).parameters.values())
    given = [parameter.name for parameter in wanted if parameter.kind is parameter.POSITIONAL_OR_KEYWORD]
    try:
        inspect.signature(theirs).bind(*given)
    except TypeError:
        yield name, BROKEN, f"{name} does not take the arguments it gets", f"def {name}({', '.join(given)}): ..."
    except ValueError:
        return  # a callable without a signature


def _availability(name: str, kind: Any) -> Iterator[Check]:
    torch = importlib.import_module("torch")
    try:
        missing = kind(optimizations.here(torch, frozenset([name]))).missing()
        if missing is not None:
            raise StopError(("available", LIMITED, str(missing.reason), str(missing.fix)))
        if kind.at_launch:
            changes = kind(optimizations.here(None, frozenset([name]))).prepare_launch()
            parts = [*dict(changes.environment), *filter(None, [changes.preload]), *map(str, changes.processors)]
            yield "launch", OK, f"changes {', '.join(parts) or 'nothing here'}", ""
    except StopError:
        raise
    except Exception as error:  # noqa: BLE001 - third-party code
        raise StopError(("available", BROKEN, f"it fails before training: {_text(error)}", "see the guide")) from None
    yield "available", OK, f"here, with torch {torch.__version__}", ""


# ---------------------------------------------------------------- a small training


def _training(name: str) -> Iterator[Check]:
    torch = importlib.import_module("torch")
    manager = importlib.import_module("_profilednn.agent.optimizations._manager").OptimizationManager(torch, [name])
    plain = _train(torch)
    call = torch.nn.Module.__call__
    manager.start()
    active = list(manager.active)
    trained = _train(torch)
    (event,) = manager.news(STEPS, final=True)
    if event.state == "failed":
        yield "training", BROKEN, event.text, "raise Declined where it does not suit; see the guide"
    else:
        text = f"{event.state}: {event.text}"
        if event.state == "on":
            yield "receipt", OK, text, ""
        else:
            yield "receipt", LIMITED, text, "try it with a model that it acts on"
    yield _losses(plain["losses"], trained["losses"])
    traces = [what for what in ("state", "types", "groups") if plain[what] != trained[what]]
    told = {"state": "names or shapes in state_dict", "types": "classes of modules", "groups": "keys of param_groups"}
    if traces:
        seen = " and ".join(told[what] for what in traces)
        yield "traces", BROKEN, f"the program sees other {seen}", "change calls, not objects: call_layer, change_call"
    else:
        yield "traces", OK, "none in modules, state_dict and param_groups", ""
    for one in active:
        one.revert()
    torch.nn.Module.__call__ = call
    again = _train(torch)
    if again["losses"] != plain["losses"]:
        yield "revert", BROKEN, "after it, training is not what it was before", "self.undo.append(...) for each change"
    else:
        yield "revert", OK, "training is what it was before, to the last bit", ""


def _losses(plain: list[float], trained: list[float]) -> Check:
    if plain == trained:
        return "losses", OK, "equal to the last bit", ""
    apart = max(abs(one - other) / max(abs(one), 1e-12) for one, other in zip(plain, trained))
    if apart <= ROUNDING:
        return "losses", OK, f"{apart:.1e} apart at most", ""
    return "losses", BROKEN, f"the training differs: losses are {apart:.1e} apart", "change how it computes, not what"


def _train(torch: Any) -> dict[str, Any]:
    """Train a small model; what the program can see of it."""
    torch.manual_seed(0)
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(512, 10)
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()
    losses = []
    for _ in range(STEPS):
        inputs, labels = torch.randn(4, 3, 16, 16), torch.randint(10, (4,))
        optimizer.zero_grad()
        loss = criterion(model(inputs), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return {
        "losses": losses,
        "state": {name: tuple(value.shape) for name, value in model.state_dict().items()},
        "types": [type(module) for module in model.modules()],
        "groups": [sorted(group) for group in optimizer.param_groups],
    }


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    sys.path.pop(0)  # the folder of this file, whose modules have common names
    package = ModuleType("_profilednn")
    package.__path__ = [os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]
    sys.modules["_profilednn"] = package
    registry: Any = importlib.import_module("_profilednn.agent.optimizations._registry")
    optimizations: Any = importlib.import_module("_profilednn.agent.optimizations")
    stdout, sys.stdout = sys.stdout, sys.stderr  # what the package prints is not the answer
    found = list(checks(sys.argv[1]))
    print(json.dumps(found), file=stdout)
