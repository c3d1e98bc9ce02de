"""Loop counts of CMSIS-NN's kernels for cores with the DSP extension, as on a Cortex-M4, M7 and M33.

Two 16-bit multiply-accumulates an instruction: operands are widened to 16
bits, four columns make a step, two output channels (and mostly two pixels)
share what is loaded.  `devices.loops` says what the counts are for.
"""

from __future__ import annotations

from devices.im2col import Counts, im2col_taps
from devices.workload import Workload

# Overhead and requantisation of the odd last output channel of an im2col convolution, in units of one of its columns
# (two pixels a step: about 100 instructions beside 17 for four columns).
ODD_OUTPUT = 24
# Loop overhead and requantisation of one output of the scalar last channel, in units of one of its columns.
SCALAR_OUTPUT = 12
# A pixel and an input channel of the generic depthwise kernel each take about half the work of an output beside its
# taps: 35, 36 and 74 instructions with 16-bit activations (the int8 sweep has one number of channels and cannot tell).
GENERIC_CHANNEL = 0.5
# 16-bit activations leave the dual multiply-accumulate after this many columns, so that 32 bits cannot overflow.
INT16_FAST_COLUMNS = 512
# Parts of a fully connected layer's kernel, counted in its compiled code (GCC 12.2 -O2, Cortex-M4), where the sweep
# cannot tell them apart because all its layers have an even number of outputs and at least 8 columns.  In units of
# the 99 instructions that a pair of outputs takes beside its columns: the odd last output (66) and entering the loop
# of pairs (56) and that of column quads (8).
FC_ODD_OUTPUT = 0.67
FC_ENTER_PAIRS = 0.57
FC_ENTER_QUADS = 0.08
# The odd last output's columns: 38 of 60 instructions for 16 of them.
FC_ODD_COLUMNS = 0.63
# One, two or three last columns of a pair: 14, 22 and 28 instructions.
FC_REST = (0.0, 1.0, 1.57, 2.0)


def dsp_convolution(work: Workload) -> Counts:
    """im2col in pairs of pixels, output channels in pairs, columns in fours (arm_convolve_s8, _s16).

    - gathering, padding: `im2col_taps`; widening the column to 16 bits: ``widened_quads``, ``widened_rest``
    - ``blocks``: two pixels x two channels: bias, four requantisations, four stores
    - ``block_quads``: 16 MACs: six loads, widening, eight dual MACs; ``block_rest``: a column alone, four MACs
    - ``odd_channel_columns``: the odd last channel, whose loads nobody shares
    - ``last_pixel_*``: an odd last pixel, one channel at a time: per output, per four columns, per column
    """
    quads, rest = _quads(work)
    pairs, single = divmod(work.pixels, 2)
    channel_pairs, odd = divmod(work.out_channels, 2)
    blocks = pairs * channel_pairs
    last = single * work.out_channels
    return {
        **im2col_taps(work),
        "widened_quads": work.pixels * quads,
        "widened_rest": work.pixels * rest,
        "blocks": blocks,
        "block_quads": blocks * quads,
        "block_rest": blocks * rest,
        "odd_channel_columns": odd * pairs * (work.columns + ODD_OUTPUT),
        "last_pixel_outputs": last,
        "last_pixel_quads": last * quads,
        "last_pixel_rest": last * rest,
    }


def dsp_product(work: Workload, rows: int) -> Counts:
    """arm_nn_mat_mult_nt_t_s8 with DSP: 2 rows x 2 channels, columns by 16, by 4 and one by one.

    - ``channel_pairs``: entering the loop over rows; ``weight_sums``: two weights added up for the input offset
    - ``blocks``: two pixels x two channels: four requantisations, four stores
    - ``block_sixteens``, ``block_quads``, ``block_rest``: 64, 16 and 4 MACs with their loads
    - ``last_row_*``: an odd last pixel, two channels at a time: per pair, then 32, 8 and 2 MACs
    - ``odd_channel_columns``: the odd last channel, scalar, pixel by pixel
    """
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


def dsp_depthwise_3x3(work: Workload) -> Counts:
    """Four channels at a time, no im2col, padding skipped (arm_depthwise_conv_3x3_s8).

    - ``out_rows``, ``pixels``: bounds of the window inside the image
    - ``four_loops``, ``one_loops``: entering the loops over fours of channels and over the rest
    - ``fours``, ``ones``: bias, requantisation and store of four outputs or one
    - ``four_rows``, ``one_rows``: a kernel row inside: addresses; ``four_taps``, ``one_taps``: loads and MACs of a tap
    """
    fours, rest = divmod(work.in_channels, 4)
    rows = work.rows_inside * work.out_width
    taps = work.rows_inside * work.columns_inside
    return {
        "out_rows": work.out_height,
        "pixels": work.pixels,
        "four_loops": work.pixels * (fours > 0),
        "fours": work.pixels * fours,
        "four_rows": rows * fours,
        "four_taps": taps * fours,
        "one_loops": work.pixels * (rest > 0),
        "ones": work.pixels * rest,
        "one_rows": rows * rest,
        "one_taps": taps * rest,
    }


