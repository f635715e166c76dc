"""The tables of several windows merged into one, whose rows are medians over the windows.

A single window is shown unchanged. Of several, each operator has its own median, so that a step in which it was
interrupted does not lead the table; an operator that is missing in a window counts as 0 there. Operators that are in
too few windows to have a median, because shapes vary from step to step, share what is left of the median of all
operators of their name, in proportion to their means. Call sites have their own medians, scaled to add up to the
operator's.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from profilednn_tui.protocol.vocabulary import PHASES
from profilednn_tui.session.model.call_sites import CallSites, CallSiteStacks
from profilednn_tui.session.model.group_sums import Floats, GroupSums
from profilednn_tui.session.model.module_tree import merged_modules
from profilednn_tui.session.model.self_times import SelfTimes, history_of
from profilednn_tui.session.model.tables import MEASURES, Integers, NumberedWindow, Tables, phase_name
from profilednn_tui.session.view import Operator, Operators, OutsideTime

TREND_WINDOWS = 4
"""The first windows are still warming up: fewer would show spurious trends."""


def merge(tables: Tables, windows: Sequence[NumberedWindow], history: Sequence[SelfTimes] = ()) -> Operators:
    """The operators and modules of some windows of one step each; the windows come oldest first, as does `history`."""
    events = [window.event for window in windows]
    self_ns_per_step = float(median(event.operator_ns for event in events))
    left_out_ns = median(window.event.operator_ns - int(window.self_ns.sum()) for window in windows)
    rows = _operators(tables, windows, self_ns_per_step, history)
    return Operators(
        windows=tuple(event.number for event in events),
        step=events[-1].step,
        end_unix_ns=events[-1].end_unix_ns,
        rows=rows,
        modules=merged_modules(tables, windows),
        self_ns_per_step=self_ns_per_step,
        profiled_step_ns=float(median(event.duration_ns for event in events)),
        stacks=any(event.stacks for event in events),
        truncated=any(event.truncated for event in events),
        steps=tuple(event.step for event in events),
        gap_ns_per_step=self_ns_per_step - left_out_ns - sum(row.self_ns_per_step for row in rows),
        outside=_outside(tables, windows),
    )


def _outside(tables: Tables, windows: Sequence[NumberedWindow]) -> tuple[OutsideTime, ...]:
    """The median of each place, most time first; places of which that is 0 are left out. Negative ones balance
    annotations."""
    import numpy as np

    nodes, node_of = np.unique(np.concatenate([window.outside for window in windows]), return_inverse=True)
    window_of = np.repeat(np.arange(len(windows)), [len(window.outside) for window in windows])
    by_window = np.zeros((len(windows), len(nodes)))
    np.add.at(by_window, (window_of, node_of.reshape(-1)), np.concatenate([window.outside_ns for window in windows]))
    medians = np.median(by_window, axis=0)
    order = np.argsort(-medians, kind="stable")
    found = zip(nodes[order].tolist(), medians[order].tolist(), strict=True)
    return tuple(OutsideTime(tables.frames(node), time_ns) for node, time_ns in found if time_ns)


def _operators(
    tables: Tables, windows: Sequence[NumberedWindow], self_ns_per_step: float, history: Sequence[SelfTimes]
) -> tuple[Operator, ...]:
    import numpy as np

    places, place_of = np.unique(np.concatenate([window.places for window in windows]), return_inverse=True)
    place_of = place_of.reshape(-1)
    values = [tables.place_values[place] for place in places.tolist()]
    numbers, operator_of = np.unique(np.array([value[0] for value in values], dtype=np.int64), return_inverse=True)
    operator_of = operator_of.reshape(-1)
    keys = [tables.operator_keys[number] for number in numbers.tolist()]
    names = np.unique([key.name for key in keys], return_inverse=True)[1].reshape(-1)

    by_operator = GroupSums(windows, operator_of[place_of], len(keys))
    sums = [by_operator.of(column) for column in MEASURES]
    medians = [_medians(by_window, names) for by_window in sums]
    own, backward = sums[1], by_operator.of("backward_ns")
    by_place = GroupSums(windows, place_of, len(values))
    phases = _phases([value[4] for value in values], operator_of, by_place.of("self_ns").sum(axis=0), len(keys))
    earlier = np.median(own[:-1], axis=0) if len(windows) >= TREND_WINDOWS else np.zeros(len(keys))

    sites = CallSites(tables, values, operator_of, by_place, medians)
    lists = [column.tolist() for column in (*medians, own.sum(axis=0), backward.sum(axis=0), own[-1], earlier)]
    rows = []
    first = 0
    for key, end, phase, calls, own_ns, total_ns, sum_ns, backward_ns, newest_ns, earlier_ns in zip(
        keys, np.cumsum(np.bincount(operator_of, minlength=len(keys))).tolist(), phases, *lists, strict=True
    ):
        rows.append(
            Operator(
                key=key,
                calls_per_step=calls,
                self_ns_per_step=own_ns,
                total_ns_per_step=total_ns,
                share=own_ns / self_ns_per_step if self_ns_per_step else 0.0,
                backward=backward_ns * 2 > sum_ns,
                trend=newest_ns / earlier_ns if earlier_ns > 0 else None,
                modules=sites.modules(first, end),
                stacks=CallSiteStacks(sites, first, end),
                phase=phase,
                history=history_of(key, history),
            )
        )
        first = end
    rows.sort(key=lambda row: (-row.self_ns_per_step, row.key.name, row.key.input_shapes))
    return tuple(rows)


def _phases(phase_of: Sequence[int], operator_of: Integers, own_ns: Floats, operators: int) -> list[str]:
    """The phase in which each operator spent most of its own time; `own_ns` is that of each call site."""
    import numpy as np

    width = len(PHASES) + 1
    cells = operator_of * width + np.array(phase_of, dtype=np.int64) + 1
    # A nanosecond each, so that one without time of its own has its phase, too.
    times = np.bincount(cells, weights=own_ns + 1, minlength=operators * width).reshape(operators, width)
    return [phase_name(place - 1) for place in times.argmax(axis=1).tolist()]


def _medians(by_window: Floats, names: Integers) -> Floats:
    """The median of each operator; those whose median is 0 share what is left of the median of their name."""
    import numpy as np

    medians: Floats = np.median(by_window, axis=0)
    means = np.where(medians == 0, by_window.mean(axis=0), 0.0)
    if not means.any():
        return medians
    count = int(names.max()) + 1
    by_name = np.stack([np.bincount(names, weights=row, minlength=count) for row in by_window])
    left = np.median(by_name, axis=0) - np.bincount(names, weights=medians, minlength=count)
    shared = np.bincount(names, weights=means, minlength=count)
    part = np.divide(np.maximum(left, 0.0), shared, out=np.zeros(count), where=shared > 0)
    shares: Floats = means * part[names]
    return medians + shares
