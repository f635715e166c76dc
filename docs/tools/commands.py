"""Runs the commands of README and the documentation: ``python -m docs.tools.commands [--show] [PAGE...]``.

Each page has a workspace of its own, in which its commands run in order, as they stand there. Words in capitals, such
as SESSION or PID, get something real. Examples in Python run, too. A command that fails or takes too long is a failure
of the page; what is not run is said, with the reason.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from docs.tools.pages import ROOT, Command, commands, pages, python_blocks
from docs.tools.workspace import Workspace

TIME_LIMIT_S = 900.0

NOT_RUN = {
    r"^git clone": "the project has no public home yet",
    r"^pip install (\.$|'?\./profilednn-tui|--no-binary)": "`make try-dist` installs what is published",
    r"profilednn-tui demo( |$)": "`make try-dist` runs it",
    r"docker exec": "no container runs here; `make docs-commands` opens the same stream over ssh",
    r"^eval ": "tests/process/test_completion.py completes words in a shell",
}
"""By pattern, why a command is not run."""

EXIT_CODES = {r"--fail-on": {2, 3}, r"--find-threads": {2}}
"""By pattern, those that are answers, too."""
UNDECIDED = re.compile(r"cannot be told|not judged|not comparable|no detectable difference")
"""What a command says that has not decided: 2 is also the code of wrong usage."""

QUOTA = {"docs/recipes/containers.md": 1.0}
"""Pages whose commands are those of a container, with its quota in processors."""
CPU_GROUPS = Path("/sys/fs/cgroup/cpu")
PERIOD_US = 100_000


def reason_not_to_run(command: Command) -> str:
    """Why a command is not run; empty if it is."""
    if command.is_synopsis:
        return "says what can be written"
    return next((reason for pattern, reason in NOT_RUN.items() if re.search(pattern, command.text)), "")


def main() -> None:
    """All pages, or those that are named; the exit code is 1 if a command failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--show", action="store_true", help="print what each command prints")
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="such as docs/tune.md [default: all]")
    options = parser.parse_args()
    chosen = [ROOT / page for page in options.pages] or list(pages())
    failed = sum(not run_page(page, options.show) for page in chosen)
    print(f"{len(chosen) - failed} pages passed, {failed} failed")
    sys.exit(bool(failed))


def run_page(page: Path, show: bool) -> bool:
    """Run all of a page; whether all of it works."""
    name = page.relative_to(ROOT).as_posix()
    shown = list(commands(page))
    examples = list(python_blocks(page))
    if not shown and not examples:
        return True
    print(f"{name}:", flush=True)
    passed = True
    with tempfile.TemporaryDirectory() as folder, quota_of(name) as (within, missing):
        workspace = Workspace(Path(folder))
        try:
            for command in shown:
                reason = missing or reason_not_to_run(command)
                if reason:
                    print(f"  not run: {command.text} ({reason})", flush=True)
                else:
                    passed = run_command(workspace, command, within, show) and passed
            for block in examples:
                done = subprocess.run(
                    [sys.executable, "-c", block.text], env=workspace.environment, capture_output=True, text=True
                )
                print(f"  {'ok' if not done.returncode else 'FAILED'}: Python, line {block.line}", flush=True)
                passed = passed and not done.returncode
                if done.returncode:
                    print(done.stderr)
        finally:
            workspace.close()
    return passed


def run_command(workspace: Workspace, command: Command, within: Callable[[str], str], show: bool) -> bool:
    """Run one command; whether its exit code is an answer."""
    text = workspace.filled_in(command.text)
    began_s = time.monotonic()
    done = workspace.run(within(text), TIME_LIMIT_S)
    passed = is_answer(text, done.returncode, done.stdout)
    took_s = time.monotonic() - began_s
    print(f"  {'ok' if passed else f'FAILED ({done.returncode})'}: {text} ({took_s:.0f} s)", flush=True)
    if show or not passed:
        print("".join(f"    {line}\n" for line in done.stdout.splitlines()), flush=True)
    return passed


def is_answer(text: str, exit_code: int, output: str) -> bool:
    """Whether a command has done what it is for."""
    codes = set[int]().union(*(codes for pattern, codes in EXIT_CODES.items() if re.search(pattern, text)))
    return exit_code == 0 or (exit_code in codes and (exit_code != 2 or UNDECIDED.search(output) is not None))


@contextmanager
def quota_of(page: str) -> Iterator[tuple[Callable[[str], str], str]]:
    """How to run the commands of a page within its quota, and why that is not possible here."""
    processors = QUOTA.get(page)
    if processors is None:
        yield (lambda text: text), ""
        return
    group = CPU_GROUPS / f"docs-{os.getpid()}"
    try:
        group.mkdir()
        (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
        (group / "cpu.cfs_quota_us").write_text(str(int(processors * PERIOD_US)))
    except OSError as error:
        yield (lambda text: text), f"no control group can be made here: {error.strerror}"
        return
    try:
        yield (lambda text: f"echo $$ > {group}/cgroup.procs && {text}"), ""
    finally:
        while _holds_processes(group):
            time.sleep(0.1)
        group.rmdir()


def _holds_processes(group: Path) -> bool:
    return bool((group / "cgroup.procs").read_text().strip())


if __name__ == "__main__":
    main()
