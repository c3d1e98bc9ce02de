"""The shape of one operator, as a kernel library sees it.

A `Workload` holds the numbers a kernel's loops run over.  It is read from a
`Graph` here, and from the rows of the measured truth by
``tests/benchmarks/fit_cycles.py``, so that what is fitted and what is
estimated cannot drift apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from devices.graph import DType, Graph, Operator, Tensor
from devices.operators import DECODE
from devices.padding import taps_inside


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What one operator has to do; sizes that an operator does not have are 1.

    Attributes
    ----------
    op
        Operator name of the schema, such as ``CONV_2D``.
    dtype
        Element type of the first input.
    batch
        Repetitions of the whole loop nest: batch size times groups.
    height, width, in_channels
        First input, per image and per group.  A fully connected layer has
        only `in_channels`, the length of one row.
    out_height, out_width, out_channels
        Output, likewise.
    same
        True for SAME padding.
    multiplier
        Output channels per input channel of a depthwise convolution.
    in_elements, out_elements
        Elements of the first input and of the first output.
    element_bytes
        Bytes of one element of the first input.
    weight_bytes
        Bytes of all constant inputs; 0 where a DECODE put the weights into RAM.
    weight_bits
        Bits of one weight, of one index of a DECODE; 0 where the operator has none.
    """

    op: str
    dtype: DType
    batch: int = 1
    height: int = 1
    width: int = 1
    in_channels: int = 1
    out_channels: int = 1
    kernel_height: int = 1
    kernel_width: int = 1
    stride_height: int = 1
    stride_width: int = 1
    dilation_height: int = 1
    dilation_width: int = 1
    same: bool = False
    multiplier: int = 1
    out_height: int = 1
    out_width: int = 1
    in_elements: int = 1
    out_elements: int = 1
    element_bytes: int = 1
    weight_bytes: int = 0
    weight_bits: int = 0

    @property
    def pixels(self) -> int:
        """Output pixels of one image."""
        return self.out_height * self.out_width

    @property
    def columns(self) -> int:
        """Length K of one dot product: kernel area times input channels."""
        return self.kernel_height * self.kernel_width * self.in_channels

    @property
    def multiplies(self) -> int:
        """Multiply-accumulates of a convolution or fully connected layer, those in the padding too; else 0."""
        match self.op:
            case "CONV_2D":
                return self.batch * self.pixels * self.out_channels * self.columns
            case "DEPTHWISE_CONV_2D":
                return self.batch * self.pixels * self.out_channels * self.kernel_height * self.kernel_width
            case "FULLY_CONNECTED":
                return self.batch * self.in_channels * self.out_channels
        return 0

    @property
    def dilated(self) -> bool:
        """True when the kernel has holes."""
        return self.dilation_height > 1 or self.dilation_width > 1

    @property
    def rows_inside(self) -> int:
        """Kernel rows that fall inside the image, summed over the output rows."""
        return taps_inside(
            self.height, self.kernel_height, self.stride_height, self.dilation_height, self.same, self.out_height
        )

    @property
    def columns_inside(self) -> int:
        """Kernel columns that fall inside the image, summed over the output columns."""
        return taps_inside(
            self.width, self.kernel_width, self.stride_width, self.dilation_width, self.same, self.out_width
        )


def workload(graph: Graph, operator: Operator) -> Workload:
    """Read the workload of one operator of `graph`.

    Operators other than convolutions, pools, SVDF and fully connected layers
    are described by their element counts alone.
    """
    match operator.name:
        case "CONV_2D" | "DEPTHWISE_CONV_2D":
            return _convolution(graph, operator)
        case "AVERAGE_POOL_2D" | "MAX_POOL_2D" | "L2_POOL_2D":
            return _pool(graph, operator)
        case "FULLY_CONNECTED":
            return _fully_connected(graph, operator)
        case "SVDF":
            return _svdf(graph, operator)
        case name if name == DECODE:
            return _decode(graph, operator)
    return _plain(graph, operator)


