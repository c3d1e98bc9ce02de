"""Every front-end by name."""

from __future__ import annotations

from devices.frontend.fft_magnitude import FftMagnitude
from devices.frontend.frontend import Frontend, FrontendError
from devices.frontend.image_rescale import ImageRescale
from devices.frontend.log_mel import LogMel
from devices.frontend.mfcc import Mfcc
from devices.frontend.micro_frontend import MicroFrontend
from devices.frontend.standardise import Standardise
from devices.frontend.window_statistics import WindowStatistics
from devices.suggestion import suggestion

FRONTENDS: tuple[type[Frontend], ...] = (
    LogMel,
    Mfcc,
    MicroFrontend,
    WindowStatistics,
    FftMagnitude,
    ImageRescale,
    Standardise,
)


def find_frontend(name: str) -> type[Frontend]:
    """The settings record of the front-end called `name`.

    Raises
    ------
    FrontendError
        Where there is none; with a guess, and all names.
    """
    known = {kind.name: kind for kind in FRONTENDS}
    if name in known:
        return known[name]
    raise FrontendError(f"unknown front-end {name!r}: {suggestion(name, known)}")
