"""The module tree."""

from __future__ import annotations

import pytest

from profilednn_tui.tui.present import modules
from tests.tui.feeds import running_view


def test_the_tree_opens_below_its_root_and_where_asked() -> None:
    tree = running_view().operators.modules
    assert [row.module.path for row in modules.module_rows(tree, frozenset())] == ["net", "net.conv", "net.fc"]
    assert modules.module_rows(tree, frozenset())[1].share == pytest.approx(2 / 3)
