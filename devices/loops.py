"""How often the loops of the runtime's kernels run, operator by operator.

Each function counts the iterations of one kernel's loop nest from shapes
alone; a fitted table (`devices/cycles/*.json`) holds the instructions of one
iteration::

    instructions = constant + sum over loops of coefficient x iterations

``constant`` is the call: TFLM's wrapper, checks, arguments.  The loops are
those over outputs (bias, requantisation, store), over multiply-accumulates
with their loads, over weights and over padding; each docstring says which
count is which.  Every coefficient is the length of a loop body, so none is
negative.

Three kernel sets are told apart, as TFLM + CMSIS-NN is built (commits
tflite-micro 90b983c2b, CMSIS-NN 4ab83cc3):

``dsp``
    int8 and int16 activations on cores with the DSP extension (Cortex-M4,
    M7, M33): 16-bit dual multiply-accumulate, four columns a step.
``mve``
    int8 on cores with Helium (Cortex-M55): 16 columns a step.
``reference``
    TFLM's portable loops: float32 on every core.
"""

from __future__ import annotations

from typing import Literal

from devices.im2col import Counts
from devices.loops_dsp import (
    depthwise_generic,
    depthwise_multiplier4,
    dsp_convolution,
    dsp_depthwise,
    dsp_depthwise_3x3,
    dsp_fully_connected,
    dsp_product,
)
from devices.loops_mve import (
    mve_convolution,
    mve_depthwise,
    mve_fully_connected,
    mve_one_row,
    mve_pool,
    mve_product,
)
from devices.padding import padding_before
from devices.workload import Workload

KernelSet = Literal["dsp", "mve", "reference"]

# Measured in one network each, so that a call cannot be told from its loops.
FROM_ONE_MODEL = ("svdf", "unidirectional_sequence_lstm")
# Work of one unit of an LSTM beside its products (five activations, cell update), in units of one weight: the int8
# network's instructions less those of its eight products as fully connected layers, 243 a unit against 3.9 a weight.
LSTM_UNIT = 62


def loops(work: Workload, kernels: KernelSet) -> tuple[str, Counts]:
    """Kernel that runs `work` and the iterations of its loops.

    Returns
    -------
    (family, counts)
        Name of the table entry, and iterations by loop; ``constant`` is 1,
        everything else counts the whole batch.  The families of
        `FROM_ONE_MODEL` have no ``constant``: what was measured of them is
        too little to tell a call from its loops.
    """
    family, counts = _one_image(work, kernels)
    if work.batch > 1:
        counts = {loop: count * work.batch for loop, count in counts.items()}
    return family, counts if family in FROM_ONE_MODEL else {"constant": 1.0, **counts}


def _one_image(work: Workload, kernels: KernelSet) -> tuple[str, Counts]:
    match work.op:
        case "CONV_2D":
            return _convolution(work, kernels)
        case "DEPTHWISE_CONV_2D":
            return _depthwise(work, kernels)
        case "FULLY_CONNECTED":
            return "fully_connected", _fully_connected(work, kernels)
        case "AVERAGE_POOL_2D" | "MAX_POOL_2D":
            return work.op.lower(), _pool(work, kernels)
        case "MEAN":
            return "mean", {"inputs": work.in_elements, "outputs": work.out_elements}
        case "RESHAPE":
            return "reshape", {"bytes": work.in_elements * work.element_bytes}
        case "SVDF":
            return "svdf", _svdf(work)
        case "UNIDIRECTIONAL_SEQUENCE_LSTM":
            return "unidirectional_sequence_lstm", _lstm(work)
    return work.op.lower(), {"outputs": work.out_elements}


def _convolution(work: Workload, kernels: KernelSet) -> tuple[str, Counts]:
    if kernels == "reference":
        return "conv", _reference_convolution(work)
    pointwise = work.kernel_height == work.kernel_width == 1 and not work.dilated
    if pointwise and work.dtype == "int8":
        return "conv_1x1", _pointwise(work, kernels)
    if kernels == "mve":
        one_row = work.height == work.kernel_height == 1 and not work.dilated
        counts = mve_one_row(work) if one_row and work.stride_width * work.in_channels % 4 == 0 else None
        return ("conv_1xn", counts) if counts is not None else ("conv", mve_convolution(work))
    return "conv", dsp_convolution(work)


