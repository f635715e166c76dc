"""The commands of README and documentation: found, with words that exist, and run by `make docs-commands`."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from docs.tools.commands import EXIT_CODES, NOT_RUN, is_answer, reason_not_to_run
from docs.tools.pages import ROOT, Command, blocks, commands, pages
from profilednn_tui.cli import program
from profilednn_tui.cli.launching import TargetLaunch
from profilednn_tui.cli.words import divide

ALL = [command for page in pages() for command in commands(page)]
OURS = [command for command in ALL if "profilednn-tui " in command.text and not command.text.startswith("pip ")]
MOST_WORDS = 1500
"""Of README."""


def parse(text: str) -> None:
    """Raise an error of click for a command or an option that does not exist."""
    words = shlex.split(
        text.partition("profilednn-tui ")[2].partition(" > ")[0].partition("; done")[0].partition(" && ")[0]
    )
    named = next((word for word in words if not word.startswith("-")), "")
    name = words.pop(0) if words[0] in program.commands else named if named in program.commands else "run"
    command = program.commands[name]
    if isinstance(command, TargetLaunch):
        words = list(divide(words, command.options_with_value()).options)
    context = click.Context(command, info_name=name)
    command.make_parser(context).parse_args(words)


@pytest.mark.parametrize("command", [one for one in OURS if not one.is_synopsis], ids=lambda one: one.place)
def test_the_words_of_a_command_exist(command: Command) -> None:
    parse(command.text)


@pytest.mark.parametrize("text", ["profilednn-tui run --hedless t.py", "profilednn-tui list --purge 3"])
def test_a_word_that_does_not_exist_is_found(text: str) -> None:
    with pytest.raises(click.NoSuchOption):
        parse(text)


def test_the_documentation_shows_every_command() -> None:
    shown = {command.text.partition("profilednn-tui ")[2].split()[0] for command in OURS}
    assert set(program.commands) - shown == set()


def test_each_target_of_make_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    contributing = list(commands(ROOT / "CONTRIBUTING.md"))
    named = {command.text.split()[1] for command in (*ALL, *contributing) if command.text.startswith("make ")}
    assert {"check", "bench", "docs"} <= named
    missing = [target for target in named if not re.search(rf"^{re.escape(target)}:", makefile, flags=re.MULTILINE)]
    assert missing == []


def test_only_what_has_a_reason_is_not_run() -> None:
    reasons = {command.place: reason_not_to_run(command) for command in ALL}
    assert sum(not reason for reason in reasons.values()) > 60
    for pattern in NOT_RUN:
        assert any(re.search(pattern, command.text) for command in ALL), f"{pattern} is needed no more"
    for pattern in EXIT_CODES:
        assert any(re.search(pattern, command.text) for command in ALL), f"{pattern} is needed no more"


def test_a_command_that_cannot_decide_has_done_its_work_and_one_with_wrong_words_has_not() -> None:
    """Found in a recipe: a pattern that matched no session passed as an answer."""
    text = "profilednn-tui compare a b --fail-on 5%"
    assert is_answer(text, 0, "")
    assert is_answer(text, 3, "")
    assert is_answer(text, 2, "verdict    not judged: 1 run per side")
    assert not is_answer(text, 2, "No session matches before-*.")
    assert not is_answer("profilednn-tui list", 3, "")


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= MOST_WORDS


PAGE = """# Title

    profilednn-tui list   # all of them
    not a command

text

```console
$ profilednn-tui doctor
ok
$ echo x
```

```bash
profilednn-tui never
```

* item
  more

    profilednn-tui advise SESSION|FILE.pdnn
"""


def test_blocks_are_found_with_their_lines() -> None:
    assert [(block.language, block.line) for block in blocks(PAGE)] == [
        ("", 3), ("console", 9), ("bash", 15), ("", 21),
    ]  # fmt: skip


def test_commands_are_those_behind_a_prompt_or_of_a_known_program(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    found = list(commands(page))
    assert [(one.line, one.text) for one in found] == [
        (3, "profilednn-tui list"), (9, "profilednn-tui doctor"), (11, "echo x"),
        (21, "profilednn-tui advise SESSION|FILE.pdnn"),
    ]  # fmt: skip
    assert [one.is_synopsis for one in found] == [False, False, False, True]
