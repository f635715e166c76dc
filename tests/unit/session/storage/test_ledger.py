"""The ledger of tried remedies."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from profilednn_tui.errors import ProfilerError
from profilednn_tui.session.proof import Effect, Proof
from profilednn_tui.session.storage.ledger import (
    LEDGER_FILE,
    MOST_ENTRIES,
    TEXT_LENGTH,
    Entry,
    add_proof,
    forget,
    proofs_for,
    read_ledger,
    session_name,
)

HERE, THERE = "AMD EPYC, 2 of 2 cores", "Intel Xeon, 64 of 64 cores"
PROOF = Proof(
    "denormals", "20261129-120000-train.py", "--with flush_denormals", 0.72, Effect.HELPED, 0.61, 0.58, 0.64,
    "lockstep", 4, "the same", 1,
)  # fmt: skip

ADD_MANY = """
import sys
from dataclasses import replace
from pathlib import Path
from profilednn_tui.session.storage.ledger import add_proof
from tests.unit.session.storage.test_ledger import HERE, PROOF
for number in range(40):
    add_proof(Path(sys.argv[1]), HERE, replace(PROOF, rule=sys.argv[2], unix_ns=number))
"""


def written(**changes: Any) -> str:
    """The text of a ledger with one entry, changed."""
    proof = {
        "rule": "denormals", "session": "s", "remedy": "r", "ceiling": 0.5, "effect": "helped", "gain": 0.2,
        "low": 0.1, "high": 0.3, "order": "lockstep", "runs": 4, "losses": "the same", "unix_ns": 1,
    }  # fmt: skip
    ledger = {"magic": "profilednn", "version": 1, "entries": [{"machine": HERE, "proof": proof | changes}]}
    return json.dumps(ledger)


def test_a_proof_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_ledger(tmp_path) == ()
    assert add_proof(tmp_path, HERE, PROOF) == ""
    assert read_ledger(tmp_path) == (Entry(HERE, PROOF),)
    assert stat.S_IMODE((tmp_path / LEDGER_FILE).stat().st_mode) == 0o600


def test_two_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", ADD_MANY, str(tmp_path), rule], cwd=Path(__file__).parents[4])
        for rule in ("denormals", "threads")
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    by_rule: dict[str, list[int]] = {}
    for entry in read_ledger(tmp_path):
        by_rule.setdefault(entry.proof.rule, []).append(entry.proof.unix_ns)
    assert by_rule == {"denormals": list(range(40)), "threads": list(range(40))}
    assert sorted(path.name for path in tmp_path.iterdir()) == [f".{LEDGER_FILE}.lock", LEDGER_FILE]


def test_only_the_newest_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("profilednn_tui.session.storage.ledger.MOST_ENTRIES", 3)
    for number in range(5):
        add_proof(tmp_path, HERE, replace(PROOF, unix_ns=number))
    assert [entry.proof.unix_ns for entry in read_ledger(tmp_path)] == [2, 3, 4]
    assert MOST_ENTRIES >= 1_000


def test_the_fullest_ledger_can_be_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With two entries in place of all, and the limit in proportion."""
    from profilednn_tui.session.storage import ledger

    monkeypatch.setattr(ledger, "LEDGER_BYTES", ledger.LEDGER_BYTES * 2 // MOST_ENTRIES)
    long = "\N{GRINNING FACE}" * 1_000
    proof = replace(PROOF, rule=long, session=long, remedy=long, order=long, losses=long, note=long)
    for _ in range(2):
        add_proof(tmp_path, long, proof)
    assert {len(entry.proof.note) for entry in read_ledger(tmp_path)} == {TEXT_LENGTH}


def test_control_characters_are_stripped_on_both_ways(tmp_path: Path) -> None:
    add_proof(tmp_path, HERE, replace(PROOF, note="a\x1b[31m\udcff"))
    assert read_ledger(tmp_path)[0].proof.note.isprintable()
    (tmp_path / LEDGER_FILE).write_text(written(session="\x1b]0;title\x07"))
    assert read_ledger(tmp_path)[0].proof.session.isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "{}", '{"a": 1}', "\xff", "[" * 100_000,
        '{"magic": "other", "version": 1, "entries": []}', '{"magic": "profilednn", "version": 0, "entries": []}',
        written(gain="much"), written(gain=1e300), written(low=0.5), written(ceiling=2), written(effect="cured"),
        written(runs=0), written(unix_ns=10**30), written(note="x" * 10_000), written(gain=None),
    ],
)  # fmt: skip
def test_an_unreadable_file_is_one_sentence_and_nothing_is_lost(tmp_path: Path, text: str) -> None:
    ledger = tmp_path / LEDGER_FILE
    ledger.write_text(text, encoding="latin-1")
    before = ledger.read_bytes()
    for look in (read_ledger, forget):
        with pytest.raises(ProfilerError, match=r"^The ledger .* cannot be read \(.*\)\. Move it away"):
            look(tmp_path)
    assert ledger.read_bytes() == before

    sentence = add_proof(tmp_path, HERE, PROOF)

    aside = tmp_path / f"{LEDGER_FILE}.unreadable"
    assert str(aside) in sentence
    assert sentence.isprintable()
    assert aside.read_bytes() == before
    assert read_ledger(tmp_path) == (Entry(HERE, PROOF),)


