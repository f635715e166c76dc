"""`profilednn-tui onednn`, from logs to all formats."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from profilednn_tui.cli.primitives import onednn
from profilednn_tui.errors import ProfilerError
from tests.unit.onednn.logs import CONVOLUTION, FOLDER, REORDER, lines

RESNET = str(FOLDER / "resnet18-torch-2.14.log.gz")
OTHER = str(FOLDER / "resnet18-torch-2.8.log.gz")


def command(*arguments: str, stdin: bytes = b"", width: int = 120) -> Result:
    result = CliRunner().invoke(onednn, arguments, input=stdin, env={"COLUMNS": str(width)}, catch_exceptions=False)
    assert result.exit_code == 0
    return result


def test_json_keeps_its_contract() -> None:
    document = json.loads(command(RESNET, "--json").stdout)
    assert document["bad_lines"] == 0
    first = document["primitives"][0]
    assert {"primitive", "direction", "implementation", "problem", "calls", "time_ms"} <= set(first)
    assert {entry["direction"] for entry in document["primitives"]} == {"", "FWD_D", "BWD_D", "BWD_W"}
    assert sum(entry["calls"] for entry in document["primitives"]) == 468


def test_json_of_nothing_is_json() -> None:
    assert json.loads(command("/dev/null", "--json").stdout)["primitives"] == []


def test_several_logs_add_up(tmp_path: Path) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    first.write_bytes(lines(CONVOLUTION) + REORDER.encode())
    second.write_bytes(lines(REORDER))
    document = json.loads(command(str(first), str(second), "--json").stdout)
    assert [(entry["primitive"], entry["calls"]) for entry in document["primitives"]] == [
        ("convolution", 1),
        ("reorder", 2),
    ]


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_text_fits_the_terminal(width: int) -> None:
    shown = command(RESNET, width=width).stdout
    assert all(len(line) <= max(width, 100) for line in shown.splitlines())
    tables = [line for line in shown.splitlines() if line.startswith(("convolution", "reorder", "jit", "PRIMITIVE"))]
    assert max(map(len, tables)) <= width
    assert "67 % of the time moves data" in shown
    assert ("█" in shown) == (width > 60)


def test_one_grouping_comes_in_full() -> None:
    shown = command(RESNET, "--by", "shape").stdout
    assert "IMPLEMENTATION" not in shown
    assert "mb2 512→512 2x2 k3 s1 p1" in shown
    assert "more:" not in shown


def test_a_comparison_as_text_markdown_and_json() -> None:
    assert "Every problem of the reference is present" in command(RESNET, "--against", OTHER).stdout
    assert "| `reorder` |" in command(RESNET, "--against", OTHER, "--to", "markdown").stdout
    assert json.loads(command(RESNET, "--against", OTHER, "--json").stdout)["work"] == 1.0


def test_csv_has_a_line_for_each_primitive() -> None:
    rows = list(csv.DictReader(io.StringIO(command(RESNET, "--to", "csv").stdout)))
    assert len(rows) == 80
    assert sum(int(row["calls"]) for row in rows) == 468


def test_the_picture_is_svg_with_every_direction(tmp_path: Path) -> None:
    path = tmp_path / "ring.svg"
    command(RESNET, "--to", "svg", "-o", str(path))
    text = " ".join(ElementTree.parse(path).getroot().itertext())
    for label in ("reorder", "convolution BWD_W", "convolution FWD_D", "82.6 ms"):
        assert label in text


def test_markdown_and_benchdnn() -> None:
    assert "## By layout" in command(RESNET, "--to", "markdown").stdout
    assert command(RESNET, "--to", "benchdnn").stdout.splitlines()[1].startswith("benchdnn --reorder --mode=P")


def test_a_log_without_oneDNN_says_what_was_missing(tmp_path: Path) -> None:  # noqa: N802
    path = tmp_path / "log"
    path.write_text("epoch 1\n")
    assert "was the program run with ONEDNN_VERBOSE=1?" in command(str(path)).stdout


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "onednn_verbose,v1,info,oneDNN v3.7\nonednn_verbose,v1,graph,exec,cpu,1,a,b,,c,d,1.5\n",
            "None of the 2 lines of oneDNN reports a primitive: 2 only tell of the library, of checks or of subgraphs.",
        ),
        (
            "onednn_verbose,v1,primitive,exec,cpu,convolution,jit\n",
            "1 cannot be parsed, such as: onednn_verbose,v1,primitive,exec,cpu,convolution,jit. Run the program with",
        ),
    ],
)
def test_a_log_of_oneDNN_with_nothing_in_it_is_an_error(text: str, reason: str, tmp_path: Path) -> None:  # noqa: N802
    """Found by a tester: the exit code was 0, and the advice was to set the variable that had been set."""
    path = tmp_path / "log"
    path.write_text(text)
    for arguments in ((str(path),), (str(path), "--json"), (RESNET, "--against", str(path))):
        with pytest.raises(ProfilerError, match=re.escape(reason)):
            command(*arguments)


def test_a_dash_is_standard_output() -> None:
    assert json.loads(command(RESNET, "--json", "-o", "-").stdout)["bad_lines"] == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((RESNET, "--by", "colour"), "There is no grouping colour"),
        ((RESNET, "--to", "pdf"), "There is no format pdf here"),
        ((RESNET, "--against", OTHER, "--to", "svg"), "There is no format svg here"),
        ((RESNET, "--follow", "--json"), "--follow shows one growing LOG"),
        ((RESNET, "-o", "/nowhere/file"), "Cannot write /nowhere/file"),
        (("nowhere.log",), "nowhere.log"),
        ((RESNET, "nowhere.log"), r"nowhere.log is not a readable oneDNN log. A session cannot be combined"),
    ],
)
def test_wrong_usage_is_one_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(ProfilerError, match=sentence):
        CliRunner().invoke(onednn, arguments, catch_exceptions=False)
