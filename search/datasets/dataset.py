"""A data set that is ready to train on: three splits, labels, normalisation."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from devices.artifact import Normalization, Target
from devices.frontend.intake import Intake
from devices.frontend.table_encoding import Row, TableEncoding
from search.errors import DataError
from search.metrics.metric import Task

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from devices.frontend.pipeline import Pipeline
    from spaces.graphs import Head


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Inputs float32 (n, *input_shape) as the network takes them, and what it should answer.

    Attributes
    ----------
    y
        Class numbers int64 (n,), 1 for an anomaly; or, for regression, targets
        float32 (n, targets) as the network gives them: less their mean, over their deviation.
    """

    x: npt.NDArray[np.float32]
    y: npt.NDArray[Any]

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Three splits of one data set.

    Attributes
    ----------
    name
        Name of the set, for people.
    train, validation, test
        Disjoint splits, each with at least one sample; `test` is opened once, at the end.
    labels
        Class names; target ``k`` means ``labels[k]``.  Empty for regression;
        of anomaly detection normal samples and others, in this order.
    task
        What is learnt.
    targets
        What is predicted, in the order of the outputs, with the scale that was
        taken off; empty for classification.
    normalization
        How raw values, or features where there is a front-end, became network
        inputs; the export says so to the device's program.
    table
        How a table's columns became the raw values that `normalization` starts from; None where the data is no table.
    sample_rate_hz
        Of sound and of sensors; None where it is not known.
    frontend
        What made features of raw samples; None where there is no front-end.
    raw
        The first few raw samples of the validation split, float32, where there is a front-end.
    rows
        Raw rows of a table: the first three of the validation split, then some with something missing or unknown.
    copies
        How often varied copies of all training samples follow them in `train`.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    labels: tuple[str, ...]
    normalization: Normalization
    task: Task = "classification"
    targets: tuple[Target, ...] = ()
    table: TableEncoding | None = None
    sample_rate_hz: int | None = None
    frontend: Pipeline | None = None
    raw: npt.NDArray[np.float32] | None = None
    rows: tuple[Row, ...] = ()
    copies: int = 0

    def __post_init__(self) -> None:
        if bool(self.targets) is not (self.task == "regression") or bool(self.targets) is bool(self.labels):
            raise DataError(
                f"data {self.name!r}: {self.task} with {len(self.labels)} labels and {len(self.targets)} targets: "
                "classes have labels, values have targets"
            )
        for part in (self.train, self.validation, self.test):
            if len(part.x) != len(part.y) or not len(part.x):
                raise DataError(f"data {self.name!r}: a split has {len(part.x)} inputs and {len(part.y)} labels")
            if part.x.shape[1:] != self.input_shape:
                raise DataError(
                    f"data {self.name!r}: splits differ in shape, {part.x.shape[1:]} and {self.input_shape}"
                )

    @property
    def originals(self) -> Split:
        """The training samples as they were found, without their varied copies."""
        n = len(self.train) // (1 + self.copies)
        return Split(x=self.train.x[:n], y=self.train.y[:n])

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input: (features,) or (height, width, channels)."""
        return tuple(int(n) for n in self.train.x.shape[1:])

    @property
    def intake(self) -> Intake:
        """What a device does before the network."""
        return Intake(table=self.table, pipeline=self.frontend)

    @property
    def n_classes(self) -> int:
        """Number of classes; 0 for regression."""
        return len(self.labels)

    @property
    def n_outputs(self) -> int:
        """Outputs of a network for this data: one a class, one a target, or one an input that it gives back."""
        if self.task == "anomaly_detection":
            return math.prod(self.input_shape)
        return len(self.targets or self.labels)

    @property
    def output_labels(self) -> tuple[str, ...]:
        """Names of the outputs, where they are classes."""
        return self.labels if self.task == "classification" else ()

    @property
    def learning(self) -> Split:
        """The training split with what its networks should answer: classes, values, or for anomalies the inputs."""
        if self.task != "anomaly_detection":
            return self.train
        return Split(x=self.train.x, y=self.train.x.reshape(len(self.train), -1))

    @property
    def head(self) -> Head:
        """What ends such a network."""
        return "softmax" if self.task == "classification" else "linear"

    @property
    def target_scale(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Mean and deviation (targets,) of a regression's targets, in their own unit."""
        import numpy as np

        scale = np.array([(target.mean, target.deviation) for target in self.targets])
        return scale[:, 0], scale[:, 1]

    def in_units(self, values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Targets or outputs (n, targets) of a regression, in the targets' own unit."""
        import numpy as np

        mean, deviation = self.target_scale
        real: npt.NDArray[np.float64] = np.asarray(values, np.float64) * deviation + mean
        return real

    def standardised(self, values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Values (n, targets) in the targets' own unit as networks here give them: `in_units` the other way."""
        import numpy as np

        mean, deviation = self.target_scale
        learnt: npt.NDArray[np.float64] = (np.asarray(values, np.float64) - mean) / deviation
        return learnt

    def digest(self) -> str:
        """SHA-256 over all arrays, labels and targets: the identity of the data.

        Copies count by their number: another machine's rounding does not make other data of them.
        """
        # Of classes as it was before there were targets: runs of then go on.
        named = (
            self.labels,
            self.normalization,
            *((self.targets,) if self.targets else ()),
            *((self.task,) if self.task == "anomaly_detection" else ()),
            *((self.copies,) if self.copies else ()),
        )
        digest = hashlib.sha256(repr(named).encode())
        if self.frontend is not None:
            digest.update(repr(self.frontend).encode())
        for part in (self.originals, self.validation, self.test):
            digest.update(repr(part.x.shape).encode())
            digest.update(part.x.tobytes())
            digest.update(part.y.tobytes())
        return digest.hexdigest()
