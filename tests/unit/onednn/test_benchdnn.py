"""benchdnn's arguments for primitives of all kinds and versions.

The right values are what oneDNN's own scripts/verbose_converter prints for these lines (of 900 compared ones), or for
older lines what today's benchdnn takes in their place.
"""

from __future__ import annotations

import pytest

from profilednn_tui.onednn.templates import command_lines, templates
from tests.unit.onednn.logs import lines, log_of

CONV = "mb4_ic64oc64_ih16oh16kh3sh1dh0ph1_iw16ow16kw3sw1dw0pw1"
STATES = "src_layer:{0}::blocked:abc::f0 src_iter:{0}::blocked:abcd:{1}:f0 wei_layer:{0}:a:blocked:abdec::f0"


def arguments(line: str) -> str:
    """Between the program's own options and the end."""
    command = templates(log_of(lines(line)))[0].command.replace("'", "")
    return " ".join(word for word in command.split()[1:] if word not in ("--mode=P", "--allow-enum-tags-only=0"))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (  # biases of all versions, from the cases on which `--to benchdnn` wrote another problem
            "v1,primitive,exec,cpu,inner_product,brgemm:avx512_core_vnni,forward_inference,src:u8::blocked:ab::f0 "
            "wei:s8:a:blocked:AB4b64a4b::f0 bia:s8::blocked:a::f0 dst:u8:a:blocked:ab::f0,,,mb32ic64oc256",
            "--ip --engine=cpu --dir=FWD_I --dt=u8:s8:u8 --bia-dt=s8 --stag=ab --wtag=any --dtag=any mb32ic64oc256",
        ),
        (
            "exec,cpu,matmul,gemm:jit:f32,undef,src_f32::blocked:abc::f0 wei_f32::blocked:abc::f0 "
            "bia_f32::blocked:abc::f0_mask4 dst_f32::blocked:abc::f0,,,1x128x128:1x128x64",
            "--matmul --engine=cpu --runtime_dims_masks= --bia_mask=4 --dt=f32:f32:f32 --bia-dt=f32 --stag=abc "
            "--wtag=abc --dtag=abc --strides=:: 1x128x128:1x128x64",
        ),
        (
            "v1,primitive,exec,cpu,convolution,brg_conv_fwd:avx512_core_bf16,forward_training,"
            "src:bf16::blocked:acdb::f0 wei:bf16:a:blocked:AcdB16a2b::f0 bia:bf16::blocked:a::f0 "
            f"dst:bf16::blocked:acdb::f0,,alg:convolution_direct,{CONV}",
            "--conv --engine=cpu --dir=FWD_D --alg=direct --dt=bf16:bf16:bf16 --bia-dt=bf16 --stag=acdb --wtag=any "
            f"--dtag=acdb {CONV}",
        ),
        (
            "v1,primitive,exec,cpu,convolution,jit:avx2,backward_data,src:f32:a:blocked:aBcd8b::f0 "
            "wei:f32:a:blocked:ABcd8b8a::f0 bia:undef::undef::: dst:f32::blocked:abcd::f0,"
            f"attr-scratchpad:user,alg:convolution_direct,{CONV}",
            "--conv --engine=cpu --dir=BWD_D --alg=direct --dt=f32:f32:f32 --bia-dt=undef --stag=any --wtag=any "
            f"--dtag=abcd --attr-scratchpad=user {CONV}",
        ),
        (  # the result of a fused depthwise convolution is another tensor
            "v1,primitive,exec,cpu,convolution,jit_1x1,forward_inference,src:f32::blocked:acdb::f0 "
            "wei:f32:a:blocked:abcd::f0 bia:undef::undef::: src_fused:u8:a:blocked:acdb::f0 "
            "wei_fused:s8::blocked:abcd::f0 dst:f32::blocked:acdb::f0,"
            f"attr-post-ops:dw:k3s1p1:u8,alg:convolution_auto,{CONV}",
            "--conv --engine=cpu --dir=FWD_I --alg=auto --dt=f32:f32:u8 --bia-dt=undef --stag=acdb --wtag=any "
            f"--dtag=any --attr-post-ops=dw:k3s1p1:u8 {CONV}",
        ),
        (  # strides, and weights with compensation
            "v1,primitive,exec,cpu,matmul,brg_matmul:avx512_core_bf16,undef,src:bf16::blocked:ab:256x1:f0 "
            "wei:bf16::blocked:ab::f0 dst:bf16::blocked:ab::f0,,,64x128:128x64",
            "--matmul --engine=cpu --runtime_dims_masks= --dt=bf16:bf16:bf16 --wtag=ab --dtag=ab --strides=256x1:: "
            "64x128:128x64",
        ),
        (
            "v1,primitive,exec,cpu,matmul,jit:any,undef,src:u8::blocked:*::f0 wei:s8::blocked:BA16a64b4a::f1:s8m2 "
            "bia:f32::blocked:ab::f0_mask2 dst:s32::blocked:*::f0,,runtime_dims_masks:1:0,*x8:8x16",
            "--matmul --engine=cpu --runtime_dims_masks=1:0 --bia_mask=2 --dt=u8:s8:s32 --bia-dt=f32 --stag=* "
            "--wtag=any --dtag=* --strides=:: *x8:8x16",
        ),
        (
            "v1,primitive,exec,cpu,matmul,ref_grouped:any,undef,src:bf16::sparse:grouped:0:4::f0 "
            "wei:bf16::blocked:abc::f0 dst:bf16::sparse:grouped:0:4::f0,,,66x32:4x32x16",
            "--matmul --engine=cpu --runtime_dims_masks= --dt=bf16:bf16:bf16 --wtag=abc --strides= "
            "--grouped=0:4:17+17+16+16 66x32:4x32x16",
        ),
        (
            "v1,primitive,exec,cpu,reorder,jit:uni,undef,src:f32::blocked:ab:300x1:f0 dst:bf16::blocked:ab::f0,"
            "attr-scratchpad:user,,64x200",
            "--reorder --engine=cpu --sdt=f32 --ddt=bf16 --dtag=ab --strides=300x1: --attr-scratchpad=user 64x200",
        ),
        (
            "v1,primitive,exec,cpu,reorder,jit:uni,undef,src:f32::blocked:abcd::f0 "
            "dst:s8::blocked:ABcd4b16a4b::f3:s8m3:zpm3:sa0.5,attr-scales:src0:0:f32,,64x3x3x3",
            "--reorder --engine=cpu --sdt=f32 --ddt=s8 --stag=abcd --dtag=ABcd4b16a4b --strides=: "
            "--oflag=s8s8_comp:3+zp_comp:3 --attr-scales=src0:0:0.5 64x3x3x3",
        ),
        (  # the converter writes --engine=cpu2gpu, which benchdnn does not take
            "v1,primitive,exec,cpu2gpu,reorder,ocl,undef,src:f32::blocked:ab::f0 dst:f32::blocked:ab::f0,,,2x64",
            "--reorder --engine=gpu --cross-engine=cpu2gpu --sdt=f32 --ddt=f32 --stag=ab --dtag=ab --strides=: 2x64",
        ),
        (
            "v1,primitive,exec,cpu,prelu,ref:any,forward_training,data:f32::blocked:abcd::f0 "
            "wei:f32:a:blocked:abcd::f0,,,4x3x32x32:1x1x1x1",
            "--prelu --engine=cpu --dir=FWD_D --sdt=f32:f32 --stag=abcd:any 4x3x32x32:1x1x1x1",
        ),
        (
            "v1,primitive,exec,cpu,resampling,jit:avx2,forward_inference,src:f32::blocked:abcd::f0 "
            "dst:f32::blocked:abcd::f0,,alg:resampling_linear,mb1ic1_ih56oh224_iw96ow384",
            "--resampling --engine=cpu --dir=FWD_I --alg=linear --sdt=f32 --ddt=f32 --tag=abcd "
            "mb1ic1_ih56oh224_iw96ow384",
        ),
        (
            "v1,primitive,exec,gpu,sdpa,ocl:micro,forward_inference,query:bf16::blocked:abcd::f0 "
            "key:s8::blocked:abdc::f0 val:bf16::blocked:abcd::f0 msk:f32::blocked:abcd::f0 "
            "dst:bf16:a:blocked:abcd::f0,,alg:softmax_accurate msk:buffer_2d scl:div:f32:host,"
            "1x16x384x64:1x16x64x384:1x16x384x64",
            "--sdpa --engine=gpu --dir=FWD_I --mask=buffer_2d --scale=div --dt=bf16:s8:bf16:bf16 --mdt=f32 "
            "--qtag=abcd --ktag=abdc --vtag=abcd --dtag=any 1x16x384x64:1x16x64x384:1x16x384x64",
        ),
        (
            "v1,primitive,exec,cpu,binary,jit:uni,undef,src:f32::blocked:abcd::f0 src:bf16:a:blocked:abcd::f0 "
            "src:s8::blocked:abcd::f0 dst:f32:a:blocked:abcd::f0,,alg:binary_select,2x8x4x4:1x8x1x1:2x8x4x4",
            "--binary --engine=cpu --alg=select --sdt=f32:bf16 --ddt=f32 --stag=abcd:any --dtag=any 2x8x4x4:1x8x1x1",
        ),
        (
            "v1,primitive,exec,cpu,concat,simple:any,undef,src:bf16::blocked:acdb::f0 src:bf16::blocked:acdb::f0 "
            "dst:bf16:a:blocked:acdb::f0,,axis:1,2x8x4x4:2x8x4x4",
            "--concat --engine=cpu --axis=1 --sdt=bf16 --ddt=bf16 --stag=acdb:acdb --dtag=any 2x8x4x4:2x8x4x4",
        ),
        (
            "v1,primitive,exec,cpu,sum,jit:avx2,undef,src:f32::blocked:ab::f0 src:bf16::blocked:ab::f0 "
            "dst:f32:a:blocked:ab::f0,,,2x8",
            "--sum --engine=cpu --sdt=f32:bf16 --ddt=f32 --stag=ab:ab --dtag=any 2x8",
        ),
        (
            "v1,primitive,exec,cpu,reduction,jit:avx2,undef,src:bf16::blocked:ab::f0 dst:f32:a:blocked:ab::f0,,"
            "alg:reduction_norm_lp_sum p:2 eps:0,2x8:2x1",
            "--reduction --engine=cpu --alg=norm_lp_sum --p=2 --eps=0 --sdt=bf16 --ddt=f32 --stag=ab --dtag=any "
            "2x8:2x1",
        ),
        (
            "v1,primitive,exec,cpu,layer_normalization,simple:any,backward,src:f32::blocked:abc::f0 "
            "dst:f32:a:blocked:abc::f0 stats:f32::blocked:ab::f0 shift:bf16::blocked:a::f0 "
            "diff_src:f32::blocked:abc::f0,,flags:CH,2x8x64",
            "--lnorm --engine=cpu --dir=BWD_DW --flags=CH --dt=f32:f32 --ss_dt=bf16 --tag=abc:any --stat_tag=ab 2x8x64",
        ),
        (
            "v1,primitive,exec,cpu,group_normalization,ncsp:any,forward_training,src:f32::blocked:abcd::f0 "
            "dst:bf16:a:blocked:acdb::f0,,flags:,g8mb2ic64ih8iw8",
            "--gnorm --engine=cpu --dir=FWD_D --flags= --dt=f32:bf16 --tag=abcd:any g8mb2ic64ih8iw8",
        ),
        (
            "v1,primitive,exec,cpu,pooling,jit:avx2,forward_training,src:f32::blocked:acdb::f0 "
            "dst:f32:a:blocked:acdb::f0 ws:u8::blocked:acdb::f0,,alg:pooling_max,mb2ic64_iw8ow4kw2sw2dw0pw0",
            "--pool --engine=cpu --dir=FWD_D --alg=pooling_max --dt=f32:f32 --tag=acdb mb2ic64_iw8ow4kw2sw2dw0pw0",
        ),
        (
            "v1,primitive,exec,cpu,lrn,jit:avx2,forward_inference,data:f32::blocked:abcd::f0,,"
            "alg:lrn_within_channel,mb2ic64ih8iw8ls5beta0.75",
            "--lrn --engine=cpu --dir=FWD_I --alg=WITHIN --dt=f32 --tag=abcd mb2ic64ih8iw8ls5beta0.75",
        ),
        (
            "v1,primitive,exec,cpu,shuffle,ref:any,backward_data,data:f32::blocked:aBcd16b::f0,,axis:1 group:4,"
            "2x64x8x8",
            "--shuffle --engine=cpu --dir=BWD_D --axis=1 --group=4 --dt=f32 --tag=aBcd16b 2x64x8x8",
        ),
        (
            "v1,primitive,exec,gpu,zero_pad,ocl,undef,data:f32::blocked:aBcd16b::f0,,,2x3x8x8",
            "--zeropad --engine=gpu --dt=f32 --tag=aBcd16b 2x3x8x8",
        ),
        (
            "v1,ukernel,exec,cpu,brgemm,,undef,src:bf16::blocked:ab:256x1:f0 wei:bf16::blocked:BA16a64b2a::f0 "
            "dst:f32::blocked:ab:256x1:f0,attr-post-ops:eltwise_relu,bs:8 beta:1,32x64:64x64",
            "--brgemm --engine=cpu --bs=8 --beta=1 --dt=bf16:bf16:f32 --wtag=BA16a64b2a --strides=:: --ld=256::256 "
            "--attr-post-ops=eltwise_relu 32x64:64x64",
        ),
        (  # recurrent: the types of all states, the tags of gradients, strides
            f"v1,primitive,exec,cpu,rnn,brgemm,backward,{STATES.format('bf16', '1x1x256x1')} "
            "bias:f32::blocked:abcd::f0 wei_proj:bf16::blocked:abcd::f0 dst_layer:bf16::blocked:abc::f0 "
            "diff_src_layer:bf16:a:blocked:abc::f0 diff_wei_layer:bf16::blocked:abdec::f0 "
            "diff_dst_layer:bf16::blocked:abc::f0,,alg:vanilla_lstm direction:bidirectional_concat activation:undef "
            "flags:O,l1t12mb4sic32slc24dhc32dic32",
            "--rnn --engine=cpu --prop=BWD_DW --alg=VANILLA_LSTM --direction=concat --flags=O --cfg=bf16f32 "
            "--tag=any:abdec:abc --with-projection=true --trivial-strides=false l1t12mb4sic32slc24dhc32dic32",
        ),
        (
            f"v1,primitive,exec,cpu,rnn,ref:any,forward_inference,{STATES.format('u8', '')} "
            "bias:f32::blocked:abcd::f0 dst_layer:u8::blocked:abc::f0 dst_iter:u8::blocked:abcd::f0,,alg:vanilla_rnn "
            "direction:unidirectional_right2left activation:eltwise_tanh flags:,l1t12mb4sic32slc24dhc32dic32",
            "--rnn --engine=cpu --prop=FWD_I --alg=VANILLA_RNN --direction=right2left --activation=TANH --flags= "
            "--cfg=u8u8u8u8 --tag=abc:any:abc --trivial-strides=true l1t12mb4sic32slc24dhc32dic32",
        ),
    ],
    ids=lambda text: " ".join(text.split(",")[3:6]) if "," in text else "",
)
def test_the_arguments_are_those_of_onednns_converter(line: str, expected: str) -> None:
    assert arguments(f"onednn_verbose,{line},0.25") == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "dnnl_verbose,exec,cpu,softmax,jit:avx2,forward_training,data_f32::blocked:ab:f0 diff_undef::undef::f0,,"
            "axis:1,8x1000",
            "--softmax --engine=cpu --dir=FWD_D --alg=softmax_accurate --axis=1 --sdt=f32 --ddt=f32 --stag=ab "
            "--dtag=ab 8x1000",
        ),
        (
            "dnnl_verbose,exec,cpu,logsoftmax,jit:avx2,forward_training,data_f32::blocked:ab:f0,,axis:1,8x1000",
            "--softmax --engine=cpu --dir=FWD_D --alg=softmax_log --axis=1 --sdt=f32 --ddt=f32 --stag=ab --dtag=ab "
            "8x1000",
        ),
        (
            "dnnl_verbose,exec,cpu,batch_normalization,jit:avx2,backward,data_f32::blocked:aBcd8b:f0 "
            "diff_f32::blocked:aBcd8b:f0,,flags:GSR,mb2ic64ih8iw8",
            "--bnorm --engine=cpu --dir=BWD_DW --flags=GCHR --dt=f32 --tag=aBcd8b mb2ic64ih8iw8",
        ),
        (
            "dnnl_verbose,exec,cpu,layer_normalization,simple:any,forward_training,data_f32::blocked:abc:f0 "
            "stats_f32::blocked:ab:f0 diff_undef::undef::f0,,flags:S,2x8x64",
            "--lnorm --engine=cpu --dir=FWD_D --flags=CH --dt=f32 --tag=abc --stat_tag=ab 2x8x64",
        ),
        (
            "dnnl_verbose,exec,cpu,matmul,gemm:jit,undef,src_f32::blocked:abc:f0 wei_f32::blocked:abc:f0 "
            "bia_f32::blocked:abc:f0_mask4 dst_f32::blocked:abc:f0,,,b2m128n64k32",
            "--matmul --engine=cpu --runtime_dims_masks= --bia_mask=4 --dt=f32:f32:f32 --bia-dt=f32 --stag=abc "
            "--wtag=abc --dtag=abc --strides=:: 2x128x32:2x32x64",
        ),
        (
            "mkldnn_verbose,exec,convolution,jit:avx2,forward_training,fsrc:nChw8c fwei:OIhw8i8o fbia:x fdst:nChw8c,"
            f"alg:convolution_direct,{CONV}",
            "--conv --engine=cpu --dir=FWD_D --alg=direct --dt=f32:f32:f32 --bia-dt=f32 --stag=nChw8c --wtag=OIhw8i8o "
            f"--dtag=nChw8c {CONV}",
        ),
        (
            "mkldnn_verbose,exec,batch_normalization,jit:avx2,forward_inference,fdata:nChw8c fdiff:undef,flags:3,"
            "mb1ic64ih14iw14",
            "--bnorm --engine=cpu --dir=FWD_I --flags=GCH --dt=f32 --tag=nChw8c mb1ic64ih14iw14",
        ),
        (
            "mkldnn_verbose,exec,eltwise,jit:avx2,forward_training,fdata:nChw8c fdiff:undef,alg:eltwise_relu,"
            "mb1ic64ih14iw14",
            "--eltwise --engine=cpu --dir=FWD_D --alg=eltwise_relu --dt=f32 --tag=nChw8c 1x64x14x14",
        ),
    ],
    ids=lambda text: " ".join(text.split(",")[0:4]) if "," in text else "",
)
def test_words_of_old_versions_become_those_of_today(line: str, expected: str) -> None:
    assert arguments(f"{line},0.25") == expected


