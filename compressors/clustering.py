"""Weight clustering: the weights of a layer share few values.

Han et al., *Deep Compression*, ICLR 2016, section 3, as the TensorFlow model
optimisation toolkit (tfmot) does it: kernels are replaced by the nearest of k
centroids, and the centroids are trained.  A clustered ``.tflite`` is as large
as before; it shrinks when it is packed for download or when
`compressors.lookup_tables` stores the weights as indexes.

What the file holds: with one scale a channel every channel of a clustered
layer has at most k distinct values, for a normalisation behind a convolution
multiplies whole channels.  Without a normalisation and with one scale a
tensor, the whole tensor has at most k.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from compressors.compressor import CompressionError, Context, Hyperparameter, Network, Stage, require_fine_tune
from compressors.structure import kernels_of, zero_projections
from compressors.weight_masks import checked_copy, kernel_shapes

if TYPE_CHECKING:
    from collections.abc import Collection

    from compressors.topology import Topology

Floats = npt.NDArray[np.float32]
Initialisation = Literal["linear", "density", "kmeans++", "random"]

_INITIALISATIONS = {
    "linear": "LINEAR",
    "density": "DENSITY_BASED",
    "kmeans++": "KMEANS_PLUS_PLUS",
    "random": "RANDOM",
}
_LEAST, _MOST = 4, 64
_SEED = 0  # of random centroids
_CLUSTERABLE = ("Conv2D", "Dense")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clustering:
    """Settings of weight clustering.

    Attributes
    ----------
    clusters
        Distinct values that a kernel keeps, 4 to 64; 0 for no clustering.
    initialisation
        Where the centroids start: evenly spaced from the least weight to the
        greatest, by the density of the weights, by k-means++, or at random.
    per_channel
        True for `clusters` values in each output channel of a two-dimensional
        convolution instead of in the whole kernel; other layers have no channels
        of their own.
    fine_tune
        Share of the recipe's epochs to train the centroids, 0 (none) to 1.

    Raises
    ------
    ValueError
        When a value is out of range.
    """

    clusters: int = 16
    initialisation: Initialisation = "kmeans++"
    per_channel: bool = False
    fine_tune: float = 0.5

    def __post_init__(self) -> None:
        if self.clusters != 0 and not _LEAST <= self.clusters <= _MOST:
            raise ValueError(f"clusters is {self.clusters}, must be 0 (no clustering) or from {_LEAST} to {_MOST}")
        if self.initialisation not in _INITIALISATIONS:
            known = ", ".join(map(repr, _INITIALISATIONS))
            raise ValueError(f"initialisation is {self.initialisation!r}, must be one of {known}")
        require_fine_tune(self.fine_tune)

    @property
    def is_identity(self) -> bool:
        """True when there are no clusters."""
        return self.clusters == 0


class Clusterer:
    """Lets the weights of each layer share few values, and trains these."""

    name: str = "clustering"
    stage: Stage = Stage.CLUSTERING
    settings: type[Clustering] = Clustering
    hyperparameters: tuple[Hyperparameter, ...] = (
        Hyperparameter(name="clusters", values=(0, 64, 32, 16, 8)),
        Hyperparameter(name="initialisation", values=("linear", "density", "kmeans++"), ordered=False),
        Hyperparameter(name="per_channel", values=(True, False), ordered=False),
    )

    def outline(self, topology: Topology, settings: Clustering) -> Topology:
        """The topology as it is: clustering leaves shapes alone.

        Raises
        ------
        CompressionError
            When every kernel is too small for so many clusters, whatever its weights.
        """
        kinds = {layer.name: type(layer.spec).__name__ for layer in topology.layers}
        reasons = {
            name: _too_small(kinds[name], shape, settings) for name, shape in kernel_shapes(topology, self.name).items()
        }
        _require_some(reasons)
        return topology

    def compress(self, network: Network, settings: Clustering, context: Context) -> Network:
        """A new network of the same layers whose kernels share values; zeros stay zeros.

        Layers that stay as they are, with the reason: `unclusterable`.

        Raises
        ------
        CompressionError
            When no layer can be clustered, the network has unsupported layers,
            or weights are not finite.
        """
        from compressors.network import build, set_weights, topology_of

        copy = checked_copy(network)  # tfmot takes the weights out of the layers that it is given
        reasons = _reasons(copy, settings)
        _require_some(reasons)
        context.say_left(self.name, ((name, reason) for name, reason in reasons.items() if reason))
        clustered = _clustered(copy, settings, {name for name, reason in reasons.items() if not reason})
        result = build(topology_of(network))
        set_weights(result, _trained(clustered, settings, context))
        return result


def unclusterable(network: Network, settings: Clustering) -> tuple[tuple[str, str], ...]:
    """(layer, reason) of the layers with a kernel that clustering leaves as they are, in the network's order.

    Raises
    ------
    CompressionError
        When the network has unsupported layers or weights that are not finite.
    """
    return tuple((name, reason) for name, reason in _reasons(checked_copy(network), settings).items() if reason)


def _reasons(network: Network, settings: Clustering) -> dict[str, str]:
    """For every layer with a kernel why it stays as it is; empty where it is clustered."""
    kernels = kernels_of(network)
    return {name: _reason(_kind(network, name), kernel, settings) for name, kernel in kernels.items()}


def _kind(network: Network, name: str) -> str:
    return type(network.get_layer(name)).__name__


def _require_some(reasons: Mapping[str, str]) -> None:
    if all(reasons.values()):
        listed = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
        raise CompressionError(f"clustering finds nothing to cluster: {listed or 'no layer has a kernel'}")


def _by_channel(kind: str, settings: Clustering) -> bool:
    return settings.per_channel and kind == "Conv2D"


def _too_small(kind: str, shape: tuple[int, ...], settings: Clustering) -> str:
    """Why a kernel of that shape stays as it is whatever its weights are; empty where it may be clustered."""
    if kind not in _CLUSTERABLE:
        return f"tfmot does not cluster {kind} layers, for they lose too much accuracy"
    by_channel = _by_channel(kind, settings)
    weights = math.prod(shape[:-1] if by_channel else shape)
    if weights > settings.clusters:
        return ""
    return f"{'a channel' if by_channel else 'the kernel'} has {weights} weights for {settings.clusters} clusters"


def _reason(kind: str, kernel: Floats, settings: Clustering) -> str:
    small = _too_small(kind, kernel.shape, settings)
    if small:
        return small
    by_channel = _by_channel(kind, settings)
    groups = kernel.reshape(-1, kernel.shape[-1]).T if by_channel else kernel.reshape(1, -1)
    where = "a channel" if by_channel else "the kernel"
    if max(len(np.unique(group)) for group in groups) <= settings.clusters:
        return f"{where} has no more than {settings.clusters} distinct values as it is"
    nonzero = int(min(np.count_nonzero(group) for group in groups))
    if by_channel and not kernel.all() and nonzero < settings.clusters - 1:
        if settings.initialisation == "kmeans++":
            return f"a channel has {nonzero} weights that are not 0, too few for k-means++: take 'linear'"
        if nonzero == 0:
            return "a channel has zeros only, which tfmot does not cluster by channel: cluster the whole kernel"
    return ""


def _clustered(network: Network, settings: Clustering, chosen: Collection[str]) -> Network:
    """`network` with tfmot's wrappers around the chosen layers; it is used up."""
    import tensorflow as tf
    import tensorflow_model_optimization as tfmot
    import tf_keras

    # cluster_weights() counts the channels of a convolution by its last weight, so it leaves out,
    # with no more than a warning, each one without bias: what it would have put around is taken itself.
    from tensorflow_model_optimization.python.core.clustering.keras.cluster_wrapper import ClusterWeights

    kernels = kernels_of(network)
    start = getattr(tfmot.clustering.keras.CentroidInitialization, _INITIALISATIONS[settings.initialisation])

    def wrapped(layer: Any) -> Any:
        if layer.name not in chosen:
            return layer
        return ClusterWeights(
            layer,
            settings.clusters,
            start,
            preserve_sparsity=not kernels[layer.name].all(),
            cluster_per_channel=_by_channel(type(layer).__name__, settings),
        )

    tf.random.set_seed(_SEED)
    return tf_keras.models.clone_model(network, clone_function=wrapped)


def _trained(clustered: Network, settings: Clustering, context: Context) -> dict[str, tuple[Floats, ...]]:
    """Weights by layer name after the fine-tune."""
    import tensorflow_model_optimization as tfmot

    from compressors.network import weights_of

    if settings.fine_tune > 0.0:
        # tfmot keeps the zeros of what it clusters
        context.fine_tune(clustered, settings.fine_tune, projections=zero_projections(clustered))
    return weights_of(tfmot.clustering.keras.strip_clustering(clustered))
