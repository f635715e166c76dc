"""An embedding whose gradient has all rows, though a batch uses few."""

from __future__ import annotations

from profilednn_tui import units
from profilednn_tui.advise.findings import Evidence, Finding, Remedy
from profilednn_tui.advise.rule import PROFILED_MS, Signals, input_shapes, no_operators, self_ms
from profilednn_tui.session.view import Operator

DENSE = ("aten::embedding_dense_backward", "aten::_embedding_bag_dense_backward")
LOOKUPS = ("aten::embedding", "aten::_embedding_bag", "aten::_embedding_bag_forward_only")
FILLING = ("aten::zero_", "aten::fill_", "aten::zeros", "aten::new_zeros")
LEAST_SHARE = 0.02


class DenseEmbeddingGradient:
    """Looks for torch's dense backward operators of embeddings, and for updates of tensors of the tables' shapes."""

    name = "dense-embedding-gradient"

    def missing(self, signals: Signals) -> str:
        return no_operators(signals)

    def look(self, signals: Signals) -> Finding | None:
        rows = signals.operators(lambda row: row.key.name in DENSE)
        if not rows:
            return None
        tables = {
            shapes[0]
            for row in signals.operators(lambda row: row.key.name in LOOKUPS)
            if (shapes := input_shapes(row.key))
        }

        def of_table(row: Operator) -> bool:
            if row.phase == "backward":
                return row.key.name in FILLING
            return row.phase == "optimizer" and bool(tables.intersection(input_shapes(row.key)))

        others = signals.operators(of_table)
        account = signals.account
        covered = account.of_operators((*rows, *others))
        share = account.share(covered)
        if share < LEAST_SHARE:
            return None
        updates = tuple(row for row in others if row.phase == "optimizer")
        where = signals.place(rows[0])
        at = signals.at(rows[0])
        return Finding(
            self.name,
            f"{units.share(share)} of the step goes to embedding gradients with all rows of the table, though a batch "
            "uses few of them: they are filled, and the optimizer updates all rows",
            (
                Evidence(
                    "self time of dense embedding gradients", self_ms(rows), PROFILED_MS, where or rows[0].key.name
                ),
                Evidence("the optimizer's operators on whole tables", self_ms(updates), PROFILED_MS, "2"),
                Evidence("tables", len(tables), "tables", "2"),
            ),
            Remedy(
                change=f"Use nn.Embedding(..., sparse=True){at} with an optimizer that takes sparse gradients: SGD, "
                "Adagrad or SparseAdam."
            ),
            covered,
        )
