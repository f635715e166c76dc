"""Every optimization on a real model: its receipt is true, and the losses agree with those of the plain run."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from profilednn_kernels import unavailable_reason

from profilednn_tui.agent.optimizations import processor_flags
from profilednn_tui.agent.optimizations.bf16 import FLAGS
from tests.process.harness import BOOT, ROOT, run, watch

BFLOAT16 = bool(processor_flags().intersection(FLAGS))
needs_bfloat16 = pytest.mark.skipif(not BFLOAT16, reason="this processor has no bfloat16 arithmetic")
needs_kernels = pytest.mark.skipif(unavailable_reason() is not None, reason="the kernels are not built here")
IPEX_PYTHON = ROOT / ".venv-ipex" / "bin" / "python"

FLOAT32_TOLERANCE = 1e-3
"""Relative; the differences add up over five training steps."""
BFLOAT16_TOLERANCE = 5e-2


@dataclass(frozen=True)
class Trained:
    """What the target observed itself, and what the agent reported."""

    seen: dict[str, Any]
    told: dict[str, dict[str, Any]]
    flags: list[int]

    def text(self, name: str, state: str = "on") -> str:
        assert self.told[name]["state"] == state, self.told[name]
        return str(self.told[name]["text"])

    def called(self, operator: str) -> int:
        """From the target's own profile of one step."""
        return int(self.seen["operators"].get(operator, 0))


@cache
def plain(model: str) -> dict[str, Any]:
    ended = run("optimized.py", model)
    assert ended.exit_code == 0, ended.stderr
    return dict(json.loads(ended.stdout))


def optimized(folder: Path, model: str, *names: str, **environment: str) -> Trained:
    ended, found = watch(folder, "optimized.py", model, PROFILEDNN_WITH=",".join(names), **environment)
    assert ended.exit_code == 0, ended.stderr
    (recording,) = (one for one in found if one.steps)
    assert recording.of("agent_error") == []
    told = {event["name"]: event for event in recording.of("optimization")}
    return Trained(json.loads(ended.stdout), told, [row[-1] for row in recording.steps])


def losses_agree(trained: Trained, model: str, tolerance: float = FLOAT32_TOLERANCE) -> None:
    assert trained.seen["losses"] == pytest.approx(plain(model)["losses"], rel=tolerance, abs=tolerance)


def test_channels_last_turns_what_goes_into_convolutions_and_leaves_weights_alone(tmp_path: Path) -> None:
    trained = optimized(tmp_path, "resnet", "channels_last")

    text = trained.text("channels_last")
    assert "80 of 80 convolution calls gave channels-last results; 4 images were converted for that" in text
    assert trained.seen["layer_channels_last"]
    assert not plain("resnet")["layer_channels_last"]
    assert trained.seen["channels_last_weights"] == 0
    losses_agree(trained, "resnet")


def test_channels_last_has_no_effect_without_convolutions(tmp_path: Path) -> None:
    trained = optimized(tmp_path, "bert", "channels_last")
    assert trained.text("channels_last", "no effect") == "because the model has no 2-D or 3-D convolution"
    assert trained.seen["losses"] == plain("bert")["losses"]


@needs_bfloat16
@pytest.mark.parametrize("model", ["resnet", "bert"])
def test_bf16_computes_layers_in_bfloat16_and_the_loss_in_float32(tmp_path: Path, model: str) -> None:
    trained = optimized(tmp_path, model, "bf16")

    assert "in bfloat16, results in float32" in trained.text("bf16")
    assert trained.seen["layer"] == "torch.bfloat16"
    assert trained.seen["logits"] == trained.seen["loss"] == "torch.float32"
    assert trained.seen["parameter_types"] == ["torch.float32"]
    losses_agree(trained, model, BFLOAT16_TOLERANCE)