def test_what_benchdnn_does_not_run_or_take_is_said() -> None:
    gemm = (
        "onednn_verbose,v1,primitive,exec,cpu,gemm_api,,undef,src_f32::blocked:ab:f0 wei_f32::blocked:ab:f0 "
        "dst_f32::blocked:ab:f0,,,2x256:256x256,0.5"
    )
    scaled = (
        "onednn_verbose,exec,cpu,eltwise,jit,forward_inference,data_f32::blocked:ab:f0,attr-oscale:2:*,"
        "alg:eltwise_relu alpha:0 beta:0,2x8,0.25"
    )
    said = command_lines(log_of(lines(gemm, scaled)))
    assert said[:2] == ("# 1 calls, 0.5 ms", "# benchdnn does not run gemm_api 2x256:256x256")
    assert said[2:4] == ("# 1 calls, 0.25 ms", "# benchdnn has no option for attr-oscale:2:*")
    assert said[4].startswith("benchdnn --eltwise ")


def test_a_log_of_creations_has_its_problems_too() -> None:
    created = (
        "onednn_verbose,v1,primitive,create:cache_miss,cpu,zero_pad,ocl,undef,data:f32::blocked:aBcd16b::f0,,,2x3x8x8,1"
    )
    assert len(command_lines(log_of(lines(created)))) == 2
