"""A processor that seems to have bfloat16 arithmetic, for one command."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ASSUMED = "BENCHMARK_ASSUMES_BFLOAT16"
"""Set in the command that sees another /proc/cpuinfo."""
REPLACE = 'mount --bind "$0" /proc/cpuinfo && exec "$@"'


def assume_bfloat16(module: str) -> None:
    """Run this command again, as `python -m MODULE`, in a mount namespace of its own, and end with its exit code.

    There, /proc/cpuinfo names avx512_bf16. oneDNN and our kernels ask the processor itself, so what is computed in
    bfloat16 is right, only slow. In the command that was run again this does nothing.
    """
    if ASSUMED in os.environ:
        return
    if os.geteuid():
        sys.exit("--assume-bfloat16 puts a file in the place of /proc/cpuinfo, for this command alone: it needs root.")
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    with tempfile.NamedTemporaryFile("w", suffix=".cpuinfo") as file:
        file.writelines(f"{line}{' avx512_bf16' if line.startswith('flags') else ''}\n" for line in lines)
        file.flush()
        words = ["unshare", "-m", "sh", "-c", REPLACE, file.name, sys.executable, "-m", module, *sys.argv[1:]]
        code = subprocess.run(words, env={**os.environ, ASSUMED: "1"}).returncode
    sys.exit(code)
