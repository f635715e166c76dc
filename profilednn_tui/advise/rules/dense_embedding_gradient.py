"""An embedding whose gradient has all rows, though a batch uses few."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import Signals, no_operators, self_ms

DENSE = ("aten::embedding_dense_backward", "aten::_embedding_bag_dense_backward")
LEAST_SHARE = 0.02


class DenseEmbeddingGradient:
    """Looks for torch's dense backward operators of embeddings."""

    name = "dense-embedding-gradient"

    def missing(self, signals: Signals) -> str:
        return no_operators(signals)

    def look(self, signals: Signals) -> Finding | None:
        rows = signals.operators(lambda row: row.key.name in DENSE)
        account = signals.account
        inside = ("aten::zero_", "aten::fill_", "aten::zeros", "aten::new_zeros")
        zeroed = signals.operators(lambda row: row.key.name in inside and row.phase == "backward") if rows else ()
        # The optimizer updates every row, too, but which of its operators belong to the embedding is not known.
        covered = account.of_operators((*rows, *zeroed))
        share = account.share(covered)
        if not rows or share < LEAST_SHARE:
            return None
        where = signals.place(rows[0])
        at = signals.at(rows[0])
        return Finding(
            self.name,
            f"{units.share(share)} of the step fills embedding gradients for all rows of the table, though a batch "
            "uses few of them; the optimizer then updates all rows",
            (
                Evidence(
                    "self time of dense embedding gradients", self_ms(rows), "ms per step", where or rows[0].key.name
                ),
                Evidence(
                    "time in the optimizer phase", sum(account.of_phase("optimizer").values()) / 1e6, "ms per step", "1"
                ),
            ),
            Remedy(
                change=f"Use nn.Embedding(..., sparse=True){at} with an optimizer that takes sparse gradients: SGD, "
                "Adagrad or SparseAdam."
            ),
            covered,
        )
