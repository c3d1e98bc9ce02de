"""Quantisation-aware training of MLPerf Tiny's ResNet-8 on real photographs: how far from float it ends.

    python -m tests.benchmarks.qat_resnet SHARED FOLDER [--images 8000] [plan.yaml ...]

The only published network here whose labelled data lie beside it: CIFAR-10 as
JPEGs, on which the float network has about 75 %, not the 85 % and more of the
original images (``SOURCE.md`` of the data).  Prints the table of ``tinyfront
compress`` for each plan: float32, plain int8, and the plan.
"""

from __future__ import annotations

import argparse
import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from search.cli import main as tinyfront

PLANS = {
    "qat-8": "quantization_aware_training: {fine_tune: 0.5}\n",
    "qat-4": "quantization_aware_training: {fine_tune: 0.5}\nquantization: {weight_bits: 4}\n",
    "int4": "quantization: {weight_bits: 4}\n",
}
MODEL = "data/models_mlperf_tiny/image_classification/pretrainedResnet.h5"


def make(archive: Path, file: Path, images: int) -> None:
    """Write the first so many training images, as many of each class, and all test images as an ``.npz``."""
    parts: dict[str, dict[str, list[np.ndarray]]] = {"train": {}, "test": {}}
    with tarfile.open(archive) as tar:
        for member in sorted((each for each in tar if each.isfile()), key=lambda each: each.name):
            path, stream = Path(member.name), tar.extractfile(member)
            kept = parts["train" if "train" in path.parts else "test"].setdefault(path.parent.name, [])
            if stream is not None and path.suffix in (".jpg", ".jpeg") and len(kept) < images // 10:
                kept.append(np.asarray(Image.open(io.BytesIO(stream.read()))))
    arrays: dict[str, Any] = {}
    for part, classes in parts.items():
        names = sorted(name for name, kept in classes.items() if kept)
        arrays[f"x_{part}"] = np.concatenate([np.stack(classes[name]) for name in names])
        arrays[f"y_{part}"] = np.concatenate([np.full(len(classes[name]), name) for name in names])
    np.savez_compressed(file, **arrays)


def main() -> None:
    """Run `PLANS`, or the plans named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=8_000)
    parser.add_argument("plans", nargs="*", type=Path)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    data = options.folder / f"cifar10-{options.images}.npz"
    if not data.exists():
        make(options.shared / "data/cifar10/cifar10_public.tar.xz", data, options.images)
    for name, text in PLANS.items():
        (options.folder / f"{name}.yaml").write_text(text)
    for plan in options.plans or [options.folder / f"{name}.yaml" for name in PLANS]:
        command = ["compress", str(options.shared / MODEL), "--data", str(data), "--device", "nucleo-l4r5zi"]
        out = options.folder / plan.stem
        print(f"\n{plan.stem}", flush=True)
        tinyfront([*command, "--plan", str(plan), "--out", str(out), "--set", "normalization=none"])


if __name__ == "__main__":
    main()
