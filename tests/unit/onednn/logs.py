"""Verbose logs for tests: recorded ones, and lines to build others from."""

from __future__ import annotations

import gzip
from pathlib import Path

from profilednn_tui.onednn.reader import LogReader
from profilednn_tui.onednn.records import PrimitiveLog

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "onednn"
RECORDED = sorted(FOLDER.glob("*.log.gz"))
"""Two steps of each of four models with torch 2.8, 2.13 and 2.14, from `tests/targets/primitives.py`."""

CONVOLUTION = (
    "onednn_verbose,v1,primitive,exec,cpu,convolution,jit:avx512_core,backward_weights,"
    "src:f32:a:blocked:aBcd16b::f0 wei:f32:a:blocked:ABcd16b16a::f0 bia:undef::undef::: dst:f32:a:blocked:aBcd16b::f0,"
    "attr-scratchpad:user,alg:convolution_direct,mb32_ic64oc64_ih56oh56kh3sh1dh0ph1_iw56ow56kw3sw1dw0pw1,7.25"
)
REORDER = (
    "onednn_verbose,v1,primitive,exec,cpu,reorder,jit:blk,undef,src:f32::blocked:aBcd16b::f0 dst:f32::blocked:abcd::f0,"
    "attr-scratchpad:user,,32x64x56x56,0.5"
)


def recorded(name: str) -> bytes:
    """The text of a recorded log, ``resnet18-torch-2.14``."""
    return gzip.decompress((FOLDER / f"{name}.log.gz").read_bytes())


def lines(*texts: str) -> bytes:
    """A log with these lines."""
    return "".join(f"{text}\n" for text in texts).encode()


def log_of(text: bytes) -> PrimitiveLog:
    """A log after reading."""
    reader = LogReader()
    reader.feed(text)
    return reader.log()
