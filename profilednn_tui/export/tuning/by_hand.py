"""How to get a winner's setting without this tool, where that is possible."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from profilednn_tui.compare.tuning import Winner

CHANGES = {
    "allocator": "preload jemalloc or tcmalloc: LD_PRELOAD=/path/to/libjemalloc.so.2",
    "bf16": 'call the model under torch.autocast("cpu", dtype=torch.bfloat16), and the loss outside of it',
    "bf16_matmul": 'call torch.set_float32_matmul_precision("medium") before training',
    "channels_last": "convert the images with .to(memory_format=torch.channels_last)",
    "compile": "train torch.compile(model)",
    "flush_denormals": "call torch.set_flush_denormal(True) before anything else uses torch",
    "frozen_backward": "call requires_grad_(False) on the parameters that no optimizer gets",
    "fused_optimizer": "give the optimizer fused=True, or foreach=True if it has no fused form",
    "iomp": "preload Intel's OpenMP: LD_PRELOAD=/path/to/libiomp5.so",
    "ipex": "call model, optimizer = ipex.optimize(model, optimizer=optimizer)",
    "loader": "give the DataLoader num_workers, prefetch_factor and persistent_workers=True",
    "omp_wait": "set OMP_WAIT_POLICY=active",
    "threads": "start one thread per physical core of one NUMA node: OMP_NUM_THREADS, numactl or taskset",
}
"""For each optimization that needs none of our kernels."""


def by_hand_lines(winner: Winner, words: tuple[str, ...]) -> Iterator[str]:
    """What to do, one line each; the first is the command if variables have to be set."""
    if winner.environment:
        settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in winner.environment.items())
        start = ["python", *words] if words and words[0].endswith(".py") else list(words)
        yield f"{settings} {shlex.join(start)}"
    for name in winner.optimizations:
        yield f"{name}: {CHANGES.get(name, f'only with this tool, as --with {name}')}"
