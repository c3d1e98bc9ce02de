"""One layer alone: what is measured is what happens when a person does it by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compressors.network import set_weights, weights_of
from compressors.plan import CompressionPlan
from compressors.quantization import Quantization
from search.compress import opened, tasks_for
from search.evaluate import float_accuracy
from search.job import read_job
from search.sensitivity_trial import run_sensitivity
from tests.search.given import BOARD


def test_a_pruned_layer_is_scored_on_validation(place: Path, tmp_path: Path, inline: object) -> None:
    """The last layer pruned by magnitude here gives the accuracy of the table; the whole is that of the reading."""
    given = {"data": str(place / "bars.npz"), "device": BOARD, "network": str(place / "bars.keras")}
    problem, reading = opened(read_job(None, given, []))
    (task,) = tasks_for(problem, {"sensitivity": CompressionPlan.of(Quantization())}, None, tmp_path)
    measured = run_sensitivity(task)
    assert measured.pruning.accuracy == pytest.approx(reading.quality.value)
    row = measured.pruning.rows[-1]
    network = reading.network.build()
    kernel, *others = weights_of(network)[row.layer]
    smallest = np.sort(np.abs(kernel), axis=None)[: round(row.sparsity * kernel.size)]
    set_weights(network, weights_of(network) | {row.layer: (kernel * ~np.isin(np.abs(kernel), smallest), *others)})
    assert float_accuracy(network, problem.data.validation) == pytest.approx(row.accuracy, abs=2 / reading.quality.n)
    assert [each.layer for each in measured.bits] == list(measured.pruning.layers)
    assert all(each.loss is not None for each in measured.bits)
