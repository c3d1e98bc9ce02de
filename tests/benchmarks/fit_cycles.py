"""Fit the instruction tables of `devices/cycles` to the measured truth.

Run from the checkout, with scipy and the shared truth beside it::

    python -m tests.benchmarks.fit_cycles [--truth ../shared/truth] [--models ../shared/data]

Every operator family of every core and type gets the non-negative
coefficients c that minimise ``sum_i (sum_j c_j x_ij / y_i - 1)^2``: the
relative error of the predicted instructions, with x the loop counts of
`devices.loops` and y the instructions executed by the emulated core.
Families that the single-operator sweep lacks (reshape, quantize, SVDF, LSTM)
are fitted on the operators of whole models.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from devices.flatbuffer import read_graph
from devices.graph import DType
from devices.loops import KernelSet, loops
from devices.workload import Workload, workload

CHECKOUT = Path(__file__).parents[2]
# (core, type in the truth's file names) -> kernels the loops are counted for
TABLES: dict[tuple[str, str], KernelSet] = {
    ("m4", "int8"): "dsp",
    ("m7", "int8"): "dsp",
    ("m33", "int8"): "dsp",
    ("m55", "int8"): "mve",
    ("m4", "int16x8"): "dsp",
    ("m7", "int16x8"): "dsp",
    ("m4", "float32"): "reference",
    ("m7", "float32"): "reference",
}
ACTIVATIONS = {"int8": DType.INT8, "int16x8": DType.INT16, "float32": DType.FLOAT32, "int8_w4": DType.INT8}
NAMES = {
    "conv": "CONV_2D",
    "dw": "DEPTHWISE_CONV_2D",
    "fc": "FULLY_CONNECTED",
    "avgpool": "AVERAGE_POOL_2D",
    "maxpool": "MAX_POOL_2D",
    "softmax": "SOFTMAX",
    "add": "ADD",
    "mul": "MUL",
    "mean": "MEAN",
    "tanh": "TANH",
    "logistic": "LOGISTIC",
    "hardswish": "HARD_SWISH",
}
COLUMNS = ("h", "w", "ci", "co", "kh", "kw", "stride", "same", "mult", "oh", "ow", "wbits", "insns")
ONLY_IN_MODELS = ("RESHAPE", "QUANTIZE", "SVDF", "UNIDIRECTIONAL_SEQUENCE_LSTM")
MODELS = (
    "models_mlperf_tiny/anomaly_detection/ad01_int8.tflite",
    "models_mlperf_tiny/anomaly_detection/ad01_fp32.tflite",
    "models_tflm/hello_world/hello_world_int8.tflite",
    "models_tflm/hello_world/hello_world_float.tflite",
    "models_mlperf_tiny/keyword_spotting/kws_ref_model.tflite",
    "models_mlperf_tiny/image_classification/pretrainedResnet_quant.tflite",
    "models_mlperf_tiny/image_classification/pretrainedResnet.tflite",
    "models_mlperf_tiny/visual_wake_words/vww_96_int8.tflite",
    "models_mlperf_tiny/visual_wake_words/vww_96_float.tflite",
    "models_mlperf_tiny/streaming_wakeword/str_ww_ref_model.tflite",
    "models_tflm/micro_speech/micro_speech_quantized.tflite",
    "models_tflm/models/keyword_scrambled.tflite",
    "models_tflm/models/person_detect.tflite",
    "models_tflm/mnist_lstm/trained_lstm.tflite",
    "models_tflm/mnist_lstm/trained_lstm_int8.tflite",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One measured operator.

    `shape_family` is what two samples share when one would give the other
    away: everything but the image size.  `model` is the whole model that the
    operator was measured in, empty for one of the sweep.
    """

    work: Workload
    family: str
    counts: dict[str, float]
    instructions: int
    shape_family: tuple[int | str, ...]
    model: str = ""


def samples(truth: Path, core: str, dtype: str, kernels: KernelSet) -> list[Sample]:
    """Operators of ``ops_<core>_<dtype>.csv``."""
    with (truth / f"ops_{core}_{dtype}.csv").open(newline="") as lines:
        return [_sample(row, dtype, kernels) for row in csv.DictReader(lines)]


def _sample(row: dict[str, str], dtype: str, kernels: KernelSet) -> Sample:
    n = {key: int(row[key] or 0) for key in COLUMNS}
    work = row_workload(NAMES[row["op"]], n, ACTIVATIONS[dtype])
    family, counts = loops(work, kernels)
    key: tuple[int | str, ...] = (row["op"], *(n[k] for k in ("ci", "co", "kh", "kw", "stride", "same", "mult")))
    if row["op"] not in ("conv", "dw", "fc"):
        key = (*key, n["h"], n["w"])
    return Sample(work=work, family=family, counts=counts, instructions=n["insns"], shape_family=key)


def row_workload(op: str, n: dict[str, int], dtype: DType) -> Workload:
    """Workload of one row of the truth; an empty cell reads 0."""
    some = {key: max(1, value) for key, value in n.items()}
    reduced = op == "MEAN"
    elements = some["h"] * some["w"] * some["ci"]
    return Workload(
        op=op,
        dtype=dtype,
        height=some["h"],
        width=some["w"],
        in_channels=some["ci"],
        out_channels=some["co"],
        kernel_height=some["kh"],
        kernel_width=some["kw"],
        stride_height=some["stride"],
        stride_width=some["stride"],
        same=bool(n["same"]),
        multiplier=some["mult"],
        out_height=some["oh"],
        out_width=some["ow"],
        in_elements=elements,
        out_elements=some["ci"] if reduced else elements,
        element_bytes=dtype.bits // 8,
        weight_bits=n["wbits"],
    )


