"""Reading the export formats back."""

from __future__ import annotations

import json
from typing import Any

from profilednn_tui.export.session.json_session import json_text
from profilednn_tui.session.view import SessionView


def parsed(view: SessionView) -> Any:
    """A view converted to JSON and back."""
    return json.loads(json_text(view))
