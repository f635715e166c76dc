"""The summary on top of BENCHMARKS.md: written by hand, and true to the sections that it leads to."""

from __future__ import annotations

import re

import pytest

from benchmarks.__main__ import OUTPUT, SUMMARY
from docs.tools.reference import anchor

TEXT = OUTPUT.read_text(encoding="utf-8")
SECTIONS = {anchor(part.partition("\n")[0]): part for part in re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]}
LINES = re.findall(r"^- \[.+\]\(#(.+?)\): (.+)$", SECTIONS["summary"], flags=re.MULTILINE)


def test_the_summary_comes_first_and_is_short() -> None:
    assert next(iter(SECTIONS)) == "summary"
    assert SUMMARY.read_text(encoding="utf-8") in TEXT
    assert 8 <= len(LINES) <= 12


@pytest.mark.parametrize(("section", "text"), LINES, ids=lambda value: value[:30])
def test_each_figure_of_the_summary_is_in_its_section(section: str, text: str) -> None:
    """If this fails after `make bench`, the summary has to say what is measured now."""
    figures = re.findall(r"\d[\d,.]*\d|\d", text)
    assert figures
    missing = [figure for figure in figures if figure not in SECTIONS[section]]
    assert missing == []
