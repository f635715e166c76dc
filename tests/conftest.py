"""What all tests start from."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Found in a run of the tests in a shell's background, whose children ignore Ctrl-C: those of a test would, too.
for _number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL)

settings.register_profile("fast", max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For `make test-fast`."""

MARKERS = {"unit": "unit", "tui": "unit", "process": "process", "kernels": "kernels"}
"""The marker of each folder's tests."""
SCREENS = ("tui/screens", "tui/panels", "tui/controllers", "tui/test_app", "tui/test_commands")
"""Where tests drive screens or panels: half a second each."""


@pytest.fixture(scope="session", autouse=True)
def no_preferences(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The TUI remembers what was chosen: neither do tests read what their user has chosen, nor change it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    root = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(root):
            item.add_marker(MARKERS[item.path.relative_to(root).parts[0]])
            if item.path.relative_to(root).as_posix().startswith(SCREENS):
                item.add_marker("screens")
