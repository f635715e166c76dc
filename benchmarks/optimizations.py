"""The demo as it is, and with all of its useful optimizations, in turn.

`python -m benchmarks.optimizations` runs the missing pairs and writes the table; `--pair N` runs only pair N (less than
five minutes on two cores) and keeps its figures.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.conditions import RESULTS, Contention, machine, versions, write

TOGETHER = ("channels_last", "bf16", "fused_focal_loss", "frozen_bn", "winograd", "fused_optimizer", "allocator")
DEMO = ("--image-size", "512", "--batch-size", "2", "--classes", "264")
PAIRS = 4
STEPS = 12
KEPT = RESULTS / "optimizations.json"
WARM_UP_STEPS = 2
"""Skipped: the first step initializes, the second still grows the heap."""


def run(names: tuple[str, ...]) -> dict[str, Any]:
    """Watch one run of the demo, without windows; returns its export."""
    chosen = ("--with", ",".join(names)) if names else ()
    program = (sys.executable, "-m", "profilednn_tui")
    with tempfile.TemporaryDirectory() as folder:
        snapshot, export = f"{folder}/run.pdnn", f"{folder}/run.json"
        environment = {**os.environ, "PROFILEDNN_HOME": f"{folder}/home"}
        options = ("--headless", "--overhead", "0", *chosen, "-o", snapshot)
        words = (*program, "demo", *options, "--", *DEMO, "--steps", str(STEPS))
        subprocess.run(words, check=True, env=environment, capture_output=True)
        subprocess.run((*program, "export", snapshot, "--to", "json", "-o", export), check=True, env=environment)
        found: dict[str, Any] = json.loads(Path(export).read_text())
    return found


def run_pair(number: int) -> dict[str, Any]:
    """A run without and a run with optimizations; odd pairs swap the order."""
    contention = Contention()
    order = [(), TOGETHER] if number % 2 == 0 else [TOGETHER, ()]
    found = {("together" if names else "stock"): run(names) for names in order}
    pair: dict[str, Any] = {"contention": contention.line()}
    for name, session in found.items():
        pair[name] = {
            "durations_ms": session["steps"]["durations_ms"][WARM_UP_STEPS:],
            "loss": session["steps"]["loss"],
            "phases": {phase["name"]: phase["median_ms"] for phase in session["phases"]},
            "peak_bytes": session["memory"]["peak_rss_bytes"],
            "receipts": session["optimizations"],
        }
    return pair


def lines(pairs: list[dict[str, Any]]) -> list[str]:
    """The section of BENCHMARKS.md."""
    medians = {
        name: [statistics.median(pair[name]["durations_ms"]) for pair in pairs] for name in ("stock", "together")
    }
    ratios = [stock / together for stock, together in zip(medians["stock"], medians["together"], strict=True)]
    difference = max(
        abs(ours - theirs) / theirs
        for pair in pairs
        for ours, theirs in zip(pair["together"]["loss"], pair["stock"]["loss"], strict=True)
    )
    found = ["## Optimizations", "", *machine(), versions("torch", "torchvision")]
    found += [
        f"- Demo at 512x512, batch 2, 264 classes, {len(pairs)} pairs in turn, {STEPS - WARM_UP_STEPS} steps each.",
        f"- **{statistics.median(ratios):.2f} times as fast** with {', '.join(TOGETHER)} together "
        f"(median of the pairs' ratios; {min(ratios):.2f} to {max(ratios):.2f}).",
        f"- Losses: at most {difference:.2%} apart in the first {STEPS} steps.",
        *(pair["contention"] for pair in pairs),
        "",
        "| run | step ms, median | lowest and highest of the pairs | peak memory GB |",
        "| :-- | --: | --: | --: |",
    ]
    for name, values in medians.items():
        peak = max(pair[name]["peak_bytes"] for pair in pairs) / 1e9
        middle = statistics.median(values)
        found.append(f"| {name} | {middle:.0f} | {min(values):.0f} to {max(values):.0f} | {peak:.1f} |")
    found += ["", "| phase | stock ms | together ms |", "| :-- | --: | --: |"]
    for phase in pairs[-1]["stock"]["phases"]:
        stock, together = (
            statistics.median(pair[name]["phases"][phase] for pair in pairs) for name in ("stock", "together")
        )
        found.append(f"| {phase} | {stock:.1f} | {together:.1f} |")
    found += ["", "Receipts of the last run:", ""]
    return [*found, *(f"- {one['name']}: {one['text']}" for one in pairs[-1]["together"]["receipts"])]


def main() -> None:
    """Run the missing pairs, or one pair."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pair", type=int, choices=range(PAIRS), help="run only this pair")
    wanted = parser.parse_args().pair
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for number in range(PAIRS) if wanted is None else [wanted]:
        if wanted is not None or str(number) not in kept:
            kept[str(number)] = run_pair(number)
            RESULTS.mkdir(exist_ok=True)
            KEPT.write_text(json.dumps(kept))
    if wanted is None:
        write("optimizations", lines([kept[str(number)] for number in range(PAIRS)]))
        KEPT.unlink()  # the next call measures anew


if __name__ == "__main__":
    main()
