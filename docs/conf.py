"""How Sphinx builds the documentation: ``make docs``."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from profilednn_tui import __version__

project = "profilednn-tui"
author = "the profilednn-tui authors"
project_copyright = f"2026, {author}"
version = release = __version__

extensions = ["myst_parser", "sphinx_copybutton"]
exclude_patterns = ["tools"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # pages that are included begin with their own title

html_theme = "furo"
html_title = f"profilednn-tui {__version__}"
html_theme_options = {"navigation_with_keys": True}
html_static_path: list[str] = []
html_show_sphinx = False

copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True
