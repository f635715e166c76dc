"""What the agent saw of the training's conditions."""

from __future__ import annotations

from collections import deque

from profilednn_tui.protocol.events import ConditionsEvent
from profilednn_tui.session.view import Conditions, Inputs

KEPT_LOOKS = 64
MOST_PATHS = 256
"""The agent reports fewer."""


class ConditionSeries:
    """The newest conditions of a process, and how its graph has grown; bounded."""

    def __init__(self) -> None:
        self._newest: ConditionsEvent | None = None
        self._nodes: deque[tuple[int, int]] = deque(maxlen=KEPT_LOOKS)
        self._inputs: deque[Inputs] = deque(maxlen=KEPT_LOOKS)

    def add(self, event: ConditionsEvent) -> None:
        """Take note of a look."""
        self._newest = event
        if event.graph_nodes:
            self._nodes.append((event.step, event.graph_nodes))
        if event.input_elements:
            self._inputs.append(Inputs(event.step, event.batch, event.input_elements))

    def view(self) -> Conditions | None:
        """The conditions; None before the first look."""
        event = self._newest
        if event is None:
            return None
        return Conditions(
            step=event.step,
            anomaly_mode=event.anomaly_mode,
            onednn=event.onednn,
            denormals=event.denormals,
            flushes_denormals=event.flushes_denormals,
            graph_nodes=tuple(self._nodes),
            watched_graphs=event.watched_graphs,
            kept_graphs=event.kept_graphs,
            unneeded=tuple(event.unneeded[:MOST_PATHS]),
            unneeded_weights=tuple(event.unneeded_weights[:MOST_PATHS]),
        )

    @property
    def inputs(self) -> tuple[Inputs, ...]:
        """The size of the inputs in the newest looks."""
        return tuple(self._inputs)

    @property
    def intra_op_threads(self) -> int | None:
        """As the agent last saw it; the program may have changed it after the start."""
        return self._newest.intra_op_threads if self._newest else None