@needs_bfloat16
def test_bf16_keeps_the_losses_inside_a_detection_model_in_float32(tmp_path: Path) -> None:
    trained = optimized(tmp_path, "retinanet", "bf16")

    text = trained.text("bf16")
    assert "RetinaNetClassificationHead.compute_loss" in text
    assert "AnchorGenerator.forward" in text
    assert trained.seen["layer"] == "torch.bfloat16"
    losses_agree(trained, "retinanet", BFLOAT16_TOLERANCE)


@needs_kernels
def test_the_focal_loss_of_a_detection_model_is_fused(tmp_path: Path) -> None:
    trained = optimized(tmp_path, "retinanet", "fused_focal_loss")

    assert "RetinaNetClassificationHead.compute_loss replaced, called 1x per step" in trained.text("fused_focal_loss")
    assert trained.called("profilednn::sigmoid_focal_loss_from_labels") == 1
    assert trained.called("aten::sigmoid") == 0
    losses_agree(trained, "retinanet")


@needs_kernels
def test_a_focal_loss_that_the_script_imported_by_name_is_fused(tmp_path: Path) -> None:
    trained = optimized(tmp_path, "focal", "fused_focal_loss")

    assert trained.text("fused_focal_loss") == "sigmoid_focal_loss replaced, called 1x per step"
    assert trained.called("profilednn::sigmoid_focal_loss") == 1
    losses_agree(trained, "focal")


@needs_kernels
def test_frozen_batch_norm_is_fused_with_its_blocks(tmp_path: Path) -> None:
    trained = optimized(tmp_path, "retinanet", "frozen_bn")

    text = "20 frozen batch norms fused, with ReLU and shortcut in 8 residual blocks"
    assert trained.text("frozen_bn") == text
    assert trained.called("profilednn::frozen_batch_norm") == 20
    losses_agree(trained, "retinanet")


@needs_bfloat16
@needs_kernels
def test_large_3x3_convolutions_take_winograds_way_in_bfloat16(tmp_path: Path) -> None:
    trained = optimized(tmp_path, "large_batch", "bf16", "winograd")

    text = "9 3x3 convolutions by F(2x2, 3x3) in bfloat16, called 3x per step"
    assert trained.text("winograd") == text
    assert trained.called("profilednn::winograd_convolution") == 3
    assert trained.called("profilednn::winograd_convolution_backward") == 3
    losses_agree(trained, "large_batch", BFLOAT16_TOLERANCE)


@needs_bfloat16
@needs_kernels
@pytest.mark.parametrize(
    ("model", "names", "reason"),
    [
        ("large_batch", (), "its 9 3x3 convolutions do not compute in bfloat16: switch bf16 on, too"),
        ("resnet", ("bf16",), "its 9 3x3 convolutions work on maps and batches that are too small to gain from it"),
        ("bert", ("bf16",), "the model has no 3x3 convolution of stride 1 with 128 channels or more"),
    ],
)
def test_where_winograd_gains_nothing_all_stays_as_it_is(
    tmp_path: Path, model: str, names: tuple[str, ...], reason: str
) -> None:
    trained = optimized(tmp_path, model, *names, "winograd")

    assert trained.text("winograd", "no effect") == f"because {reason}"
    assert trained.called("profilednn::winograd_convolution") == 0
    losses_agree(trained, model, BFLOAT16_TOLERANCE if names else 1e-9)


@needs_kernels
def test_what_the_model_does_not_have_has_no_effect(tmp_path: Path) -> None:
    trained = optimized(tmp_path, "bert", "frozen_bn", "fused_focal_loss")
    assert trained.text("frozen_bn", "no effect") == "because the model has no frozen batch norm"
    assert "because" in trained.text("fused_focal_loss", "no effect")


@pytest.mark.parametrize(
    ("model", "operator", "text"),
    [
        ("resnet", "aten::_fused_adamw_", "AdamW updates 62 parameters in fused form"),
        ("retinanet", "aten::_fused_adam_", "parameters in fused form"),
        ("focal", "aten::_fused_sgd_", "SGD updates 62 parameters in fused form"),
        ("head_only", "aten::_foreach_addcdiv_", "RMSprop updates 2 parameters in foreach form"),
    ],
)
def test_the_optimizer_takes_its_fused_or_foreach_form(tmp_path: Path, model: str, operator: str, text: str) -> None:
    trained = optimized(tmp_path, model, "fused_optimizer")

    assert text in trained.text("fused_optimizer")
    assert trained.called(operator) >= 1
    assert operator not in plain(model)["operators"]
    losses_agree(trained, model)


