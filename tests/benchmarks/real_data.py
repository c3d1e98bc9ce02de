"""Every real data set beside the checkout: unpacked, described, and searched for ten minutes each.

    python -m tests.benchmarks.real_data ../shared/data FOLDER [--only fsdd,uci_har] [--prepare-only] [--minutes 10]

Prints one Markdown table: what was found and how it was split, or, without
``--prepare-only``, the point of each front that is best on validation data.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import io
import json
import shutil
import tarfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from search.cli import main as tinyfront
from search.datasets.load import inspect
from search.datasets.prepare import Prepared
from search.job import read_data_options
from search.metrics.catalog import METRICS, find_metric
from search.metrics.measurement import Measurement
from search.metrics.metric import Task
from search.store import RunFolder
from search.worker import score_on_test

_TURNED = 300  # images of each digit


@dataclass(frozen=True, slots=True, kw_only=True)
class RealSet:
    """One data set: how it is made ready below a folder, and how it is searched.

    `make` takes the set's folder beside the checkout and an empty folder of
    its own, and gives the path for ``--data``.  What is chosen by is `metric`,
    empty for the task's first, which is what a row shows.
    """

    make: Callable[[Path, Path], Path]
    device: str = "nucleo-l4r5zi"
    task: Task = "classification"
    metric: str = ""
    normal: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    frontend: str = ""
    job: Mapping[str, Any] = field(default_factory=dict)

    def arguments(self) -> list[str]:
        """Command line of the options of the data."""
        return _set({f"data_options.{key}": value for key, value in self.settings.items()})

    def search_arguments(self) -> list[str]:
        """Command line of the search, without the data and how long it takes."""
        frontend = ["--set", f"frontend={self.frontend}"] if self.frontend else []
        normal = ["--normal", self.normal] if self.normal else []
        metric = ["--metric", self.metric] if self.metric else []
        of_data = [*self.arguments(), "--device", self.device, "--task", self.task, *normal]
        return [*of_data, *metric, *frontend, *_set(self.job)]


def _set(values: Mapping[str, Any]) -> list[str]:
    return [part for key, value in values.items() for part in ("--set", f"{key}={json.dumps(value)}")]


def unpack(archive: Path, folder: Path, most: int | None = None) -> Path:
    """The files of a ``.tar.xz``, or the first `most` of them, below `folder`."""
    with tarfile.open(archive) as tar:
        members = (member for member in tar if member.isfile())
        for number, member in enumerate(members):
            if most is not None and number >= most:
                break
            tar.extract(member, folder, filter="data")
    return folder


def _unpacked(name: str, below: str = "") -> Callable[[Path, Path], Path]:
    return lambda source, folder: unpack(source / name, folder) / below


def _where_it_is(below: str = "") -> Callable[[Path, Path], Path]:
    return lambda source, _: source / below


def _mnist(source: Path, folder: Path) -> Path:
    """The training images as they are, the test images written as PNG beside them."""
    unpack(source / "train10k.tar.xz", folder)
    pixels = np.frombuffer(gzip.decompress((source / "t10k-images-idx3-ubyte.gz").read_bytes())[16:], np.uint8)
    labels = gzip.decompress((source / "t10k-labels-idx1-ubyte.gz").read_bytes())[8:]
    for number, (image, label) in enumerate(zip(pixels.reshape(-1, 28, 28), labels, strict=True)):
        place = folder / "test" / str(label) / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image, "L").save(place)
    return folder


def _spells(source: Path, folder: Path) -> Path:
    """The author's own split, without the files of both together."""
    for part in ("train", "test"):
        shutil.copytree(source / "data" / part, folder / part)
    return folder


def _strokes(source: Path, folder: Path) -> Path:
    """A table for each stroke, in the folder of its digit."""
    for file in sorted(source.glob("*.json")):
        for number, stroke in enumerate(json.loads(file.read_text())["strokes"]):
            place = folder / str(stroke["label"]) / f"{file.stem}_{number}.csv"
            place.parent.mkdir(parents=True, exist_ok=True)
            points = "".join(f"{point['x']},{point['y']}\n" for point in stroke["strokePoints"])
            place.write_text(f"x,y\n{points}")
    return folder


