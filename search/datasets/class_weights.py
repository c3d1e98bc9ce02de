"""How much the samples of each class count in training."""

from __future__ import annotations

import numpy as np

from search.datasets.dataset import Dataset


def balanced_weights(data: Dataset) -> tuple[float, ...]:
    """Training samples over (classes x samples of the class), in the order of the labels.

    All classes then weigh the same together, and the mean weight of a sample is
    1; scikit-learn's ``balanced`` (King and Zeng 2001, section 3.2, weights by
    the inverse of the frequency).
    """
    counts = np.bincount(data.train.y, minlength=data.n_classes)
    return tuple(float(weight) for weight in len(data.train) / (data.n_classes * counts))
