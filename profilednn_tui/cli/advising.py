"""The ``advise`` command: what holds a training back, what to try, and what came out when it was tried."""

from __future__ import annotations

import sys
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import click

from profilednn_tui.cli import completing, values
from profilednn_tui.cli.sessions import open_whole, warn_of_damage
from profilednn_tui.cli.values import format_asked_for, write_text
from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch.headless import say
from profilednn_tui.session.proof import Effect

if TYPE_CHECKING:
    from profilednn_tui.advise.findings import Advice, Finding
    from profilednn_tui.session.open_session import OpenSession
    from profilednn_tui.session.proof import Proof

FORMATS = ("text", "markdown", "json")
DEFAULT_MINUTES = 10.0
CANNOT_TELL = 2
EVERY_RULE = "*"
"""The value of a ``--forget`` without a rule."""


@click.command("advise")
@click.argument("session", metavar="SESSION|FILE.pdnn", required=False, shell_complete=completing.sessions)
@click.option(
    "--try", "tried", metavar="RULE",
    help="Run the training of SESSION again, without and with the remedy of this finding, and say what it wins.",
)  # fmt: skip
@click.option(
    "--minutes", metavar="M", type=values.FiniteRange(min=0, min_open=True), default=DEFAULT_MINUTES, show_default=True,
    help="Time for --try; it ends earlier once that is known.",
)  # fmt: skip
@click.option(
    "--scratch/--in-place", "scratch", default=None,
    help="Try in copies of the working folder, or in the folder itself, where each run may overwrite files  [default: "
    "in the folder if a first look shows that runs write nothing there; else in copies]",
)  # fmt: skip
@click.option("--ledger", is_flag=True, help="Show all remedies that were tried on this machine, and what came out.")
@click.option(
    "--forget", metavar="[RULE]", is_flag=False, flag_value=EVERY_RULE,
    help="Remove what the ledger has on a rule, or on all.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Same as --to json.")
@click.option(
    "--to", "format_name", metavar="FORMAT", type=click.Choice(FORMATS), default="text", show_default=True,
    help="text, markdown or json.",
)  # fmt: skip
@click.option(
    "--reference", metavar="SESSION|FILE.pdnn", help="Name kernels that it has and this session lacks, and more."
)
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Default: standard output.")
def advise_command(
    session: str | None,
    tried: str | None,
    minutes: float,
    scratch: bool | None,
    ledger: bool,
    forget: str | None,
    as_json: bool,
    format_name: str,
    reference: str | None,
    output: Path | None,
) -> None:
    """Say what holds a training back, what that costs at most, and what to try.

    The same session and the same ledger always give the same words. With --try, progress goes to stderr; Ctrl-C stops
    it and leaves nothing behind. Exit code 2: it cannot be tried, or the runs cannot tell.
    """
    format_name = format_asked_for(as_json, format_name) or "text"
    if [session is not None, ledger, forget is not None].count(True) != 1 or (tried is not None and session is None):
        raise click.UsageError("Name a SESSION, with --try RULE if you like, or else --ledger or --forget [RULE].")
    if forget is not None:
        _forget(None if forget == EVERY_RULE else forget)
    elif ledger:
        write_text(_ledger(format_name), output)
    elif session is not None:
        opened = open_whole(session)
        warn_of_damage(opened)
        proof = None if tried is None else _prove(opened, tried, minutes, scratch)
        write_text(_advice(opened, proof, reference, format_name), output)
        if proof is None and format_name == "text":
            _offer_a_try(opened)
        if proof is not None and proof.effect is Effect.NOT_JUDGED:
            say(f"profilednn-tui: {proof.effect.value}: {proof.note}")
            sys.exit(CANNOT_TELL)


