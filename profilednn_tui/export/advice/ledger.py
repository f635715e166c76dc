"""The ledger of tried remedies as text, Markdown and JSON: schema ``profilednn.ledger/1``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from profilednn_tui import units
from profilednn_tui.export.advice.json_advice import measured
from profilednn_tui.export.advice.words import effect_text
from profilednn_tui.plain import plain
from profilednn_tui.session.proof import Proof, track_record
from profilednn_tui.tables import aligned, escape, markdown_code, markdown_table

SCHEMA = "profilednn.ledger/1"
NOTHING_TRIED = "No remedy was tried on this machine yet: `profilednn-tui advise SESSION --try RULE` does that."
RULES = ("RULE", "TRIED", "HELPED", "NO DIFFERENCE", "HARMED", "CEILINGS", "MEASURED")
TRIES = ("RULE", "SESSION", "REMEDY", "CEILING", "MEASURED", "LOSSES")
MOST_TRIES = 40
"""Listed one by one, the newest; JSON has all."""


def ledger_text(proofs: Sequence[Proof]) -> str:
    """A line for each rule, then one for each try, the newest first."""
    if not proofs:
        return f"{NOTHING_TRIED}\n"
    lines = [*aligned([RULES, *_rules(proofs)], range(1, len(RULES))), "", *aligned([TRIES, *_tries(proofs)], (3,))]
    return "".join(f"{plain(line)}\n" for line in (*lines, *_left_out(proofs)))


def ledger_markdown(proofs: Sequence[Proof]) -> str:
    """The same as tables."""
    return "".join(f"{line}\n" for line in _markdown(proofs))


def ledger_json(proofs: Sequence[Proof]) -> str:
    """The counts of each rule with all its tries, oldest first."""
    rules = [
        {
            "rule": rule,
            "tried": len(tries),
            "helped": record.helped,
            "no_difference": record.no_difference,
            "harmed": record.harmed,
            "tries": [{"session": proof.session, **measured(proof)} for proof in tries],
        }
        for rule, tries in _by_rule(proofs).items()
        for record in (track_record(tries),)
    ]
    return json.dumps({"schema": SCHEMA, "rules": rules}, allow_nan=False) + "\n"


LEDGER_FORMATS: Mapping[str, Callable[[Sequence[Proof]], str]] = MappingProxyType(
    {"text": ledger_text, "markdown": ledger_markdown, "json": ledger_json}
)


def _markdown(proofs: Sequence[Proof]) -> Iterator[str]:
    yield "## Remedies that were tried on this machine"
    yield ""
    if not proofs:
        yield NOTHING_TRIED
        return
    rules = ((markdown_code(rule), *cells) for rule, *cells in _rules(proofs))
    yield from markdown_table([column.capitalize() for column in RULES], rules, left=1)
    yield ""
    tries = ((markdown_code(rule), *map(escape, cells)) for rule, *cells in _tries(proofs))
    yield from markdown_table([column.capitalize() for column in TRIES], tries, left=len(TRIES))
    yield from _left_out(proofs)


def _rules(proofs: Sequence[Proof]) -> Iterator[tuple[str, ...]]:
    for rule, tries in _by_rule(proofs).items():
        record = track_record(tries)
        counts = (len(tries), record.helped, record.no_difference, record.harmed)
        ceilings, gains = [proof.ceiling for proof in tries], [proof.gain for proof in tries]
        yield rule, *map(units.count, counts), _range_text(ceilings), _range_text(gains)


def _tries(proofs: Sequence[Proof]) -> Iterator[tuple[str, ...]]:
    newest = sorted(proofs, key=lambda proof: -proof.unix_ns)
    for proof in newest[:MOST_TRIES]:
        yield (
            proof.rule, proof.session, proof.remedy, units.share(proof.ceiling), effect_text(proof), proof.losses,
        )  # fmt: skip


def _left_out(proofs: Sequence[Proof]) -> Iterator[str]:
    if len(proofs) > MOST_TRIES:
        yield ""
        yield f"{units.count(len(proofs) - MOST_TRIES)} earlier tries are in --to json."


def _by_rule(proofs: Sequence[Proof]) -> dict[str, list[Proof]]:
    """The tries of each rule, oldest first; the rule that was tried most comes first."""
    found: dict[str, list[Proof]] = {}
    for proof in sorted(proofs, key=lambda proof: proof.unix_ns):
        found.setdefault(proof.rule, []).append(proof)
    return dict(sorted(found.items(), key=lambda one: (-len(one[1]), one[0])))


def _range_text(shares: Sequence[float]) -> str:
    """``61 %`` or ``8.1 % to 61 %``."""
    least, most = units.share(min(shares)), units.share(max(shares))
    return least if least == most else f"{least} to {most}"
