"""Published times of real boards, beside what our formulas count for the same models.

Everything is read from the shared truth (``published_*.csv``) and the shared
reference models; a point is one board, runtime and round on one of the four
networks of MLPerf Tiny.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from devices.device import Kernels
from devices.flatbuffer import read_graph
from devices.graph import Graph
from devices.instructions import instructions_of
from devices.latency import INTERPRETER_INSTRUCTIONS, Timing
from devices.weight_traffic import flash_weight_bytes
from devices.workload import workload

MODELS = {
    "kws": "models_mlperf_tiny/keyword_spotting/kws_ref_model.tflite",
    "ic": "models_mlperf_tiny/image_classification/pretrainedResnet_quant.tflite",
    "vww": "models_mlperf_tiny/visual_wake_words/vww_96_int8.tflite",
    "ad": "models_mlperf_tiny/anomaly_detection/ad01_int8.tflite",
}
PERSON = "models_tflm/models/person_detect.tflite"
# shared/facts/scoring.md section 7: emulated instructions of the published microTVM + CMSIS-NN code
EMULATED = {"kws": 8.48e6, "ic": 31.91e6, "vww": 24.94e6, "ad": 0.602e6}
SYSTEM = "microtvm_cmsis_nn/NUCLEO_L4R5ZI"
# Board names of published_board_ratios.csv; the maker of a runtime by its first word.
BOARDS = {"U585": "B-U585I-IOT02A", "U575": "NUCLEO-U575ZI-Q", "U385": "NUCLEO-U385RG-Q", "H7A3": "NUCLEO-H7A3ZI-Q"}
BOARDS |= {"F746": "DISCO-F746NG", "G0B1": "NUCLEO-G0B1RE", "062": "CY8CPROTO-062-4343W"}
MAKERS = {"X-CUBE-AI": "STMicroelectronics", "Plumerai": "Plumerai", "Bosch": "Bosch", "ONNC": "Skymizer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """Cycles of one board over those of the NUCLEO-L4R5ZI: same runtime, round and network."""

    round: str
    maker: str
    board: str
    model: str
    ratio: float


@cache
def graph_of(shared: Path, path: str) -> Graph:
    """Read a model of the shared data; `path` is one of `MODELS` or `PERSON`."""
    return read_graph((shared / "data" / path).read_bytes())


@cache
def instructions(graph: Graph, core: str, kernels: Kernels) -> float:
    """Instructions of one inference by our formulas, interpreter included."""
    start, each = INTERPRETER_INSTRUCTIONS
    counted = (instructions_of(workload(graph, o), core, kernels).count for o in graph.operators)
    return start + sum(each + count for count in counted)


@cache
def streamed(graph: Graph, cache_bytes: int) -> int:
    """Weight bytes that one inference reads from flash past a data cache."""
    return sum(flash_weight_bytes(workload(graph, o), cache_bytes) for o in graph.operators)


def macs(graph: Graph) -> int:
    """Multiply-accumulates of one inference."""
    return sum(graph.macs(o) for o in graph.operators if o.outputs)


def cycles(graph: Graph, timing: Timing, kernels: Kernels = "cmsis-nn") -> float:
    """Cycles of one inference by our model."""
    stall = timing.stall_cycles_per_weight_byte * streamed(graph, timing.flash_cache_bytes)
    return timing.cycles_per_instruction * instructions(graph, timing.instructions_of, kernels) + stall


def calibration_cycles(truth: Path) -> dict[str, float]:
    """Published cycles of the NUCLEO-L4R5ZI with CMSIS-NN kernels, by network."""
    with (truth / "published_cycles_against_emulated.csv").open(newline="") as lines:
        return {r["benchmark"]: float(r["cycles"]) for r in csv.DictReader(lines) if r["system"] == SYSTEM}


def mlperf(truth: Path) -> list[dict[str, str]]:
    """Rows of the published MLPerf Tiny results that state a time."""
    with (truth / "published_mlperf_tiny.csv").open(newline="") as lines:
        return [row for row in csv.DictReader(lines) if row["latency_ms"]]


def row_cycles(row: dict[str, str]) -> float:
    """Cycles of one published result."""
    return float(row["latency_ms"]) * float(row["freq"].lower().removesuffix("mhz")) * 1e3


def ratios(truth: Path) -> list[Ratio]:
    """All same-runtime ratios: the shared table, and Nuvoton's board against Skymizer's (ONNC, Zephyr)."""
    found = []
    with (truth / "published_board_ratios.csv").open(newline="") as lines:
        for row in csv.DictReader(lines):
            maker = MAKERS[row["runtime"].split()[0]]
            for model in MODELS:
                board = BOARDS[row["board"]]
                found.append(Ratio(round=row["round"], maker=maker, board=board, model=model, ratio=float(row[model])))
    onnc = {(r["system"], r["benchmark"]): row_cycles(r) for r in mlperf(truth) if r["system"].endswith("-zephyr")}
    for model in MODELS:
        ratio = onnc["NUMAKER_M467HJ-zephyr", model] / onnc["NUCLEO_L4R5ZI-zephyr", model]
        found.append(Ratio(round="v1.1", maker="Skymizer", board="NUMAKER-M467HJ", model=model, ratio=ratio))
    return found


def log_errors(shared: Path, points: list[Ratio], timing: Timing, base: Timing) -> list[float]:
    """Logarithms of published over predicted ratio, one a point."""
    graphs = {model: graph_of(shared, path) for model, path in MODELS.items()}
    return [math.log(p.ratio * cycles(graphs[p.model], base) / cycles(graphs[p.model], timing)) for p in points]
