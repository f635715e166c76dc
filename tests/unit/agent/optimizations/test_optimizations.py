"""What optimizations that act before the start prepare, and where they are not available."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from profilednn_tui.agent.optimizations import Context, processor_flags
from profilednn_tui.agent.optimizations import _registry as registry
from profilednn_tui.agent.optimizations.allocator import GLIBC, JEMALLOC
from profilednn_tui.agent.optimizations.bf16 import missing_bfloat16


class Torch:
    """The parts of torch that `Context` reads."""

    __version__ = "2.3.1+cpu"


def context(
    flags: tuple[str, ...] = (), libraries: dict[str, str] | None = None, quota: float | None = None, **variables: str
) -> Context:
    find: Callable[[str], str | None] = (libraries or {}).get
    return Context(Torch(), frozenset(flags), variables, lambda program: None, find, quota)


def switch(name: str, where: Context) -> Any:
    return registry.load(name)(where)


def test_the_allocator_is_glibc_tuned_where_there_is_no_other() -> None:
    changes = switch("allocator", context()).prepare_launch()
    assert changes.environment == GLIBC
    assert changes.preload == ""


def test_jemalloc_is_preloaded_where_it_is_present() -> None:
    where = context(libraries={"libjemalloc": "/lib/libjemalloc.so.2", "libtcmalloc": "/lib/libtcmalloc.so.4"})
    changes = switch("allocator", where).prepare_launch()
    assert (changes.environment, changes.preload) == (JEMALLOC, "/lib/libjemalloc.so.2")


def test_threads_wait_actively_only_where_each_has_a_core() -> None:
    assert switch("omp_wait", context(OMP_NUM_THREADS="1")).prepare_launch().environment == {
        "OMP_WAIT_POLICY": "active"
    }
    assert switch("omp_wait", context(OMP_NUM_THREADS="4", quota=1.0)).prepare_launch().environment == {
        "OMP_WAIT_POLICY": "passive"
    }


def test_threads_keep_to_the_quota() -> None:
    changes = switch("threads", context(quota=1.0)).prepare_launch()
    assert changes.environment == {"PROFILEDNN_THREADS": "1"}
    assert changes.processors


def test_intels_runtime_is_preloaded_where_it_is_present() -> None:
    missing = switch("iomp", context()).missing()
    assert missing is not None
    assert missing.fix == "pip install intel-openmp"
    where = context(libraries={"libiomp5": "/lib/libiomp5.so"})
    assert switch("iomp", where).missing() is None
    assert switch("iomp", where).prepare_launch().preload == "/lib/libiomp5.so"


@pytest.mark.parametrize(
    ("flags", "limit", "available"),
    [
        (("avx2", "fma"), "", False),
        (("avx2", "avx512f"), "", False),
        (("avx512_bf16",), "", True),
        (("amx_bf16",), "", True),
        (("bf16",), "", True),
        (("avx512_bf16",), "AVX2", False),
        (("avx512_bf16",), "avx512_core_bf16", True),
    ],
)
def test_bfloat16_needs_a_processor_that_has_it(flags: tuple[str, ...], limit: str, available: bool) -> None:
    missing = missing_bfloat16(context(flags, ONEDNN_MAX_CPU_ISA=limit))
    assert (missing is None) == available


@pytest.mark.parametrize("name", ["frozen_bn", "fused_focal_loss", "winograd"])
def test_kernels_need_a_torch_with_custom_operators(name: str) -> None:
    missing = switch(name, context()).missing()
    assert missing is not None
    assert missing.reason == "torch 2.3.1+cpu is too old for custom operators"
    assert "torch>=2.4" in missing.fix


def test_compiling_needs_a_compiler() -> None:
    missing = switch("compile", context()).missing()
    assert missing is not None
    assert missing.fix == "install g++"


def test_every_file_is_an_optimization_with_its_name_and_mutual_conflicts() -> None:
    kinds = {name: registry.load(name) for name in registry.names()}
    assert {name: kind.name for name, kind in kinds.items()} == {name: name for name in kinds}
    assert all(kind.description and "\n" not in kind.description for kind in kinds.values())
    assert all(kinds[other] for kind in kinds.values() for other in kind.conflicts)
    assert registry.conflict(kinds["compile"], [kinds["bf16"], kinds["ipex"]]) == "ipex"


def test_the_flags_of_a_processor_are_read(tmp_path: Any) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text("model name\t: x\nflags\t\t: fpu avx2\n")
    assert processor_flags(str(path)) == {"fpu", "avx2"}
    assert processor_flags(str(tmp_path / "none")) == frozenset()
