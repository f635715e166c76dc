"""The library is plain C with no runtime of its own, and its absence is one sentence."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from profilednn_kernels import _library

ROOT = Path(__file__).parents[2]


def build_wheel(target: Path, **environment: str) -> Path:
    """A wheel of a small project with this checkout's kernels and build script."""
    source = target / "source"
    shutil.copytree(ROOT / "kernels", source / "kernels", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    shutil.copy(ROOT / "setup.py", source)
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "kernels-only"\nversion = "0"\n'
        '[tool.setuptools]\npackages = ["profilednn_kernels"]\n'
        'package-dir = { profilednn_kernels = "kernels/profilednn_kernels" }\n'
        '[tool.setuptools.package-data]\nprofilednn_kernels = ["*.so"]\n'
    )
    command = [sys.executable, "-c", "from setuptools import build_meta; print(build_meta.build_wheel('.'))"]
    finished = subprocess.run(
        command, cwd=source, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120
    )
    assert finished.returncode == 0, finished.stderr
    return source / finished.stdout.split()[-1]


def test_the_library_needs_nothing_but_the_c_library() -> None:
    readelf = shutil.which("readelf") or pytest.skip("readelf is not installed")
    dynamic = subprocess.run([readelf, "-d", str(_library.PATH)], capture_output=True, text=True, check=True).stdout
    needed = {line.split("[")[1].rstrip("]") for line in dynamic.splitlines() if "(NEEDED)" in line}
    assert needed <= {"libc.so.6", "libm.so.6", "libdl.so.2"}


def test_one_wheel_serves_every_python(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path)
    assert "-py3-none-" in wheel.name
    assert "profilednn_kernels/libprofilednn_kernels.so" in zipfile.ZipFile(wheel).namelist()


def test_without_a_compiler_the_package_installs_and_says_what_is_missing(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path, PATH=str(tmp_path), CXX="")
    installed = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(installed)
    assert not list(installed.rglob("*.so"))

    code = (
        "import torch, profilednn_kernels as k; print(k.unavailable_reason())\n"
        "try: k.sigmoid_focal_loss(torch.zeros(1), torch.zeros(1))\n"
        "except k.KernelsUnavailableError as error: print(error)"
    )
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    finished = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    sentence = "profilednn_kernels was installed without a C++ compiler: install g++ and reinstall profilednn-tui."
    assert finished.stdout.splitlines() == [sentence, sentence]
