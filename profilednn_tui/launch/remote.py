"""Sessions on other machines: which command writes their stream."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from profilednn_tui.errors import ProfilerError
from profilednn_tui.session.storage.tail import Resume

SCHEME = "ssh://"
_LOCATION = re.compile(
    r"ssh://(?P<host>(?:[\w.+-]+@)?[\w.-]+|\[[0-9a-fA-F:]+\])(?::(?P<port>[0-9]{1,5}))?/(?P<session>.+)"
)
_SSH = ("ssh", "-T", "-o", "BatchMode=yes", "-o", "ServerAliveInterval=15", "-o", "ConnectTimeout=20")
"""Never ask for a password: there is no terminal for it. Notice within a minute that the other side is gone."""


@dataclass(frozen=True, slots=True)
class RemoteSession:
    """A session that a command tells of."""

    origin: str
    """As the user names it."""
    words: tuple[str, ...]
    """The command; for ssh, up to the host."""
    options: tuple[str, ...]
    """Of `tail`."""
    session: str = ""
    """For ssh, the session on the other side, where a shell divides into words what it gets."""

    def command(self, resume: Resume | None) -> Sequence[str]:
        """The command, given how far its session is known here."""
        options = self.options if resume is None else (*self.options, "--resume", resume.encode())
        if self.session:
            return (*self.words, shlex.join(("profilednn-tui", "tail", *options, "--", self.session)))
        return (*self.words, *options)


def is_remote(location: str) -> bool:
    """Whether a word names a session on another machine."""
    return location.startswith(SCHEME)


def ssh_session(location: str, options: Sequence[str]) -> RemoteSession:
    """``ssh://[USER@]HOST[:PORT]/SESSION``; `options` are those of `tail`. Raises a `ProfilerError`."""
    found = _LOCATION.fullmatch(location)
    if found is None or found["host"].startswith("-"):
        raise ProfilerError(f"{location} is not a session on another machine. Write ssh://HOST/SESSION.")
    port = ("-p", found["port"]) if found["port"] else ()
    return RemoteSession(location, (*_SSH, *port, found["host"].strip("[]")), tuple(options), found["session"])


def command_session(text: str, options: Sequence[str]) -> RemoteSession:
    """A session that the user's own command tells of, which ends in `profilednn-tui tail SESSION`; raises a
    `ProfilerError`."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ProfilerError(f"{text} is not a command: {error}.") from None
    if not words:
        raise ProfilerError("The command is empty. It has to run profilednn-tui tail SESSION somewhere.")
    return RemoteSession(text, tuple(words), tuple(options))
