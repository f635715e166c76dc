"""The kernels run on the one OpenMP pool that torch has, whatever was preloaded."""

from __future__ import annotations

import ctypes.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import profilednn_kernels
import pytest

# Warms torch's pool, runs the kernels, and tells the process's OpenMP files and threads before and after.
CHILD = """
import json, os, re, sys
import torch

def openmp_files():
    lines = open("/proc/self/maps").read().splitlines()
    return sorted({line.split()[-1] for line in lines if re.search(r"/lib(gomp|iomp5|omp)[^/]*$", line)})

def threads():
    return len(os.listdir("/proc/self/task"))

torch.set_num_threads(int(sys.argv[1]))
x = torch.randn(1 << 20)
(x.exp() + x).sum()
before = {"files": openmp_files(), "threads": threads()}

import profilednn_kernels
leaf = x.clone().requires_grad_()
profilednn_kernels.sigmoid_focal_loss(leaf, torch.zeros_like(x), reduction="sum").backward()
profilednn_kernels.frozen_batch_norm(x.view(1, 4, 512, 512), torch.ones(4), torch.ones(4))
after = {"files": openmp_files(), "threads": threads()}
print(json.dumps({"before": before, "after": after, "runtime": profilednn_kernels.openmp_runtime()}))
"""


def run_child(threads: int, preload: str = "") -> dict[str, Any]:
    packages = str(Path(profilednn_kernels.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": packages, "OMP_NUM_THREADS": "2", "LD_PRELOAD": preload}
    finished = subprocess.run(
        [sys.executable, "-c", CHILD, str(threads)], env=environment, capture_output=True, text=True, timeout=120
    )
    assert finished.returncode == 0, finished.stderr
    result: dict[str, Any] = json.loads(finished.stdout)
    return result


def find(library: str) -> str:
    beside_python = Path(sys.prefix) / "lib" / f"lib{library}.so"
    path = str(beside_python) if beside_python.exists() else ctypes.util.find_library(library)
    return path or pytest.skip(f"lib{library} is not installed")


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_no_second_runtime_and_no_second_pool(threads: int) -> None:
    result = run_child(threads)
    assert result["after"] == result["before"]
    assert result["before"]["files"] == [os.path.realpath(result["runtime"])]


@pytest.mark.parametrize("library", ["iomp5", "jemalloc", "gomp"])
def test_a_preloaded_library_does_not_bring_a_second_pool(library: str) -> None:
    result = run_child(2, preload=find(library))
    assert result["after"] == result["before"]
    if library == "iomp5":
        assert "iomp5" in result["runtime"]