def model_samples(truth: Path, models: Path, core: str, dtype: str, kernels: KernelSet) -> list[Sample]:
    """Operators of whole models whose family the sweep lacks."""
    with (truth / "model_ops.csv").open(newline="") as lines:
        measured = {(r["model"], int(r["index"])): int(r["insns"]) for r in csv.DictReader(lines) if r["core"] == core}
    found = []
    for path in MODELS:
        graph = read_graph((models / path).read_bytes())
        for index, operator in enumerate(graph.operators):
            work = workload(graph, operator)
            if operator.name in ONLY_IN_MODELS and _table_type(work) == dtype:
                family, counts = loops(work, kernels)
                instructions = measured[Path(path).name, index]
                key = (operator.name, work.in_elements, work.out_channels, work.kernel_width)
                found.append(
                    Sample(
                        work=work,
                        family=family,
                        counts=counts,
                        instructions=instructions,
                        shape_family=key,
                        model=Path(path).name,
                    )
                )
    return found


def _table_type(work: Workload) -> str:
    return {DType.INT8: "int8", DType.INT16: "int16x8", DType.FLOAT32: "float32"}.get(work.dtype, "")


def fit(group: Sequence[Sample]) -> dict[str, float]:
    """Instructions of one iteration of each loop, by least squares of the relative error; zeros left out."""
    names = list(group[0].counts)
    relative = design(group, names) / np.array([s.instructions for s in group], dtype=float)[:, None]
    scale = np.where(relative.max(axis=0) > 0, relative.max(axis=0), 1.0)
    solution, _ = nnls(relative / scale, np.ones(len(group)))
    return {name: round(float(value), 4) for name, value in zip(names, solution / scale, strict=True) if value > 1e-9}


def design(group: Sequence[Sample], names: Sequence[str]) -> NDArray[np.float64]:
    """Loop counts, one row a sample and one column a name."""
    return np.array([[s.counts[name] for name in names] for s in group], dtype=float)


def predict(table: dict[str, float], sample: Sample) -> float:
    """Instructions of one sample by a family's table."""
    return sum(value * sample.counts.get(name, 0.0) for name, value in table.items())


def by_family(all_samples: Iterable[Sample]) -> dict[str, list[Sample]]:
    """Group samples by kernel family, families sorted by name."""
    groups: dict[str, list[Sample]] = defaultdict(list)
    for sample in all_samples:
        groups[sample.family].append(sample)
    return dict(sorted(groups.items()))


def int4_terms(group: Sequence[Sample], table8: dict[str, float]) -> dict[str, float]:
    """Instructions that 4-bit weights add to the 8-bit formula of a family: so many a multiply, so many a pixel."""
    instructions = np.array([s.instructions for s in group], dtype=float)
    extra = instructions - np.array([predict(table8, s) for s in group])
    counts = np.array([[s.work.multiplies, s.work.pixels] for s in group], dtype=float)
    scale = counts.max(axis=0)
    solution, _ = nnls(counts / scale / instructions[:, None], extra / instructions)
    multiplies, pixels = (round(float(value), 4) for value in solution / scale)
    return {"multiplies": multiplies, "pixels": pixels}


def int4_table(truth: Path, tables: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """`int4_terms` of every family that was measured with 4-bit weights."""
    groups = by_family(samples(truth, "m4", "int8_w4", "dsp"))
    return {family: int4_terms(group, tables[family]) for family, group in groups.items()}


def table(truth: Path, models: Path, core: str, dtype: str) -> dict[str, object]:
    """Fit the whole content of ``devices/cycles/<core>_<dtype>.json``."""
    kernels = TABLES[core, dtype]
    groups = by_family(samples(truth, core, dtype, kernels) + model_samples(truth, models, core, dtype, kernels))
    fitted = {family: fit(group) for family, group in groups.items()}
    content: dict[str, object] = {
        "core": core,
        "dtype": dtype,
        "kernels": kernels,
        "source": f"shared truth ops_{core}_{dtype}.csv and model_ops.csv: TensorFlow Lite Micro 2026-08 (90b983c2b) "
        "with CMSIS-NN 4ab83cc3, GCC 12.2.1 -O2, instructions executed in QEMU 7.2",
        "method": "tests/benchmarks/fit_cycles.py: non-negative least squares of the relative error; "
        "instructions = sum of coefficient x loop count (devices/loops.py)",
        "fitted_on_whole_models": [family for family, group in groups.items() if group[0].model],
        "samples": {family: len(group) for family, group in groups.items()},
        "instructions": fitted,
    }
    if dtype == "int8" and kernels == "dsp":
        content["int4_weights"] = int4_table(truth, fitted)
    return content


def main() -> None:
    """Write every table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--truth", type=Path, default=CHECKOUT.parent / "shared" / "truth")
    parser.add_argument("--models", type=Path, default=CHECKOUT.parent / "shared" / "data")
    arguments = parser.parse_args()
    for core, dtype in TABLES:
        content = table(arguments.truth, arguments.models, core, dtype)
        target = CHECKOUT / "devices" / "cycles" / f"{core}_{dtype}.json"
        target.write_text(json.dumps(content, indent=1) + "\n")
        print(target.name)


if __name__ == "__main__":
    main()
