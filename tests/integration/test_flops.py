"""The operations we take from oneDNN's problems, against torch's own count."""

from __future__ import annotations

import json

import pytest

from profilednn_tui.onednn.reader import LogReader
from profilednn_tui.onednn.work import work_of_uses
from tests.integration.harness import run

pytest.importorskip("torchvision")


def test_convolutions_of_resnet50_have_the_operations_that_torch_counts() -> None:
    ended = run("flops.py", ONEDNN_VERBOSE="1", OMP_NUM_THREADS="2")  # torch keeps small ones of a single thread
    reader = LogReader()
    reader.feed(ended.stdout.encode())
    log = reader.log()
    counted = json.loads(next(line for line in ended.stdout.splitlines() if line.startswith("counted "))[8:])
    forward, backward = (
        work_of_uses(
            use
            for use in log.uses
            if use.primitive.name == "convolution" and use.primitive.direction.startswith(direction)
        )[0].flops
        for direction in ("FWD", "BWD")
    )
    assert forward == counted["aten.convolution"] > 0
    assert backward == counted["aten.convolution_backward"] > 0
