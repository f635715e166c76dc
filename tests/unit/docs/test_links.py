"""Links between the Markdown files of the repository: each leads to a file, and to a heading that is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.tools.pages import DOCS, ROOT
from docs.tools.reference import anchor

PAGES = (*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md")), *sorted((ROOT / "examples").rglob("*.md")))
LINK = re.compile(r"!?\[[^\]]*\]\(<?([^)\s>]+)>?\)|^\[[^\]]+\]: (\S+)$", flags=re.MULTILINE)
CODE = re.compile(r"```.*?```|`[^`\n]*`", flags=re.DOTALL)
HOSTS = re.compile(r"[a-z]+:")


def links(text: str) -> Iterator[str]:
    for match in LINK.finditer(CODE.sub("", text)):
        yield match[1] or match[2]


def anchors(path: Path) -> set[str]:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    included = re.search(r"```\{include\} (\S+)", path.read_text(encoding="utf-8"))
    if included:
        return anchors((path.parent / included[1]).resolve())
    return {anchor(heading.replace("`", "")) for heading in re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)}


def broken(page: Path, text: str) -> Iterator[str]:
    """The links of a page that lead nowhere."""
    for link in links(text):
        if HOSTS.match(link):
            continue
        file, _, fragment = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        if not target.is_file() or (fragment and fragment not in anchors(target)):
            yield link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_each_link_leads_somewhere(page: Path) -> None:
    assert list(broken(page, page.read_text(encoding="utf-8"))) == []


def test_a_link_that_leads_nowhere_is_found() -> None:
    text = (
        "[a](docs/tune.md) [b](docs/no.md) [c](docs/faq.md#nothing) ![d](screenshots/no.svg) `[e](no)`\n\n[f]: no.md\n"
    )
    assert list(broken(ROOT / "README.md", text)) == [
        "docs/no.md",
        "docs/faq.md#nothing",
        "screenshots/no.svg",
        "no.md",
    ]


def test_what_a_page_includes_is_there_and_links_of_it_are_its_own() -> None:
    included = [path for path in DOCS.glob("*.md") if "{include}" in path.read_text(encoding="utf-8")]
    assert {path.stem for path in included} == {"changelog", "contributing", "benchmarks", "security"}
    for path in included:
        (file,) = re.findall(r"\{include\} (\S+)", path.read_text(encoding="utf-8"))
        assert (DOCS / file).resolve().is_file()
