"""How much of a network's accuracy is kept, whatever stands for accuracy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from search.compress_floor import Floor, judged_by
from search.errors import JobError
from search.given import Reading
from search.metrics.measurement import Measurement
from tests.search.given import tiny

READING = Reading(network=tiny(), metrics={"accuracy": Measurement.share(95, 100)}, metric="accuracy", notes=())
OF_VALUES = {
    "rmse": Measurement(value=50.0, n=88, low=45.0, high=55.0),
    "r2": Measurement(value=0.4, n=88, low=0.2, high=0.5),
}


@pytest.mark.parametrize(
    ("floor", "kept"),
    [
        (Floor(min_accuracy=0.9), 0.9),
        (Floor(max_loss=0.02), 0.93),
        (Floor(min_accuracy=0.9, max_loss=0.02), 0.93),
        (Floor(min_accuracy=0.94, max_loss=0.02), 0.94),
    ],
)
def test_the_accuracy_to_keep(floor: Floor, kept: float) -> None:
    """A minimum is itself, a loss counts from the float network's accuracy, of both the greater holds."""
    assert floor.kept_of(READING) == pytest.approx(kept)


def test_of_values_r2_is_kept() -> None:
    """Not a part of the RMSE, whatever its unit."""
    assert Floor(max_loss=0.1).kept_of(replace(READING, metrics=OF_VALUES, metric="r2")) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("r2", "words"),
    [
        (
            0.4,
            r"has R2 0.400 \(-3.000 to 0.500\), and --max-loss 0.5 leaves -0.100 of it to be kept.*: let less be lost",
        ),
        (-2.0, "leaves -2.500 of it to be kept, must be above 0: train it further, or give it the inputs that"),
    ],
)
def test_something_must_be_kept(r2: float, words: str) -> None:
    """An R2 of 0 is that of the mean, which needs no network."""
    metrics = {"r2": Measurement(value=r2, n=88, low=-3.0, high=0.5)}
    with pytest.raises(JobError, match=words):
        Floor(max_loss=0.5).kept_of(replace(READING, metrics=metrics, metric="r2"))


@pytest.mark.parametrize(
    ("settings", "words"), [({"min_accuracy": 1.5}, "--min-accuracy is 1.5"), ({"max_loss": -1.0}, "--max-loss is -1")]
)
def test_a_number_out_of_range(settings: dict[str, float], words: str) -> None:
    """Named as it was given."""
    with pytest.raises(JobError, match=words):
        Floor(**settings)


def test_what_is_called_accuracy_is_said() -> None:
    """Where it is none, and where the word was used."""
    assert judged_by("classification", "its accuracy is 1") == "its accuracy is 1"
    assert judged_by("regression", "its accuracy is 1") == "its accuracy is 1 (accuracy is R2 here)"
    assert judged_by("anomaly_detection", "its accuracy is 1") == "its accuracy is 1 (accuracy is ROC AUC here)"
    assert judged_by("regression", "no filters") == "no filters"
