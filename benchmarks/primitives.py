"""Part `primitives`: the paper's figure 2 for four models, how much of oneDNN's time is joined to operators, how well
it is projected, and how fast a log is read.

`python -m benchmarks.primitives [MODEL ...]` measures the named models and keeps the last figures of the others.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.conditions import RESULTS, Contention, machine, versions, write
from profilednn_tui.session.model.work import covered_share
from profilednn_tui.session.open_session import open_session
from profilednn_tui.session.view import SessionView

ROOT = Path(__file__).resolve().parent.parent
MODELS = ("resnet18", "lstm", "transformer", "retinanet")
STEPS = {"resnet18": 24, "lstm": 40, "transformer": 40, "retinanet": 16}
PROJECTION_S = 20
LOG_BYTES = 1_000_000_000
PAPER = {
    "resnet18": "conv BWD_W 49.8, bn BWD_DW 16.0, reorder 14.9, conv FWD_D 6.4, bn FWD_D 6.3, conv BWD_D 6.1",
    "lstm": "rnn BWD_DW 55.1, rnn FWD_D 37.2, reorder 5.2, inner_product 2.4",
    "transformer": "inner_product BWD_W 34.8, matmul 28.9, inner_product FWD_D 18.8, reorder 10.3, "
    "inner_product BWD_D 7.2",
    "retinanet": "conv BWD_W 64.8, conv BWD_D 15.2, conv FWD_D 15.0, reorder 5.0",
}
"""Shares of oneDNN's time in percent, figure 2 of arXiv 2206.10034v2."""
FIGURES = RESULTS / "primitives.json"


