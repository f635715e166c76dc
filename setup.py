"""Builds the CPU kernels as one plain C library: no torch, no Python headers, one file for every Python and torch."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError

SOURCES = Path("kernels/src")
X86 = platform.machine().lower() in {"x86_64", "amd64"}

FLAGS = [
    "-std=c++17", "-O3", "-fPIC", "-fvisibility=hidden", "-fopenmp-simd",
    # Arithmetic stays strict (no -ffast-math); these two only let comparisons and calls vectorize.
    "-fno-trapping-math", "-fno-math-errno",
    # Nothing of the C++ runtime: the library must load next to whatever libstdc++ the process has.
    "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics",
    *(["-DPDNN_X86"] if X86 else []),
]  # fmt: skip

INSTRUCTION_SETS = {
    "portable": [],
    **({
        "avx2": ["-mavx2", "-mfma"],
        "avx512": ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma", "-mprefer-vector-width=512"],
    } if X86 else {}),
}  # fmt: skip


def find_compiler() -> str:
    for name in (os.environ.get("CXX"), "c++", "g++", "clang++"):
        if name and shutil.which(name.split()[0]):
            return name
    raise CompileError("no C++ compiler found: profilednn_kernels is installed without its library")


def compile_library(library: Path, objects: Path) -> None:
    compiler = find_compiler().split()
    objects.mkdir(parents=True, exist_ok=True)
    library.parent.mkdir(parents=True, exist_ok=True)
    units = {objects / f"{name}.o": [str(SOURCES / f"{name}.cpp")] for name in ("interface", "parallel")}
    for name, flags in INSTRUCTION_SETS.items():
        units[objects / f"{name}.o"] = [*flags, f"-DPDNN_ISA={name}", str(SOURCES / "instruction_set.cpp")]

    def run(command: list[str]) -> None:
        finished = subprocess.run(command, capture_output=True, text=True)
        if finished.returncode:
            raise CompileError(f"{' '.join(command)}\n{finished.stderr}")

    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda unit: run([*compiler, *FLAGS, *unit[1], "-c", "-o", str(unit[0])]), units.items()))
    as_needed = ["-Wl,--as-needed"] if platform.system() == "Linux" else []
    run([*compiler, "-shared", "-o", str(library), *map(str, units), *as_needed, "-lm", "-ldl"])


class BuildKernels(build_ext):
    def get_ext_filename(self, fullname: str) -> str:
        return os.path.join(*fullname.split(".")) + ".so"

    def build_extension(self, ext: Extension) -> None:
        compile_library(Path(self.get_ext_fullpath(ext.name)), Path(self.build_temp) / "kernels")


class PlatformWheel(bdist_wheel):
    def get_tag(self) -> tuple[str, str, str]:
        return "py3", "none", super().get_tag()[2]


setup(
    ext_modules=[
        Extension(
            "profilednn_kernels.libprofilednn_kernels",
            sources=sorted(map(str, SOURCES.glob("*.cpp"))),
            depends=sorted(map(str, SOURCES.glob("*.h"))),
            optional=True,
        )
    ],
    cmdclass={"build_ext": BuildKernels, "bdist_wheel": PlatformWheel},
)