def dsp_depthwise(work: Workload) -> Counts:
    """One column buffer a pixel, four channels and two taps at a time (arm_depthwise_conv_s8_opt).

    - ``out_rows``, ``pixels``: bounds, and the two fills of rows above and below
    - ``rows_padded``, ``row_elements_padded``: rows of the kernel in the padding, zeroed whole
    - ``rows_inside``, ``taps_inside``, ``taps_padded``: loops and calls; ``tap_fours_inside``, ``tap_ones_inside``:
      channels widened to 16 bits; ``tap_channels_padded``: channels zeroed
    - ``fours``, ``ones``: bias, requantisation and store of four outputs or one
    - ``four_tap_pairs``: eight MACs with loads and packing; ``four_odd_taps``, ``one_taps``: the rest of the MACs
    """
    fours, rest = divmod(work.in_channels, 4)
    area = work.kernel_height * work.kernel_width
    pairs, odd = divmod(area, 2)
    rows = work.rows_inside * work.out_width
    taps = work.rows_inside * work.columns_inside
    rows_padded = work.pixels * work.kernel_height - rows
    taps_padded = rows * work.kernel_width - taps
    return {
        "out_rows": work.out_height,
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


def depthwise_multiplier4(work: Workload) -> Counts:
    """Four outputs of one input channel at a time, padding skipped (arm_depthwise_conv_s8, multiplier of 4).

    - ``out_rows``, ``pixels``, ``pixel_channels``: bounds and addresses
    - ``tiles``: bias, requantisation and store of four outputs
    - ``tile_rows``: a kernel row inside: addresses; ``tile_taps``: one input, four weights, four MACs
    """
    tiles = work.in_channels * (work.multiplier // 4)
    return {
        "out_rows": work.out_height,
        "pixels": work.pixels,
        "pixel_channels": work.pixels * work.in_channels,
        "tiles": work.pixels * tiles,
        "tile_rows": work.rows_inside * work.out_width * tiles,
        "tile_taps": work.rows_inside * work.columns_inside * tiles,
    }


def depthwise_generic(work: Workload) -> Counts:
    """One output at a time: any multiplier, any dilation (arm_depthwise_conv_s8, _s16).

    - ``out_rows``: loop; ``outputs``: bounds, bias, requantisation and store, with the share of pixel and channel loops
    - ``output_rows``: a kernel row inside: addresses; ``output_taps``: two loads and a MAC
    """
    return {
        "out_rows": work.out_height,
        "outputs": work.pixels * (work.out_channels + GENERIC_CHANNEL * (work.in_channels + 1)),
        "output_rows": work.rows_inside * work.out_width * work.out_channels,
        "output_taps": work.rows_inside * work.columns_inside * work.out_channels,
    }


def dsp_fully_connected(work: Workload) -> Counts:
    """Pairs of outputs, columns by 16, by 4 and one by one (arm_nn_vec_mat_mult_t_s8, _s16).

    - ``blocks``: what a pair takes beside its columns: bias, requantisation, clamping, stores, entering the loops
    - ``block_sixteens``, ``block_quads``: 32 and 8 MACs with loads and widening
    - ``block_rest``: columns alone: two MACs each
    """
    pairs, odd = divmod(work.out_channels, 2)
    quads, rest = _quads(work)
    sixteens, quads = divmod(quads, 4)
    dots = pairs + FC_ODD_COLUMNS * odd
    entered = 0 if sixteens or quads else FC_ENTER_QUADS * pairs
    return {
        "blocks": pairs + FC_ODD_OUTPUT * odd - entered - (0 if pairs else FC_ENTER_PAIRS),
        "block_sixteens": dots * sixteens,
        "block_quads": dots * quads,
        "block_rest": dots * (FC_REST[rest] if rest < len(FC_REST) else rest),
    }


def _quads(work: Workload) -> tuple[int, int]:
    """(steps of four columns, columns left to be done one by one)."""
    fast = min(work.columns, INT16_FAST_COLUMNS) if work.dtype == "int16" else work.columns
    return fast // 4, work.columns - fast // 4 * 4
