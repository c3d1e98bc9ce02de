"""How often the loops of the runtime's kernels run, operator by operator.

Each function counts the iterations of one kernel's loop nest from shapes
alone; a fitted table (`devices/cycles/*.json`) holds the instructions of one
iteration.  Instructions are therefore linear in these counts, and every
coefficient is the length of a loop body, so none is negative.

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

from devices.loops_mve import Counts, im2col_taps, mve_convolution, mve_depthwise, mve_one_row, mve_pool, mve_product
from devices.workload import Workload, padding_before

KernelSet = Literal["dsp", "mve", "reference"]

# An odd last output channel shares its loads with nobody: about 0.6 of the work of a pair (15 of 26 instructions).
ODD_CHANNEL = 0.6
# Loop overhead and requantisation of one output of the scalar last channel, in units of one of its columns.
SCALAR_OUTPUT = 12
# Above this many output channels MVE turns a one-channel depthwise convolution into a plain one (GCC: 8).
MVE_DEPTHWISE_AS_CONV = 8


def loops(work: Workload, kernels: KernelSet) -> tuple[str, Counts]:
    """Kernel that runs `work` and the iterations of its loops.

    Returns
    -------
    (family, counts)
        Name of the table entry, and iterations by loop; ``constant`` is 1,
        everything else counts the whole batch.
    """
    family, counts = _one_image(work, kernels)
    if work.batch > 1:
        counts = {loop: count * work.batch for loop, count in counts.items()}
    return family, {"constant": 1.0, **counts}


def _one_image(work: Workload, kernels: KernelSet) -> tuple[str, Counts]:
    match work.op:
        case "CONV_2D":
            return _convolution(work, kernels)
        case "DEPTHWISE_CONV_2D":
            return _depthwise(work, kernels)
        case "FULLY_CONNECTED":
            return "fully_connected", _fully_connected(work, kernels)
        case "AVERAGE_POOL_2D" | "MAX_POOL_2D":
            return work.op.lower(), mve_pool(work) if kernels == "mve" else _pool(work)
        case "MEAN":
            return "mean", {"inputs": work.in_elements, "outputs": work.out_elements}
        case "RESHAPE":
            return "reshape", {"bytes": work.in_elements * work.element_bytes}
        case "SVDF" | "UNIDIRECTIONAL_SEQUENCE_LSTM":
            steps = work.out_elements // work.out_channels
            return work.op.lower(), {"outputs": work.out_elements, "weight_steps": work.weight_bytes * steps}
    return work.op.lower(), {"outputs": work.out_elements}


def _convolution(work: Workload, kernels: KernelSet) -> tuple[str, Counts]:
    if kernels == "reference":
        return "conv", _reference_convolution(work)
    pointwise = work.kernel_height == work.kernel_width == 1 and not work.dilated
    if pointwise and work.dtype == "int8":
        return "conv_1x1", _pointwise(work, kernels)
    if kernels == "mve":
        one_row = work.height == work.kernel_height == 1 and not work.dilated
        if one_row and work.stride_width * work.in_channels % 4 == 0:
            return "conv_1xn", mve_one_row(work)
        return "conv", mve_convolution(work)
    return "conv", _im2col_convolution(work)


def _depthwise(work: Workload, kernels: KernelSet) -> tuple[str, Counts]:
    if kernels == "reference":
        return "depthwise", _reference_depthwise(work)
    if kernels == "mve" and work.in_channels == 1 and work.out_channels > MVE_DEPTHWISE_AS_CONV:
        return "depthwise_as_conv", {**mve_convolution(work), "weights": work.columns * work.out_channels}
    # For 16-bit activations TFLM calls the plain kernel even where CMSIS-NN has a fast one.
    if work.multiplier == 1 and not work.dilated and work.dtype == "int8":
        if kernels == "mve":
            return "depthwise", mve_depthwise(work)
        if _is_3x3(work):
            return "depthwise_3x3", _depthwise_3x3(work)
        return "depthwise", _im2col_depthwise(work)
    if work.multiplier % 4 == 0 and not work.dilated:
        return "depthwise_multiplier4", _depthwise_multiplier4(work)
    return "depthwise_generic", _depthwise_generic(work)


def _is_3x3(work: Workload) -> bool:
    if not work.kernel_height == work.kernel_width == 3:
        return False
    return not work.same or (
        padding_before(work.height, 3, work.stride_height, 1, work.out_height) <= 1
        and padding_before(work.width, 3, work.stride_width, 1, work.out_width) <= 1
    )


def _im2col_convolution(work: Workload) -> Counts:
    """im2col in pairs of pixels, output channels in pairs, columns in fours (arm_convolve_s8, _s16)."""
    quads, rest = divmod(work.columns, 4)
    pairs, single = divmod(work.pixels, 2)
    channel_pairs, odd = divmod(work.out_channels, 2)
    blocks = pairs * (channel_pairs + ODD_CHANNEL * odd)
    last = single * work.out_channels
    return {
        **im2col_taps(work),
        "widened_quads": work.pixels * quads,
        "widened_rest": work.pixels * rest,
        "blocks": blocks,
        "block_quads": blocks * quads,
        "block_rest": blocks * rest,
        "last_pixel_outputs": last,
        "last_pixel_quads": last * quads,
        "last_pixel_rest": last * rest,
    }


def _pointwise(work: Workload, kernels: KernelSet) -> Counts:
    """Matrix product without im2col: all pixels at once, or row by row when strided."""
    strided = work.stride_height > 1 or work.stride_width > 1
    calls, rows = (work.out_height, work.out_width) if strided else (1, work.pixels)
    counts = mve_product(work, rows) if kernels == "mve" else _dsp_product(work, rows)
    counts = {loop: count * calls for loop, count in counts.items()}
    return {**counts, "strided": float(strided), "strided_rows": calls if strided else 0}


def _dsp_product(work: Workload, rows: int) -> Counts:
    """arm_nn_mat_mult_nt_t_s8 with DSP: 2 rows x 2 channels, columns by 16, by 4 and one by one."""
    columns = work.columns
    sixteens, rest = divmod(columns, 16)
    quads, ones = divmod(rest, 4)
    pairs, single = divmod(rows, 2)
    channel_pairs, odd = divmod(work.out_channels, 2)
    return {
        "channel_pairs": channel_pairs,
        "weight_sums": channel_pairs * columns,
        "blocks": pairs * channel_pairs,
        "block_sixteens": pairs * channel_pairs * sixteens,
        "block_quads": pairs * channel_pairs * quads,
        "block_rest": pairs * channel_pairs * ones,
        "last_row_pairs": single * channel_pairs,
        "last_row_sixteens": single * channel_pairs * sixteens,
        "last_row_quads": single * channel_pairs * quads,
        "last_row_rest": single * channel_pairs * ones,
        "odd_channel_columns": odd * rows * (columns + SCALAR_OUTPUT),
    }


def _depthwise_3x3(work: Workload) -> Counts:
    """Four channels at a time, no im2col, padding skipped (arm_depthwise_conv_3x3_s8)."""
    fours, rest = divmod(work.in_channels, 4)
    rows = work.rows_inside * work.out_width
    taps = work.rows_inside * work.columns_inside
    return {
        "out_rows": work.out_height,
        "pixels": work.pixels,
        "fours": work.pixels * fours,
        "four_rows": rows * fours,
        "four_taps": taps * fours,
        "ones": work.pixels * rest,
        "one_rows": rows * rest,
        "one_taps": taps * rest,
    }


def _im2col_depthwise(work: Workload) -> Counts:
    """One column buffer a pixel, four channels and two taps at a time (arm_depthwise_conv_s8_opt)."""
    fours, rest = divmod(work.in_channels, 4)
    area = work.kernel_height * work.kernel_width
    pairs, odd = divmod(area, 2)
    rows = work.rows_inside * work.out_width
    taps = work.rows_inside * work.columns_inside
    rows_padded = work.pixels * work.kernel_height - rows
    taps_padded = rows * work.kernel_width - taps
    return {
        "pixels": work.pixels,
        "rows_inside": rows,
        "rows_padded": rows_padded,
        "row_elements_padded": rows_padded * work.kernel_width * work.in_channels,
        "taps_inside": taps,
        "tap_fours_inside": taps * fours,
        "tap_ones_inside": taps * rest,
        "taps_padded": taps_padded,
        "tap_channels_padded": taps_padded * work.in_channels,
        "fours": work.pixels * fours,
        "four_tap_pairs": work.pixels * fours * pairs,
        "four_odd_taps": work.pixels * fours * odd,
        "ones": work.pixels * rest,
        "one_taps": work.pixels * rest * area,
    }


def _depthwise_multiplier4(work: Workload) -> Counts:
    """Four outputs of one input channel at a time, padding skipped."""
    tiles = work.in_channels * (work.multiplier // 4)
    return {
        "out_rows": work.out_height,
        "pixels": work.pixels,
        "pixel_channels": work.pixels * work.in_channels,
        "tiles": work.pixels * tiles,
        "tile_rows": work.rows_inside * work.out_width * tiles,
        "tile_taps": work.rows_inside * work.columns_inside * tiles,
    }


def _depthwise_generic(work: Workload) -> Counts:
    """One output at a time: any multiplier, any dilation."""
    return {
        "pixels": work.pixels,
        "outputs": work.pixels * work.out_channels,
        "output_rows": work.rows_inside * work.out_width * work.out_channels,
        "output_taps": work.rows_inside * work.columns_inside * work.out_channels,
    }


def _fully_connected(work: Workload, kernels: KernelSet) -> Counts:
    """Dot products in pairs (dsp), fours (mve) or one by one (reference)."""
    columns, outputs = work.in_channels, work.out_channels
    if kernels == "reference":
        return {"outputs": outputs, "output_columns": outputs * columns}
    if kernels == "mve":
        fours, rest = divmod(outputs, 4)
        vectors = -(-columns // 16)
        return {"fours": fours, "four_vectors": fours * vectors, "ones": rest, "one_vectors": rest * vectors}
    pairs, odd = divmod(outputs, 2)
    blocks = pairs + ODD_CHANNEL * odd
    sixteens, rest = divmod(columns, 16)
    quads, ones = divmod(rest, 4)
    return {
        "outputs": outputs,
        "blocks": blocks,
        "block_sixteens": blocks * sixteens,
        "block_quads": blocks * quads,
        "block_rest": blocks * ones,
    }


def _pool(work: Workload) -> Counts:
    taps = work.rows_inside * work.columns_inside
    return {
        "pixels": work.pixels,
        "taps": taps,
        "tap_channels": taps * work.in_channels,
        "outputs": work.pixels * work.in_channels,
    }


def _reference_convolution(work: Workload) -> Counts:
    """Every output visits every tap and tests whether it lies in the padding."""
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
