from __future__ import annotations

import os

from profilednn_tui.collect import machine
from tests.unit.session import recordings as r


def test_this_machine_is_described() -> None:
    event = machine.describe(os.getpid(), 5)
    assert event.cores == os.cpu_count()
    assert event.affinity == sorted(os.sched_getaffinity(0))
    assert 1 <= event.physical_cores <= event.cores
    assert event.memory_bytes > 100_000_000
    assert event.numa_nodes >= 1
    assert event.cpu


def test_the_affinity_of_a_process_that_is_gone_is_ours() -> None:
    assert machine.affinity(r.PID) == sorted(os.sched_getaffinity(0))


def cpuinfo(flags: str, *places: tuple[int, int, int], label: str = "flags") -> str:
    """As Linux prints it; `places` are the processor's number, its package and its core."""
    return "".join(
        f"processor\t: {number}\nmodel name\t: Some CPU\nphysical id\t: {package}\nsiblings\t: 4\n"
        f"core id\t\t: {core}\ncpu cores\t: 2\n{label}\t\t: {flags}\nbogomips\t: 4890.80\n\n"
        for number, package, core in places
    )


SAPPHIRE_RAPIDS = (
    "fpu vme sse sse2 ht ssse3 fma cx16 sse4_1 sse4_2 avx f16c avx2 avx512f avx512dq avx512bw avx512vl avx_vnni "
    "avx512_bf16 avx512_vnni avx512_bitalg amx_bf16 avx512_fp16 amx_tile amx_int8 serialize"
)
GRAVITON_3 = "fp asimd evtstrm aes fphp asimdhp cpuid asimdrdm asimddp sha512 sve svei8mm svebf16 i8mm bf16 dgh rng"


def test_the_instruction_sets_that_decide_how_fast_products_are() -> None:
    assert machine.features(cpuinfo(SAPPHIRE_RAPIDS, (0, 0, 0))) == [
        "avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "avx_vnni", "amx_tile",
        "amx_int8", "amx_bf16",
    ]  # fmt: skip
    assert machine.features(cpuinfo(GRAVITON_3, (0, 0, 0), label="Features")) == [
        "asimd", "asimdhp", "asimddp", "sve", "i8mm", "bf16", "svebf16",
    ]  # fmt: skip
    assert machine.features("processor : 0\n") == []


def test_siblings_share_a_physical_core() -> None:
    """Two packages of two cores with two siblings each, numbered as Linux does on Xeons: siblings come last."""
    places = [(4 * sibling + 2 * package + core, package, core)
              for sibling in range(2) for package in range(2) for core in range(2)]  # fmt: skip
    text = cpuinfo("avx2", *places)
    assert machine.physical_cores(text, range(8)) == 4
    assert machine.physical_cores(text, [0, 4]) == 1, "the two siblings of one core, as SLURM binds a task"
    assert machine.physical_cores(text, [0, 2]) == 2, "cores of the same number in two packages"
    assert machine.physical_cores("processor : 0\nmodel name : a virtual CPU\n", [0]) == 0
    assert machine.physical_cores("", [0]) == 0


def test_a_processor_is_named_as_its_kernel_names_it() -> None:
    assert machine.cpu_name("processor : 0\nmodel name\t: Some   CPU @ 2 GHz\n") == "Some CPU @ 2 GHz"
    assert machine.cpu_name("processor : 0\n") == os.uname().machine
