"""Look-up tables: weights of few distinct values are stored as indexes of 1 to 7 bits.

This is the compression of TensorFlow Lite Micro itself, made by the
``tflite-micro`` package: a DECODE operator (custom code ``TFLM_DECODE``) before
each operator whose weights are compressed looks the values up, bit for bit.
It is how `compressors.clustering` saves flash.  Its price:

* DECODE's code, about 19 kB once (`devices.storage`), so a network whose file
  shrinks by less needs more flash than before;
* the decoded weights lie in the arena while their operator runs, which for
  wide fully connected layers is far more than the activations;
* about 100 bytes of description a tensor, 16 more and the table itself, one
  for each channel where the tensor has a scale for each.

Runs on TensorFlow Lite Micro only; `devices.support` refuses other runtimes.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from compressors.compressor import CompressionError, Context, Hyperparameter, Network, Stage
from compressors.equal_outputs import require_equal_outputs
from compressors.weight_tables import WeightTable, weight_tables

if TYPE_CHECKING:
    from compressors.topology import Topology
    from devices.artifact import Artifact

# What one more tensor takes beside indexes and tables: 96 to 112 bytes, 152 for the first of
# a file, measured on the tensors of MLPerf Tiny's ResNet.  Between these, trying decides.
_SURELY_WORTH_BYTES, SURELY_USELESS_BYTES = 160, 64


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUpTables:
    """Settings of look-up tables.

    Attributes
    ----------
    enabled
        False for none.
    least_saving
        Bytes by which the file must shrink at least, >= 1.
    without_gain
        What to do where it shrinks by less: refuse, or keep the file as it is.
        A search keeps it, for it cannot know before the training; the artifact
        is then the very one of quantisation.

    Raises
    ------
    ValueError
        When a value is out of range.
    """

    enabled: bool = True
    least_saving: int = 1
    without_gain: Literal["refuse", "keep"] = "refuse"

    def __post_init__(self) -> None:
        if self.least_saving < 1:
            raise ValueError(f"least_saving is {self.least_saving} bytes, must be at least 1")
        if self.without_gain not in ("refuse", "keep"):
            raise ValueError(f"without_gain is {self.without_gain!r}, must be 'refuse' or 'keep'")

    @property
    def is_identity(self) -> bool:
        """True when not enabled."""
        return not self.enabled


class TableCompressor:
    """Stores the weights of an artifact as indexes into look-up tables where its file gets smaller."""

    name: str = "lookup_tables"
    stage: Stage = Stage.CODING
    settings: type[LookUpTables] = LookUpTables
    hyperparameters: tuple[Hyperparameter, ...] = (
        Hyperparameter(name="enabled", values=(False, True)),
        Hyperparameter(name="without_gain", values=("keep",), ordered=False),
    )

    def outline(self, topology: Topology, settings: LookUpTables) -> Topology:  # noqa: ARG002  # the protocol's signature
        """The topology as it is."""
        return topology

    def compress(self, network: Network | Artifact, settings: LookUpTables, context: Context) -> Artifact:
        """The artifact with compressed weights: a smaller file that computes the same outputs.

        It ran beside the plain one on calibration inputs before it is returned.

        Raises
        ------
        CompressionError
            When the file would not shrink by `least_saving` and settings say
            to refuse, the ``tflite-micro`` package is missing, or the outputs
            differ.
        """
        from devices.slim import slim

        artifact: Artifact = network
        plain = slim(artifact.content)
        content, used = _smallest(plain, weight_tables(plain))
        saving = len(artifact.content) - len(content)
        if not used or saving < settings.least_saving:
            if settings.without_gain == "keep":
                return artifact
            raise CompressionError(_no_gain(plain, saving if used else 0, settings))
        compressed = replace(artifact, content=content)
        require_equal_outputs(artifact, compressed, context.calibration)
        return compressed


def _smallest(plain: bytes, tables: Sequence[WeightTable]) -> tuple[bytes, list[WeightTable]]:
    """The smallest file that was found, and the tensors compressed in it; `plain` and none where nothing helps."""
    possible = [table for table in tables if not table.reason and table.data_saving > SURELY_USELESS_BYTES]
    possible.sort(key=lambda table: -table.data_saving)
    used = [table for table in possible if table.data_saving >= _SURELY_WORTH_BYTES]
    best = _packed(plain, used) if used else plain
    for table in possible[len(used) :]:
        tried = _packed(plain, [*used, table])
        if len(tried) < len(best):
            best, used = tried, [*used, table]
    return best, used


def _packed(plain: bytes, tables: Sequence[WeightTable]) -> bytes:
    """The slim file with these tensors compressed, by the ``tflite-micro`` package."""
    from devices.slim import slim

    compression, spec = _package()
    ordered = sorted(tables, key=lambda table: table.tensor)
    wishes = [
        spec.Tensor(
            0,
            table.tensor,
            [
                spec.LookUpTableCompression(
                    table.bits, spec.PerTensor() if table.axis is None else spec.PerChannel(table.axis)
                )
            ],
        )
        for table in ordered
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tensors that share a buffer with others are left out, which the size shows
        return slim(bytes(compression.compress(plain, wishes)))


def package_missing() -> str:
    """Why this machine cannot make look-up tables, as a sentence; empty where it can."""
    try:
        _package()
    except CompressionError as error:
        return str(error)
    return ""


def _package() -> tuple[Any, Any]:
    """The package's compression and its module of specifications."""
    try:
        from tflite_micro import compression
        from tflite_micro.tensorflow.lite.micro.compression import spec
    except (ImportError, OSError) as error:
        raise CompressionError(
            f"look-up tables are made by the tflite-micro package, which cannot be imported ({error}): "
            "install it (Linux x86-64), or leave the technique out"
        ) from error
    return compression, spec


def _no_gain(plain: bytes, saving: int, settings: LookUpTables) -> str:
    tables = weight_tables(plain)
    shown = "; ".join(
        f"{table.operator} of {table.elements} weights: "
        + (table.reason or f"{table.distinct} distinct values, {table.bits}-bit indexes save {table.data_saving} B")
        for table in tables
    )
    return (
        f"look-up tables save {saving} bytes of {len(plain)}, least_saving is {settings.least_saving}: cluster the "
        f"weights into fewer values, or leave the technique out ({shown or 'no operator has weights'})"
    )