def _occupancy(source: Path, folder: Path) -> Path:
    """The authors' own split."""
    shutil.copy(source / "datatraining.txt", folder / "train.csv")
    shutil.copy(source / "datatest.txt", folder / "test.csv")
    return folder


def _rotated(source: Path, folder: Path) -> Path:
    """300 images of each digit, turned by up to 45 degrees either way, and a table of the angles."""
    unpack(source / "train10k.tar.xz", folder / "upright")
    rng = np.random.default_rng(0)
    rows = ["file,angle\n"]
    for digit in range(10):
        for file in sorted((folder / "upright" / "train" / str(digit)).iterdir())[:_TURNED]:
            angle = rng.uniform(-45, 45)
            name = f"{digit}_{file.name}"
            Image.open(file).rotate(angle, Image.Resampling.BILINEAR).save(folder / name)
            rows.append(f"{name},{angle:.3f}\n")
    shutil.rmtree(folder / "upright")
    (folder / "angles.csv").write_text("".join(rows))
    return folder


_FAN = json.dumps(
    {
        "window_statistics": {
            **dict.fromkeys(("mean", "standard_deviation", "root_mean_square", "minimum", "maximum"), False),
            "mean_absolute_change": False,
            "median_absolute_deviation": True,
        }
    }
)

_FEW = "log_loss"  # where so few samples validate that many networks get all of them right
_SPEECH = json.dumps({"log_mel": {"mel_bins": 24, "level": "peak", "mean_normalization": True, "log_offset": 0.01}})

SETS: Mapping[str, RealSet] = {
    "mnist": RealSet(make=_mnist),
    "cifar10": RealSet(make=_unpacked("cifar10_public.tar.xz")),
    "fsdd": RealSet(
        make=_unpacked("recordings.tar.xz", "recordings"),
        settings={"file_name": "{label}_{speaker}_{take}", "group_by": "speaker"},
        # Speakers differ tenfold in level, microphones in tone, and four are few to learn a sixth's voice from.
        # On the fifth, residual networks get furthest; they need about 3,000 steps, and ten minutes hold few such.
        frontend=_SPEECH,
        job={"augment": 12, "epochs": 4, "space": ["residual"], "compressors": ["quantization"]},
    ),
    "arabic_sc": RealSet(
        make=_unpacked("wav.tar.xz"),
        settings={"file_name": "{label}/{speaker}_NO_{take}", "group_by": "speaker"},
        frontend=_SPEECH,
        job={"augment": 6},
    ),
    # Each file of the author's holds all takes of one gesture, one after the other, so windows are the samples.
    "magic_wand_spells": RealSet(
        make=_spells,
        settings={"file_name": "{split}/{label}", "window": 119, "split": "stratified"},
        frontend="standardise",
        metric=_FEW,
    ),
    "magic_wand_digits": RealSet(make=_strokes, settings={"length": 64, "fit": "resample"}),
    "uci_har": RealSet(
        make=_unpacked("train.tar.xz"),
        settings={
            "file_name": "{label}/Subject_{person}",
            "group_by": "person",
            "window": 128,
            "overlap": 0.5,
            "sample_rate_hz": 50,
        },
    ),
    "BasicMotions": RealSet(make=_where_it_is("BasicMotions"), metric=_FEW),
    # Ten samples validate, which many networks get all right.
    "GunPoint": RealSet(make=_where_it_is("GunPoint"), metric=_FEW),
    "JapaneseVowels": RealSet(make=_where_it_is("JapaneseVowels"), settings={"fit": "resample"}),
    # 0: as it should be; 1: a coin is taped to a blade.  Files are numbered seconds of one recording a speed.
    "fan_accel": RealSet(
        make=_unpacked("fan.tar.xz"),
        task="anomaly_detection",
        normal="0",
        settings={"file_name": "fan_0_{speed}_{label}_weight/{time}", "split": "time-in-class", "sample_rate_hz": 200},
        frontend=_FAN,
    ),
    # Each odour was recorded in one go, two seconds a file: neighbours are all but equal.
    "ai_nose": RealSet(
        make=_unpacked("office.tar.xz", "office"),
        settings={"file_name": "{label}.{time}", "ignore": ["timestamp"], "split": "time-in-class"},
        frontend="standardise",
        metric=_FEW,
    ),
    # Minutes of one room: what a network is chosen by must lie later than what it learnt, as the test does.
    "occupancy": RealSet(make=_occupancy, settings={"time": "date", "split": "time"}),
    "diabetes": RealSet(make=lambda _, __: Path("diabetes"), task="regression"),
    "rotated_mnist": RealSet(make=_rotated, task="regression", settings={"file": "file"}),
}
# Folders beside the checkout that are not called as the set.
_FOLDERS = {**dict.fromkeys(("BasicMotions", "GunPoint", "JapaneseVowels"), "uea_small"), "rotated_mnist": "mnist"}


