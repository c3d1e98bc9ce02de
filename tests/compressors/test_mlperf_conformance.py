"""Every technique alone and every pair of neighbouring stages on the four networks of MLPerf Tiny.

Each is applied, made an 8-bit file that TensorFlow Lite Micro runs, and its
promise looked up in the file; or it refuses with a reason that is listed here.
"""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from compressors.catalog import COMPRESSORS
from compressors.compressor import CompressionError, Network
from compressors.quantization import Quantization
from tests.compressors.mlperf import NAMES, context_of, network_of
from tests.compressors.promises import VARIANTS, Pair, check, check_variant, neighbours

COMBINATIONS: tuple[Pair, ...] = (*((technique.name,) for technique in COMPRESSORS), *neighbours())
# Of the strongest settings of all, on networks that were narrowed to one channel in places; and what needs an
# accuracy, of a network without classes.
REFUSALS = (
    ("ds_cnn", ("accuracy_pruning", "gradient_pruning"), "would leave nothing of layer"),
    ("mobilenet", ("accuracy_pruning", "magnitude_pruning"), "would leave nothing of layer"),
    ("mobilenet", ("accuracy_pruning", "gradient_pruning"), "would leave nothing of layer"),
)
SCORED = ("accuracy_pruning", "sensitivity_pruning")

pytest.importorskip("tflite_micro.python.tflite_micro.runtime", reason="no tflite-micro wheel here")


def _refusal(model: str, names: Pair) -> str:
    """What the reason says where the combination is refused; empty where it applies."""
    if model == "autoencoder" and set(names) & set(SCORED):
        return "labelled data"
    return next((words for name, pair, words in REFUSALS if (name, pair) == (model, names)), "")


@pytest.mark.parametrize("names", COMBINATIONS, ids="-".join)
@pytest.mark.parametrize("model", NAMES)
def test_applies_or_refuses(model: str, names: Pair, shared: Path) -> None:
    """The file keeps what was promised and computes what the network computes, within a third of a deviation."""
    network = _network(model, shared)
    context, words = context_of(model, network), _refusal(model, names)
    if words:
        with pytest.raises(CompressionError, match=words):
            check(names, network, context)
    else:
        assert check(names, network, context) < 0.35


@pytest.mark.parametrize("aware", [False, True], ids=["after", "aware"])
@pytest.mark.parametrize(
    "settings", VARIANTS, ids=lambda each: f"{each.weight_bits}-{each.activation_bits}-{each.granularity}-{each.scales}"
)
@pytest.mark.parametrize("model", NAMES)
def test_every_form_of_quantisation(model: str, settings: Quantization, aware: bool, shared: Path) -> None:
    """4 bits are stored as 4, scales are powers of two, activations have 16 bits; and each file runs."""
    network = _network(model, shared)
    check_variant(settings, network, context_of(model, network), aware=aware)


@functools.cache
def _network(model: str, shared: Path) -> Network:
    """Read once: no technique changes what it is given."""
    return network_of(model, shared)


def test_refusals_are_of_the_catalogue() -> None:
    assert {(model, names) for model, names, _ in REFUSALS} <= {(m, n) for m in NAMES for n in COMBINATIONS}
    assert set(SCORED) <= {technique.name for technique in COMPRESSORS}
