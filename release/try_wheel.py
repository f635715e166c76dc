"""Installs a wheel as a user does, and uses it: ``python -m release.try_wheel WHEEL``.

The environment is new, and PATH holds nothing but it and the few programs that pip and the demo need: no compiler.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

PROGRAMS = ("sh", "env", "uname", "ldconfig", "cat", "ls")
COMPILERS = ("cc", "c++", "gcc", "g++", "clang", "clang++", "make", "ninja")
KERNELS = """
import torch, profilednn_kernels as kernels
reason = kernels.unavailable_reason()
assert not reason, reason
inputs, targets = torch.zeros(4, 3, requires_grad=True), torch.ones(4, 3)
loss = kernels.sigmoid_focal_loss(inputs, targets, reduction="sum")
loss.backward()
assert abs(loss.item() - 12 * 0.25 * 0.25 * 0.6931472) < 1e-5, loss.item()
print("kernels:", kernels.instruction_set())
"""
"""At p = 1/2, each of twelve elements is alpha (1 - p)^gamma ln 2."""


def main() -> None:
    """Fail at the first command that fails."""
    wheel = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        environment = _environment(folder)
        _run(folder, environment, "python", "-m", "pip", "install", "--quiet", f"{wheel}[train]")
        _run(folder, environment, "profilednn-tui", "--version")
        _run(folder, environment, "profilednn-tui", "doctor")
        _run(folder, environment, "profilednn-tui", "demo", "--headless", "--steps", "3", "-o", "demo.pdnn")
        _run(folder, environment, "profilednn-tui", "open", "demo.pdnn")
        _run(folder, environment, "python", "-c", KERNELS)
    print(f"{wheel.name} installs and runs without a compiler")


def _environment(folder: Path) -> dict[str, str]:
    venv.create(folder / "venv", with_pip=True)
    programs = folder / "programs"
    programs.mkdir()
    for name in PROGRAMS:
        found = shutil.which(name)
        if found:
            (programs / name).symlink_to(found)
    path = os.pathsep.join([str(folder / "venv" / "bin"), str(programs)])
    assert not any(shutil.which(name, path=path) for name in COMPILERS)
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "HOME", "LANG"))}
    return {**kept, "PATH": path, "PROFILEDNN_HOME": str(folder / "sessions")}


def _run(folder: Path, environment: dict[str, str], *words: str) -> None:
    print("$", *(word if "\n" not in word else "..." for word in words), flush=True)
    program = shutil.which(words[0], path=environment["PATH"])
    assert program is not None
    subprocess.run([program, *words[1:]], cwd=folder, env=environment, stdin=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    main()
