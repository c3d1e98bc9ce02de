"""Techniques on MLPerf Tiny's networks: applied or refused with a reason, run, and kept to the file.

A few of all combinations, for these networks are large;
``python -m tests.benchmarks.mlperf_conformance`` goes through all.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from compressors.catalog import COMPRESSORS
from compressors.compressor import CompressionError
from tests.compressors.mlperf import context_of, network_of
from tests.compressors.promises import check_alone, check_pair

# Every technique once at least, every network twice.
PAIRS = (
    ("ds_cnn", "structured_pruning", "gradient_pruning"),
    ("ds_cnn", "clustering", "lookup_tables"),
    ("resnet8", "magnitude_pruning", "clustering"),
    ("autoencoder", "clustering", "lookup_tables"),
    ("autoencoder", "structured_pruning", "magnitude_pruning"),
)
ALONE = (
    ("ds_cnn", "quantization_aware_training"),
    ("resnet8", "sensitivity_pruning"),
    ("mobilenet", "structured_pruning"),
    ("mobilenet", "quantization"),
)
REFUSED = (
    ("autoencoder", "distillation", "teacher"),
    ("autoencoder", "gradient_pruning", "labelled data"),
    ("autoencoder", "accuracy_pruning", "labelled data"),
)

pytest.importorskip("tflite_micro.python.tflite_micro.runtime", reason="no tflite-micro wheel here")


@pytest.mark.parametrize(("model", "first", "second"), PAIRS, ids=["-".join(each) for each in PAIRS])
def test_pair(model: str, first: str, second: str, shared: Path) -> None:
    """Both promises hold in the file, which computes what the network computes."""
    network = network_of(model, shared)
    assert check_pair((first, second), network, context_of(model, network)) < 0.35


@pytest.mark.parametrize(("model", "technique"), ALONE, ids=["-".join(each) for each in ALONE])
def test_alone(model: str, technique: str, shared: Path) -> None:
    network = network_of(model, shared)
    assert check_alone(technique, network, context_of(model, network)) < 0.35


@pytest.mark.parametrize(("model", "technique", "reason"), REFUSED, ids=[technique for _, technique, _ in REFUSED])
def test_refused_with_the_reason(model: str, technique: str, reason: str, shared: Path) -> None:
    network = network_of(model, shared)
    with pytest.raises(CompressionError, match=reason):
        check_alone(technique, network, context_of(model, network))


def test_names_are_of_the_catalogue() -> None:
    named = {name for _, *names in (*PAIRS, *ALONE) for name in names} | {name for _, name, _ in REFUSED}
    assert named <= {technique.name for technique in COMPRESSORS}
