"""Loop counts of gathering the taps of a pixel into one column, which several kernels begin with."""

from __future__ import annotations

from devices.workload import Workload

Counts = dict[str, float]


def im2col_taps(work: Workload) -> Counts:
    """Gathering one column a pixel: taps inside are copied, taps in the padding are filled.

    - ``out_rows``, ``pixels``, ``kernel_rows``: loops and addresses
    - ``taps_inside``: tests and the call of the copy, ``tap_channels_inside``: the channels copied
    - ``taps_above``: a tap above or below the image, recognised by one test; ``taps_beside``: by two
    - ``tap_channels_padded``: the channels filled
    """
    area = work.kernel_height * work.kernel_width
    inside = work.rows_inside * work.columns_inside
    above = (work.out_height * work.kernel_height - work.rows_inside) * work.out_width * work.kernel_width
    outside = work.pixels * area - inside
    return {
        "out_rows": work.out_height,
        "pixels": work.pixels,
        "kernel_rows": work.pixels * work.kernel_height,
        "taps_inside": inside,
        "tap_channels_inside": inside * work.in_channels,
        "taps_above": above,
        "taps_beside": outside - above,
        "tap_channels_padded": outside * work.in_channels,
    }
