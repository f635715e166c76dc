"""Take the pictures of the README from a recorded session: ``python screenshots/take.py [SESSION|FILE.pdnn]``.

Without a session the demo is run headless first, and its recording is used.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from profilednn_tui.session.open_session import OpenSession, open_session
from profilednn_tui.tui.app import ProfilerApp

FOLDER = Path(__file__).resolve().parent
DEMO_STEPS = 30


@dataclass(frozen=True)
class Picture:
    """One screen: the size of the terminal, and the keys that lead there."""

    name: str
    columns: int
    lines: int
    keys: tuple[str, ...] = ()


PICTURES = (
    Picture("dashboard", 160, 46, ("m", "8", "2")),
    Picture("operator", 160, 46, ("enter",)),
    Picture("source", 120, 32, ("enter", "enter")),
    Picture("modules", 120, 40, ("7", "down", "down", "right", "down", "right", "up")),
    Picture("compact", 80, 24),
    Picture("help", 120, 40, ("question_mark",)),
)


def main() -> None:
    """Take all pictures."""
    os.environ.pop("NO_COLOR", None)
    with tempfile.TemporaryDirectory() as scratch:
        recording = sys.argv[1] if len(sys.argv) > 1 else record(Path(scratch) / "demo.pdnn")
        for picture in PICTURES:
            with open_session(recording) as session:
                svg = asyncio.run(take(session, picture))
            path = FOLDER / f"{picture.name}.svg"
            path.write_text(without_web_fonts(svg), encoding="utf-8")
            print(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def record(path: Path) -> str:
    """A snapshot of a run of the demo."""
    command = [
        sys.executable,
        "-m",
        "profilednn_tui",
        "demo",
        "--headless",
        "--steps",
        str(DEMO_STEPS),
        "-o",
        str(path),
    ]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return str(path)


async def take(session: OpenSession, picture: Picture) -> str:
    """The SVG of one screen."""

    def save(name: str, path: Path) -> None:
        raise AssertionError(f"no picture exports anything: {name} to {path}")

    while session.poll():
        pass
    app = ProfilerApp(session, launched=False, save=save)
    async with app.run_test(size=(picture.columns, picture.lines)) as pilot:
        await pilot.pause()
        app.follow_once()
        for key in picture.keys:
            await pilot.pause()
            await pilot.press(key)
        await pilot.pause()
        return app.export_screenshot(title="profilednn-tui")


def without_web_fonts(svg: str) -> str:
    """The picture with the reader's own monospaced font: it loads nothing from elsewhere."""
    svg = re.sub(r"@font-face \{.*?\}\s*|<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    return svg.replace(
        "font-family: Fira Code, monospace", "font-family: ui-monospace, Menlo, 'DejaVu Sans Mono', monospace"
    )


if __name__ == "__main__":
    main()
