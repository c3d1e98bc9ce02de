"""Whether a network that was read does anything on its data, and which scale of inputs it may have been trained on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from search.datasets.rescale import rescaled, usual_normalizations
from search.errors import DataError
from search.metrics.catalog import find_metric, quality_metric
from search.metrics.measurement import Measurement
from search.metrics.metric import Task
from search.units import named, quality

if TYPE_CHECKING:
    from search.datasets.dataset import Dataset
    from search.networks.loader import Loaded
    from spaces.given import GivenNetwork

_SAID: Mapping[Task, Callable[[float], str]] = {
    "classification": lambda merit: f"it is right on {100 * merit:.1f} %",
    "regression": lambda merit: f"its R2 is {quality(find_metric('r2'), merit)}",
    "anomaly_detection": lambda merit: f"it gives back {100 * merit:.1f} % of what normal inputs are beside their mean",
}


def doubts(network: GivenNetwork, metrics: Mapping[str, Measurement], loaded: Loaded, data: Dataset) -> tuple[str, ...]:
    """Sentences where the network does no better than one that looks at no input; none where it does.

    Parameters
    ----------
    network, metrics
        Fitted to the data, and how well it does on the validation split.
    loaded
        As it was read: on another scale of inputs its outputs may have to be taken for something else.
    """
    found = metrics[quality_metric(data.task)]
    failing = _failing(network, found, data)
    if not failing:
        return ()
    normalization = data.normalization
    said = (
        f"the network {failing}: was it trained on "
        f"inputs of another scale than (value - {normalization.offset:g}) x {normalization.factor:g}?"
    )
    least = _given_back(network, data) if data.task == "anomaly_detection" else found.interval()[1]
    return (said, _better_scale(loaded, data, max(0.0, least)))


def _failing(network: GivenNetwork, found: Measurement, data: Dataset) -> str:
    """In what the network fails; empty where it does not."""
    shown, low = named(find_metric(quality_metric(data.task)), found), found.interval()[0]
    if data.task == "classification":
        most = float(np.bincount(data.validation.y).max() / len(data.validation))
        right = shown.partition(" ")[2]
        return "" if low > most else f"is right on {right} of the validation data, no more than chance"
    if data.task == "regression":
        mean = "no better than answering the mean of the targets"
        return "" if low > 0 else f"has an {shown} on the validation data, {mean}"
    if low <= 0.5:
        return f"has an {shown} on the validation data, no better than chance"
    return "" if _given_back(network, data) > 0 else "gives normal inputs back no better than their mean"


def _given_back(network: GivenNetwork, data: Dataset) -> float:
    """Share of the normal validation inputs' squared distance to the mean training input that is given back, at most 1.

    How strange normal inputs are tells more of the scale than how well others
    are told from them, which may go well by chance.
    """
    from search.evaluate import float_outputs
    from search.metrics.measure import strangeness

    split, is_normal = data.validation, data.validation.y == 0
    mean = np.broadcast_to(data.train.x.mean(axis=0), split.x.shape)
    left, whole = (
        strangeness(split, outputs)[is_normal].mean() for outputs in (float_outputs(network.build(), split), mean)
    )
    return float(1 - left / whole) if whole else 0.0


def _merit(network: GivenNetwork, data: Dataset) -> float:
    """What is greater on the scale that the network was trained on, at most 1."""
    from search.evaluate import float_quality

    if data.task == "anomaly_detection":
        return _given_back(network, data)
    return float_quality(network.build(), data)


def _better_scale(loaded: Loaded, data: Dataset, least: float) -> str:
    """The usual scale of inputs on which the network does best, where its `_merit` is above `least`."""
    from search.networks.fitting import fit

    merits: dict[str, float] = {}
    for text, normalization in usual_normalizations(data).items():
        other = rescaled(data, normalization)
        with contextlib.suppress(DataError):  # it gives no finite numbers there
            merit = _merit(fit(loaded, other).network, other)
            merits |= {text: merit} if np.isfinite(merit) else {}
    text, merit = max(merits.items(), key=lambda item: item[1], default=("", -np.inf))
    if merit <= least:
        unit = ", or the data's targets in its own" if data.targets else ""
        return f"none of the usual scales does better: give its own with --set normalization=OFFSET,FACTOR{unit}"
    return f"with --set normalization={text} {_SAID[data.task](merit)}"
