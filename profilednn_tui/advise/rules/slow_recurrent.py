"""Recurrent layers that run step by step instead of as one primitive."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import PROFILED_MS, Signals, no_operators
from profilednn_tui.session.view import Operator

LAYERS = ("aten::lstm", "aten::gru", "aten::rnn_tanh", "aten::rnn_relu")
CELLS = ("aten::lstm_cell", "aten::gru_cell", "aten::rnn_tanh_cell", "aten::rnn_relu_cell")
LEAST_CELLS_PER_STEP = 4
"""Calls from which a cell counts as a loop over time steps."""
FUSED = ("aten::mkldnn_rnn_layer", "aten::mkldnn_rnn_layer_backward")
LEAST_SHARE = 0.1
KEPT = 0.2
"""What one primitive per layer still costs at least, as a fraction of the separate operators."""


class SlowRecurrent:
    """Looks for recurrent layers without oneDNN's recurrent primitive, and for cells that are called in a loop."""

    name = "slow-recurrent"

    def missing(self, signals: Signals) -> str:
        return no_operators(signals)

    def look(self, signals: Signals) -> Finding | None:
        layers = signals.operators(lambda row: row.key.name in LAYERS)
        cells = signals.operators(lambda row: row.key.name in CELLS)
        in_loop = sum(row.calls_per_step for row in cells) >= LEAST_CELLS_PER_STEP
        if signals.operators(lambda row: row.key.name in FUSED):
            layers = ()
        slow = layers or (cells if in_loop else ())
        if not slow:
            return None
        account, modules = signals.account, {path for row in slow for path in row.modules}

        def inside(row: Operator) -> bool:
            return not modules.isdisjoint(row.modules)

        covered = account.of_operators(signals.operators(inside), 1 - KEPT)
        share = account.share(covered)
        if share < LEAST_SHARE:
            return None
        total_ms = sum(row.total_ns_per_step for row in slow) / 1e6
        dtypes = slow[0].key.dtypes
        where = signals.place(slow[0])
        if layers:
            why = f" for {dtypes}" if dtypes not in ("", "float", "float32") else ""
            sentence = (
                "The recurrent layers make each time step in separate operators, because torch has no fused code"
                f"{why} here: {units.share(share)} of the step"
            )
            change = (
                "Use float32, nn.LSTM with whole sequences, no projection and no packed sequences of unequal length: "
                "then oneDNN runs each layer as one primitive."
            )
        else:
            sentence = (
                "A recurrent cell is called for each time step, in separate operators: "
                f"{units.share(share)} of the step"
            )
            change = (
                f"Give whole sequences to nn.LSTM, nn.GRU or nn.RNN instead of calling a cell in a loop"
                f"{signals.at(slow[0])}, unless a time step's input depends on the one before."
            )
        return Finding(
            self.name,
            sentence,
            (
                Evidence(f"total time of {slow[0].key.name}", total_ms, PROFILED_MS, where or slow[0].key.name),
                Evidence(
                    "operators in the layers",
                    sum(row.calls_per_step for row in signals.operators(inside)),
                    "calls per step",
                    "2",
                ),
            ),
            Remedy(change=change),
            covered,
        )
