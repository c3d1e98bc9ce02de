"""Every compression technique alone at its default, and the best combination, on real data.

    python -m tests.benchmarks.compression_table SHARED FOLDER --data mnist --minutes 20

Trains one float network and a larger teacher with a fixed seed, measures each
technique, then lets ``tinyfront compress`` search plans.  Networks are chosen
by the validation split; the table has the test split.  Progress goes to
stderr, the table to stdout, the same as JSON to ``FOLDER/DATA-table.json``.
``--only-table`` prints that JSON as a table and trains nothing.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tarfile
import tempfile
import time
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from compressors.catalog import find
from compressors.clustering import Clustering
from compressors.compressor import Settings, Value
from compressors.distillation import Distillation
from compressors.gradient_pruning import GradientPruning
from compressors.huffman_coding import HuffmanCoding
from compressors.lookup_tables import LookUpTables
from compressors.magnitude_pruning import MagnitudePruning
from compressors.plan import CompressionPlan
from compressors.quantization import Quantization
from compressors.quantization_aware_training import QuantizationAwareTraining
from compressors.sensitivity_pruning import SensitivityPruning
from compressors.settings_mapping import as_values
from compressors.structured_pruning import StructuredPruning
from search.cli import main as tinyfront
from search.compress import opened, results, tasks_for
from search.given import NetworkReader
from search.job import Job, read_job
from search.metrics.measurement import Measurement
from search.pool import Failure, pool_for
from search.problem import Problem
from search.show import summary_of
from search.store import RunFolder
from search.summary import FrontPoint
from search.text import values
from search.worker import run_trial, score_on_test
from tests.benchmarks import mnist

_BOARD = "nucleo-l4r5zi"
_INT8 = "int8"
_LOSS = 0.01
_WINDOW = 128
_TEST_PERSONS, _VALIDATION_PERSONS = 5, 4

_ALONE: dict[str, tuple[Settings, ...]] = {
    "float32": (Quantization(weight_bits=32, activation_bits=32),),
    _INT8: (Quantization(),),
    "int8 per tensor": (Quantization(granularity="tensor"),),
    "int8 percentile": (Quantization(calibration="percentile"),),
    "int8 with power-of-two scales": (Quantization(scales="power_of_two"),),
    "int16 activations": (Quantization(activation_bits=16),),
    "4-bit weights": (Quantization(weight_bits=4),),
    "quantisation-aware training": (QuantizationAwareTraining(), Quantization()),
    "distillation": (Distillation(), Quantization()),
    "structured pruning": (StructuredPruning(), Quantization()),
    "structured pruning of half by taylor": (
        StructuredPruning(filters=0.5, neurons=0.5, metric="taylor"),
        Quantization(),
    ),
    "magnitude pruning": (MagnitudePruning(), Quantization()),
    "gradient pruning": (GradientPruning(), Quantization()),
    "sensitivity pruning": (SensitivityPruning(), Quantization()),
    "clustering": (Clustering(), Quantization()),
    "huffman coding": (Quantization(), HuffmanCoding()),
    "clustering + look-up tables": (Clustering(), Quantization(), LookUpTables()),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the table; figures are None where nothing could be made, and `reason` says why.

    `validation` 0..1 chose, `test` of `n` samples has a 95 % interval `low`..`high`.
    """

    name: str
    reason: str = ""
    validation: float | None = None
    test: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    model_bytes: int = 0
    download_bytes: int | None = None
    flash_bytes: int = 0
    arena_bytes: int = 0
    latency_ms: float = 0.0


