"""What is wrong with an sdist or a wheel."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

from profilednn_tui import __version__
from release.contents import MANUAL, SDIST, WHEEL, Archive, problems

METADATA = f"Metadata-Version: 2.4\nName: profilednn-tui\nVersion: {__version__}\n"
SOURCE = "Project-URL: Source, https://example.org\n"
WHOLE = (*WHEEL, *(f"profilednn_tui-{__version__}.data/data/{name}" for name in MANUAL))


def wheel(folder: Path, names: tuple[str, ...] = WHOLE, metadata: str = METADATA, tag: str = "linux_x86_64") -> Archive:
    path = folder / f"profilednn_tui-{__version__}-py3-none-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "")
        archive.writestr(f"profilednn_tui-{__version__}.dist-info/METADATA", metadata)
    return Archive.read(path)


def sdist(folder: Path, names: tuple[str, ...] = SDIST) -> Archive:
    path = folder / f"profilednn_tui-{__version__}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in (*((name, "") for name in names), ("PKG-INFO", METADATA)):
            member = tarfile.TarInfo(f"profilednn_tui-{__version__}/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return Archive.read(path)


def test_a_complete_wheel_and_sdist_have_no_problems(tmp_path: Path) -> None:
    assert list(problems(wheel(tmp_path))) == []
    assert list(problems(sdist(tmp_path))) == []


def test_a_wheel_without_kernels_is_found(tmp_path: Path) -> None:
    """A machine without a compiler builds one, and says nothing."""
    names = tuple(name for name in WHOLE if not name.endswith(".so"))
    assert list(problems(wheel(tmp_path, names))) == ["profilednn_kernels/libprofilednn_kernels.so is missing"]


def test_what_does_not_belong_there_is_found(tmp_path: Path) -> None:
    names = (*WHOLE, "tests/conftest.py", "profilednn_tui/__pycache__/x.pyc")
    assert list(problems(wheel(tmp_path, names))) == [
        "it installs the tests",
        "profilednn_tui/__pycache__/x.pyc does not belong there",
    ]
    names = (*SDIST, "run.pdnn", "tests/fixtures/format-2/snapshot.pdnn")
    assert list(problems(sdist(tmp_path, names))) == ["run.pdnn does not belong there"]


def test_another_version_is_found(tmp_path: Path) -> None:
    found = list(problems(wheel(tmp_path, metadata=METADATA.replace(__version__, "9.9"))))
    assert found == [f"its version is 9.9, and the package's {__version__}"]


def test_what_is_published_needs_an_index_tag_and_the_address_of_the_source(tmp_path: Path) -> None:
    assert list(problems(wheel(tmp_path), publish=True)) == [
        "an index takes manylinux wheels only: repair it with auditwheel",
        "[project.urls] in pyproject.toml does not name Source",
    ]
    published = wheel(tmp_path, metadata=METADATA + SOURCE, tag="manylinux_2_28_x86_64")
    assert list(problems(published, publish=True)) == []
