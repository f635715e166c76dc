"""``python -m profilednn_tui``."""

from __future__ import annotations

from profilednn_tui.cli import main

if __name__ == "__main__":
    main()
