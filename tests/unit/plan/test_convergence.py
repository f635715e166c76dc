"""What is assumed on convergence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from profilednn_tui.errors import ProfilerError
from profilednn_tui.plan.convergence import NoiseScale, SameEpochs, file_curve, named_curve
from profilednn_tui.plan.references import REFERENCES


@pytest.mark.parametrize(
    ("name", "times", "ratio"),
    [("ssd", 2, 1.25), ("ssd", 16, 3.77), ("resnet", 20, 1.6), ("resnet", 40, 2.41), ("bert", 51, 1.81)],
)
def test_the_reference_points_are_those_of_the_papers_figure(name: str, times: int, ratio: float) -> None:
    assert named_curve(name, 64).ratio(64 * times) == pytest.approx(ratio, abs=0.01)


def test_between_points_a_curve_is_linear_and_beyond_them_nothing_is_said() -> None:
    curve = named_curve("ssd", 64)
    assert curve.ratio(96) == pytest.approx(1.125)
    assert curve.ratio(32) == 1.0, "a smaller batch than the reference needs no less"
    assert curve.ratio(64 * 17) is None


@pytest.mark.parametrize("name", REFERENCES)
def test_a_larger_batch_never_needs_less(name: str) -> None:
    epochs = [epochs for _, epochs in named_curve(name, 1).points]
    assert epochs == sorted(epochs)
    assert epochs[0] == 1.0


def test_a_noise_scale_makes_epochs_grow_from_its_batch_on() -> None:
    law = NoiseScale(1_000, 10)
    assert law.ratio(10) == 1.0
    assert law.ratio(1_000) == pytest.approx(2 / 1.01)
    assert "McCandlish" in law.source
    assert SameEpochs().ratio(10**6) == 1.0


def curve_file(folder: Path, content: object) -> Path:
    path = folder / "curve.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_a_curve_of_ones_own_tells_the_epochs_too(tmp_path: Path) -> None:
    path = curve_file(tmp_path, {"source": "our \x1b[31msweep", "points": [[128, 6], [64, 5], [256, 10]]})
    curve = file_curve(path, None)
    assert (curve.reference_batch, curve.epochs) == (64, 5.0)
    assert curve.ratio(256) == pytest.approx(2.0)
    assert "\x1b" not in curve.source
    other = file_curve(path, 128)
    assert other.epochs == 6.0
    assert other.ratio(256) == pytest.approx(10 / 6)
    with pytest.raises(ProfilerError, match="--reference-batch 512 is beyond it"):
        file_curve(path, 512)


@pytest.mark.parametrize(
    "content",
    ["{", "[]", {}, {"points": [[1, 2]]}, {"points": [[1, 2], [1, 3]]}, {"points": [[1, 2], [0, 3]]},
     {"points": [[1, 2], [2, 0]]}, {"points": [[1, 2], ["a", 3]]}, {"points": [[1, 2, 3], [2, 3, 4]]}],
)  # fmt: skip
def test_what_is_no_curve_is_told_with_an_example(tmp_path: Path, content: object) -> None:
    with pytest.raises(ProfilerError, match=r"Write \{.*\}\.$"):
        file_curve(curve_file(tmp_path, content), None)


def test_a_name_that_is_no_file_is_told_with_the_names(tmp_path: Path) -> None:
    with pytest.raises(ProfilerError, match="ssd, resnet, bert, maskrcnn"):
        file_curve(tmp_path / "gpt", None)