def _offer_a_try(session: OpenSession) -> None:
    """Say how to prove the first finding whose remedy can be switched on, if one can."""
    from profilednn_tui.advise.advisor import advise
    from profilednn_tui.experiment.proof import why_not
    from profilednn_tui.paths import session_word

    rule = next((one.rule for one in advise(session.view()).findings if not why_not(session, one)), None)
    if rule is not None:
        say(f"Measure a remedy: `profilednn-tui advise {session_word(session.location)} --try {rule}`")


def _prove(session: OpenSession, rule: str, minutes: float, scratch: bool | None) -> Proof:
    from profilednn_tui.advise.advisor import advise
    from profilednn_tui.cli.proving import prove

    return prove(session, finding_of(advise(session.view()), rule), minutes, scratch)


def _advice(session: OpenSession, new: Proof | None, reference: str | None, format_name: str) -> str:
    """The advice with what is known of its remedies; as text or Markdown, that of the one just tried alone."""
    from profilednn_tui.advise.advisor import advise
    from profilednn_tui.advise.proof import with_proofs
    from profilednn_tui.advise.reference import beside_reference
    from profilednn_tui.cli.proving import known_proofs
    from profilednn_tui.export.advice import ADVICE_FORMATS
    from profilednn_tui.session.storage.ledger import session_name

    view = session.view()
    proofs = known_proofs(session)
    if new is not None and new not in proofs:  # the ledger could not be written
        proofs = (*proofs, new)
    advice = with_proofs(advise(view), proofs, session_name(session.location))
    if new is not None and format_name != "json":
        advice = replace(advice, findings=(finding_of(advice, new.rule),), abstained=())
    if reference is not None:
        advice = replace(advice, reference=beside_reference(view, open_whole(reference).view()))
    return ADVICE_FORMATS[format_name](advice, view)


def finding_of(advice: Advice, rule: str) -> Finding:
    """A rule's finding; raises a `ProfilerError` if there is none."""
    finding = next((one for one in advice.findings if one.rule == rule), None)
    if finding is not None:
        return finding
    _check_rule(rule, ())
    reason = next((one.reason for one in advice.abstained if one.rule == rule), "")
    cannot = f"{rule} cannot tell in this session: {reason}." if reason else f"{rule} finds nothing in this session."
    names = ", ".join(one.rule for one in advice.findings)
    raise ProfilerError(f"{cannot} {f'There are: {names}.' if names else 'No other rule finds anything, either.'}")


def _check_rule(rule: str, others: tuple[str, ...]) -> None:
    """Raise a `ProfilerError` for a rule that does not exist; `others` did once."""
    from profilednn_tui.advise.rules import RULES

    known = sorted({*(one.name for one in RULES), *others})
    if rule in known:
        return
    similar = get_close_matches(rule, known)
    hint = f"Did you mean {' or '.join(similar)}?" if similar else f"There are: {', '.join(known)}."
    raise ProfilerError(f"There is no rule {rule}. {hint}")


def _ledger(format_name: str) -> str:
    from profilednn_tui.collect.machine import own_hardware
    from profilednn_tui.export.advice.ledger import LEDGER_FORMATS
    from profilednn_tui.paths import session_home
    from profilednn_tui.session.storage.ledger import read_ledger

    machine = own_hardware()
    entries = read_ledger(session_home())
    elsewhere = sum(entry.machine != machine for entry in entries)
    if elsewhere:
        say(f"profilednn-tui: {elsewhere} more were tried on other machines or other cores; they are not shown.")
    return LEDGER_FORMATS[format_name]([entry.proof for entry in entries if entry.machine == machine])


def _forget(rule: str | None) -> None:
    from profilednn_tui.paths import session_home
    from profilednn_tui.session.storage.ledger import forget, read_ledger

    home = session_home()
    if rule is not None:
        _check_rule(rule, tuple(entry.proof.rule for entry in read_ledger(home)))
    forgotten = forget(home, rule)
    of_rule = "" if rule is None else f" of {rule}"
    click.echo(f"{forgotten or 'No'} {'try' if forgotten == 1 else 'tries'}{of_rule} forgotten.")