def _depthwise(work: Workload, kernels: KernelSet) -> tuple[str, Counts]:
    if kernels == "reference":
        return "depthwise", _reference_depthwise(work)
    if kernels == "mve" and work.in_channels == 1 and work.out_channels > 1 and work.dtype == "int8":
        return "conv", mve_convolution(work)
    # For 16-bit activations TFLM calls the plain kernel even where CMSIS-NN has a fast one.
    if work.multiplier == 1 and not work.dilated and work.dtype == "int8":
        if kernels == "mve":
            return "depthwise", mve_depthwise(work)
        if _is_3x3(work):
            return "depthwise_3x3", dsp_depthwise_3x3(work)
        return "depthwise", dsp_depthwise(work)
    if work.multiplier % 4 == 0 and not work.dilated:
        return "depthwise_multiplier4", depthwise_multiplier4(work)
    return "depthwise_generic", depthwise_generic(work)


def _is_3x3(work: Workload) -> bool:
    if not work.kernel_height == work.kernel_width == 3:
        return False
    return not work.same or (
        padding_before(work.height, 3, work.stride_height, 1, work.out_height) <= 1
        and padding_before(work.width, 3, work.stride_width, 1, work.out_width) <= 1
    )


def _pointwise(work: Workload, kernels: KernelSet) -> Counts:
    """Matrix product without im2col: all pixels at once, or row by row when strided.

    ``strided``, ``strided_rows``: the other kernel's call, and its call of the product for every row.
    """
    strided = work.stride_height > 1 or work.stride_width > 1
    calls, rows = (work.out_height, work.out_width) if strided else (1, work.pixels)
    counts = mve_product(work, rows) if kernels == "mve" else dsp_product(work, rows)
    counts = {loop: count * calls for loop, count in counts.items()}
    return {**counts, "strided": float(strided), "strided_rows": calls if strided else 0}


def _fully_connected(work: Workload, kernels: KernelSet) -> Counts:
    """One dot product an output: one by one (reference), in fours (mve) or in pairs (dsp)."""
    columns, outputs = work.in_channels, work.out_channels
    if kernels == "reference":
        return {"outputs": outputs, "output_columns": outputs * columns}
    if kernels == "mve":
        return mve_fully_connected(work)
    return dsp_fully_connected(work)


def _pool(work: Workload, kernels: KernelSet) -> Counts:
    """Taps inside the image, channels innermost (dsp, mve) or outermost (reference); padding is skipped.

    ``pixels``: bounds; ``output_rows``, ``taps``: loops; ``tap_channels``: a load and an add or compare;
    ``outputs``: division, clamping and store.
    """
    if kernels == "mve":
        return mve_pool(work)
    taps = work.rows_inside * work.columns_inside
    outputs = work.pixels * work.in_channels
    counts: Counts = {"pixels": work.pixels, "tap_channels": taps * work.in_channels, "outputs": outputs}
    if kernels == "reference":
        return {**counts, "output_rows": work.rows_inside * work.out_width * work.in_channels}
    return {**counts, "taps": taps}


def _svdf(work: Workload) -> Counts:
    """Project the input on every filter, shift its memory by one step, sum over the memory (arm_svdf_s8).

    ``filters``: requantisation and loops; ``filter_columns``: a MAC of the projection; ``memory``: a value moved and
    its MAC.  `kernel_width` is the length of the memory.
    """
    filters = work.multiplier * work.out_channels
    return {
        "filters": filters,
        "filter_columns": filters * work.in_channels,
        "memory": filters * work.kernel_width,
    }


def _lstm(work: Workload) -> Counts:
    """Four gates of every step: products with the input and the last output, then activations."""
    units = work.out_channels
    steps = work.out_elements // units
    return {"steps_weights": steps * units * (4 * (work.in_channels + units) + LSTM_UNIT)}


def _reference_convolution(work: Workload) -> Counts:
    """Every output visits every tap and tests whether it lies in the padding.

    ``pixels``, ``outputs``: loops, bias, clamping, store; ``output_rows``, ``output_taps``: loops and tests;
    ``taps_inside``: addresses; ``tap_channels_inside``: two loads and a MAC.
    """
    taps = work.rows_inside * work.columns_inside * work.out_channels
    outputs = work.pixels * work.out_channels
    return {
        "pixels": work.pixels,
        "outputs": outputs,
        "output_rows": outputs * work.kernel_height,
        "output_taps": outputs * work.kernel_height * work.kernel_width,
        "taps_inside": taps,
        "tap_channels_inside": taps * work.in_channels,
    }


def _reference_depthwise(work: Workload) -> Counts:
    """As the reference convolution, with one channel a tap."""
    outputs = work.pixels * work.out_channels
    return {
        "pixels": work.pixels,
        "pixel_channels": work.pixels * work.in_channels,
        "outputs": outputs,
        "output_rows": outputs * work.kernel_height,
        "output_taps": outputs * work.kernel_height * work.kernel_width,
        "taps_inside": work.rows_inside * work.columns_inside * work.out_channels,
    }
