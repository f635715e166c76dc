"""An agent whose start fails late."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.autograd.profiler as profiler

from profilednn_tui.agent.agent import AgentProcess
from profilednn_tui.agent.life.arrival import Opening
from profilednn_tui.agent.life.launched import Launched
from profilednn_tui.agent.recording.writer_thread import WriterThread
from profilednn_tui.agent.settings import Settings
from profilednn_tui.agent.steps.hooks import Hooks
from profilednn_tui.agent.windows.torch_profiler import ForeignProfiler


def replaced() -> dict[str, object]:
    """What the agent replaces in torch, as it is now."""
    loader = torch.utils.data.dataloader
    return {
        "call": torch.nn.Module.__dict__["__call__"],
        "backward": torch.autograd.backward,
        "grad": torch.autograd.grad,
        "scale": torch.amp.GradScaler.scale,
        "iter": loader.DataLoader.__dict__["__iter__"],
        "next": loader._BaseDataLoaderIter.__dict__["__next__"],
        **{name: getattr(profiler, name, None) for name in ForeignProfiler._WATCHED},
    }


@pytest.mark.parametrize("owner", [Hooks, WriterThread])
def test_an_agent_that_does_not_start_leaves_torch_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: type
) -> None:
    """Found in reading: wrappers of an agent that had failed to start stayed in the program."""

    def fail(self: object) -> None:
        raise OSError("no thread can be started")

    before = replaced()
    monkeypatch.setattr(owner, "install" if owner is Hooks else "start", fail)
    agent = AgentProcess(torch, Settings(str(tmp_path), 0.0), Launched(Opening.AT_FIRST_STEP))
    assert replaced() != before
    with pytest.raises(OSError, match="no thread can be started"):
        agent.start()
    assert replaced() == before
