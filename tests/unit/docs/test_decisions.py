"""Each decision has a record, and a line in the index."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.tools.pages import DOCS

FOLDER = DOCS / "decisions"
RECORDS = sorted(path for path in FOLDER.glob("*.md") if path.name != "index.md")
PARTS = ["Context", "Choice", "Rejected", "Why", "Measured"]


def test_the_index_has_each_record_once_with_its_title() -> None:
    lines = re.findall(r"^\* \[(.+)\]\((.+)\)$", (FOLDER / "index.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(lines) == len(set(lines))
    assert {file: title for title, file in lines} == {
        path.name: path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ") for path in RECORDS
    }


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_a_record_says_the_context_the_choice_and_what_was_rejected(record: Path) -> None:
    found = re.findall(r"^\*\*(\w+)\.\*\* ", record.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert found[:3] == PARTS[:3]
    assert found == [part for part in PARTS if part in found]
    assert "Why" in found or "Measured" in found
