"""Writing at the end of our files."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from profilednn_tui.session.storage.files import append


def test_a_write_that_stops_short_is_an_error(tmp_path: Path) -> None:
    """A copy would count bytes that are not in its file: found in review."""
    path, before = tmp_path / "file", resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        append(path, b"x" * 60_000)
        with pytest.raises(OSError, match="too large"):
            append(path, b"x" * 60_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.stat().st_size == 100_000
