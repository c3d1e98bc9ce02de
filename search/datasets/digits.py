"""The 8x8 digits that scikit-learn carries: data that is there without a download."""

from __future__ import annotations

import numpy as np

from search.datasets.raw import RawData, RawPart


class Digits:
    """``digits``: 1,797 images (8, 8, 1) of values 0..16, ten classes."""

    names: tuple[str, ...] = ("digits",)

    def read_name(self, name: str) -> RawData:
        """The digits, as one part."""
        from sklearn.datasets import load_digits

        bunch = load_digits()
        part = RawPart(x=bunch.images.astype(np.uint8), y=bunch.target, x_name="images", y_name="labels")
        return RawData(name=name, source=name, train=part)
