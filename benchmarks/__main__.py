"""`make bench`: runs the parts and combines their results in BENCHMARKS.md.

`python -m benchmarks [PART ...]` runs all parts if none is named. A part that is not run keeps its last result.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.conditions import RESULTS

PARTS = (
    "overhead",
    "memory",
    "memory_account",
    "summarize",
    "host",
    "survival",
    "attach",
    "arrivals",
    "kernels",
    "optimizations",
    "ablation",
    "verdicts",
    "few_runs",
    "gate",
    "primitives",
    "safety",
    "receipts",
    "looks",
    "advice",
    "remedies",
    "tuning",
    "real_searches",
    "gains",
    "found_recipe",
    "agreement",
    "collectives",
    "remaining",
    "plan",
    "stragglers",
    "many_ranks",
    "interruptions",
    "differences",
    "pictures",
)
OUTPUT = Path(__file__).resolve().parent.parent / "BENCHMARKS.md"
SUMMARY = RESULTS / "summary.md"
"""Written by hand; a test compares its figures with the sections."""
PREFACE = """# Benchmarks

The latest results of `make bench` (`make bench PARTS="overhead host"` runs single parts). A time is only comparable to
times taken in turn with it on the same machine; each part says how busy the machine was otherwise.
"""


def main() -> None:
    """Run the parts named on the command line."""
    names = sys.argv[1:] or list(PARTS)
    unknown = sorted(set(names) - set(PARTS))
    if unknown:
        sys.exit(f"No such part: {', '.join(unknown)}. Parts: {', '.join(PARTS)}.")
    failed = [name for name in names if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"]).returncode]
    sections = [path.read_text() for part in PARTS if (path := RESULTS / f"{part}.md").exists()]
    OUTPUT.write_text("\n".join([PREFACE, SUMMARY.read_text(), *sections]))
    if failed:
        sys.exit(f"Failed: {', '.join(failed)}.")


if __name__ == "__main__":
    main()
