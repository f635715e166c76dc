"""Parameters and learning events -> what each update did to every parameter."""

from __future__ import annotations

from profilednn_tui.protocol.events import LearningEvent, ParametersEvent
from profilednn_tui.session.view import OptimizerLearning, Update

MOST_OPTIMIZERS = 8
MOST_ROWS = 200_000
"""Of all updates together: 1,000 parameters in 100 updates of two optimizers."""


class LearningSeries:
    """The recorded updates of one process; bounded."""

    def __init__(self) -> None:
        self._optimizers: dict[int, tuple[ParametersEvent, list[Update]]] = {}
        self._rows = 0
        self._view: tuple[OptimizerLearning, ...] | None = ()

    def add_parameters(self, event: ParametersEvent) -> None:
        if not len(event.names) == len(event.groups) == len(event.dtypes):
            raise ValueError("parameters with columns of different lengths")
        if event.optimizer not in self._optimizers and len(self._optimizers) < MOST_OPTIMIZERS:
            self._optimizers[event.optimizer] = event, []
            self._view = None

    def add_update(self, event: LearningEvent) -> None:
        """Add an update; a `ValueError` if it does not have one row for each parameter."""
        parameters, updates = self._optimizers.get(event.optimizer, (None, []))
        if parameters is None or len(event.rows) != len(parameters.names):
            raise ValueError(f"an update with {len(event.rows)} rows of optimizer {event.optimizer}")
        if event.update <= (updates[-1].number if updates else 0):
            raise ValueError(f"update {event.update} once more")
        self._rows += len(event.rows)
        if self._rows > MOST_ROWS:
            return
        gradients, movements, checksums = zip(*event.rows, strict=True) if event.rows else ((), (), ())
        updates.append(Update(event.update, _numbers(gradients), _numbers(movements), tuple(map(int, checksums))))
        self._view = None

    def view(self) -> tuple[OptimizerLearning, ...]:
        if self._view is None:
            self._view = tuple(
                OptimizerLearning(
                    class_name=parameters.class_name,
                    names=tuple(parameters.names),
                    groups=tuple(parameters.groups),
                    dtypes=tuple(parameters.dtypes),
                    unread=parameters.unread,
                    updates=tuple(updates),
                )
                for _, (parameters, updates) in sorted(self._optimizers.items())
            )
        return self._view


def _numbers(values: tuple[float | str | None, ...]) -> tuple[float | None, ...]:
    """Norms that are not finite are written as text."""
    return tuple(None if value is None else float(value) for value in values)
