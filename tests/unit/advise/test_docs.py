"""Each rule has its section in ``docs/advice.md``."""

from __future__ import annotations

import re
from pathlib import Path

from profilednn_tui.advise.rules import RULES

DOCS = Path(__file__).resolve().parents[3] / "docs" / "advice.md"
PARTS = ["**Sees**", "**Ceiling**", "**Wrong**", "**Try**"]
LONGEST_LINE = 130


def sections() -> dict[str, str]:
    """The sections by their headings."""
    _, *parts = re.split(r"^## (.+)\n", DOCS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_each_rule_has_a_section_and_each_section_a_rule() -> None:
    assert {rule.name for rule in RULES} == set(sections())


def test_each_section_says_what_it_sees_what_the_ceiling_covers_when_it_is_wrong_and_what_to_try() -> None:
    for name, text in sections().items():
        assert re.findall(r"^\*\*\w+\*\*", text, flags=re.MULTILINE) == PARTS, name
        assert all(len(line) <= LONGEST_LINE for line in text.splitlines()), name
