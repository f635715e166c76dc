"""A window's summary compared with torch's own tables of the same window."""

from __future__ import annotations

import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch
from torch import nn

from profilednn_tui.agent.isolation.guard import Guard
from profilednn_tui.agent.windows import trace as trace_module
from profilednn_tui.agent.windows.summary import Summary, summarize
from profilednn_tui.agent.windows.torch_profiler import EventTree, TorchProfiler
from profilednn_tui.protocol.events import WindowEvent
from profilednn_tui.session.model.trace import read_trace

Figures = dict[Any, list[float]]


class Residual(nn.Module):  # type: ignore[misc]
    """A block like those of a ResNet."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.relu(self.bn1(self.conv1(x)) + x)


def resnet() -> tuple[nn.Module, Callable[[nn.Module], torch.Tensor]]:
    images, labels = torch.randn(2, 3, 32, 32), torch.tensor([1, 2])
    layers = OrderedDict(
        conv1=nn.Conv2d(3, 8, 7, 2, bias=False),
        layer1=nn.Sequential(Residual(), Residual()),
        maxpool=nn.MaxPool2d(3, 2),
        layer2=nn.Sequential(Residual()),
        flatten=nn.Flatten(),
        fc=nn.Linear(8 * 6 * 6, 10),
    )
    return nn.Sequential(layers), lambda net: nn.functional.cross_entropy(net(images), labels)


def lstm() -> tuple[nn.Module, Callable[[nn.Module], torch.Tensor]]:
    words = torch.randn(2, 5, 8)
    return nn.LSTM(8, 16, 2, batch_first=True), lambda net: net(words)[0].pow(2).mean()


def transformer() -> tuple[nn.Module, Callable[[nn.Module], torch.Tensor]]:
    words = torch.randn(2, 5, 16)
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    return nn.TransformerEncoder(layer, 2), lambda net: (net(words) * 2 + 1).pow(2).mean()


class Doubled(torch.autograd.Function):  # type: ignore[misc]
    """An operator written in Python, with operators and an annotation inside."""

    @staticmethod
    def forward(context: Any, x: torch.Tensor) -> torch.Tensor:
        with torch.profiler.record_function("mine"):
            return x * 2 + 0

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> torch.Tensor:
        return gradients[0] * 2


def written_in_python() -> tuple[nn.Module, Callable[[nn.Module], torch.Tensor]]:
    rows = torch.randn(2, 4)
    return nn.Linear(4, 4), lambda net: Doubled.apply(net(rows)).sum()


class Capture:
    """One profiled step of a model: the raw tree, our summary, and torch's own events."""

    def __init__(self, make: Callable[[], Any], stacks: bool) -> None:
        torch.manual_seed(0)
        net, loss_of = make()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        self.net = net
        profiler = TorchProfiler(torch, Guard(lambda event: None))
        try:
            for profiled in (False, True):
                if profiled:
                    profiler.start(stacks)
                optimizer.zero_grad()
                loss_of(net).backward()
                optimizer.step()
            profile = profiler._profile
            tree = profiler.stop()
        finally:
            profiler.remove()
        assert isinstance(tree, EventTree)
        paths = {id(module): path for path, module in net.named_modules()}
        self.summary: Summary = summarize(tree, profiler.types, paths)
        profile.kineto_results = tree._kineto_results
        profile._needs_processing = True
        self.profile = profile

    def ours(self, by_shape: bool) -> Figures:
        texts, figures = self.summary.strings, new_figures()
        for row in self.summary.rows:
            name, shapes = (texts[index] for index in self.summary.operators[row[0]][:2])
            add(figures, (name, shapes) if by_shape else name, row[4], row[5] / 1000, row[6] / 1000)
        return figures

    def theirs(self, by_shape: bool) -> Figures:
        figures = new_figures()
        for event in self.profile.key_averages(group_by_input_shape=by_shape):
            if not getattr(event, "is_python_function", False):
                key = (event.key, str(event.input_shapes) if event.input_shapes else "") if by_shape else event.key
                add(figures, key, event.count, event.self_cpu_time_total, event.cpu_time_total)
        return figures


@cache
def captured(make: Callable[[], Any], stacks: bool) -> Capture:
    """A step of one of the models, taken once."""
    return Capture(make, stacks)


def new_figures() -> Figures:
    return defaultdict(lambda: [0, 0.0, 0.0])


def add(figures: Figures, key: Any, calls: int, self_us: float, total_us: float) -> None:
    for index, value in enumerate((calls, self_us, total_us)):
        figures[key][index] += value


MODELS = [resnet, lstm, transformer, written_in_python]


