"""Makes a network that was read the network of a data set: same inputs, the outputs of its task, checked on data."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from compressors.compressor import CompressionError
from compressors.layers import Input, Reshape, TopologyError
from compressors.topology import Layer, Topology
from search.errors import DataError
from search.metrics.measure import not_finite
from search.networks.head import Head, fresh_name, head_of
from spaces.given import GivenNetwork

if TYPE_CHECKING:
    from search.datasets.dataset import Dataset
    from search.networks.loader import Loaded

Array = npt.NDArray[np.float32]

_PROBES = 64
_TOLERANCE = 1e-4
_UNKNOWN = "one of its layers has an option that is not known here"
_FAR = (
    "the targets are far from 0 beside their deviation, which single precision does not hold, or one of its layers has "
    "an option that is not known here: train it on standardised values"
)
_MOST_ROUNDING = 1e-2  # of a deviation: what errs more computes something else, however large the mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A network that goes with the data, and what was done to it, a sentence each."""

    network: GivenNetwork
    notes: tuple[str, ...]


def fit(loaded: Loaded, data: Dataset) -> Fitted:
    """The network of `loaded`, made to take the data's inputs and to give what its task needs (`head_of`).

    Its outputs are compared with those of the network as it was read, on
    validation inputs.

    Raises
    ------
    DataError
        When a layer is not supported, weights or outputs are not finite, inputs
        or outputs do not go with the data, or outputs differ by more than 1e-4
        of the greatest, or of 1 where that is less, and what single precision
        leaves of values far from 0 (`Head.rounding`), 1e-2 at most.
    """
    from compressors.network import topology_of, weights_of
    from compressors.standard import standardized

    try:
        network = standardized(loaded.network)
    except (CompressionError, TopologyError) as error:
        raise DataError(str(error)) from error
    given = GivenNetwork(topology=topology_of(network), weights=weights_of(network))
    _check_finite(given)
    given, said = _with_input(given, data)
    raw = _answers(loaded, data)
    head = head_of(given, data)
    _require_agreement(raw, head, data)
    return Fitted(network=head.network, notes=(*said, *head.notes))


def _check_finite(given: GivenNetwork) -> None:
    for name, arrays in given.weights.items():
        if not all(bool(np.isfinite(array).all()) for array in arrays):
            raise DataError(f"layer {name!r} has weights that are not finite: train the network again, more slowly")


def _with_input(given: GivenNetwork, data: Dataset) -> tuple[GivenNetwork, tuple[str, ...]]:
    """The network on inputs of the data's shape, where the two shapes hold the same values in the same order."""
    topology = given.topology
    own, wanted = topology.input_shape, data.input_shape
    if own == wanted:
        return given, ()
    same = math.prod(own) == math.prod(wanted) and (1 in (len(own), len(wanted)) or _bare(own) == _bare(wanted))
    if not same:
        raise DataError(
            f"it takes inputs of shape {own}, data {data.name!r} has {wanted}: give the data it was made for"
        )
    source, *rest = topology.layers
    shaped = fresh_name("shaped", topology)
    layers = (
        Layer(name=source.name, spec=Input(shape=wanted)),
        Layer(name=shaped, spec=Reshape(shape=own), inputs=(source.name,)),
        *(replace(layer, inputs=tuple(shaped if n == source.name else n for n in layer.inputs)) for layer in rest),
    )
    note = f"inputs of shape {wanted} are taken as {own}, which the network was made for: no value moves"
    return GivenNetwork(topology=Topology(layers=layers), weights=given.weights), (note,)


def _bare(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


def _answers(loaded: Loaded, data: Dataset) -> Array:
    """What the network as it was read gives for some validation inputs."""
    x = data.validation.x[:_PROBES]
    shape = tuple(int(size) for size in loaded.network.input_shape[1:])
    raw = np.asarray(loaded.original(x.reshape(len(x), *shape), training=False))
    if wrong := not_finite(raw, "validation"):
        raise DataError(wrong)
    return raw


def _require_agreement(raw: Array, head: Head, data: Dataset) -> None:
    expected, found = head.answers(raw), np.asarray(head.network.build()(data.validation.x[:_PROBES], training=False))
    gap = float(np.max(np.abs(expected - found))) if expected.shape == found.shape else math.inf
    allowed = _TOLERANCE * max(1.0, float(np.abs(expected).max())) + min(head.rounding, _MOST_ROUNDING)
    if not gap <= allowed:
        raise DataError(
            f"its outputs differ by {gap:.1e} from those of the layers that TinyFront knows (at most {allowed:.3g} is "
            f"rounding): {_FAR if head.rounding > _MOST_ROUNDING else _UNKNOWN}"
        )
