"""`python -m benchmarks.safety`: see the package's docstring."""

from __future__ import annotations

import argparse
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import benchmarks.safety
from benchmarks.conditions import RESULTS, Contention, machine, versions, write
from benchmarks.safety import judge, run
from benchmarks.safety.bfloat16 import ASSUMED, assume_bfloat16
from benchmarks.safety.judge import Run
from benchmarks.safety.table import Cell, lines
from profilednn_tui.compare.losses import BFLOAT16_KINDS
from profilednn_tui.launch.optimizations import OptimizationDescription, describe_optimizations

RECORD = RESULTS / "safety.jsonl"
COMPANIONS = {"winograd": ("bf16",)}
"""Optimizations that do nothing without another one."""


def main() -> None:
    """Make the missing runs and write the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.safety",
        description=benchmarks.safety.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", action="append", metavar="PROGRAM", choices=run.programs())
    parser.add_argument("--optimization", action="append", metavar="NAME")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--assume-bfloat16", action="store_true")
    parser.add_argument("--threads", metavar="N")
    parser.add_argument("--jobs", metavar="N", type=int, default=1)
    options = parser.parse_args()
    if options.threads:
        os.environ[run.THREADS] = options.threads
    if options.list:
        print("\n".join(run.programs()))
        return
    if options.assume_bfloat16:
        assume_bfloat16("benchmarks.safety")
    contention = Contention()
    offered = describe_optimizations(sys.executable)
    chosen = columns(offered)
    wanted = {name: names for name, names in chosen.items() if name in (options.optimization or chosen)}
    with ThreadPoolExecutor(options.jobs) as pool:
        for row in pool.map(lambda program: cells(program, wanted, options.fresh), options.only or run.programs()):
            for cell in row:
                print(cell, flush=True)
                keep(cell)
    unavailable = {offer.name: offer.reason for offer in offered if not offer.available}
    write(
        "safety",
        [
            "## Safety",
            "",
            *machine(),
            versions("torch", "torchvision"),
            "- Each program is trained plainly and with each optimization; `python -m benchmarks.safety` makes the",
            "  table, and its docstring says what is compared. `none` is only watched; `together` has all that are",
            "  available and can be combined. – is no effect; ! marks a false reason.",
            contention.line(),
            *lines(kept_cells(), unavailable),
        ],
    )


def columns(offered: tuple[OptimizationDescription, ...]) -> dict[str, tuple[str, ...]]:
    """What is switched on for each column."""
    available = [offer for offer in offered if offer.available]
    together: list[str] = []
    for offer in available:
        if not any(
            offer.name in one.conflicts or one.name in offer.conflicts for one in available if one.name in together
        ):
            together.append(offer.name)
    alone = {offer.name: (*COMPANIONS.get(offer.name, ()), offer.name) for offer in available}
    return {"none": (), **alone, "together": tuple(together)}


def cells(program: str, wanted: dict[str, tuple[str, ...]], fresh: bool) -> list[Cell]:
    """The row of a program; missing runs are made."""
    plain = run.kept(program, "plain") or run.run(program, "plain", None)
    if plain.exit_code != 0 or plain.result is None:
        sys.exit(f"{program} does not run plainly: exit code {plain.exit_code}, {plain.error}.")
    runs: dict[str, Run] = {}
    for name, names in wanted.items():
        before = None if fresh else run.kept(program, name)
        runs[name] = before or run.run(program, name, names)
    run.resume(program, ["plain", *wanted])
    return [judged(program, name, names, plain, runs[name]) for name, names in wanted.items()]


def judged(program: str, name: str, names: tuple[str, ...], plain: Run, made: Run) -> Cell:
    """The verdict on a run."""
    limit = judge.tolerance(names)
    assert plain.result is not None
    losses = made.result["losses"] if made.result else []
    contents = made.result["contents"] if made.result else plain.result["contents"]
    receipts = [receipt for receipt in made.receipts if receipt.name in names]
    verdict, reason = told(name, receipts)
    if ended := judge.crash(plain, made):
        verdict, reason = "CRASHED", ended
    elif found := [*judge.harm(plain, made, limit), *after_resuming(program, name, limit)]:
        verdict, reason = "HARMED", "; ".join(found[:4]) + (f"; and {len(found) - 4} more" if len(found) > 4 else "")
    refuses = [one.text for one in receipts if one.state != "on"]
    return Cell(
        program,
        name,
        verdict,
        reason,
        any(judge.is_false(text, contents) for text in refuses),
        judge.traces(plain, made),
        judge.misread(made),
        judge.apart(plain.result["losses"], losses),
        made.seconds,
        ASSUMED in os.environ and bool(BFLOAT16_KINDS.intersection(names)),
    )


def told(name: str, receipts: list[judge.Receipt]) -> tuple[str, str]:
    """Verdict and reason according to the receipts; if there are several, each with its state."""
    if not receipts:
        return ("on", "") if name == "none" else ("no effect", "no receipt was shown")
    if name == "together":
        return "on", "; ".join(f"{one.name} {one.state}" for one in receipts if one.state != "on")
    own = next((one for one in receipts if one.name == name), receipts[0])
    if own.state in ("on", "no effect"):
        return own.state, own.text
    return "declined", f"{own.state}, {own.text}"


def after_resuming(program: str, name: str, limit: float) -> list[str]:
    """What differs from a plain run that resumes from the plain run's checkpoint."""
    plain, other = run.resumed(program, "plain"), run.resumed(program, name)
    if plain is None or plain.result is None:
        return ["the plain run cannot be resumed: " + (plain.error if plain else "no output")]
    if other is None or other.result is None:
        return ["resuming: " + (other.error if other else "no checkpoint")]
    return [f"resumed: {found}" for found in judge.harm(plain, other, limit)]


def kept_cells() -> list[Cell]:
    """All cells so far."""
    found = [Cell(**json.loads(line)) for line in RECORD.read_text().splitlines()] if RECORD.exists() else []
    return [cell for cell in found if cell.program in run.programs()]


def keep(cell: Cell) -> None:
    """Write a cell in place of an older one."""
    key = (cell.program, cell.optimization)
    found = [one for one in kept_cells() if (one.program, one.optimization) != key]
    RESULTS.mkdir(exist_ok=True)
    RECORD.write_text("".join(json.dumps(asdict(one)) + "\n" for one in [*found, cell]))


if __name__ == "__main__":
    main()
