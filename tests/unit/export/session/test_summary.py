"""What a headless run prints at its end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from profilednn_tui.export.session.summary import closing_lines, summary_lines
from profilednn_tui.protocol.events import AgentErrorEvent, NoticeEvent, ProgressEvent
from profilednn_tui.session.view import EMPTY_VIEW, SessionView
from tests.unit.advise.sessions import session
from tests.unit.session import recordings as r


def text(view: SessionView) -> str:
    return "\n".join(summary_lines(view))


def finished(*events: Any, exit_code: int = 0) -> SessionView:
    return r.view_of(*events, r.exit_event(exit_code))


def test_a_whole_run_fits_on_a_screen() -> None:
    lines = summary_lines(finished(*r.agent_events(), *r.host_events()))
    assert 15 <= len(lines) <= 40
    assert max(map(len, lines)) <= 110
    assert lines[0] == "target     train.py --lr 0.1 · Python 3.11.7 · torch 2.14.1"
    assert lines[1] == "           exit code 0 after 61.0 s"


def test_the_figures_of_a_run_are_told() -> None:
    summary = text(finished(*r.agent_events(), *r.host_events()))
    for figure in (
        "40, ended by optimizer, median 40.3 ms, p95 40.6 ms",
        "2 -> 0.05",
        "aten::convolution_backward                   9.00     66 %       1",
        "conv                                         4.20         9.20  Conv2d",
        "target 360 % of one core, others 1.0 %",
        "peak 900.0 MB",
        "0.80 % (budget 2.0 %), 3 windows",
    ):
        assert figure in summary


def test_phases_stand_above_each_other() -> None:
    lines = summary_lines(finished(*r.agent_events()))
    start = next(index for index, line in enumerate(lines) if line.startswith("phase"))
    assert [line.split()[0] for line in lines[start : start + 3]] == ["phase", "median", "share"]
    assert len({len(line) for line in lines[start : start + 3]}) == 1


def test_a_long_name_of_a_phase_stands_apart_from_the_one_before() -> None:
    """Found in a recipe's output: "optimizercommunication"."""
    whole = finished(*r.agent_events())
    phases = (*whole.phases, replace(whole.phases[0], name="communication"))
    lines = summary_lines(replace(whole, phases=phases))
    start = next(index for index, line in enumerate(lines) if line.startswith("phase"))
    assert lines[start].split()[1:] == [phase.name for phase in phases]
    assert len({len(line) for line in lines[start : start + 3]}) == 1


def test_a_neighbour_is_named() -> None:
    busy = r.cores(others=(100, 0, 0, 0))
    assert "warning    others 100 % of one core: timings are not reliable" in text(finished(r.machine(), busy, busy))


def test_a_run_without_torch_says_so() -> None:
    summary = text(finished(*r.host_events(), exit_code=1))
    assert "No steps: the target never imported torch" in summary
    assert "exit code 1" in summary
    assert "operator" not in summary


def test_a_run_without_steps_says_what_was_seen() -> None:
    progress = ProgressEvent(12, forwards=0, backwards=0, optimizer_steps=0, unix_ns=1, inferences=8)
    seen = "no training step was seen, only 12 batches, 8 module calls without gradients."
    assert seen in text(finished(r.hello(), progress))


def test_a_run_without_windows_says_why_there_are_no_operators() -> None:
    assert "No operators: no window was recorded" in text(finished(r.hello(), r.training(10)))


def no_operators(notice: NoticeEvent | None = None, **hello: Any) -> str:
    events = [r.hello(**hello), r.training(10), *([notice] if notice else [])]
    return next(line for line in summary_lines(finished(*events)) if "No operators" in line)


def test_a_short_run_says_that_it_could_not_afford_a_window() -> None:
    assert "the 10 steps were too short: the first window may take a tenth of the time. A longer run" in no_operators()


def test_a_run_whose_windows_cannot_be_is_not_called_too_short() -> None:
    assert no_operators(overhead_budget_percent=0.0).endswith("the overhead budget of 0 % allows none.")
    failed = NoticeEvent("warning", "window_failed", "operator windows were given up", 1)
    assert no_operators(failed).endswith("a notice below says why.")


