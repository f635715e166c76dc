"""The log level of torch's C++ code. Found as an extra line on a program's stderr, in one of a few hundred runs."""

from __future__ import annotations

import ctypes
import os

import torch

from profilednn_tui.agent.isolation.c10_log import ERROR, ErrorsOnly


def level() -> int:
    library = ctypes.CDLL(os.path.join(os.path.dirname(torch.__file__), "lib", "libc10.so"))
    return ctypes.c_int.in_dll(library, "FLAGS_caffe2_log_level").value


def test_warnings_are_off_for_a_moment() -> None:
    before = level()
    quiet = ErrorsOnly(torch)
    for _ in range(2):
        with quiet:
            assert level() == ERROR
        assert level() == before < ERROR


def test_a_failure_meanwhile_leaves_them_as_they_were() -> None:
    before = level()
    try:
        with ErrorsOnly(torch):
            raise OSError
    except OSError:
        assert level() == before
