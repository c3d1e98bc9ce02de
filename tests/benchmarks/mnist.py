"""Real MNIST on the main job: makes the ``.npz`` and runs the search that the README reports.

    python -m tests.benchmarks.mnist SHARED/data/mnist FOLDER [search options]

10,000 training images, of which the search keeps 2,000 for validation, and
the 10,000 test images, both as published.
"""

from __future__ import annotations

import argparse
import gzip
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from search.cli import main as tinyfront

_IMAGE_HEADER, _LABEL_HEADER = 16, 8


def make(source: Path, file: Path) -> None:
    """Write MNIST as an ``.npz`` with a training and a test part."""
    x_train, y_train = _train(source / "train10k.tar.xz")
    images = gzip.decompress((source / "t10k-images-idx3-ubyte.gz").read_bytes())[_IMAGE_HEADER:]
    labels = gzip.decompress((source / "t10k-labels-idx1-ubyte.gz").read_bytes())[_LABEL_HEADER:]
    x_test = np.frombuffer(images, np.uint8).reshape(-1, 28, 28)
    np.savez_compressed(file, x_train=x_train, y_train=y_train, x_test=x_test, y_test=np.frombuffer(labels, np.uint8))


def _train(archive: Path) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    images, labels = [], []
    with tarfile.open(archive) as tar:
        for member in sorted((member for member in tar if member.isfile()), key=lambda member: member.name):
            stream = tar.extractfile(member)
            if stream is not None:
                images.append(np.asarray(Image.open(stream)))
                labels.append(int(Path(member.name).parent.name))
    return np.stack(images), np.asarray(labels)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("folder", type=Path)
    options, search_options = parser.parse_known_args()
    file = options.folder / "mnist10k.npz"
    if not file.exists():
        make(options.source, file)
    defaults = ["--device", "nucleo-l432kc", "--minutes", "30", "--seed", "1", "--runs-dir", str(options.folder)]
    return tinyfront(["search", "--data", str(file), *defaults, *search_options])


if __name__ == "__main__":
    raise SystemExit(main())
