"""What every compression technique is: a stage, a settings record, a function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from compressors.topology import Topology
    from devices.artifact import Artifact

# tf_keras carries no type information, so a network is Any to the type checker.
Network: TypeAlias = Any

Value: TypeAlias = bool | int | float | str


class Stage(IntEnum):
    """Where a technique stands in the way from network to artifact."""

    DISTILLATION = 10
    STRUCTURED_PRUNING = 20
    WEIGHT_PRUNING = 30
    CLUSTERING = 40
    QUANTIZATION_AWARE_TRAINING = 50
    QUANTIZATION = 60
    CODING = 70


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperparameter:
    """One thing a search may choose about a technique.

    Attributes
    ----------
    name
        Name of the settings record's field.
    values
        The values to choose from, at least one, from the weakest compression
        to the strongest.
    ordered
        True when neighbouring values behave alike.
    """

    name: str
    values: tuple[Value, ...]
    ordered: bool = True


class Settings(Protocol):
    """Settings of one technique: a frozen dataclass of plain values, validated at birth."""

    @property
    def is_identity(self) -> bool:
        """True when the technique would change nothing, so that it is left out of a plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a technique may use beside the network.

    Attributes
    ----------
    calibration
        Inputs of the training split, float32 (n, *input_shape), n >= 1.
    fine_tune
        Trains the given network in place for a share (0..1] of the recipe's
        epochs.  Handed down, so that nothing here knows of data or recipes.
    labels
        Class names in output order.
    """

    calibration: npt.NDArray[np.float32]
    fine_tune: Callable[[Network, float], None]
    labels: tuple[str, ...] = ()


S = TypeVar("S", bound=Settings)


class Compressor(Protocol[S]):
    """One compression technique.  Adding one is a file and a line in `compressors.catalog.COMPRESSORS`.

    Attributes
    ----------
    name
        The technique's name wherever it is shown: module, plan key, column.
    stage
        Where it stands; a plan runs its techniques in stage order.
    settings
        Type of its settings record.
    hyperparameters
        What a search draws to make the settings; each names a field of `settings`.
    """

    name: str
    stage: Stage
    settings: type[S]
    hyperparameters: tuple[Hyperparameter, ...]

    def outline(self, topology: Topology, settings: S) -> Topology:
        """The topology that `compress` will give, found without weights.

        Unchanged for a technique that leaves shapes alone.
        """

    def compress(self, network: Network, settings: S, context: Context) -> Network | Artifact:
        """Apply the technique; the given network is not changed.

        Stages before QUANTIZATION return a network, QUANTIZATION turns it into
        an `Artifact`, CODING returns a changed artifact.

        Raises
        ------
        CompressionError
            When the technique cannot be applied to this network.
        """


class CompressionError(ValueError):
    """A technique cannot be applied; the message says why and what to do."""
