"""What the account of collectives costs: steps of 10 ms with four buckets of DDP, in blocks with and without it.

`python -m benchmarks.collectives [--minutes M]` runs one rank, so that no step waits for another.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from benchmarks.conditions import Contention, machine, versions, write
from profilednn_tui.agent.collectives.recorder import FIRST_LOOKS, LOOKS, Collectives
from profilednn_tui.agent.isolation.guard import Guard
from profilednn_tui.agent.steps.timeline import BACKWARD, Timeline
from profilednn_tui.agent.steps.training_thread import Sign, TrainingThread

BLOCK, LEARNING = 20, FIRST_LOOKS + LOOKS
"""Steps that are measured; and before, in which the account finds the groups and settles."""
WIDTH, LAYERS, BATCH = 256, 8, 80
STEP_MS = 10.0
"""The batch is made larger or smaller until a step takes about so long."""
BUCKET_MB = 0.6
WORTH = 0.01


class Training:
    """Steps of about `STEP_MS`."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        layers = [layer for _ in range(LAYERS) for layer in (nn.Linear(WIDTH, WIDTH), nn.ReLU())]
        self.model = DistributedDataParallel(nn.Sequential(*layers), bucket_cap_mb=BUCKET_MB)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01)
        self.timeline = Timeline()
        TrainingThread(self.timeline).is_me(Sign.UPDATE)
        self.number = 0
        self.batch = BATCH
        for _ in range(3):
            steps_ms = [self.step(None) / 1e6 for _ in range(2 * BLOCK)]
            self.batch = max(1, round(self.batch * STEP_MS / statistics.median(steps_ms)))

    def step(self, collectives: Collectives | None) -> int:
        """One step; returns its duration in nanoseconds."""
        began_ns = time.perf_counter_ns()
        loss = self.model(torch.randn(self.batch, WIDTH)).square().mean()
        if collectives is not None:
            collectives.before_backward(loss)
        previous = self.timeline.enter(BACKWARD, self.timeline.now())
        loss.backward()
        self.timeline.leave(previous)
        self.optimizer.step()
        if collectives is not None:
            collectives.after_update(self.optimizer)
        self.optimizer.zero_grad()
        self.number += 1
        if collectives is not None:
            collectives.end_step(self.number, self.timeline.now())
            collectives.look()
        return time.perf_counter_ns() - began_ns


def blocks(training: Training, minutes: float) -> Iterator[tuple[float, float, int]]:
    """Median step without and with the account, from neighbouring blocks, and the waits per step that it told."""
    failures: list[object] = []
    until_s = time.monotonic() + 60 * minutes
    turn = 0
    while time.monotonic() < until_s:
        medians: dict[bool, float] = {}
        waits = 0
        for watched in ((False, True), (True, False))[turn % 2]:
            collectives = Collectives(torch, training.timeline, Guard(failures.append), lambda event: None)
            if watched:
                collectives.look()
            steps = [training.step(collectives if watched else None) for _ in range(LEARNING + BLOCK)]
            medians[watched] = statistics.median(steps[LEARNING:])
            waits += sum(len(event.waits) for event in collectives.news())
            collectives.remove()
        assert not failures, failures
        turn += 1
        yield medians[False], medians[True], waits
    assert turn > 10


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0)
    minutes = parser.parse_args().minutes
    contention = Contention()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=0, world_size=1)
        training = Training()
        found = list(blocks(training, minutes))
        dist.destroy_process_group()
    ratios = sorted(with_ns / without_ns for without_ns, with_ns, _ in found)
    ratio, step_ms = statistics.median(ratios), statistics.median(without for without, _, _ in found) / 1e6
    low, high = ratios[len(ratios) // 4], ratios[3 * len(ratios) // 4]
    waits = sum(waits for _, _, waits in found) / (len(found) * (LEARNING + BLOCK))
    head = ["## Account of collectives", "", *machine(), versions("torch"), contention.line(), ""]
    lines = [
        f"- Steps of {step_ms:.1f} ms with DDP on one rank, {waits:.1f} waits told per step, {len(found)} pairs of "
        f"blocks of {BLOCK} steps.",
        f"- With the account: {100 * (ratio - 1):+.2f} % (quartiles of the pairs {100 * (low - 1):+.2f} to "
        f"{100 * (high - 1):+.2f} %); at most {100 * WORTH:g} % is wanted.",
    ]
    write("collectives", [*head, *lines])


if __name__ == "__main__":
    main()