@pytest.mark.parametrize("stacks", [True, False])
@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize("by_shape", [False, True])
def test_times_and_calls_equal_key_averages(make: Callable[[], Any], stacks: bool, by_shape: bool) -> None:
    capture = captured(make, stacks)
    ours, theirs = capture.ours(by_shape), capture.theirs(by_shape)

    # Versions up to 2.13 list Python frames among the operators.
    missing = [str(key[0] if by_shape else key) for key in theirs if key not in ours]
    assert not [name for name in missing if "(" not in name[1:] and not name.startswith(("<built-in", "nn.Module"))]
    assert set(ours) <= set(theirs)
    for key, (calls, self_us, total_us) in ours.items():
        assert calls == theirs[key][0], key
        # torch stores microseconds as floats, so the last digit of the nanoseconds is rounded.
        assert self_us == pytest.approx(theirs[key][1], abs=0.01), key
        assert total_us == pytest.approx(theirs[key][2], abs=0.01), key


def stack_of(summary: Summary, node: int) -> list[str]:
    lines = []
    while node >= 0:
        node, frame = summary.nodes[node]
        file, line, function = summary.frames[frame]
        lines.append(f"{summary.strings[file].rsplit('/', 1)[-1]}:{line} {summary.strings[function]}")
    return lines


def test_an_operator_knows_the_line_that_called_it() -> None:
    summary = captured(lstm, True).summary
    row = next(row for row in summary.rows if summary.strings[summary.operators[row[0]][0]] == "aten::lstm")

    assert any(line.startswith("rnn.py:") for line in stack_of(summary, row[1]))
    assert any("<lambda>" in line for line in stack_of(summary, row[1]))


def test_a_backward_operator_knows_the_forward_line() -> None:
    summary = captured(resnet, True).summary
    names = [summary.strings[operator[0]] for operator in summary.operators]
    rows = [row for row in summary.rows if names[row[0]] == "aten::convolution_backward"]

    assert rows
    for row in rows:
        assert row[7] == 1
        assert any("conv.py" in line and "_conv_forward" in line for line in stack_of(summary, row[2]))
        assert "conv" in summary.strings[summary.modules[row[3]][0]]


def test_no_frame_of_ours_is_in_a_stack() -> None:
    summary = captured(transformer, True).summary

    assert not [text for text in summary.strings if "profilednn_tui/agent" in text]


def test_modules_have_their_paths_and_both_times() -> None:
    capture = captured(resnet, True)
    summary = capture.summary
    by_path = {summary.strings[row[0]]: row for row in summary.modules}

    assert {"conv1", "layer1.0.conv1", "layer2.0.bn1", "fc"} <= set(by_path)
    for path in ("conv1", "layer1.0.conv1", "fc"):
        assert by_path[path][3] > 0, "forward"
        assert by_path[path][4] > 0, "backward"
    parent = by_path["layer1.0.conv1"][5]
    assert summary.strings[summary.modules[parent][0]] == "layer1.0"
    assert summary.modules[parent][4] >= by_path["layer1.0.conv1"][4]


def test_shapes_dtypes_and_memory_format_are_told() -> None:
    net = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    images = torch.randn(2, 3, 8, 8).to(memory_format=torch.channels_last)
    summary = Capture(lambda: (net, lambda net: net(images).sum()), stacks=False).summary
    operators = [[summary.strings[index] for index in operator] for operator in summary.operators]
    found = next(operator for operator in operators if operator[0] == "aten::conv2d")

    assert found[1].startswith("[[2, 3, 8, 8], [4, 3, 3, 3], [4]")
    assert found[2:] == ["float32", "channels_last"]


IMAGES = torch.zeros(2, 3, 8, 8)


def formats(function: Callable[[], Any], named: str) -> set[tuple[str, str]]:
    """Dtype and memory format of all operators with this name in a call."""
    profiler = TorchProfiler(torch, Guard(lambda event: None))
    try:
        function()
        profiler.start(stacks=False)
        function()
        tree = profiler.stop()
    finally:
        profiler.remove()
    assert tree is not None
    summary = summarize(tree, profiler.types, {})
    rows = [[summary.strings[index] for index in operator] for operator in summary.operators]
    return {(row[2], row[3]) for row in rows if row[0] == named}


@pytest.mark.parametrize(
    ("layout", "word"),
    [
        (torch.sparse_coo, "sparse_coo"),
        (torch.sparse_csr, "sparse_csr"),
        (torch.sparse_csc, "sparse_csc"),
        (torch.sparse_bsr, "sparse_bsr"),
        (torch.sparse_bsc, "sparse_bsc"),
    ],
)
def test_a_sparse_tensor_has_its_layout_for_a_memory_format(layout: Any, word: str) -> None:
    blocks = (2, 2) if layout in (torch.sparse_bsr, torch.sparse_bsc) else None
    sparse = torch.eye(4).to_sparse(layout=layout, blocksize=blocks)

    assert formats(sparse.to_dense, "aten::to_dense") == {("float32", word)}


def test_a_sparse_tensor_counts_wherever_it_stands_among_the_inputs() -> None:
    sparse = torch.eye(4).to_sparse_csr()

    assert formats(lambda: torch.addmm(torch.ones(4, 4), sparse, torch.ones(4, 4)), "aten::addmm") >= {
        ("float32", "sparse_csr")
    }
    assert formats(lambda: torch.stack([torch.eye(4).to_sparse()] * 2), "aten::stack") == {("float32", "sparse_coo")}


