"""Receipts against measured steps: each optimization in a program where it has an effect and in one where it has none.

`python -m benchmarks.receipts [--pairs N] [--only OPTIMIZATION]` continues where it stopped (`--fresh` starts over) and
writes benchmarks/results/receipts.md. A pair is a run without and a run with the optimization, in turn, both watched
without windows; the programs (tests/targets/receipts.py) time their own steps. `--assume-bfloat16` works as in
`python -m benchmarks.safety`; the times of such runs are meaningless and omitted.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.conditions import RESULTS, Contention, machine, versions, write
from benchmarks.safety.bfloat16 import ASSUMED, assume_bfloat16
from benchmarks.safety.judge import Receipt, is_false
from benchmarks.safety.run import TOOL, ended, export, receipts
from profilednn_tui.compare.losses import BFLOAT16_KINDS
from profilednn_tui.launch.optimizations import describe_optimizations

PROGRAM = Path(__file__).parents[1] / "tests" / "targets" / "receipts.py"
RECORD = RESULTS / "receipts.jsonl"
SITUATIONS = {
    "allocator": ("large_temporaries", "perceptron"),
    "bf16": ("wide_convolutions", "evaluated_only"),
    "bf16_matmul": ("wide_convolutions", "normal"),
    "channels_last": ("convolutions", "evaluated_only"),
    "compile": ("pointwise_chain", "compiled_by_itself"),
    "flush_denormals": ("denormal", "normal"),
    "frozen_backward": ("unowned_layers", "convolutions"),
    "frozen_bn": ("frozen_norm", "training_norm"),
    "fused_focal_loss": ("focal", "convolutions"),
    "fused_optimizer": ("many_parameters", "fused_by_itself"),
    "loader": ("restarted_workers", "convolutions"),
    "omp_wait": ("many_small_loops", "one_thread"),
    "threads": ("one_thread_by_wrapper", "convolutions"),
    "winograd": ("wide_convolutions", "convolutions"),
}
"""For each optimization, a program in which it has an effect and one in which it has none."""
CONTENTS = {
    "evaluated_only": {
        "convolutions": 2,
        "wide_3x3_convolutions": 0,
        "frozen_norms": 0,
        "optimizers": [],
        "modules": 0,
    },
    "convolutions": {
        "convolutions": 2,
        "wide_3x3_convolutions": 0,
        "frozen_norms": 0,
        "optimizers": ["SGD"],
        "modules": 8,
    },
}
"""In the format of the programs of the safety table; `modules` are those that are trained."""
MIN_PAIRS, FASTER = 3, 0.8
COMPANIONS = {"winograd": ("bf16",)}


@dataclass(frozen=True)
class Pair:
    """One run without and one with the optimization."""

    optimization: str
    situation: str
    plain_ms: float
    """Median step, as the program measured it."""
    with_ms: float
    state: str
    text: str


def run(situation: str, names: tuple[str, ...]) -> tuple[float, tuple[Receipt, ...]]:
    """Run a program; returns the median step in milliseconds and the receipts."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        chosen = ("--with", ",".join(names)) if names else ()
        options = ("--headless", "--overhead", "0", *chosen, "-o", str(place / "run.pdnn"))
        code, stdout, stderr = ended([*TOOL, "run", *options, str(PROGRAM), situation], place)
        if code:
            sys.exit(f"{situation} with {', '.join(names) or 'nothing'} ended with exit code {code}:\n{stderr[-2000:]}")
        return float(stdout.split()[-1]), receipts(export(place))


def pair(name: str, situation: str, odd: bool) -> Pair:
    """Make both runs; odd pairs swap the order."""
    names = (*COMPANIONS.get(name, ()), name)
    found = {chosen: run(situation, chosen) for chosen in ((names, ()) if odd else ((), names))}
    with_ms, told = found[names]
    receipt = next((one for one in told if one.name == name), Receipt(name, "none", "no receipt was shown"))
    return Pair(name, situation, found[()][0], with_ms, receipt.state, receipt.text)


def kept() -> list[Pair]:
    """All pairs so far."""
    return [Pair(**json.loads(line)) for line in RECORD.read_text().splitlines()] if RECORD.exists() else []


def row(pairs: list[Pair]) -> str:
    """One line of the table."""
    last = pairs[-1]
    times = "not timed | not timed | "
    if ASSUMED not in os.environ or last.optimization not in BFLOAT16_KINDS:
        ratios = [one.with_ms / one.plain_ms for one in pairs]
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        plain, changed = (
            statistics.median(values) for values in zip(*((p.plain_ms, p.with_ms) for p in pairs), strict=True)
        )
        times = f"{plain:.2f} | {changed:.2f} | {spread}"
    return f"| {last.optimization} | {last.situation} | {times} | {last.state} | {last.text} |"


def doubtful(pairs: list[Pair]) -> str:
    """Why a receipt cannot be true; empty if nothing contradicts it."""
    ratios = [one.with_ms / one.plain_ms for one in pairs]
    last = pairs[-1]
    said = f"{last.optimization} on {last.situation}: {last.state}, {last.text}"
    if last.state == "on":
        return ""
    if last.situation == SITUATIONS[last.optimization][0]:
        return f"{said}; but the program is made for it to have an effect"
    if last.situation in CONTENTS and is_false(last.text, CONTENTS[last.situation]):
        return f"{said}; but the program has what is said to be missing"
    if len(pairs) >= MIN_PAIRS and (max(ratios) < FASTER or min(ratios) > 1 / FASTER):
        return f"{said}; but all pairs show a different step time"
    return ""


def table(found: list[Pair]) -> Iterator[str]:
    """All situations, and the doubtful receipts."""
    yield "| optimization | program | step ms | step ms with it | ratio of the pairs | state | receipt |"
    yield "|---|---|---:|---:|---:|---|---|"
    groups = [
        [one for one in found if (one.optimization, one.situation) == (name, situation)]
        for name, situations in SITUATIONS.items()
        for situation in situations
    ]
    yield from (row(group) for group in groups if group)
    doubts = [text for group in groups if group and (text := doubtful(group))]
    yield from ("", *([f"- **Doubtful**: {text}." for text in doubts] or ["- No receipt contradicts the steps."]))


def main() -> None:
    """Make the missing pairs and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--only", action="append", choices=SITUATIONS, metavar="OPTIMIZATION")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--assume-bfloat16", action="store_true")
    options = parser.parse_args()
    if options.assume_bfloat16:
        assume_bfloat16("benchmarks.receipts")
    if options.fresh:
        left = [one for one in kept() if options.only and one.optimization not in options.only]
        RECORD.write_text("".join(json.dumps(asdict(one)) + "\n" for one in left))
    contention = Contention()
    available = {offer.name for offer in describe_optimizations(sys.executable) if offer.available}
    RESULTS.mkdir(exist_ok=True)
    for number in range(options.pairs):
        for name, situations in SITUATIONS.items():
            for situation in situations if name in available and name in (options.only or SITUATIONS) else ():
                if sum((one.optimization, one.situation) == (name, situation) for one in kept()) <= number:
                    made = pair(name, situation, bool(number % 2))
                    with RECORD.open("a") as stream:
                        stream.write(json.dumps(asdict(made)) + "\n")
                    print(
                        f"{name} on {situation}: {made.plain_ms:.2f} -> {made.with_ms:.2f} ms, {made.state}", flush=True
                    )
    lines = ["## Receipts", "", *machine(), versions("torch", "torchvision"), contention.line(), "", *table(kept())]
    write("receipts", lines)


if __name__ == "__main__":
    main()
