"""A regression on images: by how many degrees a digit was turned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.ndimage import rotate
from sklearn.datasets import load_digits

MOST_DEGREES = 45.0


def save_rotated_digits(file: Path, n: int | None = None) -> None:
    """Write an ``.npz`` of the first `n` of scikit-learn's digits, each turned by up to 45 degrees either way.

    Its targets are the angles in degrees.  Validation and test are drawn from it when it is loaded.
    """
    images = load_digits().images[:n]
    degrees = np.random.default_rng(0).uniform(-MOST_DEGREES, MOST_DEGREES, len(images))
    turned = [rotate(image, angle, reshape=False, order=1) for image, angle in zip(images, degrees, strict=True)]
    np.savez(file, x_train=np.round(np.clip(turned, 0, 16)).astype(np.uint8), y_train=degrees)
