"""Finished runs, as read for a comparison."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from profilednn_tui.session.model.windows import MERGED_WINDOWS
from profilednn_tui.session.open_session import OpenSession
from profilednn_tui.session.spread import Spread
from profilednn_tui.session.view import Operators, SessionView

ENTRY_OPERATORS = frozenset(
    f"aten::{name}"
    for name in (
        "conv1d", "conv2d", "conv3d", "linear", "embedding", "layer_norm", "batch_norm", "lstm", "gru", "rnn_tanh",
        "max_pool2d", "scaled_dot_product_attention",
    )
)  # fmt: skip
"""Operators that modules call with the data flowing through the model, as their first input."""

_FIRST_SHAPE = re.compile(r"^\[\[(\d[\d, ]*)\]")


Turn = tuple[str, int]
"""An experiment's folder and a block in it: runs of the same turn directly followed one another."""


@dataclass(frozen=True, slots=True)
class Run:
    """One session of a side."""

    name: str
    view: SessionView
    data_shapes: tuple[frozenset[str], ...] = ()
    """The shapes of the data that flowed through the model, for each window that has any."""
    location: Path | None = None
    """The session folder or snapshot file."""
    turn: Turn | None = None
    """The run's place in an experiment; None outside of one."""
    lockstep: bool = False
    """Whether its steps alternated with those of the other runs in its turn."""
    skip: int = 0
    """Steps at the beginning that are not judged, beside the warm-up."""
    spread: Spread | None = None
    """The spread of earlier runs of this kind on the machine, as recorded with the run."""

    @property
    def failed(self) -> bool:
        """Whether the target ended with an error."""
        return self.view.target.exit_code not in (0, None)

    @property
    def disturbance(self) -> str | None:
        """A sentence about other load during the run; None if there was none."""
        return self.view.cores.contention


@dataclass(frozen=True, slots=True)
class Side:
    """Runs that are samples of the same thing: a session, several sessions, or a variant of an experiment."""

    name: str
    runs: tuple[Run, ...]
    left_out: tuple[Run, ...] = ()
    """Runs that do not count because of other load on the machine."""
    disturbed: str = ""
    """Why nothing can be concluded if too few runs were undisturbed; empty otherwise."""
    certificate: Run | None = None
    """A run whose learning was recorded; it is not timed."""


FEWEST_UNDISTURBED = 0.5
"""Share of a side's runs. With fewer, the disturbed runs are shown too, and nothing is concluded from them."""


def side_from(
    name: str, runs: Sequence[Run], wanted: int | None = None, reasons: Mapping[str, str] = MappingProxyType({})
) -> Side:
    """Build a side from runs, leaving out disturbed ones if enough others remain.

    `wanted` is the planned number of runs. `reasons` says what disturbed a run, by its name, if that is known from
    elsewhere than its own recording.
    """
    judged = [(run, reasons.get(run.name) or run.disturbance) for run in runs]
    quiet = tuple(run for run, reason in judged if not reason)
    busy = tuple(run for run, reason in judged if reason)
    if not busy or (quiet and len(quiet) >= FEWEST_UNDISTURBED * (wanted or len(runs))):
        return Side(name, quiet, left_out=busy)
    newest = [reason for _, reason in judged if reason][-1]
    subject = name if len(runs) == 1 else f"{len(busy)} of {len(runs)} runs of {name}"
    was = "was" if len(runs) == 1 else "were"
    return Side(name, tuple(runs), disturbed=f"{subject} {was} disturbed ({newest})")


def others_share(side: Side) -> float:
    """The average fraction of the cores that other processes used during a side's runs."""
    shares = [
        min(1.0, max(0.0, run.view.cores.mean_others_percent / (100 * run.view.machine.cores)))
        for run in side.runs
        if run.view.cores.mean_others_percent is not None and run.view.machine.cores
    ]
    return sum(shares) / len(shares) if shares else 0.0


def read_run(session: OpenSession, name: str | None = None) -> Run:
    """Read a session to its end."""
    session.catch_up()
    view = session.view()
    newest = view.window_numbers[-MERGED_WINDOWS:]
    shapes = [data_shapes(session.view(number).operators) for number in newest]
    return Run(
        name or session.location.stem,
        session.view(),
        tuple(filter(None, shapes)),
        session.location,
        spread=session.started.spread,
    )


def data_shapes(operators: Operators) -> frozenset[str]:
    """The shape of the first input of every operator that takes the model's data, as ``32×3×224×224``."""
    return frozenset(_first_shapes(operators))


def _first_shapes(operators: Operators) -> Iterator[str]:
    for row in operators.rows:
        found = _FIRST_SHAPE.match(row.key.input_shapes)
        if found and row.key.name in ENTRY_OPERATORS:
            yield found.group(1).replace(", ", "×")
