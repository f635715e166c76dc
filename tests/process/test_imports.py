"""What a start imports."""

from __future__ import annotations

import subprocess
import sys


def test_who_does_not_compare_does_not_wait_for_scipy() -> None:
    """Its import takes as long as everything else of a start."""
    look = "import sys, profilednn_tui.cli, profilednn_tui.tui.app, profilednn_tui.tui.comparisons; "
    look += "print('scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