def test_what_was_put_aside_is_not_overwritten(tmp_path: Path) -> None:
    for content in ("first", "second"):
        (tmp_path / LEDGER_FILE).write_text(content)
        add_proof(tmp_path, HERE, PROOF)
    kept = {path.read_text() for path in tmp_path.glob(f"{LEDGER_FILE}.unreadable*")}
    assert kept == {"first", "second"}


def test_a_pipe_or_a_link_is_neither_waited_for_nor_followed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / LEDGER_FILE)
    with pytest.raises(ProfilerError, match="not a regular file"):
        read_ledger(tmp_path)
    assert "not a regular file" in add_proof(tmp_path, HERE, PROOF)
    (tmp_path / "precious").write_text("kept")
    (tmp_path / LEDGER_FILE).unlink()
    (tmp_path / LEDGER_FILE).symlink_to(tmp_path / "precious")
    add_proof(tmp_path, HERE, PROOF)
    assert (tmp_path / "precious").read_text() == "kept"
    assert read_ledger(tmp_path) == (Entry(HERE, PROOF),)


def test_a_newer_ledger_is_left_alone(tmp_path: Path) -> None:
    text = '{"magic": "profilednn", "version": 2, "proofs": {}}'
    (tmp_path / LEDGER_FILE).write_text(text)
    for use in (lambda: add_proof(tmp_path, HERE, PROOF), lambda: read_ledger(tmp_path)):
        with pytest.raises(ProfilerError, match="newer profilednn-tui"):
            use()
    assert (tmp_path / LEDGER_FILE).read_text() == text


def test_a_ledger_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ProfilerError, match="Cannot write the ledger"):
        add_proof(tmp_path / "file" / "home", HERE, PROOF)


def test_one_rule_or_all_are_forgotten(tmp_path: Path) -> None:
    assert forget(tmp_path) == 0
    assert not list(tmp_path.iterdir()), "nothing is created to be forgotten"
    for rule in ("denormals", "reorders", "denormals"):
        add_proof(tmp_path, HERE, replace(PROOF, rule=rule))
    assert forget(tmp_path, "denormals") == 2
    assert [entry.proof.rule for entry in read_ledger(tmp_path)] == ["reorders"]
    assert forget(tmp_path) == 1
    assert read_ledger(tmp_path) == ()


def test_other_machines_count_only_for_the_session_itself() -> None:
    elsewhere, other = Entry(THERE, PROOF), Entry(THERE, replace(PROOF, session="other"))
    here = Entry(HERE, replace(PROOF, session="third"))
    assert proofs_for((elsewhere, other, here), HERE, PROOF.session) == (elsewhere.proof, here.proof)


def test_a_session_is_named_by_its_folder_however_it_is_addressed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "20261129-train"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert session_name(folder) == session_name(Path(".")) == "20261129-train"
