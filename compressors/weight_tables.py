"""Weight tensors of a ``.tflite`` as indexes into look-up tables: how many bits each needs and what that saves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from devices.flatbuffer import read_graph
from devices.graph import DType

_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_WEIGHTS = 1  # input of these operators
_MOST_BITS = 7
_HEADER_BYTES = 16  # before the tables of a tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightTable:
    """How one weight tensor could be stored.

    Attributes
    ----------
    tensor
        Index in the file.
    operator
        Name of the first operator that reads it.
    elements
        Number of weights.
    distinct
        Distinct values: of the tensor, or most of a channel where each has a scale.
    axis
        Axis of the channels where each has a scale and so a table; None for one table.
    nbytes
        Bytes stored plain.
    tables
        Number of tables, at least 1.
    reason
        Why it cannot be compressed; empty where it can.
    """

    tensor: int
    operator: str
    elements: int
    distinct: int
    axis: int | None
    nbytes: int
    tables: int
    reason: str = ""

    @property
    def bits(self) -> int:
        """Bits of an index, at least 1."""
        return max(1, (self.distinct - 1).bit_length())

    @property
    def data_saving(self) -> int:
        """Bytes plain less bytes of indexes, tables and header; the description of about 100 bytes not counted."""
        width = self.nbytes // max(1, self.elements)
        return self.nbytes - (self.elements * self.bits + 7) // 8 - _HEADER_BYTES - self.tables * self.distinct * width


def weight_tables(content: bytes) -> tuple[WeightTable, ...]:
    """Every weight tensor of convolutions and fully connected operators of a ``.tflite``, in execution order."""
    graph, model = read_graph(content), schema.ModelT.InitFromPackedBuf(bytes(content), 0)
    found: dict[int, WeightTable] = {}
    for operator in graph.operators:
        if operator.name not in _WEIGHTED:
            continue
        index = operator.inputs[_WEIGHTS]
        if index not in found and graph.tensors[index].constant_bytes is not None:
            found[index] = _weight_table(index, operator.name, graph.tensors[index].dtype, model)
    return tuple(found.values())


def _weight_table(index: int, operator: str, dtype: DType, model: Any) -> WeightTable:
    tensor = model.subgraphs[0].tensors[index]
    stored = np.asarray(model.buffers[tensor.buffer].data, np.uint8)
    quantization = tensor.quantization
    channels = 0 if quantization is None or quantization.scale is None else len(quantization.scale)
    axis = int(quantization.quantizedDimension) if channels > 1 else None
    table = WeightTable(
        tensor=index,
        operator=operator,
        elements=int(np.prod(tensor.shape)),
        distinct=0,
        axis=axis,
        nbytes=len(stored),
        tables=max(1, channels),
    )
    # The decoder counts channels by scales: one table for a tensor of many scales would decode wrong.
    if dtype is not DType.INT8:
        return replace(table, reason=f"it has {dtype} weights, and int8 is what is stored as indexes")
    distinct = _most_distinct(stored.view(np.int8).reshape(tensor.shape), axis)
    if distinct > 1 << _MOST_BITS:
        where = "the tensor" if axis is None else "a channel"
        return replace(table, distinct=distinct, reason=f"{where} has {distinct} distinct values, 128 can be indexed")
    return replace(table, distinct=distinct)


def _most_distinct(weights: npt.NDArray[np.int8], axis: int | None) -> int:
    if axis is None:
        return len(np.unique(weights))
    return max(len(np.unique(channel)) for channel in np.moveaxis(weights, axis, 0))
