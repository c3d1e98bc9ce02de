"""Every compression technique by name: one tuple."""

from __future__ import annotations

from typing import Any

from compressors.accuracy_pruning import AccuracyPruner
from compressors.clustering import Clusterer
from compressors.compressor import CompressionError, Compressor
from compressors.distillation import Distiller
from compressors.gradient_pruning import GradientPruner
from compressors.huffman_coding import HuffmanCoder
from compressors.lookup_tables import TableCompressor
from compressors.magnitude_pruning import MagnitudePruner
from compressors.quantization import Quantizer
from compressors.quantization_aware_training import QuantizationAwareTrainer
from compressors.sensitivity_pruning import SensitivityPruner
from compressors.structured_pruning import StructuredPruner
from devices.suggestion import suggestion

COMPRESSORS: tuple[Compressor[Any], ...] = (
    Distiller(),
    StructuredPruner(),
    AccuracyPruner(),
    MagnitudePruner(),
    GradientPruner(),
    SensitivityPruner(),
    Clusterer(),
    QuantizationAwareTrainer(),
    Quantizer(),
    TableCompressor(),
    HuffmanCoder(),
)


def find(name: str) -> Compressor[Any]:
    """The technique called `name`.

    Raises
    ------
    CompressionError
        When there is none; the message suggests one.
    """
    for compressor in COMPRESSORS:
        if compressor.name == name:
            return compressor
    raise CompressionError(
        f"no compression technique is called {name!r}: {suggestion(name, (c.name for c in COMPRESSORS))}"
    )


def technique_of(settings: object) -> Compressor[Any]:
    """The technique that `settings` belong to.

    Raises
    ------
    CompressionError
        When they are no technique's settings.
    """
    for compressor in COMPRESSORS:
        if type(settings) is compressor.settings:
            return compressor
    known = ", ".join(compressor.settings.__name__ for compressor in COMPRESSORS)
    raise CompressionError(f"{type(settings).__name__} are the settings of no technique; known: {known}")
