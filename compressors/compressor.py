"""What every compression technique is: a stage, a settings record, a function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from compressors.quantization import Quantization
    from compressors.topology import Topology
    from devices.artifact import Artifact

    Gradients: TypeAlias = Mapping[str, tuple["npt.NDArray[np.float32] | None", ...]]

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


# Layer name -> the layer's kernel as TensorFlow computes it from the kernel after an optimiser step.
Projections: TypeAlias = "Mapping[str, Callable[[Any], Any]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Teaching:
    """What a student learns from beside the labels.

    Hinton, Vinyals and Dean, *Distilling the Knowledge in a Neural Network*,
    2015, section 2: ``alpha x cross-entropy + (1 - alpha) x temperature^2 x
    KL(teacher || student)``, both softened by the temperature.  Where values
    are predicted: ``alpha x squared error + (1 - alpha) x squared distance from
    the teacher's values``, without a temperature.

    Attributes
    ----------
    teacher
        A trained network of the same inputs and outputs; it is not changed.
    temperature
        Above 0; at 1 the teacher's own probabilities.
    alpha
        Weight of the true labels, 0 to 1.
    """

    teacher: Network
    temperature: float
    alpha: float


class FineTune(Protocol):
    """Trains a network in place on the training split, so that nothing here knows of data or recipes."""

    def __call__(
        self,
        network: Network,
        share: float,
        /,
        *,
        projections: Projections | None = None,
        before_step: Callable[[int, int], None] | None = None,
        teaching: Teaching | None = None,
    ) -> None:
        """Train for a share (0..1] of the recipe's epochs.

        Parameters
        ----------
        projections
            Applied to the kernels they name after every step: how zeros stay
            zero and clusters stay clusters.
        before_step
            Called with (steps done, steps in all) before every step.
        teaching
            What else to learn from.
        """


def _unheard(_: str) -> None:
    """Where nobody asks what was left as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a technique may use beside the network.

    Attributes
    ----------
    calibration
        Inputs of the training split, float32 (n, *input_shape), n >= 1.
    fine_tune
        Trains on.
    labels
        Class names in output order; empty where values are predicted.
    evaluate
        How well a float network does on the validation split, at most 1 and
        more is better: the accuracy 0..1 of a classifier, R2 where values are
        predicted, ROC AUC where anomalies are found, any of which techniques
        call accuracy; None where no labelled data was handed down.
    gradients
        Gradients of the loss on batches of the training split, one mapping of
        layer name to arrays in ``layer.get_weights()`` order a batch (None
        for what is not trained); None where no labelled data was handed down.
    teacher
        Makes the trained network to learn from; None where there is none.
    quantization
        How the plan's last network becomes a file, for techniques that train
        for it; None outside a plan.
    say
        Takes a sentence that whoever asked for the technique should read, such
        as what it could not be applied to.
    """

    calibration: npt.NDArray[np.float32]
    fine_tune: FineTune
    labels: tuple[str, ...] = ()
    evaluate: Callable[[Network], float] | None = None
    gradients: Callable[[Network], Iterator[Gradients]] | None = None
    teacher: Callable[[], Network] | None = None
    quantization: Quantization | None = None
    say: Callable[[str], None] = _unheard

    def say_left(self, technique: str, reasons: Iterable[tuple[str, str]]) -> None:
        """Say which layers `technique` leaves as they are, of (layer, reason) pairs; nothing where there are none."""
        listed = "; ".join(f"{layer}: {reason}" for layer, reason in reasons)
        if listed:
            self.say(f"{technique} leaves as they are: {listed}")

    def score(self, network: Network, technique: str) -> float:
        """Accuracy or R2 of `network` by `evaluate`.

        Raises
        ------
        CompressionError
            When no labelled data was handed down.
        """
        if self.evaluate is None:
            raise CompressionError(f"{technique} scores networks on labelled data, and there is none: give data")
        return self.evaluate(network)

    def batch_gradients(self, network: Network, technique: str) -> Iterator[Gradients]:
        """Gradients by `gradients`.

        Raises
        ------
        CompressionError
            When no labelled data was handed down.
        """
        if self.gradients is None:
            raise CompressionError(f"{technique} looks at gradients on labelled data, and there is none: give data")
        return self.gradients(network)


def require_fine_tune(fine_tune: float) -> None:
    """Refuse a setting ``fine_tune`` that is no share of the recipe's epochs from 0 (none) to 1.

    Raises
    ------
    ValueError
        When it is out of range.
    """
    if not 0.0 <= fine_tune <= 1.0:
        raise ValueError(f"fine_tune is {fine_tune}, must be a share of the epochs from 0 to 1")


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
        A technique without any is left out of a joint search.
    """

    name: str
    stage: Stage
    settings: type[S]
    hyperparameters: tuple[Hyperparameter, ...]

    def outline(self, topology: Topology, settings: S) -> Topology:
        """The topology that `compress` will give, found without weights.

        Unchanged for a technique that leaves shapes alone.  For one without
        hyperparameters an upper bound: the result may have fewer channels.
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
