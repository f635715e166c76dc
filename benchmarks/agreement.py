"""Whether effects found between the steps of one process are those of whole processes.

`python -m benchmarks.agreement [--minutes M]` takes the effects that the searches of `benchmarks.gains` have found, and
runs each switch alone against stock in an experiment. It goes on where the last call ended.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from benchmarks.conditions import RESULTS, Contention, machine, versions, write
from benchmarks.gains import FOLDER
from benchmarks.trials import Row, Trials
from profilednn_tui.tune.search import as_variant, switch_named

GROUPS = 6
AT_ONCE = 3
"""Variants beside stock: all of them are in memory."""
RUN_S, FEWEST_STEPS, MOST_STEPS = 5.0, 12, 60
"""Of all steps of one run, and how many those may be."""


def alone(found: Row) -> dict[str, tuple[float, float]]:
    """The logarithm of each switch's effect while all others are off, as one process saw it, with its half interval.

    A pair's term is coded with one half and minus one half: without the other switch, half of it is taken away.
    """
    effects = {}
    for one in found["factors"]:
        middle = math.log(one["ratio"])
        for pair in found["pairs"]:
            if one["name"] in pair["names"]:
                middle -= 0.5 * math.log(pair["factor"])
        effects[one["name"]] = middle, math.log(one["high"] / one["low"]) / 2
    return effects


def experiment(program: str, names: list[str], step_ms: float) -> Row:
    """Each switch against stock, in processes of its own; the interval of the step time, by the switch's name."""
    steps = round(min(MOST_STEPS, max(FEWEST_STEPS, 1e3 * RUN_S / step_ms)))
    words = [sys.executable, "-m", "profilednn_tui", "experiment", "--no-certificate", "--in-place", "--to", "json"]
    words += ["--repeat", f"{GROUPS}", "--steps", f"{steps}", "--variant", "stock="]
    for number, name in enumerate(names):
        words += ["--variant", f"v{number}={as_variant(switch_named(name)).text}"]
    with tempfile.TemporaryDirectory() as place:
        done = subprocess.run(
            [*words, str(FOLDER / f"{program}.py")], capture_output=True, text=True, check=False, cwd=place
        )
    if not done.stdout:
        sys.exit(f"{program}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    found = json.loads(done.stdout)
    comparisons = found.get("comparisons", [found])
    return {names[int(one["candidate"]["name"][1:])]: one["step_time"] for one in comparisons}


def compared(program: str, search: Row) -> Row:
    """All switches of a program, both ways."""
    between = alone(search)
    names = sorted(between)
    apart: Row = {}
    for begin in range(0, len(names), AT_ONCE):
        apart |= experiment(program, names[begin : begin + AT_ONCE], search["step_ms"])
    return {"switches": [{"name": name, "between": between[name], "apart": apart[name]} for name in names]}


def agree(one: Row) -> bool | None:
    """Whether the two intervals at 95 % allow for one effect; None if the processes have told nothing."""
    if one["apart"] is None:
        return None
    low, high = (math.log1p(one["apart"][f"{end}_percent"] / 100) for end in ("low", "high"))
    middle, half = one["between"]
    return bool(abs(middle - math.log(one["apart"]["ratio"])) <= math.hypot(half, (high - low) / 2))


def lines(rows: list[Row]) -> Iterator[str]:
    """The table and the count."""
    yield "| program | switch | between steps | in processes | agree |\n|---|---|---:|---:|---|"
    verdicts = []
    for row in sorted(rows, key=lambda row: str(row["case"])):
        for one in row["switches"]:
            middle, half = one["between"]
            cells = [row["case"], one["name"], _change(middle, middle - half, middle + half)]
            verdict = agree(one)
            if verdict is None:
                cells += ["not judged", ""]
            else:
                ends = (math.log1p(one["apart"][f"{end}_percent"] / 100) for end in ("low", "high"))
                cells += [_change(math.log(one["apart"]["ratio"]), *ends), "yes" if verdict else "**no**"]
                verdicts.append(verdict)
            yield f"| {' | '.join(cells)} |"
    yield f"\n- {sum(verdicts)} of {len(verdicts)} agree, in {len(rows)} programs."


def _change(*logarithms: float) -> str:
    middle, low, high = (f"{100 * math.expm1(value):+.1f}" for value in logarithms)
    return f"{middle} % ({low} to {high})"


def main() -> None:
    """Make what is missing and write the table."""
    searches = {row["case"]: row for row in Trials(RESULTS / "gains.jsonl").rows() if row["factors"]}
    trials = Trials(RESULTS / "agreement.jsonl")
    minutes = trials.minutes_asked_for(__doc__, 60.0)
    contention = Contention()
    trials.go_on(minutes, dict.fromkeys(sorted(searches), 1), lambda name: compared(name, searches[name]))
    head = ["## Effects between steps and in processes", "", *machine(), versions("torch", "torchvision")]
    note = f"- Each switch alone against stock: {GROUPS} groups in lockstep. Changes of the step time, 95 % intervals."
    write("agreement", [*head, note, contention.line(), "", *lines(trials.rows())])


if __name__ == "__main__":
    main()
