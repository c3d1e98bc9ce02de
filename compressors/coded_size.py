"""The least that a coded file can take, known before the weights are: what fits by its coding alone is not rejected.

Lower bounds whatever the weights turn out to be, and far below what most come
to: published networks have dead channels, and clusters fall together when they
are quantised, so that no likelier figure holds for all.
"""

from __future__ import annotations

import math

from compressors.lookup_tables import SURELY_USELESS_BYTES
from compressors.weight_tables import WeightTable
from devices.graph import DType, Graph, Tensor

_FEWEST_VALUES = 2  # a table of one value would need no index


def least_package_bytes(file_bytes: int) -> int:
    """Fewest bytes of the Huffman-coded package of a file: no code is shorter than a bit for each byte."""
    return file_bytes // 8


def least_table_bytes(graph: Graph, file_bytes: int) -> int:
    """Fewest bytes of a file with look-up tables: every 8-bit constant holds two values.

    Parameters
    ----------
    graph
        Of the file without tables, lowered from the candidate.
    file_bytes
        Of that file, see `devices.slim.predicted_bytes`.
    """
    constants = [tensor for tensor in graph.tensors if tensor.constant_bytes and tensor.dtype is DType.INT8]
    return file_bytes - sum(max(0, _table(each).data_saving - SURELY_USELESS_BYTES) for each in constants)


def _table(tensor: Tensor) -> WeightTable:
    elements, tables = math.prod(tensor.shape), max(1, tensor.scales)
    return WeightTable(
        tensor=0,
        operator="",
        elements=elements,
        distinct=_FEWEST_VALUES,
        axis=0 if tables > 1 else None,
        nbytes=elements,
        tables=tables,
    )
