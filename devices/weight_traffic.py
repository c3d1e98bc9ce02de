"""Weight bytes that one operator reads from flash, past a data cache.

Kernels walk the weights in an order of their own; a memory slower than the
core makes it wait for every byte that no cache holds.
"""

from __future__ import annotations

from devices.workload import Workload


def flash_weight_bytes(work: Workload, cache_bytes: int) -> int:
    """Weight bytes that one inference reads from flash.

    Weights that fit the cache are read once.  Of larger ones, im2col
    convolutions read all for every two pixels; a 1x1 convolution keeps two
    output channels while it walks the pixels, if these fit; a depthwise
    kernel is read again for every pixel; an LSTM reads all for every step,
    a fully connected layer for every row.

    Parameters
    ----------
    cache_bytes
        Size of the data cache in front of the flash; 0 or more.
    """
    return work.weight_bytes * (1 if work.weight_bytes <= cache_bytes else _rereads(work, cache_bytes))


def _rereads(work: Workload, cache_bytes: int) -> int:
    match work.op:
        case "CONV_2D":
            pointwise = work.kernel_height == work.kernel_width == 1
            if pointwise and 2 * work.columns * work.weight_bits <= 8 * cache_bytes:
                return work.out_height if work.stride_height > 1 else 1
            return -(-work.pixels // 2)
        case "DEPTHWISE_CONV_2D":
            return work.pixels
        case "UNIDIRECTIONAL_SEQUENCE_LSTM":
            return work.out_elements // work.out_channels
        case "FULLY_CONNECTED":
            return work.batch
    return 1