def test_parameters_that_no_optimizer_updates_get_no_backward_work(tmp_path: Path) -> None:
    trained = optimized(tmp_path, "head_only", "frozen_backward")

    text = trained.text("frozen_backward")
    assert text == "no backward work for 60 parameters that no optimizer updates"
    assert trained.called("aten::convolution_backward") == 0
    assert plain("head_only")["operators"]["aten::convolution_backward"] == 20
    losses_agree(trained, "head_only")


def test_torch_leaves_out_frozen_layers_by_itself_and_we_say_so(tmp_path: Path) -> None:
    trained = optimized(tmp_path, "retinanet", "frozen_backward")
    assert "frozen by the script: torch skips those by itself" in trained.text("frozen_backward", "no effect")
    assert trained.seen["losses"] == plain("retinanet")["losses"]


def test_the_model_is_compiled_and_its_warm_up_is_marked(tmp_path: Path) -> None:
    trained = optimized(tmp_path, "bert", "compile")

    text = trained.text("compile")
    assert "BertForSequenceClassification compiled into" in text
    assert "warm-up step" in text
    assert trained.flags[1] & 8, "the first call is made as in a plain run"
    assert not trained.flags[4] & 8
    assert any(name.startswith("Torch-Compiled Region") for name in trained.seen["operators"])
    losses_agree(trained, "bert")


@needs_bfloat16
def test_float32_products_in_bfloat16_say_by_how_much_they_differ(tmp_path: Path) -> None:
    trained = optimized(tmp_path, "bert", "bf16_matmul")

    assert trained.seen["layer"] == "torch.float32"
    if trained.told["bf16_matmul"]["state"] == "no effect":  # as on processors with avx512_bf16 but no AMX
        assert "on this processor, so it stays off" in trained.text("bf16_matmul", "no effect")
        assert trained.seen["losses"] == plain("bert")["losses"], "not even oneDNN's float32 took the place of MKL's"
    else:
        assert "float32 matrix products in bfloat16 (a probe differs by" in trained.text("bf16_matmul")
        assert trained.seen["losses"] != plain("bert")["losses"]
        losses_agree(trained, "bert", BFLOAT16_TOLERANCE)


def test_denormals_are_flushed_in_all_threads(tmp_path: Path) -> None:
    trained = optimized(tmp_path, "bert", "flush_denormals", OMP_NUM_THREADS="2")

    assert trained.text("flush_denormals") == "denormal results are zero in all 2 threads of torch"
    assert trained.seen["mean"] == 0.0
    assert plain("bert")["mean"] > 0
    losses_agree(trained, "bert")


@needs_bfloat16
@needs_kernels
def test_all_together_train_as_before(tmp_path: Path) -> None:
    names = ("channels_last", "bf16", "fused_focal_loss", "frozen_bn", "fused_optimizer")
    trained = optimized(tmp_path, "retinanet", *names)

    assert {trained.told[name]["state"] for name in names} == {"on"}
    assert "ClassificationHead" not in trained.text("bf16"), "the fused kernel computes in float32 by itself"
    assert trained.called("profilednn::sigmoid_focal_loss_from_labels") == 1
    losses_agree(trained, "retinanet", BFLOAT16_TOLERANCE)


# ---- unavailable, conflicting and failing optimizations


