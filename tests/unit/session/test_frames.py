"""Which code a frame belongs to."""

from __future__ import annotations

import pytest

from profilednn_tui.session.frames import call_site, is_library, is_users, relative_file, short_file
from profilednn_tui.session.view import Frame

PACKAGES = "/venv/lib/python3.11/site-packages"


@pytest.mark.parametrize(
    ("file", "users"),
    [
        ("/home/me/project/net.py", True),
        ("net.py", True),
        ("/home/me/venv/lib/python3.11/site-packages/lightning/trainer.py", False),
        ("/usr/lib/python3/dist-packages/yaml/__init__.py", False),
        ("/usr/lib/python3.11/threading.py", False),
        ("/home/me/pytorch/torch/nn/modules/conv.py", False),
        ("/venv/lib/python3.11/site-packages/profilednn_tui/examples/train.py", True),
        ("/venv/lib/python3.11/site-packages/torch/train.py", False),
        ("<frozen runpy>", False),
    ],
)
def test_only_the_users_own_sources_travel(file: str, users: bool) -> None:
    assert is_users(file, script="examples/train.py") is users


@pytest.mark.parametrize(
    ("file", "library"),
    [
        (f"{PACKAGES}/torch/nn/modules/module.py", True),
        ("/home/me/pytorch/torch/nn/modules/conv.py", True),
        ("/usr/lib/python3.11/threading.py", True),
        ("/opt/lib/python3.13t/threading.py", True),
        ("<frozen runpy>", True),
        (f"{PACKAGES}/torchvision/models/resnet.py", False),
        ("/home/me/project/net.py", False),
    ],
)
def test_torch_and_python_themselves_are_libraries(file: str, library: bool) -> None:
    assert is_library(file) is library


def test_the_call_site_is_the_innermost_frame_outside_torch() -> None:
    frames = [
        Frame("/home/me/train.py", 40, "<module>"),
        Frame(f"{PACKAGES}/torchvision/models/resnet.py", 275, "_forward_impl"),
        Frame(f"{PACKAGES}/torch/nn/modules/module.py", 1783, "_wrapped_call_impl"),
        Frame("/usr/lib/python3.11/contextlib.py", 81, "inner"),
    ]
    assert call_site(frames) == frames[1]
    assert call_site(frames[2:]) == frames[3]
    assert call_site(()) is None


def test_files_are_shown_from_the_project_or_from_their_package() -> None:
    assert short_file("/home/me/project/nets/a.py", "/home/me/project") == "nets/a.py"
    assert short_file("/home/me/project/venv/lib/python3.11/site-packages/x/y.py", "/home/me/project") == "x/y.py"
    assert short_file(f"{PACKAGES}/torchvision/ops/boxes.py", "/") == "torchvision/ops/boxes.py"
    assert relative_file("/home/me/projects/a.py", "/home/me/project") == "/home/me/projects/a.py"