def _plain(graph: Graph, operator: Operator) -> Workload:
    first = graph.tensor(operator, 0)
    out = graph.output(operator) if operator.outputs else None
    source = first or out
    dtype = source.dtype if source else DType.INT8
    shape = first.shape if first else ()
    return Workload(
        op=operator.name,
        dtype=dtype,
        in_channels=shape[-1] if shape else 1,
        out_channels=out.shape[-1] if out and out.shape else 1,
        in_elements=first.elements if first else 0,
        out_elements=out.elements if out else 0,
        element_bytes=max(1, dtype.bits // 8),
        weight_bytes=_constant_bytes(graph, operator),
    )


def _constant_bytes(graph: Graph, operator: Operator) -> int:
    return sum(graph.tensors[i].constant_bytes or 0 for i in operator.inputs if i >= 0)


def _decode(graph: Graph, operator: Operator) -> Workload:
    """A DECODE of whole tensors: inputs are (indexes, tables) pairs, outputs the weights."""
    outputs = sum(graph.tensors[index].elements for index in operator.outputs)
    indexes = sum(graph.tensors[index].elements for index in operator.inputs[::2] if index >= 0)
    plain = _plain(graph, operator)
    return replace(plain, out_elements=outputs, weight_bits=8 * indexes // max(1, outputs))


def _image(tensor: Tensor) -> tuple[int, int, int, int]:
    """(batch, height, width, channels), ones put before a shape that is too short."""
    shape = (1, 1, 1, 1, *tensor.shape)[-4:]
    return shape[0], shape[1], shape[2], shape[3]


def _convolution(graph: Graph, operator: Operator) -> Workload:
    source, weights, out = graph.tensor(operator, 0), graph.tensor(operator, 1), graph.output(operator)
    if source is None or weights is None:
        return _plain(graph, operator)
    batch, height, width, channels = _image(source)
    _, out_height, out_width, out_channels = _image(out)
    _, kernel_height, kernel_width, kernel_channels = _image(weights)
    depthwise = operator.name == "DEPTHWISE_CONV_2D"
    groups = 1 if depthwise else max(1, channels // max(1, kernel_channels))
    options = operator.options
    return Workload(
        op=operator.name,
        dtype=source.dtype,
        batch=batch * groups,
        height=height,
        width=width,
        in_channels=channels // groups,
        out_channels=out_channels // groups,
        kernel_height=kernel_height,
        kernel_width=kernel_width,
        stride_height=options.stride_height,
        stride_width=options.stride_width,
        dilation_height=options.dilation_height,
        dilation_width=options.dilation_width,
        same=options.padding == "SAME",
        multiplier=out_channels // max(1, channels) if depthwise else 1,
        out_height=out_height,
        out_width=out_width,
        in_elements=source.elements,
        out_elements=out.elements,
        element_bytes=max(1, source.dtype.bits // 8),
        weight_bytes=weights.nbytes if weights.constant_bytes is not None else 0,
        weight_bits=weights.dtype.bits,
    )


def _pool(graph: Graph, operator: Operator) -> Workload:
    source, out, options = graph.tensor(operator, 0), graph.output(operator), operator.options
    if source is None:
        return _plain(graph, operator)
    batch, height, width, channels = _image(source)
    _, out_height, out_width, _ = _image(out)
    return Workload(
        op=operator.name,
        dtype=source.dtype,
        batch=batch,
        height=height,
        width=width,
        in_channels=channels,
        out_channels=channels,
        kernel_height=options.filter_height,
        kernel_width=options.filter_width,
        stride_height=options.stride_height,
        stride_width=options.stride_width,
        same=options.padding == "SAME",
        out_height=out_height,
        out_width=out_width,
        in_elements=source.elements,
        out_elements=out.elements,
        element_bytes=max(1, source.dtype.bits // 8),
    )


def _fully_connected(graph: Graph, operator: Operator) -> Workload:
    source, weights, out = graph.tensor(operator, 0), graph.tensor(operator, 1), graph.output(operator)
    if source is None or weights is None or not weights.shape:
        return _plain(graph, operator)
    return Workload(
        op=operator.name,
        dtype=source.dtype,
        batch=max(1, out.elements // max(1, weights.shape[0])),
        in_channels=weights.shape[-1],
        out_channels=math.prod(weights.shape[:-1]),
        in_elements=source.elements,
        out_elements=out.elements,
        element_bytes=max(1, source.dtype.bits // 8),
        weight_bytes=weights.nbytes if weights.constant_bytes is not None else 0,
        weight_bits=weights.dtype.bits,
    )


def _svdf(graph: Graph, operator: Operator) -> Workload:
    """An SVDF: `kernel_width` is its memory, `multiplier` the filters of one output."""
    plain = _plain(graph, operator)
    features, memory = graph.tensor(operator, 1), graph.tensor(operator, 2)
    if features is None or memory is None or len(features.shape) != 2:
        return plain
    return replace(
        plain,
        in_channels=features.shape[1],
        kernel_width=memory.shape[-1],
        multiplier=features.shape[0] // max(1, plain.out_channels),
        weight_bits=features.dtype.bits,
    )
