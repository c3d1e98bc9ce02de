"""The picture of the tables shows what they say."""

from __future__ import annotations

import numpy as np
import pytest

from compressors.mixed_precision import Sensitivity
from compressors.sensitivity import SensitivityRow, SensitivityTable
from search.metrics.catalog import find_metric
from search.sensitivity_plot import _figure, sensitivity_png
from search.sensitivity_trial import Measured

ROWS = tuple(
    SensitivityRow(layer=layer, sparsity=sparsity, accuracy=accuracy)
    for layer, sparsity, accuracy in (("_c$1", 0.5, 0.8), ("_c$1", 0.9, 0.3), ("out$", 0.5, 0.9), ("out$", 0.9, 0.85))
)
MEASURED = Measured(
    pruning=SensitivityTable(accuracy=0.9, rows=ROWS),
    bits=(Sensitivity(layer="_c$1", saved_bytes=9, error=0.1, loss=0.1),),
)


def test_a_line_for_every_layer() -> None:
    """From the network as it is on, in percent; names start no formula and are not hidden."""
    left, right = _figure(MEASURED, "m$.keras", find_metric("accuracy"), 40).axes
    heights = np.array([line.get_ydata() for line in left.lines])
    assert heights == pytest.approx(np.array([[90, 80, 30], [90, 90, 85]]))
    assert [np.asarray(line.get_xdata()).tolist() for line in left.lines] == [[0, 50, 90]] * 2
    assert [line.get_label() for line in left.lines] == [r"c\$1", r"out\$"]
    assert "n = 40" in left.get_ylabel()
    assert np.asarray(right.lines[1].get_xdata()).tolist() == pytest.approx([80])


def test_what_is_no_share_is_drawn_as_it_is() -> None:
    """R2 stands under its own name, and not in percent."""
    left, right = _figure(MEASURED, "m", find_metric("r2"), 40).axes
    assert np.asarray(left.lines[0].get_ydata()) == pytest.approx(np.array([0.9, 0.8, 0.3]))
    assert np.asarray(right.lines[1].get_xdata()).tolist() == pytest.approx([0.8])
    assert np.asarray(right.lines[0].get_xdata()).tolist() == pytest.approx([0.9, 0.9])
    assert left.get_ylabel() == "R2 (float, validation n = 40)"
    assert right.get_xlabel().startswith("R2 with 4-bit weights in this layer alone (")


def test_equal_tables_are_equal_pictures() -> None:
    """A PNG, the same every time, and drawn without a layer that can have 4 bits, too."""
    accuracy = find_metric("accuracy")
    assert sensitivity_png(MEASURED, "m$", accuracy, 40) == sensitivity_png(MEASURED, "m$", accuracy, 40)
    bare = Measured(pruning=MEASURED.pruning, bits=())
    assert sensitivity_png(bare, "m", accuracy, 40).startswith(b"\x89PNG")
