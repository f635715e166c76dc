"""Makes the processor appear to have bfloat16 arithmetic, for one command."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ASSUMED = "BENCHMARK_ASSUMES_BFLOAT16"
"""Set in the command that sees the modified /proc/cpuinfo."""
REPLACE = 'mount --bind "$0" /proc/cpuinfo && exec "$@"'


def assume_bfloat16(module: str) -> None:
    """Run this command again, as `python -m MODULE`, in its own mount namespace, and exit with its exit code.

    There, /proc/cpuinfo lists avx512_bf16. oneDNN and our kernels query the processor itself, so bfloat16 results are
    correct, only slow. Does nothing in the command that was run again.
    """
    if ASSUMED in os.environ:
        return
    if os.geteuid():
        sys.exit("--assume-bfloat16 replaces /proc/cpuinfo for this command only, which needs root.")
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    with tempfile.NamedTemporaryFile("w", suffix=".cpuinfo") as file:
        file.writelines(f"{line}{' avx512_bf16' if line.startswith('flags') else ''}\n" for line in lines)
        file.flush()
        words = ["unshare", "-m", "sh", "-c", REPLACE, file.name, sys.executable, "-m", module, *sys.argv[1:]]
        code = subprocess.run(words, env={**os.environ, ASSUMED: "1"}).returncode
    sys.exit(code)
