"""Primitives as parameters for running them again."""

from __future__ import annotations

import csv
import io
import shlex

import pytest

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


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (
            CONVOLUTION,
            "--conv --dir=BWD_W --dt=f32 --stag=aBcd16b --wtag=ABcd16b16a --dtag=aBcd16b --alg=direct "
            "--attr-scratchpad=user mb32_ic64oc64_ih56oh56kh3sh1dh0ph1_iw56ow56kw3sw1dw0pw1",
        ),
        (
            REORDER,
            "--reorder --sdt=f32 --ddt=f32 --stag=aBcd16b --dtag=abcd --attr-scratchpad=user 32x64x56x56",
        ),
        (
            "onednn_verbose,v1,primitive,exec,cpu,matmul,brg_matmul:avx512_core,undef,src:bf16::blocked:ab::f0 "
            "wei:bf16::blocked:ba::f0 bia:f32::blocked:ab::f0_mask2 dst:f32::blocked:ab::f0,,,4x8:8x16,1",
            "--matmul --dt=bf16:bf16:f32 --stag=ab --wtag=ba --dtag=ab --bia-dt=f32 --bia_mask=2 4x8:8x16",
        ),
        (
            "dnnl_verbose,exec,cpu,eltwise,jit:avx512_common,forward_training,data_f32::blocked:aBcd16b:f0 diff_undef::"
            "undef::f0,,alg:eltwise_relu alpha:0 beta:0,32x64x56x56,1",
            "--eltwise --dir=FWD_D --dt=f32 --tag=aBcd16b --alg=relu --alpha=0 --beta=0 32x64x56x56",
        ),
        (
            "onednn_verbose,v1,primitive,exec,cpu,rnn,ref,forward_training,src_layer:f32::blocked:abc::f0 "
            "bias:f32::blocked:abcd::f0 dst_layer:f32::blocked:abc::f0,attr-scratchpad:user,alg:vanilla_lstm "
            "direction:unidirectional_left2right activation:undef flags:,l1t16mb8sic128slc64dhc128dic128,1",
            "--rnn --prop=FWD_D --cfg=f32 --alg=VANILLA_LSTM --direction=left2right --trivial-strides=true "
            "--attr-scratchpad=user l1t16mb8sic128slc64dhc128dic128",
        ),
        (
            "onednn_verbose,v1,primitive,exec,cpu,softmax,jit:avx512_core,forward_training,src:f32::blocked:ab::f0 "
            "dst:f32::blocked:ab::f0,,alg:softmax_accurate axis:1,8x1000,1",
            "--softmax --dir=FWD_D --alg=softmax_accurate --sdt=f32 --ddt=f32 --stag=ab --dtag=ab --axis=1 8x1000",
        ),
    ],
    ids=lambda value: value.split(",")[4] if "," in value else "",
)
def test_benchdnn_gets_its_words(line: str, command: str) -> None:
    driver, _, knobs = command.partition(" ")
    assert template(line).command == f"benchdnn {driver} --mode=P --allow-enum-tags-only=false {knobs}"


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
