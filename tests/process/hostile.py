"""Malicious snapshots and session folders, each with a name, made from fixtures."""

from __future__ import annotations

import json
import os
import shutil
import socket
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "format-1"
STRANGER = 65533
"""The ID of another user."""
PAYLOAD = "PWNED"
ESCAPES = (
    f"\x1b]0;{PAYLOAD}\x07\x1b]52;c;{PAYLOAD}\x07\x1b[31m\x9b2J\x9d0;{PAYLOAD}\x9c\x7f\u202e\u2066\u200f\r\n\t\x00"
)
"""Title, clipboard, colour, their C1 forms, DEL, bidirectional marks, line ends."""
MARKUP = "[red]x[/nope] [@click=app.quit]q[/]"
MARKER = "RAN"
"""A file that an injected command would leave in the working directory."""


class Bomb(NamedTuple):
    """Many bytes that compress to few in a zip file; never all in memory at once."""

    begin: bytes = b""
    unit: bytes = b"\0"
    megabytes: int = 150


Member = bytes | Bomb
Json = dict[str, Any]
Mutation = Callable[[Path], Path]
"""Makes one in a folder; returns the path to open."""

SNAPSHOTS: dict[str, Mutation] = {}
FOLDERS: dict[str, Mutation] = {}

AGENT = next(path.name for path in (FIXTURES / "session").glob("agent-*.jsonl"))
HOST, OUTPUT, EXIT, SESSION, INDEX = "host.jsonl", "output.log", "exit.json", "session.json", "snapshot.json"


def members() -> dict[str, Any]:
    with zipfile.ZipFile(FIXTURES / "snapshot.pdnn") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(
    folder: Path, parts: dict[str, Any] | Sequence[tuple[str, Member]], packed: int = zipfile.ZIP_DEFLATED
) -> Path:
    path = folder / "hostile.pdnn"
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", packed, compresslevel=1) as archive:
        warnings.simplefilter("ignore")  # duplicate names are intended
        for name, data in parts.items() if isinstance(parts, dict) else parts:
            with archive.open(name, "w", force_zip64=isinstance(data, Bomb)) as member:
                if isinstance(data, bytes):
                    member.write(data)
                    continue
                member.write(data.begin)
                megabyte = data.unit * 1_000_000
                for _ in range(data.megabytes):
                    member.write(megabyte)
    return path


def copy(folder: Path) -> Path:
    return shutil.copytree(FIXTURES / "session", folder / "hostile")


