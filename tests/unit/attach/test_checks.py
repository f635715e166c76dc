"""What prevents attaching, described together with the fix."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profilednn_tui.attach.checks import AttachContext, check_process, refuse_unless_watchable
from profilednn_tui.attach.process_facts import ProcessFacts
from profilednn_tui.errors import ProfilerError

HERE = AttachContext(user_id=1000, ptrace_scope="0", may_trace_all=False, machine="x86_64", gdb=False)
TRAINING = ProcessFacts(
    pid=4711, name="python3", state="R", user_id=1000, argv=("python3", "train.py"), executable="/usr/bin/python3.11",
    readable=True, python=(3, 11), torch=True,
)  # fmt: skip


def failures(facts: ProcessFacts, here: AttachContext = HERE) -> list[str]:
    return [check.sentence for check in check_process(facts, here) if not check.passed]


def test_a_training_of_ones_own_passes() -> None:
    assert failures(TRAINING) == []
    assert check_process(TRAINING, HERE)[-1].text == "injection without a debugger"


@pytest.mark.parametrize(
    ("facts", "here", "cause", "fix"),
    [
        (ProcessFacts(4711), HERE, "no running process 4711", "attach"),
        (replace(TRAINING, state="Z"), HERE, "no running process 4711", "attach"),
        (replace(TRAINING, readable=False, user_id=0), HERE, "belongs to root", "as root"),
        (replace(TRAINING, readable=False), replace(HERE, ptrace_scope="1"), "ptrace_scope 1", "sysctl"),
        (replace(TRAINING, readable=False), replace(HERE, ptrace_scope="3"), "ptrace_scope 3", "profilednn-tui SCRIPT"),
        (replace(TRAINING, readable=False), HERE, "does not allow tracing", "SYS_PTRACE"),
        (replace(TRAINING, state="T"), HERE, "is stopped", "kill -CONT 4711"),
        (replace(TRAINING, python=None, executable="/bin/bash"), HERE, "not a Python process (/bin/bash)", "attach"),
    ],
)
def test_what_makes_any_view_impossible_is_refused_in_one_sentence(
    facts: ProcessFacts, here: AttachContext, cause: str, fix: str
) -> None:
    with pytest.raises(ProfilerError) as refusal:
        refuse_unless_watchable(check_process(facts, here))
    sentence = str(refusal.value)
    assert cause in sentence
    assert fix in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("facts", "here", "cause"),
    [
        (replace(TRAINING, python=(3, 8)), HERE, "Python 3.8"),
        (replace(TRAINING, tracer=1), HERE, "is tracing process 4711"),
        (replace(TRAINING, torch=False), HERE, "has not imported torch"),
        (replace(TRAINING, finalizing=True), HERE, "is exiting"),
        (replace(TRAINING, missing="the interpreter does not export mmap"), HERE, "does not export mmap"),
        (replace(TRAINING, shadow_stack=True), HERE, "shadow stacks"),
        (TRAINING, replace(HERE, machine="aarch64"), "requires gdb"),
    ],
)
def test_what_keeps_only_the_agent_out_leaves_the_view_from_outside(
    facts: ProcessFacts, here: AttachContext, cause: str
) -> None:
    checks = check_process(facts, here)
    refuse_unless_watchable(checks)
    assert any(cause in sentence for sentence in failures(facts, here))


def test_the_way_in_depends_on_python_and_machine() -> None:
    assert check_process(replace(TRAINING, python=(3, 14)), HERE)[-1].text == "sys.remote_exec"
    assert check_process(TRAINING, replace(HERE, machine="aarch64", gdb=True))[-1].text == "gdb"
