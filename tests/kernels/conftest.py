"""Every kernel test runs on two threads, and puts back the instruction set it may have chosen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from profilednn_kernels import _library


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=["avx512", "avx2", "portable"])
def instruction_set(request: pytest.FixtureRequest) -> Iterator[str]:
    best = _library.instruction_set()
    if not _library.select_instruction_set(request.param):
        pytest.skip(f"this machine has no {request.param}")
    yield request.param
    _library.select_instruction_set(best)
