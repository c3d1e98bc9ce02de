"""Shapes that no runtime could execute: refused when a file is read, so that whatever costs a graph may trust them.

Only what the arithmetic of costs relies on is asked for; a network of a
converter has all of it.
"""

from __future__ import annotations

from devices.graph import Graph, Operator, Tensor

MOST_TENSOR_BYTES = 1 << 31
MOST_WINDOW = 1 << 15

# operator -> axes of its output (None: any), then name, position and axes of the inputs that its costs hang on
_Inputs = tuple[tuple[str, int, int | None], ...]
_CONVOLUTION: tuple[int | None, _Inputs] = (4, (("input", 0, 4), ("weights", 1, 4)))
_POOL: tuple[int | None, _Inputs] = (4, (("input", 0, 4),))
_AXES: dict[str, tuple[int | None, _Inputs]] = {
    "CONV_2D": _CONVOLUTION,
    "DEPTHWISE_CONV_2D": _CONVOLUTION,
    "AVERAGE_POOL_2D": _POOL,
    "MAX_POOL_2D": _POOL,
    "L2_POOL_2D": _POOL,
    "FULLY_CONNECTED": (None, (("input", 0, None), ("weights", 1, 2))),
    "SVDF": (2, (("input", 0, 2), ("feature weights", 1, 2), ("time weights", 2, 2))),
}


def oversized(tensor: Tensor) -> str | None:
    """Why no device can hold `tensor`; None where one can."""
    if tensor.nbytes < MOST_TENSOR_BYTES:
        return None
    return f"has the shape {list(tensor.shape)} of {tensor.nbytes} bytes, and no device here can hold 2 GB"


def misshapen(graph: Graph, operator: Operator) -> str | None:
    """What is wrong with the shapes of `operator`; None where nothing is."""
    if operator.name not in _AXES or operator.is_custom:
        return None
    out_axes, inputs = _AXES[operator.name]
    wanted = [(what, graph.tensor(operator, position), axes) for what, position, axes in inputs]
    for what, tensor, axes in (*wanted, ("output", graph.output(operator), out_axes)):
        if tensor is None:
            return f"has no {what}"
        if axes is not None and len(tensor.shape) != axes:
            return f"has {what} of {len(tensor.shape)} axes instead of {axes}"
    window = _window(graph, operator)
    if max(window) > MOST_WINDOW:
        return f"has a window of {window[0]} x {window[1]}, more than {MOST_WINDOW} along one axis"
    return None


def _window(graph: Graph, operator: Operator) -> tuple[int, int]:
    """Height and width of what slides over the image; (0, 0) where nothing does."""
    weights = graph.tensor(operator, 1)
    if operator.name in ("CONV_2D", "DEPTHWISE_CONV_2D") and weights is not None:
        return weights.shape[1], weights.shape[2]
    if operator.name.endswith("POOL_2D"):
        return operator.options.filter_height, operator.options.filter_width
    return 0, 0
