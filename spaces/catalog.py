"""Every search space by name.

A space is added by a block under `spaces.blocks`, one line in `SPACES` and its
anchors in `spaces.anchors`.  AutoKeras is imported when something is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from compressors.compressor import Value
from compressors.layers import Shape
from compressors.topology import Topology
from devices.suggestion import suggestion
from spaces import acceptance, anchors
from spaces.candidate import Architecture
from spaces.errors import SpaceError
from spaces.graphs import Head
from spaces.trial import Trial

if TYPE_CHECKING:
    import autokeras

    from spaces.hyperparameters import AnsweredHyperParameters

Blocks = Callable[[], "tuple[autokeras.Block, ...]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One draw: what can be replayed, and the network it means."""

    architecture: Architecture
    topology: Topology


class SearchSpace(Protocol):
    """A family of networks that can be drawn.

    Attributes
    ----------
    name
        Its name wherever it is shown; every parameter's name starts with it.
    description
        One line.
    """

    @property
    def name(self) -> str:
        """See above."""

    @property
    def description(self) -> str:
        """See above."""

    def accepts(self, input_shape: Shape) -> str | None:
        """None when the space can be drawn for that input (without the batch), else the reason why not."""

    def draw(self, trial: Trial, input_shape: Shape, n_outputs: int, *, head: Head = "softmax") -> Drawn:
        """Draw a network; a `FixedTrial` of the same parameters gives the equal `Drawn`.

        Parameters
        ----------
        trial
            What draws.
        input_shape
            Without the batch.
        n_outputs
            Number of classes, >= 2, or of values, >= 1; of an autoencoder the number of inputs.
        head
            What ends the network: ``softmax`` for classes, ``linear`` for values.

        Raises
        ------
        SpaceError
            When the space does not accept the input, or has no such head or number of outputs.
        """

    def anchors(self, input_shape: Shape) -> tuple[Mapping[str, Value], ...]:
        """Parameters of known good networks, as a trial has them; the first is the smallest of the space."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphSpace:
    """A space made of AutoKeras blocks in a row; the `SearchSpace` of everything in `SPACES`.

    Attributes
    ----------
    name, description
        As in `SearchSpace`.
    blocks
        Makes the blocks, each with a name that starts with the space's.
    refuses
        The reason why an input shape is not accepted, or None.
    wishes
        The anchors for an input shape that is accepted.
    leaves
        The reason why a job that names no space does without this one for an
        input shape that it accepts, or None.
    reconstructs
        True when its networks give their input back: for anomaly detection,
        with a linear head and as many outputs as inputs.
    """

    name: str
    description: str
    blocks: Blocks
    refuses: Callable[[Shape], str | None]
    wishes: Callable[[Shape], tuple[Mapping[str, Value], ...]]
    leaves: Callable[[Shape], str | None] = acceptance.leaves_nothing
    reconstructs: bool = False

    def accepts(self, input_shape: Shape) -> str | None:
        """None when the space can be drawn for that input, else the reason why not."""
        return self.refuses(input_shape)

    def draw(self, trial: Trial, input_shape: Shape, n_outputs: int, *, head: Head = "softmax") -> Drawn:
        """Draw a network and read it; see `SearchSpace.draw`."""
        from spaces.hyperparameters import OptunaHyperParameters
        from spaces.reading import read_topology

        hyperparameters = OptunaHyperParameters(trial)
        topology = read_topology(self.build(hyperparameters, input_shape, n_outputs, with_weights=False, head=head))
        return Drawn(architecture=Architecture.of(self.name, hyperparameters.drawn()), topology=topology)

    def build(
        self,
        hyperparameters: AnsweredHyperParameters,
        input_shape: Shape,
        n_outputs: int,
        *,
        with_weights: bool = True,
        head: Head = "softmax",
    ) -> Any:
        """Build the Keras 3 model that `hyperparameters` answer for, see `spaces.graphs.build`.

        Raises
        ------
        SpaceError
            When the space does not accept the input, or has no such head or number of outputs.
        """
        from spaces.graphs import build

        reason = self.accepts(input_shape)
        if reason:
            raise SpaceError(f"space {self.name!r} cannot be drawn for inputs of shape {input_shape}: {reason}")
        if self.reconstructs and (head != "linear" or n_outputs != math.prod(input_shape)):
            raise SpaceError(
                f"space {self.name!r} gives its {math.prod(input_shape)} inputs back: it has a linear head of as many "
                f"outputs, not a {head} of {n_outputs}"
            )
        return build(self.blocks(), hyperparameters, input_shape, n_outputs, with_weights=with_weights, head=head)

    def anchors(self, input_shape: Shape) -> tuple[Mapping[str, Value], ...]:
        """Known good parameters, the smallest network first; empty when the input is not accepted."""
        return () if self.accepts(input_shape) else self.wishes(input_shape)


def _cnn() -> tuple[autokeras.Block, ...]:
    from spaces.blocks.cnn import Cnn

    return (Cnn(name="cnn"),)


def _ds_cnn() -> tuple[autokeras.Block, ...]:
    from spaces.blocks.ds_cnn import DsCnn

    return (DsCnn(name="ds_cnn"),)


def _inverted_residual() -> tuple[autokeras.Block, ...]:
    from spaces.blocks.inverted_residual import InvertedResidual

    return (InvertedResidual(name="inverted_residual"),)


def _residual() -> tuple[autokeras.Block, ...]:
    from spaces.blocks.residual import Residual

    return (Residual(name="residual"),)


def _temporal_cnn() -> tuple[autokeras.Block, ...]:
    from spaces.blocks.temporal_cnn import TemporalCnn

    return (TemporalCnn(name="temporal_cnn"),)


def _autoencoder() -> tuple[autokeras.Block, ...]:
    from spaces.blocks.autoencoder import Autoencoder

    return (Autoencoder(name="autoencoder"),)


def _mlp() -> tuple[autokeras.Block, ...]:
    from spaces.blocks.mlp import Mlp

    return (Mlp(name="mlp"),)


def _autokeras_conv() -> tuple[autokeras.Block, ...]:
    from spaces.blocks.autokeras_own import conv_blocks

    return conv_blocks("autokeras_conv")


def _autokeras_dense() -> tuple[autokeras.Block, ...]:
    from spaces.blocks.autokeras_own import dense_blocks

    return dense_blocks("autokeras_dense")


SPACES: tuple[GraphSpace, ...] = (
    GraphSpace(
        name="cnn",
        description="one to four convolutions, each with its own width, kernel and stride",
        blocks=_cnn,
        refuses=acceptance.refuses_other_than_images,
        wishes=anchors.cnn,
        leaves=acceptance.leaves_series,
    ),
    GraphSpace(
        name="ds_cnn",
        description="depthwise-separable convolutions after a first convolution",
        blocks=_ds_cnn,
        refuses=acceptance.refuses_other_than_images,
        wishes=anchors.ds_cnn,
        leaves=acceptance.leaves_series,
    ),
    GraphSpace(
        name="inverted_residual",
        description="inverted residuals with linear bottlenecks, after MobileNetV2",
        blocks=_inverted_residual,
        refuses=acceptance.refuses_other_than_images,
        wishes=anchors.inverted_residual,
        leaves=acceptance.leaves_series,
    ),
    GraphSpace(
        name="residual",
        description="residual blocks of two convolutions, after ResNet-8",
        blocks=_residual,
        refuses=acceptance.refuses_other_than_images,
        wishes=anchors.residual,
    ),
    GraphSpace(
        name="temporal_cnn",
        description="convolutions along time, plain or depthwise-separable, for series and spectrograms",
        blocks=_temporal_cnn,
        refuses=acceptance.refuses_other_than_series,
        wishes=anchors.temporal_cnn,
        leaves=acceptance.leaves_images,
    ),
    GraphSpace(
        name="mlp",
        description="dense layers on features, or on an image averaged down",
        blocks=_mlp,
        refuses=acceptance.refuses_huge_images,
        wishes=anchors.mlp,
    ),
    GraphSpace(
        name="autokeras_conv",
        description="AutoKeras' ConvBlock and DenseBlock in microcontroller sizes",
        blocks=_autokeras_conv,
        refuses=acceptance.refuses_large_images,
        wishes=anchors.autokeras_conv,
    ),
    GraphSpace(
        name="autokeras_dense",
        description="AutoKeras' DenseBlock in microcontroller sizes",
        blocks=_autokeras_dense,
        refuses=acceptance.refuses_many_features,
        wishes=anchors.autokeras_dense,
    ),
    GraphSpace(
        name="autoencoder",
        description="dense encoder, bottleneck and decoder that give the input back",
        blocks=_autoencoder,
        refuses=acceptance.refuses_to_squeeze,
        wishes=anchors.autoencoder,
        reconstructs=True,
    ),
)


def find_space(name: str) -> GraphSpace:
    """Find the space of that name.

    Raises
    ------
    SpaceError
        When there is none; suggests the nearest name.
    """
    for space in SPACES:
        if space.name == name:
            return space
    raise SpaceError(f"no search space {name!r}: {suggestion(name, [space.name for space in SPACES])}")


def spaces_for(input_shape: Shape, *, reconstructs: bool = False) -> tuple[GraphSpace, ...]:
    """List the spaces that a job for inputs of that shape searches when it names none, in catalog order.

    Parameters
    ----------
    reconstructs
        True for those whose networks give their input back, False for all others.
    """
    return tuple(
        space
        for space in SPACES
        if space.reconstructs is reconstructs
        and space.accepts(input_shape) is None
        and space.leaves(input_shape) is None
    )
