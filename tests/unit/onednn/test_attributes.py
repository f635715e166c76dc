"""Attributes of all versions as benchdnn's options. The right values are what oneDNN's verbose_converter prints."""

from __future__ import annotations

import pytest

from profilednn_tui.onednn.attributes import attribute_options


@pytest.mark.parametrize(
    ("attributes", "options"),
    [
        ("", ""),
        ("attr-scratchpad:user attr-fpmath:f16:true", "--attr-scratchpad=user --attr-fpmath=f16:true"),
        ("attr-post-ops:sum:0.5+eltwise_relu:0.1", "--attr-post-ops=sum:0.5+eltwise_relu:0.1"),
        ("attr-post-ops:eltwise_clip:0:6", "--attr-post-ops=eltwise_clip:0.0:6.0"),
        ("attr-post-ops:eltwise_linear:2:1:0.5", "--attr-post-ops=eltwise_linear:2.0:1.0:0.5"),
        ("attr-post-ops:sum:1:0:s8", "--attr-post-ops=sum:1.0:0:s8"),
        ("attr-post-ops:sum:1e+06", "--attr-post-ops=sum:1000000.0"),
        ("attr-post-ops:prelu:0+prelu:2", "--attr-post-ops=prelu+prelu:2"),
        ("attr-post-ops:dw:k3s1p1", "--attr-post-ops=dw:k3s1p1:f32"),
        ("attr-post-ops:dw:k3s2p1:bf16", "--attr-post-ops=dw:k3s2p1:bf16"),
        ("attr-post-ops:binary_add:f32:4:any", "--attr-post-ops=binary_add:f32:4"),
        ("attr-post-ops:binary_add:bf16:8:ab:128x1", "--attr-post-ops=binary_add:bf16:8:ab:128x1"),
        ("attr-post-ops:binary_select:f32:3:ab", "--attr-post-ops=binary_select:f32.3.ab:0"),
        ("attr-scales:src0:0:f32+wei:1:f32", "--attr-scales=src0:0:0.5+wei:1"),
        ("attr-scales:src0:0:0.25*+wei:2:*", "--attr-scales=src0:0:0.5+wei:2"),
        ("attr-scales:src0:0:f32:host_scalar", "--attr-scales=src0:host_scalar:0.5"),
        ("attr-scales:src0:3:e8m0:1x32:dynamic_mx", "--attr-scales=src0:mx:e8m0:1x32"),
        (
            "attr-scales:wei:3:f16:32x1 attr-zero-points:wei:3:u8:32x1",
            "--attr-scales=wei:3:f16:32x1 --attr-zero-points=wei:3:u8:32x1",
        ),
        ("attr-zero-points:src0:0:s32+dst:2:s32", "--attr-zero-points=src0:0:1+dst:2"),
        ("attr-precomputed-reductions:src0:3:s32:1x32", "--attr-precomputed-reductions=src0:3:s32:1x32"),
        ("attr-dropout", "--attr-dropout=0.5:12345"),
        ("attr-dropout:any:s64:1:0", "--attr-dropout=0.5:12345:any:987654321"),
        ("attr-rounding-mode:dst:stochastic", "--attr-rounding-mode=dst:stochastic"),
        ("attr-deterministic:1 attr-acc-mode:relaxed", "--attr-acc-mode=relaxed --attr-deterministic=1"),
        # oneDNN 1.x to 2.2, which the converter of today leaves out
        (
            "scratchpad_mode:user;post_ops:'sum:0.5;eltwise_relu:0.1;dw_k3s1p1:s8:0:2;';",
            "--attr-post-ops=sum:0.5+eltwise_relu:0.1+dw:k3s1p1:s8 --attr-scratchpad=user",
        ),
        ("zero_points:'src:0:1_dst:0:*';", "--attr-zero-points=src:0:1+dst:0:1"),
    ],
)
def test_attributes_are_benchdnns_options(attributes: str, options: str) -> None:
    found = attribute_options(attributes)
    assert " ".join(found.options) == options
    assert found.lost == ()


def test_what_benchdnn_cannot_be_told_is_named() -> None:
    found = attribute_options("oscale:2;rnn_data_qparams:63:127;post_ops:'sum;';")
    assert found.options == ("--attr-post-ops=sum",)
    assert found.lost == ("oscale:2", "rnn_data_qparams:63:127")
    assert attribute_options("attr-oscale:2:0.5*").lost == ("attr-oscale:2:0.5*",)


def test_an_unknown_post_operation_is_passed_on() -> None:
    assert attribute_options("attr-post-ops:$(id>stolen)").options == ("--attr-post-ops=$(id>stolen)",)
