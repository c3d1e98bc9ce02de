"""The diabetes table that scikit-learn carries: a regression that is there without a download."""

from __future__ import annotations

import numpy as np

from search.datasets.raw import RawData, RawPart


class Diabetes:
    """``diabetes``: 442 patients of ten measurements; the target is a measure of disease progression a year later.

    Efron, Hastie, Johnstone and Tibshirani 2004, "Least angle regression",
    section 1.  The target, 25 to 346, has no unit there; columns are scaled
    as scikit-learn gives them.
    """

    names: tuple[str, ...] = ("diabetes",)

    def read_name(self, name: str) -> RawData:
        """The table, as one part."""
        from sklearn.datasets import load_diabetes

        bunch = load_diabetes()
        x, y = bunch.data.astype(np.float32), bunch.target.astype(np.float32)
        return RawData(
            name=name, source=name, train=RawPart(x=x, y=y, x_name="measurements", y_name="disease progression")
        )
