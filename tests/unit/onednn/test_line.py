"""Lines of all eras of oneDNN's verbose log."""

from __future__ import annotations

import pytest

from profilednn_tui.onednn.descriptors import Tensor
from profilednn_tui.onednn.line import Entry, Event, FieldNames, Line, Version, parse
from tests.unit.onednn.logs import CONVOLUTION, REORDER


def read(line: str, template: FieldNames | None = None) -> Entry | FieldNames | Version | Line:
    return parse(line.partition(",")[2], template)


def entry(line: str) -> Entry:
    told = read(line)
    assert isinstance(told, Entry), told
    return told


def test_todays_line_gives_every_field() -> None:
    told = entry(CONVOLUTION)
    primitive = told.primitive
    assert (told.event, told.time_ms, told.stamped) == (Event.EXECUTION, 7.25, False)
    assert (primitive.name, primitive.direction, primitive.engine) == ("convolution", "BWD_W", "cpu")
    assert primitive.implementation == "jit:avx512_core"
    assert primitive.problem == "mb32_ic64oc64_ih56oh56kh3sh1dh0ph1_iw56ow56kw3sw1dw0pw1"
    assert (primitive.attributes, primitive.auxiliary) == ("attr-scratchpad:user", "alg:convolution_direct")
    assert primitive.tensors == (
        Tensor("src", "f32", "aBcd16b", chosen=True),
        Tensor("wei", "f32", "ABcd16b16a", chosen=True),
        Tensor("dst", "f32", "aBcd16b", chosen=True),
    )


def test_what_steers_a_terminal_is_no_part_of_a_primitive() -> None:
    line = (
        "v1,primitive,exec,cpu,matmul,brg\x1b[2J\x1b]0;it\x07,undef,src:f32::blocked:ab::f0\u202e,,,8x16:16x4\x9b1m,1"
    )
    entry = parse(line, None)
    assert isinstance(entry, Entry)
    told = (entry.primitive.implementation, entry.primitive.descriptors, entry.primitive.problem)
    assert "".join(told).isprintable()


def test_a_problem_is_no_option_of_benchdnn() -> None:
    line = "v1,primitive,exec,cpu,matmul,ref,undef,src:f32::blocked:ab::f0,,,--batch=secret,1"
    assert parse(line, None) is Line.BAD


def test_a_line_of_mkldnn_has_no_engine_and_no_attributes() -> None:
    told = entry(
        "mkldnn_verbose,exec,convolution,jit_1x1:avx2,forward_training,fsrc:nChw8c fwei:OIhw8i8o fbia:undef "
        "fdst:nChw8c,alg:convolution_direct,mb1_ic8oc8_ih14oh14kh1sh1dh0ph0_iw14ow14kw1sw1dw0pw0,1.45117"
    )
    assert (told.primitive.name, told.primitive.direction, told.time_ms) == ("convolution", "FWD_D", 1.45117)
    assert [(tensor.role, tensor.layout) for tensor in told.primitive.tensors] == [
        ("src", "nChw8c"),
        ("wei", "OIhw8i8o"),
        ("dst", "nChw8c"),
    ]


def test_a_reorder_of_mkldnn_names_its_types() -> None:
    told = entry("mkldnn_verbose,exec,reorder,jit:uni,undef,in:f32_nchw out:bf16_nChw16c,num:1,32x3x224x224,0.5")
    assert told.primitive.is_reorder
    assert told.primitive.tensors == (Tensor("src", "f32", "nchw"), Tensor("dst", "bf16", "nChw16c"))


def test_a_line_of_dnnl_joins_role_and_type() -> None:
    told = entry(
        "dnnl_verbose,create:cache_miss,cpu,convolution,jit:avx512_common,forward_inference,src_f32::blocked:abcd:f0 "
        "wei_f32::blocked:Acdb16a:f0 bia_undef::undef::f0 dst_f32::blocked:aBcd16b:f0,,alg:convolution_direct,"
        "mb1_ic3oc64_ih224oh112kh7sh2dh0ph3_iw224ow112kw7sw2dw0pw3,0.573975"
    )
    assert (told.event, told.primitive.direction) == (Event.CREATION, "FWD_I")
    assert told.primitive.tensors[1] == Tensor("wei", "f32", "Acdb16a")
    assert len(told.primitive.tensors) == 3


@pytest.mark.parametrize(
    "prefix", ["onednn_verbose,1656.5,exec", "onednn_verbose,1795694318653.94,primitive,exec", "onednn_verbose,exec"]
)
def test_version_timestamp_and_component_may_be_absent(prefix: str) -> None:
    told = entry(CONVOLUTION.replace("onednn_verbose,v1,primitive,exec", prefix))
    assert told.primitive == entry(CONVOLUTION).primitive
    assert told.stamped == ("." in prefix)


@pytest.mark.parametrize(
    ("operation", "event"),
    [
        ("create:cache_hit", Event.CACHED),
        ("create:cache_miss", Event.CREATION),
        ("create:persistent_cache", Event.CREATION),
        ("create_nested:cache_miss", Event.CREATION),
        ("create", Event.CREATION),
    ],
)
def test_creation_knows_where_the_primitive_came_from(operation: str, event: Event) -> None:
    assert entry(REORDER.replace("exec", operation)).event is event


