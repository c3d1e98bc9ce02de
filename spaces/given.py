"""The space of one network: the one that a user brought, with its weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from compressors.compressor import Network, Value
from compressors.layers import Shape
from compressors.topology import Topology
from spaces.candidate import Architecture, TrainingRecipe
from spaces.catalog import Drawn
from spaces.errors import SpaceError
from spaces.graphs import Head
from spaces.recipe import epochs_for

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from spaces.trial import Trial

NAME = "given"
_BATCH_SIZE = 32
# A fine-tune takes 0.3 of it: about 1e-3, Adam's own default.
_LEARNING_RATE = 3e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenNetwork:
    """A trained network without a framework.

    Attributes
    ----------
    topology
        Its layers.
    weights
        By layer name in ``get_weights()`` order; layers without weights left out.
    """

    topology: Topology
    weights: Mapping[str, tuple[npt.NDArray[np.float32], ...]]

    def build(self) -> Network:
        """The network in ``tf_keras``, with its weights."""
        from compressors.network import build, set_weights

        network = build(self.topology)
        set_weights(network, self.weights)
        return network

    def digest(self) -> str:
        """SHA-256 of layers, names and weights: the identity of the network."""
        digest = hashlib.sha256(repr(self.topology.layers).encode())
        for name, arrays in sorted(self.weights.items()):
            for array in arrays:
                digest.update(repr((name, array.shape)).encode())
                digest.update(array.astype("<f4").tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenSpace:
    """A `spaces.catalog.SearchSpace` in which one network is, so that a search draws its compression alone."""

    network: GivenNetwork
    name: str = NAME
    description: str = "the network that was given"

    def accepts(self, input_shape: Shape) -> str | None:
        """None for inputs of the network's own shape, else the reason."""
        own = self.network.topology.input_shape
        return None if input_shape == own else f"the network takes inputs of shape {own}"

    def draw(
        self,
        trial: Trial,  # noqa: ARG002  # as every space
        input_shape: Shape,
        n_outputs: int,
        *,
        head: Head = "softmax",  # noqa: ARG002  # the network has its own
    ) -> Drawn:
        """The network; nothing is drawn from the trial.

        Raises
        ------
        SpaceError
            When inputs or outputs are not the network's.
        """
        reason, topology = self.accepts(input_shape), self.network.topology
        if reason:
            raise SpaceError(f"inputs of shape {input_shape}: {reason}")
        if topology.output_shape != (n_outputs,):
            raise SpaceError(f"the network has outputs of shape {topology.output_shape}, not ({n_outputs},)")
        return Drawn(architecture=Architecture.of(NAME, {"network": self.network.digest()[:16]}), topology=topology)

    def anchors(self, input_shape: Shape) -> tuple[Mapping[str, Value], ...]:
        """The network twice: to see whether anything of it fits, and to try it first."""
        return () if self.accepts(input_shape) else ({}, {})


def tuning_recipe(n_train: int, epochs: int | None = None) -> TrainingRecipe:
    """How a given network is trained on: the same for every plan, so that plans differ in nothing else.

    Parameters
    ----------
    n_train
        Samples in the training split, >= 1.
    epochs
        Epochs of which techniques take a share; None for about 1,200 steps.
    """
    return TrainingRecipe(
        epochs=epochs_for(n_train, _BATCH_SIZE) if epochs is None else epochs,
        batch_size=_BATCH_SIZE,
        learning_rate=_LEARNING_RATE,
    )