def test_of_several_windows_it_says_that_figures_are_medians() -> None:
    assert "operator (median of 3 windows)" in text(finished(*r.agent_events(windows=3)))
    assert "operator (1 window)" in text(finished(*r.agent_events(windows=1)))


def test_operators_of_another_pace_are_said_to_be() -> None:
    slow = r.steps(41, 40, duration_ns=3 * r.STEP_NS)
    summary = text(finished(*r.agent_events(windows=2), slow))
    assert (
        "The operators are from the windows at steps 5 and 10; steps have since grown from 40.0 ms to 120.0 ms."
        in summary
    )


def test_rows_that_do_not_add_up_are_explained() -> None:
    view = finished(*r.agent_events(windows=3))
    operators = replace(view.operators, gap_ns_per_step=1e6)
    assert "The rows, medians each, add up to 12.7 of 13.7 ms." in text(replace(view, operators=operators))


def test_a_signal_is_named() -> None:
    assert "killed by SIGKILL (9)" in text(finished(*r.agent_events(), exit_code=-9))


def test_a_lost_session_says_that_its_end_is_missing() -> None:
    assert "The recording has no end" in text(r.view_of(*r.agent_events()))


def test_errors_and_notices_come_at_the_end_and_the_gravest_first() -> None:
    lines = summary_lines(
        finished(
            *r.agent_events(),
            NoticeEvent("info", "schedule", "A window every 20 steps.", 1),
            NoticeEvent("warning", "profiler-in-use", "The target runs torch.profiler itself.", 1),
            AgentErrorEvent("hooks", "KeyError: 'x'", 1),
        )
    )
    assert [line.split()[0] for line in lines[-3:]] == ["warning", "warning", "info"]
    assert lines[-3].startswith("warning    The agent caught an error of its own; training continued: ")


def test_nothing_at_all_can_be_summarized() -> None:
    assert text(EMPTY_VIEW)


def test_six_lines_stay_on_the_terminal_after_the_screen() -> None:
    view = finished(*r.agent_events(), *r.host_events())
    lines = closing_lines(view, "20261129-train", b"epoch 1\r\n", 80)
    assert lines[0] == "session    train, exit code 0 after 61.0 s"
    assert lines[1].startswith("steps      40, ended by optimizer, median 40.3 ms")
    assert lines[2].startswith("operators  aten::convolution_backward")
    assert lines[-1] == "open       profilednn-tui open 20261129-train"
    assert len(lines) <= 6
    assert max(map(len, lines)) <= 80


def test_of_a_crash_its_last_line_stays() -> None:
    view = finished(*r.agent_events(), exit_code=1)
    output = b"Traceback (most recent call last):\r\n\x1b[1;31mRuntimeError\x1b[0m: mat1 and mat2\r\n\r\n"
    assert closing_lines(view, "word", output, 100)[1] == "error      RuntimeError: mat1 and mat2"
    assert "RuntimeError" not in "\n".join(closing_lines(finished(*r.agent_events()), "word", output, 100))


def test_of_a_training_that_goes_on_the_way_back_stays() -> None:
    view = r.view_of(*r.agent_events(), live=True)
    assert closing_lines(view, "word", b"", 80)[-1] == "open       profilednn-tui attach word"


def test_a_narrow_terminal_cuts_figures_but_not_the_command() -> None:
    lines = closing_lines(finished(*r.agent_events(), *r.host_events()), "w" * 60, b"", 40)
    assert max(map(len, lines[:-1])) <= 40
    assert lines[-1].endswith("w" * 60)


WAITING = session(phases={"data": 900.0}, target=replace(session().target, intra_op_threads=16))


def test_findings_have_one_line_each_with_ceiling_and_remedy() -> None:
    lines = [line for line in summary_lines(WAITING) if line.startswith("finding ")]
    assert len(lines) == 2
    assert lines[0].startswith("finding    The training thread waits for data in 90 % of the step")
    assert lines[1].endswith("(at most 7.0 % of the step; try: --with threads)")


def test_a_healthy_run_has_no_line_about_findings() -> None:
    assert "finding" not in text(session())
