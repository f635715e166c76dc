"""The HTML page."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

from profilednn_tui.export.session.page.report import POLICY, html_text
from profilednn_tui.session.view import EMPTY_VIEW, Frame, Operators, Target
from tests.unit.export.session.test_stack_formats import view
from tests.unit.flame.graphs import operator, operators, site

HOSTILE = '</script><img src=x onerror="alert(1)">&'
VOID = {"meta"}


class Elements(HTMLParser):
    """Whether all elements are closed, what there is of them, and their texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.texts: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_has_a_summary_findings_flame_graphs_and_tables() -> None:
    page = Elements(html_text(view()))
    assert page.open == []
    text = " ".join(page.texts)
    for part in ("train.py", "What holds it back", "Flame graph", "Operators (1 window)", "aten::mm", "Modules"):
        assert part in text


def test_nothing_is_loaded_from_elsewhere() -> None:
    page = Elements(html_text(view()))
    assert ("content", POLICY) in page.attributes
    assert not {name for name, _ in page.attributes} & {"src", "href"}
    assert not page.tags & {"img", "link", "iframe"}


def test_names_cannot_leave_their_place() -> None:
    frame = Frame(f"/home/me/{HOSTILE}.py", 4, HOSTILE)
    row = operator(HOSTILE, site(60.0, frame, module=HOSTILE))
    hostile = replace(
        view(), target=Target(HOSTILE, (HOSTILE,)), operators=replace(operators(), rows=(row,), outside=())
    )
    page = Elements(html_text(hostile))
    assert page.open == []
    assert "img" not in page.tags
    assert page.texts.count(HOSTILE) >= 2


def test_the_data_of_the_flame_graphs_adds_up() -> None:
    found = re.search(r'id="flame-data">(.*?)</script>', html_text(view()))
    assert found is not None
    graphs = json.loads(found.group(1))
    own = graphs["self time by lines"]
    assert own["tree"][1] == 145.0
    assert sum(child[1] for child in own["tree"][3]) == 145.0
    assert "model.py:4 forward" in own["labels"]


def test_a_session_without_anything_is_a_page_too() -> None:
    page = Elements(html_text(replace(EMPTY_VIEW, operators=Operators())))
    assert page.open == []
    assert "Flame graph" not in page.texts
