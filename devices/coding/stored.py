"""What a coded model costs: its package lies in flash, the model itself in RAM.

At its start the device unpacks the model into a buffer of its own, once, where
the interpreter reads it from then on.  Flash shrinks, RAM grows by the model.
"""

from __future__ import annotations

from dataclasses import replace

from devices.device import Device
from devices.footprint import Footprint

# unpack.c at -Os, GCC 12.2; Cortex-M85, RISC-V and Xtensa were not measured and take the largest.
_DECODER_BYTES = {"cortex-m4": 477, "cortex-m33": 477, "cortex-m7": 477, "cortex-m55": 485, "cortex-m0plus": 545}
_LARGEST_DECODER_BYTES = 545


class UnpackError(ValueError):
    """A board that does not unpack models; the message says why and what to do."""


def unpacks(device: Device) -> bool:
    """True when the board's program can unpack a model: with TensorFlow Lite Micro on the core, whatever its kernels.

    A Linux board reads the model from a file, and an Ethos-U executes a
    compiled one whose weights it expects in place.
    """
    return device.runtime == "tflm" and device.accelerator is None


def require_unpacking(device: Device) -> None:
    """Refuse a board for which no package is made.

    Raises
    ------
    UnpackError
        When it does not unpack.
    """
    if not unpacks(device):
        reader = "its Ethos-U" if device.accelerator is not None else "LiteRT"
        raise UnpackError(
            f"{device.name} cannot unpack a Huffman-coded model, {reader} reads it where it is stored: "
            "leave huffman_coding out"
        )


def coded(footprint: Footprint, package_bytes: int, device: Device) -> Footprint:
    """The cost of a model that is stored as a package, from its cost where it is stored as it is.

    Unpacking ends before the first inference, so that neither latency nor the
    deepest stack (that of a kernel; the decoder takes about 125 bytes) changes.

    Parameters
    ----------
    footprint
        Of the model itself, stored plainly.
    package_bytes
        Length of `devices.coding.package.pack`'s result.

    Raises
    ------
    UnpackError
        When the board does not unpack.
    """
    require_unpacking(device)
    decoder = _DECODER_BYTES.get(device.core, _LARGEST_DECODER_BYTES)
    return replace(footprint, stored_bytes=package_bytes, runtime_flash_bytes=footprint.runtime_flash_bytes + decoder)
