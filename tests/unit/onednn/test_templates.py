"""Primitives as parameters for running them again."""

from __future__ import annotations

import csv
import io
import shlex

from profilednn_tui.export.onednn.csv_primitives import templates_csv
from profilednn_tui.onednn.reader import LogReader
from profilednn_tui.onednn.templates import Template, command_lines, templates
from tests.unit.onednn.logs import CONVOLUTION, REORDER, lines, log_of, recorded


def template(text: str) -> Template:
    (one,) = templates(log_of(lines(text)))
    return one


def test_a_convolution_fills_the_twelve_fields() -> None:
    line = CONVOLUTION.replace("attr-scratchpad:user", "attr-post-ops:sum+eltwise_relu").replace("kh3sh1", "kh3sh2")
    one = template(line)
    assert (one.driver, one.configuration, one.direction) == ("conv", "f32", "BWD_W")
    assert (one.post_ops, one.algorithm) == ("sum+eltwise_relu", "DIRECT")
    assert (one.batch, one.input, one.output) == ("mb32", "ih56iw56", "oh56ow56")
    assert (one.stride, one.kernel, one.padding, one.channel) == ("sh2sw1", "kh3kw3", "ph1pw1", "ic64oc64")
    assert (one.calls, one.time_ms) == (1, 7.25)


def test_the_layout_of_the_log_wins_over_the_plain_one() -> None:
    old = "mkldnn_verbose,exec,batch_normalization,jit:avx2,forward_inference,{},flags:3,mb1ic1024ih14iw14,0.105957"
    assert template(old.format("fdata:nChw8c fdiff:undef")).layout == "nChw8c"
    assert template(old.format("")).layout == "abcd", "which is nchw"


def test_a_problem_is_a_command_of_its_own_in_performance_mode() -> None:
    assert template(REORDER).command == (
        "benchdnn --reorder --mode=P --allow-enum-tags-only=0 --engine=cpu --sdt=f32 --ddt=f32 --stag=aBcd16b "
        "--dtag=abcd --strides=: --attr-scratchpad=user 32x64x56x56"
    )


def test_implementations_of_one_problem_are_one_template() -> None:
    (one,) = templates(log_of(lines(REORDER, REORDER.replace("jit:blk", "simple:any"))))
    assert (one.calls, one.time_ms) == (2, 1.0)


def test_a_log_from_others_puts_no_command_into_the_script() -> None:
    line = (
        "onednn_verbose,v1,primitive,exec,cpu,matmul,ref,undef,src:f32::blocked:ab::f0 dst:f32::blocked:ab::f0,"
        "attr-post-ops:$(id>stolen),,8x16:16x4;id>stolen,1"
    )
    command = template(line).command
    assert shlex.split(command)[-1] == "8x16:16x4;id>stolen"
    assert "'8x16:16x4;id>stolen'" in command
    assert "'--attr-post-ops=$(id>stolen)'" in command


def test_every_recorded_primitive_has_a_template_with_all_its_calls() -> None:
    for model in ("resnet18", "lstm", "transformer", "retinanet"):
        reader = LogReader()
        reader.feed(recorded(f"{model}-torch-2.14"))
        log = reader.log()
        found = templates(log)
        assert sum(one.calls for one in found) == log.calls
        assert len(command_lines(log)) == 2 * len({one.command for one in found})
        rows = list(csv.DictReader(io.StringIO(templates_csv(log))))
        assert [row["driver"] for row in rows] == [one.driver for one in found]
        assert all(row["layout"] and row["configuration"] for row in rows)