def measure(model: str, folder: Path) -> dict[str, Any]:
    """Watch the training of a model, then project what ran in its windows."""
    environment = {**os.environ, "PROFILEDNN_HOME": str(folder / "home")}
    snapshot = folder / f"{model}.pdnn"
    tool = [sys.executable, "-m", "profilednn_tui"]
    target = str(ROOT / "tests" / "targets" / "primitives.py")
    contention = Contention()
    run = [*tool, "--headless", "--overhead", "60%", "-o", str(snapshot), target, model, str(STEPS[model]), "full"]
    subprocess.run(run, env=environment, check=True, stdout=subprocess.DEVNULL)
    answer = subprocess.run(
        [*tool, "project", str(snapshot), "--on", sys.executable, "--seconds", str(PROJECTION_S), "--json"],
        env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    projection = json.loads(answer.stdout)
    view = read_view(snapshot)
    ran, windows = view.primitives, len(view.primitives.windows)
    shares: dict[str, float] = {}
    for use in ran.log.uses:
        label = f"{use.primitive.name} {use.primitive.direction}".strip()
        shares[label] = shares.get(label, 0.0) + use.execution.total_ms / ran.log.time_ms
    return {
        "shares": shares,
        "ms_per_step": ran.log.time_ms / windows,
        "step_ms": (view.steps.median_ns or 0.0) / 1e6,
        "windows": windows,
        "joined_share": ran.joined_share,
        "operators": len(ran.by_operator),
        "exceeded": exceeded(view),
        "flops_share": covered_share(view.operators.rows, ran),
        "projection": {key: value for key, value in projection.items() if key not in ("primitives", "missing")},
        "contention": contention.line(),
    }


def read_view(snapshot: Path) -> SessionView:
    """The session in a snapshot."""
    with open_session(snapshot) as session:
        session.catch_up()
        return session.view()


def exceeded(view: SessionView) -> list[str]:
    """Operators that took less time than the primitives joined to them: none, if all were joined correctly."""
    windows = len(view.primitives.windows)
    return [
        row.key.name
        for row in view.operators.rows
        if (inside := view.primitives.by_operator.get(row.key)) is not None
        and inside.time_ms / windows > row.total_ns_per_step / 1e6
    ]


def lines(figures: dict[str, dict[str, Any]], reading: dict[str, Any]) -> Iterator[str]:
    yield "## primitives"
    yield ""
    yield from machine()
    yield versions("torch", "torchvision")
    yield ""
    yield "Shares of oneDNN's time in a training step, next to the paper's (figure 2; Cooper Lake, Intel's extension)."
    yield "Here, plain torch runs batch norm and float32 matrix products outside of oneDNN: those slices are missing,"
    yield "and the Transformer trains in bfloat16, where oneDNN computes its products."
    yield ""
    yield "An operator is exceeded if the primitives joined to it took longer than the operator itself. FLOPs known is"
    yield "the share of the self time of computing operators for which FLOPs are known."
    yield ""
    yield "| model | here, % | paper, % |"
    yield "|:--|:--|:--|"
    for model in MODELS:
        if model in figures:
            ordered = sorted(figures[model]["shares"].items(), key=lambda pair: -pair[1])
            yield f"| {model} | {', '.join(f'{name} {share * 100:.1f}' for name, share in ordered)} | {PAPER[model]} |"
    yield ""
    yield (
        "| model | step ms | oneDNN ms/step | windows | time joined to operators | operators exceeded "
        "| FLOPs known | projected / observed | 95 % interval | warm | cold | covered |"
    )
    yield "|:--|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    for model in MODELS:
        if model not in figures:
            continue
        one = figures[model]
        projection = one["projection"]
        base = projection["covered_ms"]
        low, high = (value / base for value in projection["projected_interval_ms"])
        yield (
            f"| {model} | {one['step_ms']:.1f} | {one['ms_per_step']:.2f} | {one['windows']} "
            f"| {one['joined_share'] * 100:.1f} % | {len(one['exceeded'])} of {one['operators']} "
            f"| {one['flops_share'] * 100:.1f} % | {projection['efficiency']:.3f} | {low:.3f} to {high:.3f} "
            f"| {projection['warm_ms'] / base:.3f} | {projection['cold_ms'] / base:.3f} "
            f"| {base / projection['observed_ms'] * 100:.1f} % |"
        )
    yield ""
    yield from (f"{one['contention']} ({model})" for model, one in figures.items())
    yield ""
    yield (
        f"Reading {reading['bytes'] / 1e9:.2f} GB of log on one core: {reading['mb_per_s']:.0f} MB/s of CPU time "
        f"(median of {len(reading['all'])}; {min(reading['all']):.0f} to {max(reading['all']):.0f}), "
        f"{reading['memory_mb']:.0f} MB of memory at most."
    )


def read_speed(folder: Path) -> dict[str, Any]:
    """Read a log of recorded steps, repeated with other output in between."""
    text = gzip.decompress((ROOT / "tests/fixtures/onednn/retinanet-torch-2.14.log.gz").read_bytes())
    path = folder / "large.log"
    with path.open("wb") as stream:
        for number in range(LOG_BYTES // len(text)):
            stream.write(text)
            stream.write(b"step %d, loss 0.3\n" % number)
    script = (
        "import sys, time, resource; from profilednn_tui.onednn.reader import read_logs; begin = time.process_time();"
        "log = read_logs(sys.argv[1:]); print(time.process_time() - begin, log.bad_lines,"
        "resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    rates, memory_kb = [], 0
    size = path.stat().st_size
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", script, str(path)], check=True, capture_output=True, text=True)
        seconds, bad, peak_kb = done.stdout.split()
        assert bad == "0"
        rates.append(size / 1e6 / float(seconds))
        memory_kb = max(memory_kb, int(peak_kb))
    return {"bytes": size, "mb_per_s": median(rates), "all": rates, "memory_mb": memory_kb / 1e3}


def main() -> None:
    """Measure the models named on the command line, or everything."""
    chosen = sys.argv[1:] or [*MODELS, "reading"]
    known: dict[str, Any] = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen:
            known[name] = read_speed(Path(folder)) if name == "reading" else measure(name, Path(folder))
    FIGURES.parent.mkdir(exist_ok=True)
    FIGURES.write_text(json.dumps(known, indent=1) + "\n")
    if "reading" in known:
        write("primitives", list(lines({model: known[model] for model in MODELS if model in known}, known["reading"])))


if __name__ == "__main__":
    main()
