"""A network that was trained on another scale of the targets is refused: it would be judged as if it were bad."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from search.datasets.rescale import rescaled, usual_normalizations
from search.errors import DataError
from search.metrics.catalog import find_metric
from search.metrics.target_line import is_near, other_scale, sentence
from search.networks.head import Array
from search.units import quality

if TYPE_CHECKING:
    from search.datasets.dataset import Dataset
    from spaces.given import GivenNetwork

_SLACK = 0.05  # of an R2: a line through these samples does somewhat better than what was learnt of others
_REMEDY = (
    "it was trained on another scale of the targets, or not to the end: put a last layer behind it that gives the "
    "unit, such as Rescaling(slope, offset) with these numbers, or train it on values in the targets' unit"
)
_OR_INPUTS = (
    "it was trained on inputs of another scale, as with --set normalization={text} its R2 is {merit} without a line, "
    "or else on another scale of the targets"
)


def require_known_scale(given: GivenNetwork, data: Dataset, outputs: Array, *, are_in_units: bool) -> tuple[str, ...]:
    """Refuse a network whose outputs are its targets on a scale of their own, such as 0..1 of all there are.

    Its outputs for the training samples must be off as well: those of a
    network that has learnt them by heart are not.  Where it does as well on
    another usual scale of inputs, on which it may have been trained, that is a
    sentence and no error: of a linear network one cannot be told from the other.

    Parameters
    ----------
    outputs
        Of the network for the validation split.
    are_in_units
        What they were taken for: values in the targets' unit, else standardised ones.

    Returns
    -------
    That sentence, where there is one.

    Raises
    ------
    DataError
        With the line of each target.
    """
    from search.evaluate import float_outputs

    lines = other_scale(data, outputs, are_in_units=are_in_units)
    if not lines:
        return ()
    trained = data.originals
    learnt = float_outputs(given.build(), trained)
    if is_near(data, trained, learnt, are_in_units=are_in_units):
        return ()
    text, merit = _other_inputs(given, data)
    if merit < float(np.mean([line.fitted.value for line in lines])) - _SLACK:
        raise DataError(f"{sentence(lines)}: {_REMEDY}")
    return (f"{sentence(lines)}: {_OR_INPUTS.format(text=text, merit=quality(find_metric('r2'), merit))}",)


def _other_inputs(given: GivenNetwork, data: Dataset) -> tuple[str, float]:
    """The usual scale of inputs on which its outputs, on a known scale, do best, and their R2 there; else -inf."""
    from search.evaluate import float_outputs
    from search.metrics.measure import figures, in_units

    network, best = given.build(), ("", -np.inf)
    for text, normalization in usual_normalizations(data).items():
        other = rescaled(data, normalization)
        outputs = float_outputs(network, other.validation)
        if not np.isfinite(outputs).all():
            continue
        are_in_units = in_units(other, outputs)
        if is_near(other, other.validation, outputs, are_in_units=are_in_units):
            taken = other.standardised(outputs) if are_in_units else outputs
            best = max(best, (text, figures(other, other.validation, taken)["r2"]), key=lambda each: each[1])
    return best
