"""The commands that write the streams of sessions on other machines."""

from __future__ import annotations

import shlex

import pytest

from profilednn_tui.errors import ProfilerError
from profilednn_tui.launch.remote import command_session, is_remote, ssh_session
from profilednn_tui.session.storage.tail import Resume


def test_ssh_gets_the_host_and_one_word_for_the_shell_there() -> None:
    words = ssh_session("ssh://me@node-1:2222/my run; rm -rf ~", ["--no-follow"]).command(None)
    assert words[0] == "ssh"
    assert words[-4:-1] == ("-p", "2222", "me@node-1")
    assert shlex.split(words[-1]) == ["profilednn-tui", "tail", "--no-follow", "--", "my run; rm -rf ~"]


def test_a_stream_that_goes_on_says_where() -> None:
    where = Resume("train 1", {"host.jsonl": 20})
    words = shlex.split(ssh_session("ssh://node-1/train", []).command(where)[-1])
    assert words[2] == "--resume"
    assert Resume.decode(words[3]) == where
    assert words[4:] == ["--", "train"]


def test_a_command_of_the_user_is_run_as_it_is() -> None:
    session = command_session("docker exec node-1 profilednn-tui tail 'my run'", ["--sources"])
    assert session.command(None) == ("docker", "exec", "node-1", "profilednn-tui", "tail", "my run", "--sources")
    assert session.command(Resume("a"))[-2:] == ("--resume", Resume("a").encode())


@pytest.mark.parametrize("location", ["ssh://", "ssh://node", "ssh://-oProxyCommand=x/train", "ssh://a b/train"])
def test_what_names_no_session_is_refused(location: str) -> None:
    assert is_remote(location)
    with pytest.raises(ProfilerError, match="ssh://HOST/SESSION"):
        ssh_session(location, [])


@pytest.mark.parametrize("text", ["", "docker 'exec"])
def test_what_is_no_command_is_refused(text: str) -> None:
    with pytest.raises(ProfilerError, match="command"):
        command_session(text, [])
