"""Columns of several windows, summed by operator or call site."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from profilednn_tui.session.model.tables import Integers, NumberedWindow

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Floats: TypeAlias = "npt.NDArray[np.float64]"


class GroupSums:
    """The grouped rows of several windows; a column is summed to a matrix of the shape (windows, groups)."""

    def __init__(self, windows: Sequence[NumberedWindow], group_of: Integers, groups: int) -> None:
        import numpy as np

        self._windows = windows
        self._shape = (len(windows), groups)
        self._cells = np.repeat(np.arange(len(windows)) * groups, [len(window.places) for window in windows]) + group_of

    def of(self, column: str) -> Floats:
        import numpy as np

        weights = np.concatenate([getattr(window, column) for window in self._windows])
        cells = np.bincount(self._cells, weights=weights, minlength=self._shape[0] * self._shape[1])
        return np.asarray(cells, np.float64).reshape(self._shape)
