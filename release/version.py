"""Whether a tag, the package, the changelog and CITATION.cff agree: ``python -m release.version TAG``."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from profilednn_tui import __version__

ROOT = Path(__file__).resolve().parents[1]


def disagreements(tag: str, changelog: str, citation: str, version: str = __version__) -> Iterator[str]:
    """What names another version than the package, in one sentence each."""
    if tag != f"v{version}":
        yield f"the tag is {tag}, and the version of the package {version}"
    headings = re.findall(r"^## \[(.+?)\]", changelog, flags=re.MULTILINE)
    if version not in headings:
        yield f"CHANGELOG.md has no section [{version}]"
    cited = re.search(r"^version: \"?([^\"\n]+)", citation, flags=re.MULTILINE)
    if cited is None or cited[1] != version:
        yield f"CITATION.cff does not name {version}"


def main() -> None:
    """The exit code is 1 if they do not agree."""
    found = list(disagreements(sys.argv[1], _text("CHANGELOG.md"), _text("CITATION.cff")))
    print("\n".join(found) or f"all name {__version__}")
    sys.exit(bool(found))


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


if __name__ == "__main__":
    main()
