"""What a network's kernels are made of, kept while it trains on: exact zeros, and clusters of equal weights.

Every technique that fine-tunes a network hands these projections to
`Context.fine_tune`, so that no stage undoes what an earlier one made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from compressors.compressor import Network, Projections

Kernel = npt.NDArray[np.float32]


def kernels_of(network: Network) -> dict[str, Kernel]:
    """Copies of the kernels by layer name, in the network's order.

    Convolutions (h, w, in, out), depthwise ones (h, w, in, multiplier), dense
    layers (in, out); each is its layer's first weight.  Normalisations have none.
    """
    return {layer.name: kernel.numpy() for layer in network.layers if (kernel := _kernel(layer)) is not None}


def zero_projections(network: Network) -> Projections:
    """Keeps the weights of kernels that are exactly 0 now; the others move freely.

    Kernels without zeros are left out.
    """
    return {name: _zeros_of(kernel) for name, kernel in kernels_of(network).items() if not kernel.all()}


def cluster_projections(network: Network, most: int, *, per_channel: bool = False) -> Projections:
    """Keeps the clusters of kernels that have few distinct values now.

    Weights that are equal now stay equal: each becomes the mean of its
    cluster.  Weights that are 0 stay 0.  Kernels of more distinct values are
    left out, see `zero_projections`.

    Parameters
    ----------
    most
        Distinct values, zero included, up to which a kernel counts as clustered, >= 1.
    per_channel
        True where the values are counted, and the weights move together,
        within each place on the kernel's last axis (the output channel of a
        convolution) instead of in the whole kernel.
    """
    clusters = {name: _clusters_of(kernel, per_channel) for name, kernel in kernels_of(network).items()}
    return {name: _means_of(ids, values) for name, (ids, values, count) in clusters.items() if count <= most}


def _kernel(layer: Any) -> Any:
    """The layer's kernel as a variable; None for a layer without."""
    kernel = next((getattr(layer, name) for name in ("kernel", "depthwise_kernel") if hasattr(layer, name)), None)
    return kernel if layer.weights and kernel is layer.weights[0] else None


def _zeros_of(kernel: Kernel) -> Callable[[Any], Any]:
    import tensorflow as tf

    kept = tf.constant(kernel != 0.0)
    return lambda weights: tf.where(kept, weights, tf.zeros_like(weights))


def _clusters_of(kernel: Kernel, per_channel: bool) -> tuple[npt.NDArray[np.int32], Kernel, int]:
    """Index of every weight's cluster, in the kernel's shape; value of every cluster; most distinct values together."""
    if not per_channel:
        values, ids = np.unique(kernel, return_inverse=True)
        return ids.reshape(kernel.shape).astype(np.int32), values, len(values)
    channel = np.broadcast_to(np.arange(kernel.shape[-1]), kernel.shape)
    pairs = np.stack([channel.ravel(), kernel.ravel()], axis=1).astype(np.float64)
    found, ids = np.unique(pairs, axis=0, return_inverse=True)
    most = int(np.unique(found[:, 0], return_counts=True)[1].max())
    return ids.reshape(kernel.shape).astype(np.int32), found[:, 1].astype(np.float32), most


def _means_of(ids: npt.NDArray[np.int32], values: Kernel) -> Callable[[Any], Any]:
    import tensorflow as tf

    size = len(values)
    weight = np.where(values == 0.0, 0.0, 1.0 / np.maximum(np.bincount(ids.ravel(), minlength=size), 1))
    members, share = tf.constant(ids.ravel()), tf.constant(weight.astype(np.float32))

    def project(kernel: Any) -> Any:
        sums = tf.math.unsorted_segment_sum(tf.reshape(kernel, [-1]), members, size)
        return tf.reshape(tf.gather(sums * share, members), ids.shape)

    return project
