"""Loop counts of CMSIS-NN's Helium (MVE) kernels, int8, as on a Cortex-M55.

A vector holds 16 int8 columns; tails are predicated, so a started vector
costs a whole one.  `devices.loops` says what the counts are for.
"""

from __future__ import annotations

from devices.im2col import Counts, im2col_taps
from devices.workload import Workload

# CMSIS-NN's MVE depthwise kernel works on blocks of this many channels.
MVE_CHANNEL_BLOCK = 124
# Entering the loop of the last one to three outputs of a fully connected layer, in units of one of them: about 20 of
# 47 instructions of the compiled kernel (the sweep, with no or two such outputs, cannot tell them apart).
FC_ENTER_ONES = 0.43


def mve_product(work: Workload, rows: int) -> Counts:
    """arm_nn_mat_mult_nt_t_s8 with MVE: 4 rows x 1 channel, 16 columns a vector.

    - ``row_fours``: entering the loop over channels; ``blocks``: bias, vector requantisation, scattered store
    - ``block_vectors``: 64 MACs: five vector loads, five reductions and the loop, 11 instructions
    - ``last_rows``: one to three rows left, each alone; ``last_row_fours``: its requantisation, four channels at once,
      ``last_row_ones``: one by one; ``last_row_vectors``: 16 MACs, 5 instructions
    """
    vectors = -(-work.columns // 16)
    fours, rest = divmod(rows, 4)
    return {
        "row_fours": fours,
        "blocks": fours * work.out_channels,
        "block_vectors": fours * work.out_channels * vectors,
        "last_rows": rest,
        "last_row_fours": rest * (work.out_channels // 4),
        "last_row_ones": rest * (work.out_channels % 4),
        "last_row_vectors": rest * work.out_channels * vectors,
    }


def mve_convolution(work: Workload) -> Counts:
    """im2col of four pixels, then the MVE matrix product (arm_convolve_s8).

    Gathering copies 16 channels a vector.  A depthwise convolution of one
    input channel runs here too, after its weights were transposed
    (``transposes`` a call, ``transposed_weights`` a weight).
    """
    vectors = -(-work.in_channels // 16)
    taps = im2col_taps(work)
    taps["tap_channels_inside"] = taps["taps_inside"] * vectors
    taps["tap_channels_padded"] = (taps["taps_above"] + taps["taps_beside"]) * vectors
    transposed = work.op == "DEPTHWISE_CONV_2D"
    return {
        **taps,
        **mve_product(work, work.pixels),
        "transposes": float(transposed),
        "transposed_weights": work.columns * work.out_channels if transposed else 0,
    }


def mve_one_row(work: Workload) -> Counts | None:
    """Left edge, middle and right edge of one row, without im2col (arm_convolve_1_x_n_s8).

    Three calls of the matrix product (`mve_product`); before the edges the
    padding and the pixels beside it are copied (``edges``, ``copied_vectors``).

    Returns
    -------
    counts or None
        None when the edges are wider than the row: then the library falls
        back to im2col.
    """
    total = max((work.out_width - 1) * work.stride_width + work.kernel_width - work.width, 0) if work.same else 0
    before, after = total // 2, total - total // 2
    left, right = -(-before // work.stride_width), -(-after // work.stride_width)
    middle = work.out_width - left - right
    if middle < 0:
        return None
    counts: Counts = {"edges": float(left > 0) + float(right > 0), "copied_vectors": 2 * -(-work.columns // 16)}
    for rows in (left, middle, right):
        for loop, count in mve_product(work, rows).items():
            counts[loop] = counts.get(loop, 0.0) + count
    return counts


def mve_depthwise(work: Workload) -> Counts:
    """Blocks of 124 channels, four pixels and four channels at a time (arm_depthwise_conv_s8_opt, MVE).

    - gathering, padding: `im2col_taps`, once for every block of channels; ``tap_vectors_*``: 16 channels copied, filled
    - ``channel_blocks``, ``pixel_fours``: loops
    - ``blocks``: four pixels x four channels: bias, requantisation, stores; ``block_taps``: 16 MACs and their loads
    - ``last_pixel_*``: one to three pixels left, each alone: per four channels, per tap of them
    """
    blocks = -(-work.in_channels // MVE_CHANNEL_BLOCK)
    last = work.in_channels - (blocks - 1) * MVE_CHANNEL_BLOCK
    channel_fours = (blocks - 1) * (MVE_CHANNEL_BLOCK // 4) + -(-last // 4)
    vectors = (blocks - 1) * -(-MVE_CHANNEL_BLOCK // 16) + -(-last // 16)
    area = work.kernel_height * work.kernel_width
    taps = im2col_taps(work)
    fours, rest = divmod(work.pixels, 4)
    counts = {loop: count * blocks for loop, count in taps.items() if not loop.startswith("tap_channels")}
    return {
        **counts,
        "channel_blocks": blocks,
        "tap_vectors_inside": taps["taps_inside"] * vectors,
        "tap_vectors_padded": (taps["taps_above"] + taps["taps_beside"]) * vectors,
        "pixel_fours": fours * blocks,
        "blocks": fours * channel_fours,
        "block_taps": fours * channel_fours * area,
        "last_pixel_fours": rest * channel_fours,
        "last_pixel_taps": rest * channel_fours * area,
    }


def mve_fully_connected(work: Workload) -> Counts:
    """Outputs in fours, 16 columns a vector (arm_nn_vec_mat_mult_t_s8 with MVE).

    - ``four_loop``: entering the loop; ``fours``: vector requantisation and store; ``four_vectors``: 64 MACs
    - ``ones``: one to three outputs left: scalar requantisation and store; ``one_vectors``: 16 MACs
    """
    fours, rest = divmod(work.out_channels, 4)
    vectors = -(-work.in_channels // 16)
    return {
        "four_loop": float(fours > 0),
        "fours": fours,
        "four_vectors": fours * vectors,
        "ones": rest + (FC_ENTER_ONES if rest else 0),
        "one_vectors": rest * vectors,
    }


def mve_pool(work: Workload) -> Counts:
    """Sixteen channels at a time (arm_avgpool_s8, arm_max_pool_s8).

    An average walks the window once for every vector of channels
    (``vector_rows``, ``tap_vectors``) and divides lane by lane (``vectors``); a
    maximum walks the channels once for every tap of the window
    (``tap_vectors``) and clamps the whole output at the end
    (``clamped_vectors``).  ``pixels``: bounds of the window.
    """
    vectors = -(-work.in_channels // 16)
    taps = work.rows_inside * work.columns_inside
    counts: Counts = {"pixels": work.pixels, "tap_vectors": taps * vectors}
    if work.op == "MAX_POOL_2D":
        return {**counts, "clamped_vectors": -(-work.pixels * work.in_channels // 16)}
    return {**counts, "vectors": work.pixels * vectors, "vector_rows": work.rows_inside * work.out_width * vectors}