def test_a_program_with_a_decimal_comma_writes_its_times_with_it() -> None:
    told = entry(REORDER.replace("0.5", "9,4117"))
    assert (told.time_ms, told.decimal_comma) == (9.4117, True)
    assert told.primitive == entry(REORDER).primitive


def test_a_template_moves_the_fields() -> None:
    template = read(
        "onednn_verbose,v1,primitive,info,template:timestamp,operation,primitive,engine,prop_kind,implementation,"
        "problem_desc,memory_descriptors,auxiliary,exec_time"
    )
    assert isinstance(template, FieldNames)
    told = read(
        "onednn_verbose,v1,1.5,primitive,exec,shuffle,cpu,undef,ref:any,8x8,src:f32::blocked:ab::f0,,0.25", template
    )
    assert isinstance(told, Entry)
    assert (told.primitive.name, told.primitive.problem, told.time_ms) == ("shuffle", "8x8", 0.25)
    assert told.primitive.is_reference


@pytest.mark.parametrize("rest", ["", "lda:300 attr-post-ops:sum:1 ,"])
def test_a_call_of_the_gemm_api_is_an_execution(rest: str) -> None:
    """oneDNN's `dnnl_sgemm` reports itself; without auxiliary parameters, a field is left out."""
    told = entry(
        "onednn_verbose,exec,cpu,gemm_api,,undef,src_f32::blocked:ab:f0 wei_f32::blocked:ab:f0 dst_f32::blocked:ab:f0,"
        f"{rest},2x256:256x256,0.5"
    )
    assert (told.primitive.name, told.primitive.problem, told.time_ms) == ("gemm_api", "2x256:256x256", 0.5)


def test_a_micro_kernel_is_an_execution() -> None:
    told = entry(
        "onednn_verbose,v1,ukernel,exec,cpu,brgemm,,undef,src:bf16::blocked:ab:256x1:f0 wei:bf16::blocked:ab::f0 "
        "dst:f32::blocked:ab::f0,,bs:8 beta:1,32x64:64x64,0.5"
    )
    assert (told.primitive.name, told.primitive.tensors[0].strides) == ("brgemm", "256x1")


@pytest.mark.parametrize("name", ["rnn", "concat", "sum"])
def test_what_is_made_of_other_primitives_is_no_reference_code(name: str) -> None:
    """An LSTM's ``ref`` runs oneDNN's fast matrix products, and was said to have no fast code."""
    assert not entry(REORDER.replace(",reorder,jit:blk,", f",{name},ref:any,")).primitive.is_reference
    assert entry(REORDER.replace(",jit:blk,", ",ref:any,")).primitive.is_reference


def test_a_timestamp_may_have_a_decimal_comma() -> None:
    told = entry(REORDER.replace("v1,", "1656,500000,").replace(",0.5", ",0,5"))
    assert (told.time_ms, told.primitive) == (0.5, entry(REORDER).primitive)


def test_remarks_of_the_library_are_understood() -> None:
    assert read("onednn_verbose,v1,info,oneDNN v3.12.0 (commit 80afa71)") == Version("oneDNN v3.12.0 (commit 80afa71)")
    for remark in (
        "onednn_verbose,v1,graph,exec,cpu,100002,matmul_post_ops,matmul,,in0_f32:0:strided,fpm:strict,larger,dnnl,1.5",
        "onednn_verbose,primitive,exec:check,primitive,unused primitive execution argument (4113),src.cpp:74",
        "onednn_verbose,v1,primitive,create:start,cpu,inner_product,brg_matmul:avx2,forward_training,src:f32,,,mb2ic1oc1",
        "onednn_verbose,v1,info,experimental features are enabled",
        "onednn_verbose,v1,cpu,acl,unsupported: only channels-last",
        "onednn_verbose,cpu,error,acl,no kernel",
        "dnnl_verbose,jit_perf,error,no dump",
        "dnnl_verbose,gpu,ocl_error,-5",
        "onednn_verbose,v1,primitive,exec:external,CpuGemmAssemblyWrapperKernel/a_kernel,0.25",
    ):
        assert read(remark) is Line.REMARK


@pytest.mark.parametrize(
    "line",
    [
        "onednn_verbose,",
        "onednn_verbose,v1,primitive,exec,cpu,convolution",
        CONVOLUTION.replace("7.25", ""),
        CONVOLUTION.replace("7.25", "-1"),
        CONVOLUTION.replace("7.25", "nan"),
        CONVOLUTION.replace("7.25", "inf"),
        CONVOLUTION.replace("7.25", "7.2.5"),
        CONVOLUTION.replace("backward_weights", "backwards"),
        CONVOLUTION.replace(",attr-scratchpad:user", ""),
        CONVOLUTION.replace("exec", "execute"),
        CONVOLUTION.replace(",convolution,", ",,"),
        REORDER.replace("32x64x56x56", ""),
    ],
)
def test_a_garbled_line_is_bad(line: str) -> None:
    assert read(line) is Line.BAD
