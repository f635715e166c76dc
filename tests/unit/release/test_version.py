"""The version is in one place, and all that has to name it does."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import pytest

from profilednn_tui import __version__
from release.version import ROOT, disagreements

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
CITATION = (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_changelog_and_citation_name_the_version() -> None:
    assert list(disagreements(f"v{__version__}", CHANGELOG, CITATION)) == []


def test_each_disagreement_is_told() -> None:
    assert list(disagreements("v1.0", "## [Unreleased]\n", "version: 0.9\n", version="1.1")) == [
        "the tag is v1.0, and the version of the package 1.1",
        "CHANGELOG.md has no section [1.1]",
        "CITATION.cff does not name 1.1",
    ]


def test_the_changelog_begins_with_what_is_unreleased() -> None:
    headings = [line for line in CHANGELOG.splitlines() if line.startswith("## ")]
    assert headings[0] == "## [Unreleased]"


def test_the_project_takes_its_version_from_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" in project["project"]["dynamic"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "profilednn_tui.__version__"}


@pytest.mark.parametrize("package", ["profilednn_tui", "kernels/profilednn_kernels"])
def test_both_packages_say_that_they_are_typed(package: str) -> None:
    """Found in a review: pyproject promised `profilednn_tui/py.typed`, which was not there."""
    assert (Path(ROOT) / package / "py.typed").is_file()


def test_the_installed_distribution_has_the_version() -> None:
    assert metadata.version("profilednn-tui") == __version__
