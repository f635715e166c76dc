"""Runs that record what gradients have in common: training is the same, and a plan takes their noise scale."""

from __future__ import annotations

from pathlib import Path

from profilednn_tui.session.open_session import open_session
from tests.process import harness
from tests.process.harness import TARGETS
from tests.process.launching import PROGRAM, run, session_folder


def test_recording_changes_no_bit(tmp_path: Path) -> None:
    models = ("sgd", "sparse", "lbfgs")
    plain = harness.run("certificate.py", *models, STEPS="20")
    watched, (recording,) = harness.watch(
        tmp_path, "certificate.py", *models, STEPS="20", PROFILEDNN_GRADIENT_NOISE="1"
    )
    assert watched == plain
    assert recording.of("agent_error") == []
    assert [event["update"] for event in recording.of("gradient_noise")] == [9, 17], "of the first optimizer"


def test_a_plan_takes_the_noise_scale_of_a_run(tmp_path: Path) -> None:
    words = ("run", "--gradient-noise", "--headless", "--name", "noisy", str(TARGETS / "certificate.py"), "sgd")
    outcome = run((*PROGRAM, *words), tmp_path, STEPS="400")
    assert outcome.exit_code == 0, outcome.stderr
    with open_session(session_folder(tmp_path)) as session:
        session.catch_up()
        assert len(session.view().gradient_noise) == 49
    outcome = run((*PROGRAM, "plan", "noisy", "--batch", "4", "--convergence", "measured"), tmp_path)
    told = outcome.stdout.decode() + outcome.stderr.decode()
    # Labels are random here, so that the noise may hide what gradient there is; and tests beside this one disturb it.
    expected = "measured in updates 8 to 393 of noisy", "noisy does not tell its gradient noise scale", "disturbed"
    assert any(text in told for text in expected), told
