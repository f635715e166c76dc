"""The call sites of operators, turned into stacks on demand."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import overload

from profilednn_tui.session.model.group_sums import Floats, GroupSums
from profilednn_tui.session.model.tables import MEASURES, Integers, Tables, phase_name
from profilednn_tui.session.view import Stack


class CallSites:
    """The call sites of all operators with their medians per step, computed on first access.

    They are in the order of their operators, and for each operator the heaviest come first.
    """

    def __init__(
        self,
        tables: Tables,
        values: list[tuple[int, int, int, int, int]],
        operator_of: Integers,
        sums: GroupSums,
        totals: Sequence[Floats],
    ) -> None:
        import numpy as np

        self._tables = tables
        self._values = values
        self._operator_of = operator_of
        self._sums = sums
        self._totals = totals
        """Calls, self and total time of each operator, to which its call sites add up."""
        own = sums.of("self_ns").sum(axis=0)
        self._by_time: list[int] = np.lexsort((-own, operator_of)).tolist()

    def modules(self, first: int, end: int) -> tuple[str, ...]:
        """Distinct module paths of a range of call sites."""
        numbers = dict.fromkeys(self._values[index][3] for index in self._by_time[first:end])
        return tuple(dict.fromkeys(filter(None, map(self._tables.module_path, numbers))))

    def stack(self, index: int) -> Stack:
        order, calls, own, total = self._medians
        place = order[index]
        _, node, forward_node, module, phase = self._values[place]
        tables = self._tables
        return Stack(
            tables.frames(node), tables.frames(forward_node), tables.module_path(module),
            calls[place], own[place], total[place], phase_name(phase),
        )  # fmt: skip

    @cached_property
    def _medians(self) -> tuple[list[int], list[float], list[float], list[float]]:
        import numpy as np

        columns = zip(MEASURES, self._totals, strict=True)
        calls, own, total = (self._scaled(self._sums.of(column), totals) for column, totals in columns)
        order = np.lexsort((-own, self._operator_of))
        return order.tolist(), calls.tolist(), own.tolist(), total.tolist()

    def _scaled(self, by_window: Floats, totals: Floats) -> Floats:
        """The median of each call site, scaled so that an operator's call sites add up to its total; the means where
        all medians are 0."""
        import numpy as np

        def scale(per_site: Floats) -> tuple[Floats, Floats]:
            per_operator = np.asarray(np.bincount(self._operator_of, per_site, len(totals)), np.float64)
            factors = np.divide(totals, per_operator, out=np.zeros(len(totals)), where=per_operator > 0)
            return per_site * factors[self._operator_of], per_operator

        scaled, per_operator = scale(np.median(by_window, axis=0))
        if not ((per_operator <= 0) & (totals > 0)).any():
            return scaled
        return np.where((per_operator > 0)[self._operator_of], scaled, scale(by_window.mean(axis=0))[0])


class CallSiteStacks(Sequence[Stack]):
    """The stacks of one operator, built on access: of thousands, a screen shows a few."""

    __slots__ = ("_end", "_first", "_sites")

    def __init__(self, sites: CallSites, first: int, end: int) -> None:
        self._sites = sites
        self._first = first
        self._end = end

    def __len__(self) -> int:
        return self._end - self._first

    @overload
    def __getitem__(self, index: int) -> Stack: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Stack]: ...

    def __getitem__(self, index: int | slice) -> Stack | Sequence[Stack]:
        indices = range(self._first, self._end)[index]
        return self._sites.stack(indices) if isinstance(indices, int) else [*map(self._sites.stack, indices)]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))