def make_mnist(source: Path, file: Path) -> None:
    """Write MNIST as an ``.npz``: 8,000 images to train, 2,000 to choose by, the published 10,000 to test."""
    mnist.make(source, file)
    with np.load(file) as arrays:
        x, y, test = arrays["x_train"], arrays["y_train"], {key: arrays[key] for key in ("x_test", "y_test")}
    order = np.random.default_rng(1).permutation(len(x))
    held, kept = order[: len(x) // 5], order[len(x) // 5 :]
    np.savez_compressed(file, x_train=x[kept], y_train=y[kept], x_val=x[held], y_val=y[held], **test)


def make_har(source: Path, file: Path) -> None:
    """Write windows (128, 1, 3) of total acceleration as an ``.npz``: persons are in one split only.

    The folder has the 21 published training persons; the last five of them by
    number are the test split and the four before them the validation split.
    """
    windows: dict[int, list[tuple[Any, str]]] = {}
    with tarfile.open(source / "train.tar.xz") as tar:
        for member in sorted((each for each in tar if each.isfile()), key=lambda each: each.name):
            path, stream = Path(member.name), tar.extractfile(member)
            if stream is None or path.suffix != ".csv":
                continue
            values = np.loadtxt(io.TextIOWrapper(stream), delimiter=",", skiprows=1, dtype=np.float32)
            whole = values[: len(values) // _WINDOW * _WINDOW].reshape(-1, _WINDOW, 1, 3)
            windows.setdefault(int(path.stem.split("_")[1]), []).append((whole, path.parent.name))
    persons = sorted(windows)
    last = len(persons) - _TEST_PERSONS
    parts = {"train": persons[: last - _VALIDATION_PERSONS], "val": persons[last - _VALIDATION_PERSONS : last]}
    arrays: dict[str, Any] = {}
    for part, members in {**parts, "test": persons[last:]}.items():
        chosen = [recording for person in members for recording in windows[person]]
        arrays[f"x_{part}"] = np.concatenate([values for values, _ in chosen])
        arrays[f"y_{part}"] = np.concatenate([np.full(len(values), label) for values, label in chosen])
    np.savez_compressed(file, **arrays)


def train(data: str, file: Path, model: Path, width: int, epochs: int) -> None:
    """Train a convolutional network on the training part and save it as ``.h5``."""
    import tf_keras

    with np.load(file) as arrays:
        x, y = arrays["x_train"].astype(np.float32), arrays["y_train"]
    tf_keras.utils.set_random_seed(1)
    network = _cnn(width, len(np.unique(y))) if data == "mnist" else _cnn_1d(width, len(np.unique(y)))
    x = x[..., None] / 255.0 if data == "mnist" else x
    network.compile(tf_keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    labels = np.unique(y, return_inverse=True)[1]
    for epoch in range(epochs):
        found = network.fit(x, labels, batch_size=64, epochs=1, verbose=0).history
        _say(f"{model.stem}: epoch {epoch + 1}, accuracy in training {found['accuracy'][0]:.4f}")
    network.save(model)


def _cnn(width: int, classes: int) -> Any:
    from tf_keras import Sequential, layers

    return Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(width, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(2 * width, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(4 * width, activation="relu"),
            layers.Dense(classes, activation="softmax"),
        ]
    )


def _cnn_1d(width: int, classes: int) -> Any:
    from tf_keras import Sequential, layers

    return Sequential(
        [
            layers.Input((_WINDOW, 1, 3)),
            layers.Conv2D(width, (5, 1), activation="relu"),
            layers.MaxPooling2D((2, 1)),
            layers.Conv2D(2 * width, (5, 1), activation="relu"),
            layers.MaxPooling2D((2, 1)),
            layers.Flatten(),
            layers.Dense(4 * width, activation="relu"),
            layers.Dense(classes, activation="softmax"),
        ]
    )


def alone(problem: Problem, names: list[str], document: Path) -> list[Line]:
    """Each technique at its default; the lines so far are kept in `document`, and those that it has are taken."""
    known = {line.name: line for line in _read(document)}
    lines: list[Line] = []
    for name in names:
        if name in known:
            lines.append(known[name])
            continue
        settings = _ALONE[name]
        began = time.monotonic()
        lines.append(_measured(problem, name, CompressionPlan.of(*settings)))
        _say(f"{name}: {time.monotonic() - began:.0f} s {lines[-1].reason}")
        _write(document, lines)
    return lines


def _measured(problem: Problem, name: str, plan: CompressionPlan) -> Line:
    with tempfile.TemporaryDirectory(prefix="tinyfront-") as folder, pool_for(problem.job) as pool:
        teacher = NetworkReader(Path(problem.job.teacher))(problem.data) if plan.learns else None
        (task,) = tasks_for(problem, {"plan": plan}, teacher, Path(folder))
        (found,) = results(pool, [(run_trial, task)])
        if isinstance(found, Failure):
            return Line(name=name, reason=found.reason)
        given = (found.content, task.data_file, task.interpreter, task.log_file)
        (tested,) = results(pool, [(score_on_test, *given)])
    if isinstance(tested, Failure):
        return Line(name=name, reason=tested.reason)
    test = tested.metrics["accuracy"]
    low, high = test.interval()
    cost = found.score.footprint
    return Line(
        name=name,
        validation=found.score.accuracy.value,
        test=test.value,
        low=low,
        high=high,
        n=test.n,
        model_bytes=cost.model_bytes,
        download_bytes=found.score.download_bytes,
        flash_bytes=cost.flash_bytes,
        arena_bytes=cost.arena_bytes,
        latency_ms=cost.latency_ms,
    )


def combined(command: list[str], run: RunFolder, folder: Path, floors: dict[str, float]) -> list[Line]:
    """The smallest networks of a search that have each of `floors` on validation, with their test accuracies."""
    with redirect_stdout(sys.stderr):
        code = tinyfront(command)
    if code not in (0, 1):
        raise SystemExit(f"the search ended with {code}")
    points = [row.point for row in summary_of(run).trials if row.point is not None]
    return [_smallest(run, points, folder, name, floor) for name, floor in floors.items()]


def _smallest(run: RunFolder, points: list[FrontPoint], folder: Path, name: str, floor: float) -> Line:
    kept = [point for point in points if point.quality.value >= floor]
    if not kept:
        reason = f"none of {len(points)} trained plans has {100 * floor:.2f} % on validation"
        return Line(name=name, reason=reason)
    best = min(kept, key=lambda point: (point.footprint.model_bytes, -point.quality.value))
    test = best.test_quality or _tested(run, best, folder)
    low, high = test.interval()
    steps = ", ".join(
        f"{technique} {_changed(technique, each)}".rstrip() for technique, each in best.compression.items()
    )
    return Line(
        name=f"{name}: {steps}",
        validation=best.quality.value,
        test=test.value,
        low=low,
        high=high,
        n=test.n,
        model_bytes=best.footprint.model_bytes,
        download_bytes=best.download_bytes,
        flash_bytes=best.footprint.flash_bytes,
        arena_bytes=best.footprint.arena_bytes,
        latency_ms=best.footprint.latency_ms,
    )


def _changed(technique: str, settings: Mapping[str, Value]) -> str:
    """What of a technique's settings is not the default, in brackets; empty where all is."""
    default = as_values(find(technique).settings())
    changed = {name: value for name, value in settings.items() if default[name] != value}
    return f"({values(changed)})" if changed else ""


def _tested(run: RunFolder, point: FrontPoint, folder: Path) -> Measurement:
    content = (run.path / point.artifact).read_bytes()
    return score_on_test(content, run.data_file, point.interpreter, folder / "test.txt").metrics["accuracy"]


def table(lines: list[Line]) -> str:
    """Markdown, with how much smaller the smallest combination is as its last line."""
    text = [
        "| technique | test accuracy, % (95 %) | n | model, B | download, B | flash, est. B | arena, B | est. ms |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for line in lines:
        if line.test is None or line.low is None or line.high is None:
            text.append(f"| {line.name} | {line.reason} | | | | | | |")
            continue
        share = f"{100 * line.test:.2f} ({100 * line.low:.2f}-{100 * line.high:.2f})"
        download = "-" if line.download_bytes is None else f"{line.download_bytes:,}"
        sizes = (
            f"{line.model_bytes:,} | {download} | {line.flash_bytes:,} | {line.arena_bytes:,} | {line.latency_ms:.2f}"
        )
        text.append(f"| {line.name} | {share} | {line.n:,} | {sizes} |")
    return "\n".join([*text, "", _verdict(lines)])


def _verdict(lines: list[Line]) -> str:
    plain, found = next(line for line in lines if line.name == _INT8), lines[-1]
    if plain.test is None or found.test is None:
        return "No combination within 1 point of plain int8 was found."
    lost = 100 * (plain.test - found.test)
    return (
        f"The smallest combination within 1 point of plain int8 on validation is "
        f"{plain.model_bytes / found.model_bytes:.2f} times smaller than it, at {lost:.2f} points lost on test."
    )


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", choices=("mnist", "uci_har"), default="mnist")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--epochs", type=int, default=12, help="of the float network and its teacher")
    parser.add_argument(
        "--tuning-epochs", type=int, default=None, help="of a technique's training; default: by samples"
    )
    parser.add_argument("--techniques", default=",".join(_ALONE), help="comma-separated")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--only-table", action="store_true")
    return parser.parse_args()


def _prepared(options: argparse.Namespace) -> tuple[Path, Path, Path]:
    """Data, network and teacher files, made where they are missing."""
    options.folder.mkdir(parents=True, exist_ok=True)
    data = options.folder / f"{options.data}.npz"
    if not data.exists():
        (make_mnist if options.data == "mnist" else make_har)(options.shared / "data" / options.data, data)
    files = options.folder / f"{options.data}.h5", options.folder / f"{options.data}-teacher.h5"
    for file, width in zip(files, (16, 32), strict=True):
        if not file.exists():
            train(options.data, data, file, width, options.epochs)
    return data, *files


def _job(options: argparse.Namespace, data: Path, model: Path, extra: list[str]) -> Job:
    given = {"data": str(data), "device": _BOARD, "workers": options.workers, "seed": 1, "network": str(model)}
    return read_job(None, given, extra)


def main() -> int:
    options = _arguments()
    document = options.folder / f"{options.data}-table.json"
    if options.only_table:
        print(table(_read(document)))
        return 0
    data, model, teacher = _prepared(options)
    sets = [] if options.data == "mnist" else ["normalization=none"]
    sets += [] if options.tuning_epochs is None else [f"epochs={options.tuning_epochs}"]
    problem, reading = opened(_job(options, data, model, [*sets, f"teacher={teacher}"]))
    _say(f"float network on validation: {100 * reading.quality.value:.2f} %, n = {reading.quality.n}")
    lines = alone(problem, options.techniques.split(","), document)
    plain = next(line for line in lines if line.name == _INT8)
    if plain.validation is None:
        raise SystemExit(f"no int8 file to compare with: {plain.reason}")
    name, runs = f"{options.data}-plans", options.folder / "runs"
    more = [word for each in sets for word in ("--set", each)]
    extent = ["--minutes", str(options.minutes), "--workers", str(options.workers), "--seed", "1", "--name", name]
    command = ["compress", str(model), "--data", str(data), "--device", _BOARD, *extent, "--runs-dir", str(runs), *more]
    floors = {
        "best combination, none lost on validation": plain.validation,
        "best combination, 1 point lost on validation": plain.validation - _LOSS,
    }
    lines += combined(command, RunFolder(runs / name), options.folder, floors)
    _write(document, lines)
    print(table(lines))
    return 0


def _read(file: Path) -> list[Line]:
    return [Line(**line) for line in json.loads(file.read_text())] if file.exists() else []


def _write(file: Path, lines: list[Line]) -> None:
    names = Line.__dataclass_fields__
    file.write_text(json.dumps([{name: getattr(line, name) for name in names} for line in lines], indent=1) + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
