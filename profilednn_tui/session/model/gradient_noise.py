"""Events on gradients -> what those of neighbouring updates have in common."""

from __future__ import annotations

from collections import deque

from profilednn_tui.protocol.events import GradientNoiseEvent
from profilednn_tui.session.view import GradientPair

KEPT_PAIRS = 4_096


class GradientNoiseSeries:
    """The newest pairs of updates of a process; bounded."""

    def __init__(self) -> None:
        self._pairs: deque[GradientPair] = deque(maxlen=KEPT_PAIRS)

    def add(self, event: GradientNoiseEvent) -> None:
        """Add a pair; a `ValueError` for one that no gradients have."""
        if not abs(event.product) <= event.square * (1 + 1e-6) or event.update < 1:
            raise ValueError(f"gradients with a product of {event.product} and squares of {event.square}")
        self._pairs.append(GradientPair(event.update, event.square, event.product, event.unread))

    def view(self) -> tuple[GradientPair, ...]:
        return tuple(self._pairs)
