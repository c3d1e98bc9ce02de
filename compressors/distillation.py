"""Knowledge distillation: a small network learns from a larger one's answers as well as from the labels."""

from __future__ import annotations

import math
from dataclasses import dataclass

from compressors.compressor import CompressionError, Context, Hyperparameter, Network, Stage, Teaching
from compressors.layers import Activation
from compressors.structure import zero_projections
from compressors.topology import Topology

_PROBES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Distillation:
    """Settings of knowledge distillation; `compressors.compressor.Teaching` has the loss and its source.

    Attributes
    ----------
    temperature
        At least 1 and finite: how much the probabilities are evened out
        before they are compared.  Values that are predicted have none.
    alpha
        Weight of the true labels, 0 (the teacher alone) to 1 (off).
    fine_tune
        Share of the recipe's epochs to train with the teacher, above 0 and at most 1.

    Raises
    ------
    ValueError
        When a number is out of range.
    """

    temperature: float = 3.0
    alpha: float = 0.4
    fine_tune: float = 1.0

    def __post_init__(self) -> None:
        if not (self.temperature >= 1.0 and math.isfinite(self.temperature)):
            raise ValueError(f"temperature is {self.temperature}, must be at least 1 and finite")
        if not 0.0 <= self.alpha <= 1.0:
            raise ValueError(f"alpha is {self.alpha}, must be a weight of the labels from 0 to 1")
        if not 0.0 < self.fine_tune <= 1.0:
            raise ValueError(f"fine_tune is {self.fine_tune}, must be a share of the epochs above 0 and at most 1")

    @property
    def is_identity(self) -> bool:
        """True when only the labels count."""
        return self.alpha == 1.0


class Distiller:
    """Trains a copy of the network on with a teacher beside the labels."""

    name: str = "distillation"
    stage: Stage = Stage.DISTILLATION
    settings: type[Distillation] = Distillation
    hyperparameters: tuple[Hyperparameter, ...] = (
        Hyperparameter(name="alpha", values=(1.0, 0.7, 0.4, 0.1)),
        Hyperparameter(name="temperature", values=(2.0, 3.0, 5.0, 8.0)),
    )

    def outline(self, topology: Topology, settings: Distillation) -> Topology:  # noqa: ARG002  (the protocol's)
        """The same topology."""
        return topology

    def compress(self, network: Network, settings: Distillation, context: Context) -> Network:
        """A copy of the network, trained on with the teacher; weights of kernels that are 0 stay 0.

        Raises
        ------
        CompressionError
            When there is no teacher, it has other inputs or outputs or gives no
            probabilities of classes, a classifier does not end in a softmax, or
            the network has unsupported layers.
        """
        from compressors.network import copied, topology_of

        if context.teacher is None:
            raise CompressionError(
                "distillation learns from a trained network, and there is none: name a teacher, or leave it out"
            )
        teacher, topology = context.teacher(), topology_of(network)
        _require_fit(teacher, network)
        if context.labels or _last_function(topology) != "linear":  # else values, which are compared as they are
            _require_softmax(topology)
            _require_probabilities(teacher, context)
        student = copied(network)
        teaching = Teaching(teacher=teacher, temperature=settings.temperature, alpha=settings.alpha)
        context.fine_tune(student, settings.fine_tune, projections=zero_projections(student), teaching=teaching)
        return student


def _require_fit(teacher: Network, student: Network) -> None:
    for what, attribute in (("inputs", "input_shape"), ("outputs", "output_shape")):
        taught, given = getattr(teacher, attribute)[1:], getattr(student, attribute)[1:]
        if taught != given:
            raise CompressionError(
                f"the teacher has {what} of shape {taught}, the network of {given}: "
                "both must take the same samples and tell the same classes apart"
            )


def _last_function(topology: Topology) -> str | None:
    last = topology.layers[-1]
    function: str | None = (
        last.spec.function if isinstance(last.spec, Activation) else getattr(last.spec, "activation", None)
    )
    return function


def _require_softmax(topology: Topology) -> None:
    if _last_function(topology) != "softmax":
        raise CompressionError(
            f"distillation compares class probabilities, and the network's last layer {topology.layers[-1].name!r} is "
            "no softmax: end it in one"
        )


def _require_probabilities(teacher: Network, context: Context) -> None:
    import numpy as np

    found = np.asarray(teacher(context.calibration[:_PROBES], training=False))
    if not (np.isfinite(found).all() and found.min() >= 0 and np.allclose(found.sum(axis=-1), 1.0, atol=1e-3)):
        raise CompressionError(
            "the teacher's outputs are no class probabilities (at least 0, adding up to 1): end it in a softmax"
        )
