"""The ledger as text, Markdown and JSON."""

from __future__ import annotations

import json
from dataclasses import replace

from profilednn_tui.export.advice.ledger import LEDGER_FORMATS, MOST_TRIES, NOTHING_TRIED, ledger_text
from profilednn_tui.session.proof import Effect, Proof

HELPED = Proof(
    "denormals", "20261129-train", "--with flush_denormals", 0.72, Effect.HELPED, 0.61, 0.58, 0.64, "lockstep", 4,
    "the same", 1,
)  # fmt: skip
PROOFS = (
    HELPED,
    replace(HELPED, ceiling=0.5, gain=0.4, low=0.35, high=0.45, unix_ns=2),
    replace(HELPED, rule="reorders", effect=Effect.NO_DIFFERENCE, gain=0.01, low=-0.02, high=0.04, ceiling=0.1),
    replace(HELPED, effect=Effect.HARMED, gain=-0.12, low=-0.14, high=-0.1, unix_ns=3),
)


def test_each_rule_has_its_counts_and_its_ceilings_against_what_was_measured() -> None:
    head, denormals, reorders, *_ = ledger_text(PROOFS).splitlines()
    assert head.split() == ["RULE", "TRIED", "HELPED", "NO", "DIFFERENCE", "HARMED", "CEILINGS", "MEASURED"]
    assert denormals.split()[:5] == ["denormals", "3", "2", "0", "1"]
    assert denormals.endswith("50 % to 72 %  -12 % to 61 %")
    assert reorders.split()[:5] == ["reorders", "1", "0", "1", "0"]


def test_each_try_is_listed_the_newest_first() -> None:
    tries = ledger_text(PROOFS).split("\n\n")[1].splitlines()
    assert "12 % of the step lost (10 to 14 %)" in tries[1]
    assert "40 % of the step won (35 to 45 %)" in tries[2]


def test_a_long_ledger_is_cut() -> None:
    many = [replace(HELPED, unix_ns=number) for number in range(MOST_TRIES + 7)]
    assert ledger_text(many).endswith("\n7 earlier tries are in --to json.\n")
    (rule,) = json.loads(LEDGER_FORMATS["json"](many))["rules"]
    assert len(rule["tries"]) == rule["tried"] == MOST_TRIES + 7


def test_json_has_every_figure() -> None:
    document = json.loads(LEDGER_FORMATS["json"](PROOFS))
    assert document["schema"] == "profilednn.ledger/1"
    first = document["rules"][0]
    assert (first["rule"], first["helped"], first["no_difference"], first["harmed"]) == ("denormals", 2, 0, 1)
    assert [one["gain"] for one in first["tries"]] == [0.61, 0.4, -0.12]


def test_markdown_is_a_table() -> None:
    text = LEDGER_FORMATS["markdown"](PROOFS)
    assert "| `denormals` | 3 | 2 | 0 | 1 | 50 % to 72 % | -12 % to 61 % |" in text


def test_an_empty_ledger_says_how_to_try_something() -> None:
    assert ledger_text(()) == f"{NOTHING_TRIED}\n"
    assert NOTHING_TRIED in LEDGER_FORMATS["markdown"](())
    assert json.loads(LEDGER_FORMATS["json"](()))["rules"] == []
