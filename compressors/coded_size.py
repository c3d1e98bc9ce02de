"""How small a coded file can get, known before the weights are: so that what fits by its coding alone is not rejected.

Lower bounds, from the shapes and settings alone.  Bits of a weight under
Huffman coding lie just above the entropy of its tensor's bytes (Shannon 1948);
what trained weights have at least was looked up in the artifacts of searches,
see the constants.
"""

from __future__ import annotations

import math

from compressors.clustering import Clustering
from compressors.lookup_tables import SURELY_USELESS_BYTES
from compressors.plan import CompressionPlan
from compressors.weight_tables import WeightTable
from devices.graph import DType, Graph, Tensor

# Entropy of a weight that is not 0: 6.4 to 7.6 bits of 8-bit weights in tensors of a hundred and more, 2.1 to 3
# of 4-bit ones, in the artifacts of three searches on digits; below, with room.
_LEAST_BITS = {DType.INT8: 5.5, DType.INT4: 1.6}
# Of k clusters some are rare, and some fall together when they are quantised.
_LEAST_OF_CLUSTERS = 0.7
# The file's structure, names of operators and scales come to 0.59 and more of their bytes, codes included.
_LEAST_OF_REST = 0.5


def least_package_bytes(graph: Graph, plan: CompressionPlan, file_bytes: int) -> int:
    """Fewest bytes that the Huffman-coded package of the plan's file is likely to have.

    Parameters
    ----------
    graph
        Of the file, lowered from the candidate.
    file_bytes
        Of the file as it is, see `devices.slim.predicted_bytes`.
    """
    coded = [tensor for tensor in graph.tensors if tensor.constant_bytes and tensor.dtype in _LEAST_BITS]
    rest = file_bytes - sum(tensor.constant_bytes or 0 for tensor in coded)
    return math.floor(_LEAST_OF_REST * rest + sum(_elements(each) * _least_bits(each, plan) / 8 for each in coded))


def least_table_bytes(graph: Graph, plan: CompressionPlan, file_bytes: int) -> int:
    """Fewest bytes that the file has with the plan's clusters as look-up tables; `file_bytes` where they do not help.

    Every tensor of 8-bit weights that could be clustered is taken to be.
    Parameters are those of `least_package_bytes`.
    """
    clusters = _clusters(plan)
    if not clusters:
        return file_bytes
    tables = [
        _table(tensor, clusters) for tensor in graph.tensors if tensor.constant_bytes and tensor.dtype is DType.INT8
    ]
    return file_bytes - sum(max(0, table.data_saving - SURELY_USELESS_BYTES) for table in tables)


def _table(tensor: Tensor, clusters: int) -> WeightTable:
    """How the tensor is stored where each table has all the clusters, or as many values as there are weights."""
    elements, tables = _elements(tensor), max(1, tensor.scales)
    return WeightTable(
        tensor=0,
        operator="",
        elements=elements,
        distinct=min(clusters, elements // tables),
        axis=0 if tables > 1 else None,
        nbytes=elements,
        tables=tables,
    )


def _clusters(plan: CompressionPlan) -> int:
    return next((step.clusters for step in plan.steps if isinstance(step, Clustering)), 0)


def _elements(tensor: Tensor) -> int:
    return math.prod(tensor.shape)


def _least_bits(tensor: Tensor, plan: CompressionPlan) -> float:
    """Of one weight: whether it is 0, and which of the other values it has."""
    sparsity = max((float(getattr(step, "sparsity", 0.0)) for step in plan.steps), default=0.0)
    clusters = _clusters(plan)
    value = _LEAST_BITS[tensor.dtype]
    if clusters:
        value = min(value, _LEAST_OF_CLUSTERS * math.log2(clusters))
    return _LEAST_OF_CLUSTERS * _entropy(sparsity) + (1 - sparsity) * value


def _entropy(share: float) -> float:
    """Of a yes or no, in bits."""
    return 0.0 if share in (0.0, 1.0) else -share * math.log2(share) - (1 - share) * math.log2(1 - share)
