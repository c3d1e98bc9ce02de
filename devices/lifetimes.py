"""When each activation of a network is in memory.

Step 0 is before the first operator, step i + 1 is operator i.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from devices.graph import Graph
from devices.planner import Buffer, aligned


def activations(graph: Graph, alignment: int) -> list[Buffer]:
    """Tensors that are computed at run time, in their order, each of a multiple of `alignment` bytes.

    A tensor that no operator touches has a place at step -1, which all others may share.
    """
    first: dict[int, int] = dict.fromkeys(graph.inputs, 0)
    last: dict[int, int] = dict.fromkeys(graph.inputs, 0)
    for step, operator in enumerate(graph.operators, start=1):
        for index in operator.outputs:
            first.setdefault(index, step)
        for index in (*operator.inputs, *operator.outputs):
            last[index] = step
    for index in graph.outputs:
        first.setdefault(index, len(graph.operators))
        last[index] = len(graph.operators)
    return [
        Buffer(nbytes=aligned(tensor.nbytes, alignment), first=first.get(index, -1), last=last.get(index, -1))
        for index, tensor in enumerate(graph.tensors)
        if tensor.constant_bytes is None and not tensor.is_variable and tensor.nbytes
    ]


def live_bytes(buffers: Sequence[Buffer], n_operators: int) -> tuple[int, ...]:
    """Bytes of the buffers alive at each operator: what starts is added, what has ended is taken away."""
    change = [0] * (n_operators + 3)  # steps -1 (never used) to n_operators, and one behind
    for buffer in buffers:
        change[buffer.first + 1] += buffer.nbytes
        change[buffer.last + 2] -= buffer.nbytes
    return tuple(accumulate(change))[2 : n_operators + 2]