def snapshot(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        parts = members()
        change(parts)
        return write(folder, parts)

    return make


def session_folder(change: Callable[[Path], object]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        made = copy(folder)
        change(made)
        return made

    return make


def changed(data: bytes, change: Callable[[Json], object]) -> bytes:
    body = json.loads(data)
    change(body)
    return json.dumps(body).encode()


def started(**fields: Any) -> Mutation:
    """A snapshot with other values in its session.json."""
    return snapshot(lambda parts: parts.update({SESSION: changed(parts[SESSION], lambda body: body.update(fields))}))


def events(recording: str, kind: str, change: Callable[[Json], object]) -> Mutation:
    """A snapshot with changed events of one kind."""

    def edit(parts: dict[str, Any]) -> None:
        lines = [
            changed(line, change) if json.loads(line)["event"] == kind else line
            for line in parts[recording].splitlines()
        ]
        parts[recording] = b"\n".join(lines) + b"\n"

    return snapshot(edit)


def appended(recording: str, *lines: bytes) -> Mutation:
    return snapshot(lambda parts: parts.update({recording: parts[recording] + b"".join(lines)}))


def bomb(recording: str, begin: bytes = b"", unit: bytes = b"\0") -> Mutation:
    """A snapshot with an endless recording."""
    return snapshot(lambda parts: parts.update({recording: Bomb(parts[recording] + begin, unit)}))


def every_text(value: Any, text: str) -> Any:
    """The value with `text` added to every text, except keys and words of the protocol."""
    if isinstance(value, dict):
        keep = ("event", "magic", "state", "level", "code", "how", "way", "reason")
        return {key: item if key in keep else every_text(item, text) for key, item in value.items()}
    if isinstance(value, list):
        return [every_text(item, text) for item in value]
    return f"{value[:8]}{text}" if isinstance(value, str) else value


def texts_with(text: str, ascii_only: bool) -> Mutation:
    """All texts of all recordings and of session.json extended by `text`, as JSON escapes or raw bytes."""

    def edit(parts: dict[str, Any]) -> None:
        for name in (SESSION, AGENT, HOST):
            lines = [every_text(json.loads(line), text) for line in parts[name].splitlines()]
            parts[name] = b"".join(json.dumps(line, ensure_ascii=ascii_only).encode() + b"\n" for line in lines)
        parts[OUTPUT] = text.encode("utf-8", "surrogatepass") * 100

    return snapshot(edit)


def window(**tables: Any) -> bytes:
    """A window with made-up tables."""
    body: Json = {
        "event": "window", "number": 999, "step": 50, "end_unix_ns": 1, "duration_ns": 1, "cost_ns": 1,
        "summarize_ns": 1, "events": 1, "stacks": True, "truncated": False, "operator_ns": 1, "strings": ["a"],
        "frames": [], "nodes": [], "operators": [], "modules": [], "rows": [],
    }  # fmt: skip
    return json.dumps({**body, **tables}).encode() + b"\n"


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def chain(length: int) -> list[list[int]]:
    return [[node - 1, 0] for node in range(length)]


def every_number(recording: str, number: Any) -> Mutation:
    """All numbers of a recording's events replaced."""

    def replaced(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: item if key == "version" else replaced(item) for key, item in value.items()}
        if isinstance(value, list):
            return [replaced(item) for item in value]
        return number if isinstance(value, int | float) and not isinstance(value, bool) else value

    def edit(parts: dict[str, Any]) -> None:
        head, *lines = parts[recording].splitlines()
        parts[recording] = b"\n".join([head, *(json.dumps(replaced(json.loads(line))).encode() for line in lines)])

    return snapshot(edit)


def zipped(edit: Callable[[bytearray, zipfile.ZipFile], object]) -> Mutation:
    """A snapshot whose bytes are changed."""

    def make(folder: Path) -> Path:
        path = write(folder, members())
        data = bytearray(path.read_bytes())
        with zipfile.ZipFile(path) as archive:
            edit(data, archive)
        path.write_bytes(data)
        return path

    return make


def central(data: bytearray, name: str) -> int:
    """The offset of a member's entry in the central directory."""
    return data.rindex(name.encode()) - 46


def set_flag(data: bytearray, archive: zipfile.ZipFile) -> None:
    data[central(data, AGENT) + 8] |= 1


def set_method(data: bytearray, archive: zipfile.ZipFile) -> None:
    struct.pack_into("<H", data, central(data, AGENT) + 10, 99)


def claim_size(data: bytearray, archive: zipfile.ZipFile) -> None:
    struct.pack_into("<I", data, central(data, SESSION) + 24, 2_000_000_000)


def overlap(data: bytearray, archive: zipfile.ZipFile) -> None:
    for name in (HOST, OUTPUT, EXIT):
        struct.pack_into("<I", data, central(data, name) + 20, archive.getinfo(AGENT).compress_size)
        struct.pack_into("<I", data, central(data, name) + 42, archive.getinfo(AGENT).header_offset)


def break_bytes(data: bytearray, archive: zipfile.ZipFile) -> None:
    info = archive.getinfo(AGENT)
    middle = info.header_offset + 60 + info.compress_size // 2
    data[middle : middle + 8] = b"\xff" * 8


def many_members(count: int, name: str, data: bytes = b"") -> Mutation:
    return lambda folder: write(folder, [*members().items(), *((name % number, data) for number in range(count))])


def duplicates(folder: Path) -> Path:
    parts = members()
    other = parts[AGENT].replace(b"train.py", b"other.py")
    return write(folder, [*parts.items(), (AGENT, other), (SESSION, parts[SESSION])])


def lzma_member(folder: Path) -> Path:
    return write(folder, members(), zipfile.ZIP_LZMA)


SHELL = {"python": "/bin/sh", "argv": ["-c", f"id > {MARKER}"], "working_directory": "."}
HELLO = b'{"event":"hello"'

SNAPSHOTS |= {
    "command-of-a-shell": started(**SHELL, name="train.py"),
    "interpreter-beside-the-file": started(python="./python", argv=["t.py"], working_directory="."),
    "module-as-script": started(python="/bin/sh", argv=["-m", "x"], attached=True, launcher_pid=1),
    "launcher-that-lives": started(launcher_pid=os.getpid(), start_unix_ns=2**62, attached=True),
    "sources-that-are-ours": snapshot(
        lambda parts: parts.update({INDEX: changed(parts[INDEX], lambda body: body.update(
            sources={"/etc/passwd": "../../../etc/passwd", "train.py": "/etc/passwd", "x": SESSION}))})
    ),
    "frames-that-are-ours": events(
        AGENT, "window", lambda body: body.update(strings=[
            "/etc/passwd" if text.endswith(".py") else text for text in body["strings"]])
    ),
    "frames-like-options": events(
        AGENT, "window", lambda body: body.update(strings=[
            f"+!touch {MARKER}" if text.endswith(".py") else text for text in body["strings"]])
    ),
    "escapes-in-all-texts": texts_with(ESCAPES, ascii_only=True),
    "escapes-as-raw-bytes": texts_with("\x7f\x9b2J\x9d0;x\x9c\u202e\u2066\u200f\u2028\ufeff", ascii_only=False),
    "half-surrogates": texts_with("\udcff\ud800", ascii_only=True),
    "markup-in-all-texts": texts_with(MARKUP, ascii_only=True),
    "long-texts": texts_with("x" * 40_000, ascii_only=True),
    "texts-without-end": texts_with("x" * 200_000, ascii_only=True),
    "session-of-400-megabytes": snapshot(lambda parts: parts.update({SESSION: Bomb(parts[SESSION], b" ", 400)})),
    "session-of-2-megabytes": snapshot(lambda parts: parts.update({SESSION: parts[SESSION] + b" " * 2_000_000})),
    "recording-of-zeros": bomb(AGENT),
    "recording-of-line-ends": bomb(AGENT, unit=b"\n"),
    "recording-of-one-line": bomb(AGENT, b'{"event":"notice","text":"', b"x"),
    "output-of-zeros": snapshot(lambda parts: parts.update({OUTPUT: Bomb()})),
    "source-of-zeros": snapshot(
        lambda parts: parts.update({name: Bomb() for name in parts if name.startswith("sources/")})
    ),
    "index-of-zeros": snapshot(lambda parts: parts.update({INDEX: Bomb(parts[INDEX], b" ")})),
    "claims-a-size": zipped(claim_size),
    "members-overlap": zipped(overlap),
    "members-by-the-thousand": many_members(20_000, "sources/%d-x.py"),
    "recordings-by-the-thousand": many_members(3_000, "agent-1%d.jsonl", b"garbage\n"),
    "members-twice": duplicates,
    "names-without-end": many_members(20, "agent-%d" + "9" * 5_000 + ".jsonl"),
    "names-that-lead-out": many_members(5, "../../agent-%d.jsonl", b"x"),
    "encrypted": zipped(set_flag),
    "packed-otherwise": zipped(set_method),
    "packed-with-lzma": lzma_member,
    "broken-in-the-middle": zipped(break_bytes),
    "cut-off": zipped(lambda data, archive: data.__delitem__(slice(len(data) // 2, None))),
    "something-in-front": zipped(lambda data, archive: data.__setitem__(slice(0, 0), b"#!/bin/sh\n")),
    "session-is-a-list": snapshot(lambda parts: parts.update({SESSION: b"[]"})),
    "session-of-other-types": started(argv="train.py", start_unix_ns="1", name=None),
    "session-of-huge-numbers": started(start_unix_ns=10**300, launcher_pid=10**30),
    "session-nested-without-end": snapshot(
        lambda parts: parts.update({SESSION: parts[SESSION].strip()[:-1] + b',"x":' + nested(300_000) + b"}"})
    ),
    "events-nested-without-end": appended(
        AGENT, b'{"event":"steps","first":1,"rows":' + nested(200_000) + b"}\n"
    ),
    "lists-without-end": appended(HOST, b'{"event":"threads","rows":[' + b"[]," * 2_000_000 + b"[]]}\n"),
    "cores-without-end": appended(
        HOST, *[b'{"event":"cores","busy":[' + b"0," * 100_000 + b"0]}\n"] * 20
    ),
    "rows-of-other-types": events(
        HOST, "threads", lambda body: body.update(rows=[[{}, [], None, 1, "x", True, -1, "y"]])
    ),
    "short-rows": events(AGENT, "steps", lambda body: body.update(rows=[[1], [], [2, 3]])),
    "numbers-beyond-64-bits": every_number(AGENT, 10**30),
    "numbers-below-zero": every_number(HOST, -(2**62)),
    "floats-of-the-largest": every_number(HOST, 1.7e308),
    "numbers-that-are-none": every_number(AGENT, "nan"),
    "zeros-everywhere": every_number(AGENT, 0),
    "stack-without-end": appended(
        AGENT,
        window(
            frames=[[0, 1, 0]],
            nodes=chain(100_000),
            operators=[[0, 0, 0, 0]],
            rows=[[0, 99_999, -1, -1, 1, 1, 1, 0, 1]],
        ),
    ),
    "modules-without-end": appended(
        AGENT, window(modules=[[0, 0, 1, 1, 1, number - 1] for number in range(100_000)])
    ),
    "window-that-points-outside": appended(
        AGENT, window(operators=[[9, 9, 9, 9]], rows=[[0, 7, 7, 7, 1, 1, 1, 0, 1]], frames=[[-5, 1, 9]], nodes=[[5, 5]])
    ),
    "ring-of-frames": appended(
        AGENT,
        window(
            frames=[[0, 1, 0]],
            nodes=[[1, 0], [0, 0]],
            operators=[[0, 0, 0, 0]],
            rows=[[0, 1, 0, -1, 1, 1, 1, 0, 999]],
            outside=[[0, 5], [-1, -7]],
        ),
    ),
    "shapes-without-end": appended(
        AGENT, window(strings=["aten::mm", "[" * 40_000, "[[" + "9" * 4_000 + "]]", "NaN", '["\\u001b]0;PWNED"]'],
                      operators=[[0, number, 0, 0] for number in range(1, 5)],
                      rows=[[number, -1, -1, -1, 1, 1, 1, 0, 1] for number in range(4)])
    ),
    "optimizations-without-end": appended(
        AGENT, *(b'{"event":"optimization","name":"%d","state":"on","text":"x","unix_ns":1}\n' % number
                 for number in range(20_000))
    ),
    "greetings-without-end": snapshot(
        lambda parts: parts.update({AGENT: parts[AGENT] + 5_000 * (
            next(line for line in parts[AGENT].splitlines() if line.startswith(HELLO)) + b"\n")})
    ),
    "version-99": started(version=99),
    "version-0": started(version=0),
    "version-below-zero": started(version=-1),
    "version-of-text": started(version="2"),
    "version-without-end": started(version=10**200),
    "magic-of-others": started(magic="profiled"),
    "header-of-others": events(AGENT, "header", lambda body: body.update(
        version=2, phases=["x"] * 1_000, columns={"steps.rows": ["loss"] * 1_000, "window.rows": []})),
    "header-of-the-future": events(AGENT, "header", lambda body: body.update(version=99)),
}  # fmt: skip


def fifo(name: str) -> Callable[[Path], object]:
    def edit(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return edit


def link(name: str, target: str) -> Callable[[Path], object]:
    def edit(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)

    return edit


def listening(name: str) -> Callable[[Path], object]:
    def edit(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as one:
            before = os.getcwd()
            os.chdir(folder)  # socket paths are limited in length
            one.bind(name)
            os.chdir(before)

    return edit


def directory(name: str) -> Callable[[Path], object]:
    def edit(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name / "below").mkdir(parents=True)

    return edit


def sparse(name: str, size: int) -> Callable[[Path], object]:
    def edit(folder: Path) -> None:
        (folder / name).touch()
        os.truncate(folder / name, size)

    return edit


def strangers(folder: Path) -> None:
    """A folder of another user that tries to run a command, signal a process and write files through links."""
    body = json.loads((folder / SESSION).read_text())
    (folder / SESSION).write_text(json.dumps({**body, **SHELL, "attached": True}))
    (folder / EXIT).unlink()
    holder = {"holder_pid": os.getpid(), "pid": os.getpid(), "start_unix_ns": 2**62}
    (folder / "holder.json").write_text(json.dumps(holder))
    for name in (f"control-{AGENT[6:-6]}", "stdin", "stay", "heartbeat", "terminal-size"):
        link(name, f"../{MARKER}")(folder)
    if os.geteuid() == 0:
        for path in (folder, *folder.iterdir()):
            os.chown(path, STRANGER, STRANGER, follow_symlinks=False)
    else:
        folder.chmod(0o777)


FOLDERS |= {
    "folder-of-another-user": session_folder(strangers),
    "pipe-for-exit": session_folder(fifo(EXIT)),
    "pipe-for-session": session_folder(fifo(SESSION)),
    "pipe-for-recording": session_folder(fifo(AGENT)),
    "pipe-for-output": session_folder(fifo(OUTPUT)),
    "pipe-for-host": session_folder(fifo(HOST)),
    "socket-for-exit": session_folder(listening(EXIT)),
    "device-for-recording": session_folder(link(AGENT, "/dev/zero")),
    "device-for-session": session_folder(link(SESSION, "/dev/zero")),
    "link-to-a-secret": session_folder(link(OUTPUT, "/etc/passwd")),
    "recording-is-a-secret": session_folder(link(AGENT, "/etc/passwd")),
    "loop-for-exit": session_folder(link(EXIT, EXIT)),
    "loop-for-session": session_folder(link(SESSION, SESSION)),
    "loop-inside": session_folder(link("loop", ".")),
    "directory-for-session": session_folder(directory(SESSION)),
    "directory-for-recording": session_folder(directory(AGENT)),
    "directory-for-output": session_folder(directory(OUTPUT)),
    "sparse-recording": session_folder(sparse(AGENT, 10**12)),
    "sparse-session": session_folder(sparse(SESSION, 10**12)),
    "sparse-exit": session_folder(sparse(EXIT, 10**12)),
    "sparse-output": session_folder(sparse(OUTPUT, 10**12)),
    "session-of-garbage": session_folder(lambda folder: (folder / SESSION).write_bytes(os.urandom(1_000))),
    "recording-of-garbage": session_folder(lambda folder: (folder / AGENT).write_bytes(b"\xff\x00{\n" * 100_000)),
}


def all_mutations() -> Iterator[tuple[str, Mutation]]:
    yield from SNAPSHOTS.items()
    yield from FOLDERS.items()
