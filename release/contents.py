"""What an sdist and a wheel have to contain: ``python -m release.contents [--publish] FILE...``.

A missing compiler leaves a wheel without kernels, and a forgotten pattern one without a style sheet: both install, and
fail at the user's. With ``--publish``, an archive also needs a tag that an index takes, and the address of the source.
"""

from __future__ import annotations

import argparse
import re
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path

from profilednn_tui import __version__

MANUAL = ("share/man/man1/profilednn-tui.1", "share/bash-completion/completions/profilednn-tui")
WHEEL = (
    "profilednn_tui/py.typed",
    "profilednn_tui/agent/boot/sitecustomize.py",
    "profilednn_tui/export/session/page/page.js",
    "profilednn_tui/examples/train_retinanet.py",
    "profilednn_kernels/py.typed",
    "profilednn_kernels/libprofilednn_kernels.so",
)
SDIST = (
    "LICENSE",
    "CHANGELOG.md",
    "kernels/src/instruction_set.cpp",
    "kernels/src/kernels.h",
    "share/profilednn-tui.1",
    "tests/conftest.py",
)
NEVER = re.compile(r"(^|/)(__pycache__|\.venv|build|\.git)(/|$)|\.pdnn$|\.o$")
"""Parts of a path that belong into no archive; fixtures of the tests aside."""


@dataclass(frozen=True, slots=True)
class Archive:
    """An sdist or a wheel: its files, and its metadata."""

    path: Path
    names: frozenset[str]
    metadata: str

    @classmethod
    def read(cls, path: Path) -> Archive:
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as wheel:
                names = frozenset(wheel.namelist())
                (file,) = (name for name in names if name.endswith(".dist-info/METADATA"))
                return cls(path, names, wheel.read(file).decode())
        with tarfile.open(path) as sdist:
            files = {member.name.partition("/")[2]: member for member in sdist.getmembers() if member.isfile()}
            stream = sdist.extractfile(files["PKG-INFO"])
            assert stream is not None
            return cls(path, frozenset(files), stream.read().decode())

    @property
    def is_wheel(self) -> bool:
        return self.path.suffix == ".whl"


def problems(archive: Archive, publish: bool = False) -> Iterator[str]:
    """What is wrong with an archive, in one sentence each."""
    for name in WHEEL if archive.is_wheel else SDIST:
        if name not in archive.names:
            yield f"{name} is missing"
    if archive.is_wheel:
        for name in MANUAL:
            if not any(file.endswith(f".data/data/{name}") for file in archive.names):
                yield f"{name} is missing"
        if any(file.startswith("tests/") for file in archive.names):
            yield "it installs the tests"
    for name in sorted(archive.names):
        if NEVER.search(name) and not name.startswith("tests/fixtures/"):
            yield f"{name} does not belong there"
    described = Parser().parsestr(archive.metadata)
    if described["Version"] != __version__:
        yield f"its version is {described['Version']}, and the package's {__version__}"
    if publish:
        yield from _unpublishable(archive, described.get_all("Project-URL") or [])


def _unpublishable(archive: Archive, addresses: list[str]) -> Iterator[str]:
    if archive.is_wheel and "manylinux" not in archive.path.name:
        yield "an index takes manylinux wheels only: repair it with auditwheel"
    if not any(address.startswith("Source,") for address in addresses):
        yield "[project.urls] in pyproject.toml does not name Source"


def main() -> None:
    """Check archives; the exit code is 1 if something is wrong with one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--publish", action="store_true", help="also check what an index asks for")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    options = parser.parse_args()
    wrong = False
    for path in options.files:
        found = list(problems(Archive.read(path), options.publish))
        print(f"{path.name}: {'; '.join(found) or 'complete'}")
        wrong = wrong or bool(found)
    sys.exit(wrong)


if __name__ == "__main__":
    main()
