"""Reading logs as streams."""

from __future__ import annotations

import gzip
import json
import random
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from profilednn_tui.errors import ProfilerError
from profilednn_tui.onednn.reader import LONGEST_LINE_BYTES, LogReader, follow_log, read_logs
from profilednn_tui.onednn.records import PrimitiveLog
from tests.unit.onednn.logs import CONVOLUTION, RECORDED, REORDER, lines, recorded


def read(*chunks: bytes) -> PrimitiveLog:
    reader = LogReader()
    for chunk in chunks:
        reader.feed(chunk)
    reader.end_file()
    return reader.log()


def counted_by_hand(text: str) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
    """Calls and microseconds by primitive and propagation kind, counted from the right end of each line."""
    calls: Counter[tuple[str, str]] = Counter()
    time_us: Counter[tuple[str, str]] = Counter()
    for line in text.splitlines():
        if ",primitive,exec,cpu," in line:
            fields = line.rsplit(",", 8)
            calls[fields[1], fields[3]] += 1
            time_us[fields[1], fields[3]] += round(float(fields[8]) * 1e6)
    return calls, time_us


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name.removesuffix(".log.gz"))
def test_sums_calls_and_shares_are_those_of_the_lines(path: Path) -> None:
    calls, time_us = counted_by_hand(gzip.decompress(path.read_bytes()).decode())
    log = read_logs([str(path)])
    assert sum(calls.values()) == log.calls > 20
    for key, count in calls.items():
        uses = [use for use in log.uses if (use.primitive.name, use.primitive.propagation) == key]
        time_ms = sum(use.execution.total_ms for use in uses)
        assert sum(use.execution.count for use in uses) == count
        assert time_ms == pytest.approx(time_us[key] / 1e6, abs=1e-5 * count)
        assert time_ms / log.time_ms == pytest.approx(time_us[key] / sum(time_us.values()), abs=1e-5)
    assert log.bad_lines == 0
    assert log.versions[0].startswith("oneDNN v3")


def test_recordings_of_all_four_models_and_three_versions_are_there() -> None:
    names = {path.name.removesuffix(".log.gz") for path in RECORDED}
    models = ("resnet18", "lstm", "transformer", "retinanet")
    assert names == {f"{model}-torch-{version}" for model in models for version in ("2.8", "2.13", "2.14")}


def test_creations_are_apart_from_executions() -> None:
    log = read(recorded("resnet18-torch-2.14"))
    assert sum(use.creation.count for use in log.uses) == len(log.uses) == 80
    assert sum(use.cached.count for use in log.uses) == 388
    assert log.calls == 468


def test_pieces_of_any_size_give_the_same() -> None:
    text = recorded("lstm-torch-2.14")
    whole = read(text)
    for size in (1, 7, 100, 4096):
        assert read(*(text[at : at + size] for at in range(0, len(text), size))) == whole


def test_output_of_others_is_passed_over_and_cut_off() -> None:
    log = read(
        lines("epoch 1, loss 0.3", f"[rank0]: {REORDER}", "", REORDER, f"half a line{REORDER}", "_verbose,", "x,0.5")
    )
    assert (log.calls, log.bad_lines, log.lines) == (3, 0, 7)
    assert log.time_ms == pytest.approx(1.5)


def test_two_writers_in_one_line_are_told_apart() -> None:
    torn = REORDER[:60]
    log = read(lines(torn + REORDER, REORDER + CONVOLUTION))
    assert log.bad_lines == 1, "the torn reorder; the other lost only its line end"
    assert log.calls == 3


def test_timestamps_and_their_absence_may_take_turns() -> None:
    stamped = REORDER.replace("v1,", "v1,1795694318653.944092,")
    later = REORDER.replace("v1,", "v1,1795694318654.1,")
    log = read(lines(REORDER, stamped, later, REORDER, later, CONVOLUTION))
    assert log.calls == 6
    assert len(log.uses) == 2


def test_times_with_a_decimal_comma_add_up() -> None:
    log = read(lines(*(REORDER.replace("0.5", time) for time in ("1,25", "1,5", "2", "1,25"))))
    assert (log.calls, log.time_ms, log.bad_lines) == (4, 6.0, 0)
    assert (log.uses[0].execution.least_ms, log.uses[0].execution.most_ms) == (1.25, 2.0)


def test_windows_line_ends_do_no_harm() -> None:
    assert read(lines(REORDER, REORDER).replace(b"\n", b"\r\n")).calls == 2


@pytest.mark.parametrize(
    "wrap",
    [
        lambda text: f"\x1b[32m{text}\x1b[0m",
        lambda text: text.replace("_verbose,", "_verbose\x1b[m\x1b[K,"),
        lambda text: f'"{text}"',
        lambda text: f"`{text}`",
        lambda text: f"'{text}', ",
        lambda text: f"b'{text}\\n'",
        lambda text: f"> <code>{text}</code>",
        lambda text: json.dumps({"log": f"{text}\n", "stream": "stdout", "time": "2026-01-01T00:00:00Z"}),
        lambda text: json.dumps({"log": f"\x1b[32m{text}\x1b[0m\n", "stream": "stdout"}),
        lambda text: f"2026-01-01T00:00:00Z stdout F {text}",
        lambda text: f"{text} epoch 1, loss 0.3",
    ],
    ids=["colours", "grep", "quotes", "backticks", "list", "repr", "html", "docker", "coloured json", "cri", "behind"],
)
def test_lines_that_other_tools_have_wrapped_are_read(wrap: Callable[[str], str]) -> None:
    """Found by a tester: nothing was read of such logs, and the advice was to set ONEDNN_VERBOSE=1."""
    version = "onednn_verbose,v1,info,oneDNN v3.12.0 (commit 80afa71)"
    log = read(lines(*map(wrap, (version, CONVOLUTION, CONVOLUTION, CONVOLUTION.replace("7.25", "1e-05")))))
    assert (log.calls, log.bad_lines, len(log.uses)) == (3, 0, 1)
    assert log.time_ms == pytest.approx(14.50001)
    assert log.versions[0].startswith("oneDNN v3.12.0 (commit 80afa71)")
    assert '"' not in log.versions[0]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_a_log_in_wide_characters_is_read(encoding: str, tmp_path: Path) -> None:
    """Found by a tester: PowerShell's redirection writes UTF-16."""
    path, other = tmp_path / "wide", tmp_path / "narrow"
    path.write_bytes(f"{REORDER}\r\n\u0430\u0431 {REORDER}\r\n".encode(encoding))
    other.write_bytes(lines(REORDER))
    log = read_logs([str(path), str(other)])
    assert (log.calls, log.bad_lines) == (3, 0)


