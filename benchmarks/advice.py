"""Whether the advisor finds causes that were planted, and has little to say of healthy programs.

`python -m benchmarks.advice [--minutes M] [--only NAME]` runs the programs of benchmarks/faults and benchmarks/healthy
under watch, each as a user would, and asks `advise`. It goes on where the last call ended: a program is run again when
it has changed, or with `--anew`. `--only`, which may be repeated, selects programs; `--report` makes the table of what
there is.

A fault's first line has the rule that should name it: `# rule: data-wait`. Several rules mean that each of them says
what is wrong. Findings about memory alone have no ceiling: their place is among the findings as they are shown.

A healthy program has no planted fault, but may be slower than it could be on this machine: what is found there is
tried, and only what does not help counts as wrong. The machine's peaks are measured first, once.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.conditions import RESULTS, Contention, machine, versions, write
from benchmarks.safety.run import TOOL, ended, export
from benchmarks.trials import Row, Trials
from benchmarks.tries import tried

FOLDER = Path(__file__).parent
RULE = "# rule: "
LOUD = 0.1
"""Ceiling from which a finding of a healthy program is tried; the screen's header shows those."""
FIRST = 2
"""Places that a planted cause may have."""


@dataclass(frozen=True)
class Program:
    """A program and the rules of which one should name its fault; none if it is healthy."""

    path: Path
    rules: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """``faults/data_wait``."""
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def version(self) -> str:
        """Changes with the text."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()[:12]


def programs() -> list[Program]:
    """All programs; their rules are read, not imported."""
    faults = [Program(path, planted(path.read_text())) for path in sorted((FOLDER / "faults").glob("*.py"))]
    return [*faults, *(Program(path) for path in sorted((FOLDER / "healthy").glob("*.py")))]


def planted(text: str) -> tuple[str, ...]:
    """The rules in the first line of a program."""
    first = text.partition("\n")[0]
    if not first.startswith(RULE):
        raise ValueError(f"the first line is not {RULE!r} and a rule: {first!r}")
    return tuple(rule.strip() for rule in first[len(RULE) :].split(","))


def run(program: Program) -> Row:
    """Watch a program and ask for advice."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        snapshot = place / "run.pdnn"
        code, _, stderr = ended([*TOOL, "run", "--headless", "-o", str(snapshot), str(program.path)], place)
        if code or not snapshot.exists():
            sys.exit(f"{program.name} ended with exit code {code}:\n{stderr[-2000:]}")
        subprocess.run([*TOOL, "onednn", "--roofline", str(snapshot)], capture_output=True, check=False)
        session = export(place)
        asked = subprocess.run(
            [*TOOL, "advise", str(snapshot), "--to", "json"], capture_output=True, text=True, check=True
        )
    advice = json.loads(asked.stdout)
    tries = tried(program.path)["tried"] if not program.rules and loud(advice["findings"]) else []
    return {
        "version": program.version,
        "step_ms": session["steps"]["median_ms"],
        "steps": session["steps"]["count"],
        "windows": session["agent"]["windows"],
        "findings": [{key: one[key] for key in ("rule", "ceiling", "sentence")} for one in advice["findings"]],
        "abstained": [one["rule"] for one in advice["abstained"]],
        "tried": tries,
    }


def place_of(rules: Sequence[str], findings: Sequence[Row]) -> int | None:
    """The place, from 1, of the first finding of one of the rules."""
    return next((place for place, finding in enumerate(findings, 1) if finding["rule"] in rules), None)


def fault_line(program: Program, row: Row) -> str:
    """One line of the table of faults."""
    findings = row["findings"]
    place = place_of(program.rules, findings)
    of_rule = findings[place - 1] if place else None
    others = [one for one in loud(findings) if one is not of_rule]
    cells = [
        program.path.stem,
        " or ".join(program.rules),
        f"{place}." if place else "abstains" if set(program.rules) <= set(row["abstained"]) else "**not found**",
        _percent(of_rule["ceiling"]) if of_rule else "",
        findings[0]["sentence"] if findings else "nothing",
        ", ".join(map(_short, others)),
        f"{row['step_ms']:.1f}",
    ]
    return f"| {' | '.join(cells)} |"


