"""What the remedies of findings win, beside their ceilings.

`python -m benchmarks.remedies [--minutes M]` watches the programs of benchmarks/faults as a user would, and tries each
remedy that the advisor offers with `advise --try`. It goes on where the last call ended.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.advice import programs
from benchmarks.conditions import RESULTS, Contention, machine, versions, write
from benchmarks.trials import Row, Trials
from benchmarks.tries import TRY_MINUTES, tried

THIRD = 1 / 3


def lines(rows: list[Row]) -> Iterator[str]:
    """The table and the counts."""
    yield "| program | finding | remedy | ceiling | measured | effect | training |"
    yield "|---|---|---|---:|---:|---|---|"
    judged = []
    for row in sorted(rows, key=lambda row: str(row["case"])):
        for one in row["tried"]:
            found = one["measured"]
            cells = [row["case"], one["rule"], one["remedy"], f"{100 * one['ceiling']:.0f} %"]
            if found is None:
                cells += ["", one["reason"], ""]
            else:
                gain, low, high = (100 * found[key] for key in ("gain", "low", "high"))
                cells += [f"{gain:.0f} % ({low:.0f} to {high:.0f})", found["effect"], found["losses"]]
                judged.append((one["ceiling"], found))
            yield f"| {' | '.join(cells)} |"
    above = sum(found["low"] > ceiling for ceiling, found in judged)
    large = sum(found["gain"] >= THIRD * ceiling for ceiling, found in judged)
    yield (
        f"\n- {len(judged)} remedies measured, {sum(row['in_ledger'] for row in rows)} in ledgers: {above} above "
        f"the ceiling with the whole interval, {large} with a gain of a third of the ceiling or more."
    )


def main() -> None:
    """Make the missing tries and write the table."""
    trials = Trials(RESULTS / "remedies.jsonl")
    minutes = trials.minutes_asked_for(__doc__, 90.0)
    faults = {program.path.stem: program.path for program in programs() if program.rules}
    contention = Contention()
    trials.go_on(minutes, dict.fromkeys(faults, 1), lambda name: tried(faults[name]))
    rows = [row for row in trials.rows() if row["case"] in faults]
    head = ["## Remedies of findings", "", *machine(), versions("torch", "torchvision")]
    note = f"- Each remedy was tried with `advise --try`, for {TRY_MINUTES:g} minutes at most."
    write("remedies", [*head, note, contention.line(), "", *lines(rows)])


if __name__ == "__main__":
    main()
