"""A finished session to export."""

from __future__ import annotations

import pytest

from profilednn_tui.session.view import SessionView
from tests.unit.session import recordings as r


@pytest.fixture
def view() -> SessionView:
    return r.view_of(*r.agent_events(), *r.host_events(), r.bye(), r.exit_event(0))