def test_what_is_missing_is_told_with_its_fix_and_the_training_is_the_plain_one(tmp_path: Path) -> None:
    """No compiler on PATH, no IPEX, an instruction set below AVX-512."""
    empty = tmp_path / "bin"
    empty.mkdir()
    names = ("compile", "ipex", "bf16", "bf16_matmul", "winograd")
    trained = optimized(tmp_path, "bert", *names, PATH=str(empty), CXX="", ONEDNN_MAX_CPU_ISA="AVX2")

    assert "install g++" in trained.text("compile", "unavailable")
    assert "make ipex-env" in trained.text("ipex", "unavailable")
    for name in ("bf16", "bf16_matmul", "winograd"):
        assert "fix: " in trained.text(name, "unavailable")
    assert trained.seen["loss"] == "torch.float32"
    losses_agree(trained, "bert")


def test_kernels_without_their_library_are_unavailable(tmp_path: Path) -> None:
    """An installation on a machine without g++ has no library."""
    copy = tmp_path / "installed"
    shutil.copytree(ROOT / "profilednn_tui", copy / "profilednn_tui", ignore=shutil.ignore_patterns("__pycache__"))
    without = shutil.ignore_patterns("*.so", "__pycache__")
    shutil.copytree(ROOT / "kernels" / "profilednn_kernels", copy / "profilednn_kernels", ignore=without)
    session = tmp_path / "session"
    session.mkdir()
    ended = run(
        "optimized.py",
        "retinanet",
        PYTHONPATH=str(copy / BOOT.relative_to(ROOT)),
        PROFILEDNN_SESSION=str(session),
        PROFILEDNN_WITH="frozen_bn,fused_focal_loss,winograd",
    )

    assert ended.exit_code == 0, ended.stderr
    assert json.loads(ended.stdout)["losses"] == plain("retinanet")["losses"]
    (recording,) = session.glob("agent-*.jsonl")
    told = [json.loads(line) for line in recording.read_text().splitlines() if '"optimization"' in line[:24]]
    assert {(event["name"], event["state"]) for event in told} == {
        ("frozen_bn", "unavailable"),
        ("fused_focal_loss", "unavailable"),
        ("winograd", "unavailable"),
    }
    assert all("fix: install g++" in event["text"] for event in told)


THIRD_PARTY = """
class Clumsy:
    description = "fails after half of its work"
    conflicts = ("flush_denormals",)

    def begin_model(self, model):
        first = next(model.parameters())
        first.requires_grad_(False)
        self.undo.append(lambda: first.requires_grad_(True))
        raise RuntimeError("this is too hard")
"""


def test_one_of_a_third_party_that_fails_takes_back_its_half_and_the_training_goes_on(tmp_path: Path) -> None:
    (tmp_path / "theirs.py").write_text(THIRD_PARTY)
    information = tmp_path / "theirs-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[profilednn.optimizations]\nclumsy = theirs:Clumsy\n")
    session = tmp_path / "session"
    session.mkdir()
    path = os.pathsep.join([str(BOOT), str(tmp_path)])
    trained = optimized(session, "bert", "clumsy", "flush_denormals", PYTHONPATH=path)

    text = trained.text("clumsy", "failed")
    assert text == "RuntimeError: this is too hard; training continues without it"
    assert "leave one of them out" in trained.text("flush_denormals", "conflict")
    assert trained.seen["losses"] == plain("bert")["losses"]
    assert trained.seen["gradients"] == plain("bert")["gradients"]


@pytest.mark.skipif(not IPEX_PYTHON.exists(), reason="there is no .venv-ipex: `make ipex-env` makes it")
def test_ipex_optimizes_model_and_optimizer(tmp_path: Path) -> None:
    ended, found = watch(tmp_path, "optimized.py", "resnet", python=str(IPEX_PYTHON), PROFILEDNN_WITH="ipex")

    assert ended.exit_code == 0, ended.stderr
    seen = json.loads(ended.stdout.splitlines()[-1])
    (told,) = (event for recording in found for event in recording.of("optimization"))
    assert told["state"] == "on"
    assert "ResNet and AdamW optimized for float32" in told["text"]
    assert any(name.startswith("torch_ipex::") for name in seen["operators"])
    assert seen["losses"][-1] < seen["losses"][0]