def healthy_line(program: Program, row: Row) -> str:
    """One line of the table of healthy programs."""
    findings = row["findings"]
    said = "; ".join(f"**{_short(one)}** ({_outcome(row, one)}): {one['sentence']}" for one in loud(findings))
    below = ", ".join(_short(one) for one in findings if one["ceiling"] <= LOUD)
    return f"| {program.path.stem} | {said} | {below} | {row['step_ms']:.1f} |"


def loud(findings: Sequence[Row]) -> list[Row]:
    """The findings with a large ceiling."""
    return [one for one in findings if one["ceiling"] > LOUD]


def table(known: dict[str, Row]) -> Iterator[str]:
    """Both tables and the counts."""
    ran = [program for program in programs() if program.name in known]
    faults = [program for program in ran if program.rules]
    healthy = [program for program in ran if not program.rules]
    yield "| program | planted | place | ceiling | first finding | others above 10 % | step ms |"
    yield "|---|---|---:|---:|---|---|---:|"
    yield from (fault_line(program, known[program.name]) for program in faults)
    yield from ("", "| healthy program | findings above 10 % | below | step ms |", "|---|---|---|---:|")
    yield from (healthy_line(program, known[program.name]) for program in healthy)
    places = [place_of(program.rules, known[program.name]["findings"]) for program in faults]
    near = sum(place is not None and place <= FIRST for place in places)
    said = [(known[program.name], one) for program in healthy for one in loud(known[program.name]["findings"])]
    wrong = sum(_gain(row, one) is None for row, one in said)
    yield from (
        "",
        f"- Planted cause first or second for {near} of {len(faults)} programs, first for {places.count(1)}.",
    )
    yield (
        f"- Findings above 10 % in {len(healthy)} healthy programs: {len(said)}; the remedies of "
        f"{len(said) - wrong} of them helped, {wrong} did not, or cannot be tried."
    )


def main() -> None:
    """Make the missing runs and write the table."""
    everything = {program.name: program for program in programs()}
    names = {program.path.stem: name for name, program in everything.items()}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--only", action="append", metavar="NAME", choices=sorted(names))
    parser.add_argument("--anew", action="store_true")
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    contention = Contention()
    trials = Trials(RESULTS / "advice.jsonl")
    if not options.report:
        chosen = [names[name] for name in options.only or names]
        trials.keep(
            lambda row: (
                row["case"] in everything
                and row["version"] == everything[row["case"]].version
                and not (options.anew and row["case"] in chosen)
            )
        )
        trials.go_on(options.minutes, dict.fromkeys(chosen, 1), lambda name: run(everything[name]))
    write(
        "advice",
        [
            "## Advice",
            "",
            *machine(),
            versions("torch", "torchvision"),
            "- Every program has one planted fault or none, and runs once under watch (2 % overhead at most).",
            contention.line(),
            "",
            *table({row["case"]: row for row in trials.rows()}),
        ],
    )


def _gain(row: Row, finding: Row) -> float | None:
    """What the remedy has won for certain, as a share of the step; None if it has not helped."""
    for one in row.get("tried", ()):
        measured = one["measured"]
        if one["rule"] == finding["rule"] and measured and measured["low"] > 0:
            return float(measured["gain"])
    return None


def _outcome(row: Row, finding: Row) -> str:
    gain = _gain(row, finding)
    if gain is not None:
        return f"tried: wins {_percent(gain)}"
    return "tried: no gain" if any(one["rule"] == finding["rule"] for one in row.get("tried", ())) else "not tried"


def _short(finding: Row) -> str:
    return f"{finding['rule']} {_percent(finding['ceiling'])}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


if __name__ == "__main__":
    main()