@pytest.mark.parametrize(
    "prefix", ["onednn_verbose,v0,{}", "onednn_verbose,v1,{}", "onednn_verbose,{}", "dnnl_verbose,{}"]
)
@pytest.mark.parametrize("front", ["", "[{}] "])
def test_memory_does_not_grow_with_timestamps(prefix: str, front: str) -> None:
    """Found by a tester: with the version v0, each line was kept, because its timestamp was searched for elsewhere."""
    rest = REORDER.removeprefix("onednn_verbose,v1")
    reader = LogReader()
    tracemalloc.start()
    try:
        for number in range(3_000):
            if number == 1_000:
                before, _ = tracemalloc.get_traced_memory()
            stamp = f"{number * 1.1:.6f}"
            reader.feed(lines(front.format(number) + prefix.format(stamp) + rest))
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reader.log().calls == 3_000
    assert after - before < 50_000, "of 500,000 bytes of lines"


def test_remarks_and_the_first_bad_line_are_told() -> None:
    log = read(lines("onednn_verbose,v1,info,experimental features are enabled", REORDER[:50], REORDER[:60]))
    assert (log.remarks, log.bad_lines, log.bad_example) == (1, 2, REORDER[:50])


def test_a_line_without_end_is_not_kept() -> None:
    long = b"onednn_verbose,v1," + b"x" * (LONGEST_LINE_BYTES // 2)
    log = read(long, long, long, long + b"\n" + lines(REORDER))
    assert (log.calls, log.bad_lines, log.lines) == (1, 1, 2)


def test_a_growing_file_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(lines(CONVOLUTION) + REORDER.encode()[:40])
    parts: Iterator[bytes] = iter([REORDER.encode()[40:] + b"\n", lines(REORDER)])

    def wait(seconds: float) -> None:
        part = next(parts, None)
        if part is None:
            path.unlink()
        else:
            with path.open("ab") as stream:
                stream.write(part)

    assert [log.calls for log in follow_log(str(path), wait)] == [1, 2, 3, 3]


def test_a_broken_compression_tells_how_far_it_got(tmp_path: Path) -> None:
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(recorded("resnet18-torch-2.8"))[:-500])
    log = read_logs([str(path)])
    assert 0 < log.calls < 468
    assert log.damage[0].startswith(f"{path} is truncated")


def test_a_file_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(ProfilerError, match=r"Cannot read nowhere\.log: No such file"):
        read_logs(["nowhere.log"])


# ---------------------------------------------------------------- a hundred damaged logs


def damage(line: bytes, generator: random.Random) -> bytes:
    """A line that no version of oneDNN writes."""
    fields = line.split(b",")
    match generator.randrange(4):
        case 0:  # cut off after the marker and before the time
            return line[: generator.randrange(len(fields[0]) + 1, line.rfind(b","))]
        case 1:
            return b",".join([*fields[:-1], generator.choice([b"", b"?", b"-0.5", b"nan", b"1.2.3"])])
        case 2:
            gone = generator.randrange(4, len(fields) - 1)
            return b",".join(fields[:gone] + fields[gone + 1 :])
        case _:
            return (
                line.replace(b",undef,", b",backwords,").replace(b",forward_", b",forewarn_").replace(b",back", b",b")
            )


@pytest.mark.parametrize("seed", range(50))
def test_damaged_lines_are_counted_and_the_others_add_up(seed: int) -> None:
    generator = random.Random(seed)
    text = gzip.decompress(generator.choice(RECORDED).read_bytes()).splitlines(keepends=False)
    timed = [index for index, line in enumerate(text) if b",exec,cpu" in line]
    chosen = set(generator.sample(timed, k=generator.randrange(1, 12)))
    log = read(b"\n".join(damage(line, generator) if index in chosen else line for index, line in enumerate(text)))
    assert log.bad_lines == len(chosen)
    assert log.calls == len(timed) - len(chosen)


@pytest.mark.parametrize("seed", range(50))
def test_bytes_gone_wrong_are_never_fatal(seed: int) -> None:
    generator = random.Random(seed)
    text = bytearray(gzip.decompress(generator.choice(RECORDED).read_bytes())[: generator.randrange(1, 60_000)])
    for _ in range(generator.randrange(1, 200)):
        at = generator.randrange(len(text))
        text[at : at + generator.randrange(4)] = generator.randbytes(generator.randrange(4))
        text = text or bytearray(b"x")
    log = read(bytes(text))
    assert log.lines == len(bytes(text).split(b"\n")) - text.endswith(b"\n")
    assert log.bad_lines > 0 or log.primitive_lines == 0 or log.lines < 5
    assert all(use.execution.total_ms >= 0 for use in log.uses)
