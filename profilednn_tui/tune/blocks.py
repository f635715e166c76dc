"""The blocks of stage 1: found among the steps of a process, and kept in the search's folder until it is over."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from profilednn_tui.compare.factorial import Block, Switch
from profilednn_tui.protocol.events import StepsEvent
from profilednn_tui.protocol.switching import SwitchingPlan
from profilednn_tui.session.storage.files import read_file
from profilednn_tui.session.storage.folder import UNREADABLE, save_json
from profilednn_tui.session.view import Steps
from profilednn_tui.tune.design import switches_on

BLOCKS_FILE = "blocks.json"
BLOCKS_BYTES = 64_000_000


def blocks_of(steps: Steps, plan: SwitchingPlan, switches: Sequence[Switch], process: int = 0) -> tuple[Block, ...]:
    """The whole blocks of the plan among the steps of one process, without those in which anything else happened."""
    found: list[Block] = []
    numbered = enumerate(zip(steps.numbers, steps.flags, strict=True))
    begins = (at for at, (number, flags) in numbered if number > plan.first_steps and flags & StepsEvent.SWITCHED)
    place = next(begins, len(steps.flags))
    while place + plan.block_steps <= len(steps.numbers):
        ends = place + plan.block_steps
        flags = steps.flags[place:ends]
        number = (steps.numbers[place] - plan.first_steps - 1) // plan.block_steps
        if flags[0] == StepsEvent.SWITCHED and not any(flags[1:]):
            on = switches_on(plan.setting(number), switches)
            sizes = steps.input_elements[place:ends]
            known = sizes if sizes and all(sizes) else ()
            found.append(Block(on, steps.durations_ns[place:ends], steps.end_unix_ns[ends - 1] / 1e9, process, known))
        place = ends
    return tuple(found)


def keep_blocks(folder: Path, blocks: Sequence[Block]) -> None:
    """Write what has been measured so far; what cannot be written is measured again after an interruption."""
    with suppress(OSError):
        save_json(folder / BLOCKS_FILE, blocks)


def kept_blocks(folder: Path) -> tuple[Block, ...]:
    """What a stopped search had measured; nothing if that is not there, or cannot be read."""
    try:
        return msgspec.json.decode(read_file(folder / BLOCKS_FILE, BLOCKS_BYTES), type=tuple[Block, ...])
    except (OSError, *UNREADABLE):
        return ()


def forget_blocks(folder: Path) -> None:
    """Remove them, when what they say has been written."""
    with suppress(OSError):
        (folder / BLOCKS_FILE).unlink(missing_ok=True)