def test_onednns_own_layout_is_told() -> None:
    assert formats(lambda: torch.ones(2, 3).to_mkldnn().relu(), "aten::relu") == {("float32", "mkldnn")}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("layout", [torch.strided, torch.jagged])
def test_a_nested_tensor_is_told_though_the_profiler_shows_nothing_of_it(layout: Any) -> None:
    rows = torch.nested.nested_tensor([torch.ones(2, 3), torch.ones(4, 3)], layout=layout)

    assert ("", "nested") in formats(lambda: rows * 2, "aten::mul")


def test_an_operator_that_may_go_without_a_tensor_is_not_nested() -> None:
    formats_of_linear = formats(lambda: nn.functional.linear(torch.ones(2, 3), torch.ones(4, 3)), "aten::linear")

    assert formats_of_linear == {("float32", "contiguous")}
    assert formats(lambda: torch.zeros(3), "aten::zeros") == {("", "")}


def test_a_quantized_tensor_is_told() -> None:
    quantized = torch.quantize_per_tensor(torch.ones(2, 3), 0.1, 0, torch.quint8)

    assert formats(quantized.dequantize, "aten::dequantize") == {("quint8", "quantized")}


def test_tensors_without_values_of_their_own_are_told() -> None:
    empty = torch.ones(2, 3, device="meta")

    assert formats(lambda: empty @ empty.T, "aten::mm") == {("float32", "meta")}
    mapped = formats(lambda: torch.func.vmap(torch.sin)(torch.ones(3, 4)), "aten::sin")
    assert mapped == {("float32", "wrapper")}


@pytest.mark.parametrize(
    ("copy", "words"),
    [
        (lambda: torch.ones(4, 5, 6).permute(0, 2, 1).contiguous(), "strided to contiguous"),
        (lambda: torch.ones(4, 5).t().contiguous(), "strided to contiguous"),
        (lambda: IMAGES.contiguous(memory_format=torch.channels_last), "contiguous to channels_last"),
        (lambda: IMAGES[:, :, ::2].copy_(IMAGES[:, :, ::2]), "strided"),
        (lambda: IMAGES.to(memory_format=torch.channels_last).double(), "channels_last"),
        (lambda: IMAGES.copy_(torch.tensor(1.0)), "contiguous"),
        (lambda: torch.ones(3).double(), "contiguous"),
    ],
)
def test_a_copy_tells_the_memory_format_before_and_after(copy: Callable[[], Any], words: str) -> None:
    assert words in {found for _, found in formats(copy, "aten::copy_")}


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: torch.tensor(2.0), "contiguous"),
        (lambda: torch.ones(0, 3), "contiguous"),
        (lambda: torch.ones(1, 3).expand(5, 3), "strided"),
        (lambda: torch.ones([1] * 30), "contiguous"),
        (lambda: torch.ones(2, 3, dtype=torch.complex64).conj(), "contiguous"),
        (lambda: torch.ones(1).expand(2**40, 1, 8)[0], "strided"),
    ],
)
def test_odd_tensors_are_no_error(make: Callable[[], torch.Tensor], word: str) -> None:
    tensor = make()

    assert {found for _, found in formats(lambda: tensor.neg(), "aten::neg")} == {word}


@pytest.mark.parametrize("stacks", [True, False])
@pytest.mark.parametrize("make", MODELS)
def test_the_calls_add_up_to_the_rows_to_the_nanosecond(make: Callable[[], Any], stacks: bool) -> None:
    summary = captured(make, stacks).summary
    began = time.time_ns()
    end = began + 1
    window = WindowEvent(
        number=1, step=2, end_unix_ns=end, duration_ns=4, cost_ns=0, summarize_ns=0, stacks=stacks,
        **{name: value for name, value in summary._asdict().items() if name != "trace"},
    )  # fmt: skip
    trace = read_trace("process 1", summary.trace.event(1, 2, end, began), window, ((), ()))
    calls = trace.calls

    for number, row in enumerate(summary.rows):
        chosen = calls.place == number
        found = [int(chosen.sum()), int(calls.self_ns[chosen].sum()), int(calls.duration_ns[chosen].sum())]
        assert found == row[4:7], summary.strings[summary.operators[row[0]][0]]
    assert int(calls.self_ns.sum()) == summary.operator_ns
    assert trace.complete
    inner = calls.parent >= 0
    assert (calls.start_ns[inner] >= calls.start_ns[calls.parent[inner]]).all()
    assert (calls.end_ns[inner] <= calls.end_ns[calls.parent[inner]]).all()
    assert (calls.depth[inner] == calls.depth[calls.parent[inner]] + 1).all()


def test_calls_beyond_the_limit_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace_module, "MOST_CALLS", 10)
    event = captured(resnet, False).summary.trace.event(1, 2, 3, 0)

    assert (event.calls, event.complete) == (10, False)
