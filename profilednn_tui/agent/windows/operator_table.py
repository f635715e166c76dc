"""Operators, distinguished by name and by shapes, dtype and memory format of their inputs."""

from __future__ import annotations

from typing import Any

from .input_texts import META, NESTED, WRAPPER, Sizes, input_texts
from .tables import StringTable
from .torch_profiler import NodeTypes

COPY = "aten::copy_"


class OperatorTable:
    """The distinct operators of a window."""

    def __init__(self, types: NodeTypes, strings: StringTable) -> None:
        read = types.read
        self._tensor, self._strided = types.tensor, types.strided
        self._sizes_of, self._dtype_of, self._layout_of = read.sizes, read.dtype, read.layout
        self._memory_of, self._device_of, self._strides_of = read.memory, read.device, read.strides
        self._takes_tensors = types.takes_tensors
        self._strings = strings
        self._by_inputs: dict[tuple[Any, ...], int] = {}
        self._by_texts: dict[tuple[str, str, str, str], int] = {}
        self.rows: list[list[int]] = []
        """As `operators` in `protocol.WindowEvent`."""

    def index(self, name: str, inputs: list[Any]) -> int:
        """The index of the operator `name` on `inputs`, which is added if it is new."""
        tensor, strided, sizes_of, layout_of = self._tensor, self._strided, self._sizes_of, self._layout_of
        shapes: list[Sizes | None] = []
        first: Any = None
        image: Any = None
        image_sizes: Sizes = ()
        dtype: Any = None
        layout: Any = None
        copied: Any = None
        for entry in inputs:
            if type(entry) is tensor:
                sizes = tuple(sizes_of(entry))
                shapes.append(sizes)
            else:
                shapes.append(None)
                # A list of tensors is represented by its first one, unless a tensor came before it.
                if first is not None or type(entry) is not list or not entry or type(entry[0]) is not tensor:
                    continue
                entry = entry[0]
                sizes = tuple(sizes_of(entry))
            if layout is None and layout_of(entry) is not strided:
                layout = layout_of(entry)
            if first is None:
                first = image = entry
                image_sizes = sizes
            elif len(image_sizes) < 4 and 4 <= len(sizes) <= 5:
                image, image_sizes = entry, sizes
        if first is None:
            key: tuple[Any, ...] = (name, len(shapes))
        else:
            dtype = self._dtype_of(first)
            layout = layout or self._memory_layout(image, image_sizes)
            key = (name, tuple(shapes), dtype, layout)
            if name == COPY and isinstance(layout, tuple):
                copied = self._copied(inputs, shapes)
                key = (*key, copied)
        index = self._by_inputs.get(key)
        if index is None:
            texts = input_texts(tuple(shapes), dtype, layout, copied)
            index = self._by_inputs[key] = self._index_by_texts(name, inputs, texts)
        return index

    def _index_by_texts(self, name: str, inputs: list[Any], texts: tuple[str, str, str]) -> int:
        if any(entry is None for entry in inputs) and self._lacks_tensor(name, inputs):
            texts = (texts[0], "", NESTED)
        key = (name, *texts)
        index = self._by_texts.get(key)
        if index is None:
            index = self._by_texts[key] = len(self.rows)
            self.rows.append([self._strings.index(text) for text in key])
        return index

    def _lacks_tensor(self, name: str, inputs: list[Any]) -> bool:
        return any(inputs[place] is None for place in self._takes_tensors(name, len(inputs)))

    def _copied(self, inputs: list[Any], shapes: list[Sizes | None]) -> tuple[Sizes, Sizes] | str | None:
        """The layout of the second tensor; None if it is not as large as the first one."""
        if len(shapes) < 2 or shapes[1] is None or shapes[0] != shapes[1]:
            return None
        return self._memory_layout(inputs[1], shapes[1])

    def _memory_layout(self, tensor: Any, sizes: Sizes) -> tuple[Sizes, Sizes] | str:
        """Sizes and strides, or the kind of tensor if it has no storage."""
        if self._memory_of(tensor) is None and 0 not in sizes:
            return META if self._device_of(tensor).type == META else WRAPPER
        return sizes, tuple(self._strides_of(tensor))
