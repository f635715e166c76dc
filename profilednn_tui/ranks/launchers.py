"""Programs that start the ranks of a training, and how their words say how many there are and where they meet."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from profilednn_tui.errors import ProfilerError
from profilednn_tui.ranks.grid import RANKS


@dataclass(frozen=True, slots=True)
class Launcher:
    """One launcher."""

    name: str
    counts: tuple[str, ...] = ()
    """Its options for the number of ranks on this machine."""
    ports: tuple[str, ...] = ()
    """Its options for the port at which ranks meet."""
    endpoints: tuple[str, ...] = ()
    """Its options for a host with that port: ``HOST:PORT``."""
    port_variable: str = ""
    """A variable that sets the port where no option does."""


_TORCHRUN = Launcher(
    "torchrun",
    ("--nproc-per-node", "--nproc_per_node"),
    ("--master-port", "--master_port"),
    ("--rdzv-endpoint", "--rdzv_endpoint"),
    "PET_MASTER_PORT",
)
_ACCELERATE = Launcher("accelerate", ("--num_processes", "--num-processes"), ("--main_process_port",))
_CHOOSE_THEMSELVES = ("--standalone", "--rdzv")
LAUNCHERS: dict[str, Launcher] = {
    "torchrun": _TORCHRUN,
    "torch.distributed.run": _TORCHRUN,
    "torch.distributed.launch": _TORCHRUN,
    "accelerate": _ACCELERATE,
    "accelerate.commands.launch": _ACCELERATE,
    "deepspeed": Launcher("deepspeed", ("--num_gpus",), ("--master_port",)),
    "mpirun": Launcher("mpirun", ("-np", "-n", "--n")),
    "mpiexec": Launcher("mpiexec", ("-n", "-np", "--n")),
    "srun": Launcher("srun", ("-n", "--ntasks")),
    "horovodrun": Launcher("horovodrun", ("-np", "--num-proc")),
}
"""By the name of the program or of the module."""


def launcher_of(words: Sequence[str]) -> Launcher | None:
    """The launcher that a command begins with, such as ``torchrun``, or ``python -m torch.distributed.run``."""
    if not words:
        return None
    found = LAUNCHERS.get(os.path.basename(words[0]))
    if found is not None or "-m" not in words[:4]:
        return found
    place = list(words).index("-m") + 1
    return LAUNCHERS.get(words[place]) if place < len(words) else None


def with_value(words: Sequence[str], options: Sequence[str], change: Callable[[str], str]) -> tuple[str, ...] | None:
    """The words with another value, given the old one, of the first of some options; None if none of them is there."""
    found = _found(words, options)
    if found is None:
        return None
    place, value = found
    changed = list(words)
    name, equals, _ = changed[place].partition("=")
    if equals:
        changed[place] = f"{name}={change(value)}"
    else:
        changed[place + 1] = change(value)
    return tuple(changed)


def asked_ranks(words: Sequence[str]) -> int | None:
    """How many ranks a command asks for, on each machine or in all; None if no launcher is told a number."""
    launcher = launcher_of(words)
    found = _found(words, launcher.counts) if launcher is not None else None
    return int(found[1]) if found is not None and found[1].isdecimal() else None


def _found(words: Sequence[str], options: Sequence[str]) -> tuple[int, str] | None:
    """The place and the value of the first of some options among those of the launcher."""
    for place, word in enumerate(words):
        if place and _begins_target(words, place):
            return None
        name, equals, value = word.partition("=")
        if name in options and equals:
            return place, value
        if word in options and place + 1 < len(words):
            return place, words[place + 1]
    return None


def _begins_target(words: Sequence[str], place: int) -> bool:
    """Whether the launcher's own options end there: what follows belongs to the program that it starts."""
    word = words[place]
    python = os.path.basename(word).startswith("python") and not words[place - 1].startswith("-")
    return word == "--" or word.endswith(".py") or python


def apart(words: Sequence[str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """The words, and variables, with which the ranks of this run meet at a port of their own.

    Runs that follow one another at the same port may find it still in use.
    """
    launcher = launcher_of(words)
    if launcher is None or not launcher.ports:
        return tuple(words), {}
    if any(word.startswith("--nnodes") for word in words):
        return tuple(words), {}  # ranks of other machines have to find it
    port = str(free_port())
    changed = with_value(words, launcher.ports, lambda old: port) or with_value(
        words, launcher.endpoints, partial(_at_port, port)
    )
    if changed is not None:
        return changed, {}
    chosen = any(word.startswith(_CHOOSE_THEMSELVES) for word in words)
    return tuple(words), {launcher.port_variable: port} if launcher.port_variable and not chosen else {}


def _at_port(port: str, endpoint: str) -> str:
    """``HOST:PORT`` with another port; unchanged if it names none, or 0, for any."""
    host, colon, old = endpoint.rpartition(":")
    return f"{host}:{port}" if colon and old.isdecimal() and int(old) else endpoint


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def filled(words: Sequence[str], values: Mapping[str, str]) -> tuple[str, ...]:
    """The words of a command with values in place of ``{NAME}``, or of the launcher's number of ranks.

    Raises a `ProfilerError` if nothing takes the number of ranks.
    """
    placed = tuple(_placed(word, values) for word in words)
    if RANKS not in values or any(f"{{{RANKS}}}" in word for word in words):
        return placed
    launcher = launcher_of(words)
    changed = with_value(placed, launcher.counts, lambda old: values[RANKS]) if launcher is not None else None
    if changed is None:
        where = f"{launcher.counts[0]} {{ranks}}" if launcher is not None else "{ranks}"
        raise ProfilerError(f"Nothing in the command takes the number of ranks. Write {where} where it goes.")
    return changed


def _placed(word: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        word = word.replace(f"{{{name}}}", value)
    return word
