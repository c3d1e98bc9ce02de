"""Loop counts of CMSIS-NN's Helium (MVE) kernels, int8, as on a Cortex-M55.

A vector holds 16 int8 columns; tails are predicated, so a started vector
costs a whole one.  `devices.loops` says what the counts are for.
"""

from __future__ import annotations

from devices.workload import Workload, padding_before

Counts = dict[str, float]

# CMSIS-NN's MVE depthwise kernel works on blocks of this many channels.
MVE_CHANNEL_BLOCK = 124


def im2col_taps(work: Workload) -> Counts:
    """Gathering one column a pixel: taps inside are copied, taps in the padding are filled."""
    inside = work.rows_inside * work.columns_inside
    outside = work.pixels * work.kernel_height * work.kernel_width - inside
    return {
        "pixels": work.pixels,
        "kernel_rows": work.pixels * work.kernel_height,
        "taps_inside": inside,
        "tap_channels_inside": inside * work.in_channels,
        "taps_padded": outside,
        "tap_channels_padded": outside * work.in_channels,
    }


def mve_product(work: Workload, rows: int) -> Counts:
    """arm_nn_mat_mult_nt_t_s8 with MVE: 4 rows x 1 channel, 16 columns a vector."""
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
    """im2col of four pixels, then the MVE matrix product (arm_convolve_s8)."""
    vectors = -(-work.in_channels // 16)
    taps = im2col_taps(work)
    taps["tap_channels_inside"] = taps["taps_inside"] * vectors
    taps["tap_channels_padded"] = taps["taps_padded"] * vectors
    return {**taps, **mve_product(work, work.pixels)}


def mve_one_row(work: Workload) -> Counts:
    """Left edge, middle and right edge of one row, without im2col (arm_convolve_1_x_n_s8)."""
    before = padding_before(work.width, work.kernel_width, work.stride_width, 1, work.out_width) if work.same else 0
    left = -(-before // work.stride_width)
    right = left if work.same else 0
    sections = (left, max(work.out_width - left - right, 0), right)
    counts: Counts = {"edges": float(left > 0) + float(right > 0)}
    for rows in sections:
        for loop, count in mve_product(work, rows).items():
            counts[loop] = counts.get(loop, 0.0) + count
    return counts


def mve_depthwise(work: Workload) -> Counts:
    """Blocks of 124 channels, four pixels and four channels at a time (arm_depthwise_conv_s8_opt, MVE)."""
    blocks = -(-work.in_channels // MVE_CHANNEL_BLOCK)
    last = work.in_channels - (blocks - 1) * MVE_CHANNEL_BLOCK
    channel_fours = (blocks - 1) * (MVE_CHANNEL_BLOCK // 4) + -(-last // 4)
    area = work.kernel_height * work.kernel_width
    taps = im2col_taps(work)
    fours, rest = divmod(work.pixels, 4)
    counts = {loop: count * blocks for loop, count in taps.items() if not loop.startswith("tap_channels")}
    return {
        **counts,
        "tap_vectors_inside": taps["taps_inside"] * -(-work.in_channels // 16),
        "tap_vectors_padded": taps["taps_padded"] * -(-work.in_channels // 16),
        "pixel_fours": fours * blocks,
        "blocks": fours * channel_fours,
        "block_taps": fours * channel_fours * area,
        "last_pixel_fours": rest * channel_fours,
        "last_pixel_taps": rest * channel_fours * area,
    }


def mve_pool(work: Workload) -> Counts:
    """Sixteen channels at a time (arm_avgpool_s8, arm_max_pool_s8)."""
    vectors = -(-work.in_channels // 16)
    taps = work.rows_inside * work.columns_inside
    return {
        "pixels": work.pixels,
        "vectors": work.pixels * vectors,
        "taps": taps,
        "tap_vectors": taps * vectors,
        "outputs": work.pixels * work.in_channels,
    }