def made(name: str, shared: Path, folder: Path) -> Path:
    """Path for ``--data`` of a set, made ready once below `folder`."""
    place = folder / name
    mark = folder / f"{name}.ready"
    if not mark.exists():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        mark.write_text(str(SETS[name].make(shared / _FOLDERS.get(name, name), place)))
    return Path(mark.read_text())


def _inspected(name: str, reference: Path) -> Prepared:
    one = SETS[name]
    return inspect(str(reference), read_data_options(one.arguments()[1::2]), one.task, one.normal)


def _described(name: str, reference: Path) -> list[str]:
    began = time.perf_counter()
    found = _inspected(name, reference)
    seconds = time.perf_counter() - began
    n = sum(part.n for part in found.split.parts)
    shape = " x ".join(map(str, found.data.input_shape))
    answers = f"{found.data.n_classes} classes" if found.data.labels else f"{len(found.data.targets)} values"
    return [name, str(n), answers, shape, found.split.text(), f"{seconds:.1f}"]


def _searched(name: str, reference: Path, minutes: float, workers: int | None, runs: Path) -> list[str]:
    one, said = SETS[name], io.StringIO()
    command = ["search", "--data", str(reference), *one.search_arguments()]
    command += ["--minutes", str(minutes), "--seed", "1", "--name", name.lower(), "--runs-dir", str(runs), "--json"]
    command += [] if workers is None else ["--workers", str(workers)]
    with contextlib.redirect_stdout(said):
        code = tinyfront(command)
    if code:
        return [name, one.device, f"ended with {code}", *[""] * 5]
    document = json.loads(said.getvalue())
    best, metric = best_of(document), METRICS[one.task][0].name
    test = _tested(RunFolder(runs / name.lower()), int(best["trial"]), metric)
    split = _inspected(name, reference).split.text()
    figures = [str(best[key]) for key in ("model_bytes", "arena_bytes")]
    return [
        name,
        one.device,
        f"{metric} {test.value:.3f} ({test.low:.3f}-{test.high:.3f}), n = {test.n}",
        *figures,
        f"{best['latency_ms']:.2f}",
        split,
    ]


def best_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The point of the front that is best on validation by the metric of its search, the smallest of equal ones."""
    chosen_by = find_metric(document["metric"])
    sign = -1 if chosen_by.direction == "min" else 1
    found: Mapping[str, Any] = max(document["front"], key=lambda point: sign * point[chosen_by.name])
    return found


def _tested(run: RunFolder, trial: int, metric: str) -> Measurement:
    """What the run's test split says of a point; opened here where the search had no time left for it."""
    found = run.test_scores().get(trial)
    if found is None:
        record = run.record(trial)
        assert record is not None
        assert record.score is not None
        log = run.trial_folder(trial) / "log.txt"
        found = score_on_test(run.artifact(record), run.data_file, record.score.interpreter, log).metrics
    return found[metric]


_HEADS = {
    True: ["set", "samples", "answers", "input", "split", "loaded in s"],
    False: ["set", "board", "test metric (95 %)", "model_bytes", "arena_bytes", "est. ms", "split"],
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default=",".join(SETS))
    parser.add_argument("--prepare-only", action="store_true")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--workers", type=int, default=None)
    options = parser.parse_args()
    head = _HEADS[options.prepare_only]
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}", flush=True)
    for name in options.only.split(","):
        reference = made(name, options.shared, options.folder)
        row = (
            _described(name, reference)
            if options.prepare_only
            else _searched(name, reference, options.minutes, options.workers, options.folder / "runs")
        )
        print(f"| {' | '.join(row)} |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
