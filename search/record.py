"""What one trial left behind: the only thing front, tables, page and export read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from compressors.compressor import Value
from devices.device import Runtime
from devices.footprint import Footprint
from search.metrics.measurement import Measurement, wilson

State = Literal["complete", "rejected", "failed"]
InterpreterName = Literal["tflm", "litert", "xnnpack"]
# what gives a board's own answers, by the board's runtime
INTERPRETER_OF: Mapping[Runtime, InterpreterName] = {"tflm": "tflm", "litert": "xnnpack"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proportion:
    """A share of samples, such as an accuracy: `correct` of `n`, n >= 1."""

    correct: int
    n: int

    def __post_init__(self) -> None:
        if self.n < 1 or not 0 <= self.correct <= self.n:
            raise ValueError(f"{self.correct} of {self.n} samples is not a proportion")

    @property
    def value(self) -> float:
        """The share, 0..1."""
        return self.correct / self.n

    def interval(self) -> tuple[float, float]:
        """95 % Wilson score interval, see `search.metrics.measurement.wilson`."""
        return wilson(self.correct, self.n)

    def as_figures(self, name: str) -> dict[str, float | int]:
        """The share under `name`, its n and the ends of its interval under names of their own, for JSON."""
        low, high = self.interval()
        return {name: self.value, f"{name}_n": self.n, f"{name}_low": low, f"{name}_high": high}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seconds:
    """Wall seconds of one trial by what they were spent on.

    `train` is 0 where the weights came from the run's cache of trained networks.
    """

    draw: float = 0.0
    screen: float = 0.0
    build: float = 0.0
    train: float = 0.0
    compress: float = 0.0
    fine_tune: float = 0.0
    convert: float = 0.0
    score: float = 0.0

    @property
    def total(self) -> float:
        """All of them together."""
        return (
            self.draw
            + self.screen
            + self.build
            + self.train
            + self.compress
            + self.fine_tune
            + self.convert
            + self.score
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The artifact of a finished trial, measured.

    Attributes
    ----------
    metrics
        Every metric of the task by name, on the validation split, of the
        artifact, run by `interpreter`; at least one.
    interpreter
        ``tflm``: bit-identical to the device; ``litert``: its outputs may differ.
    footprint
        Cost on the job's device; what of it is estimated is said in `Footprint`.
    params
        Weights of the network after pruning, before conversion.
    download_bytes
        Bytes of the file as a Huffman-coded package (`devices.coding.package`);
        None in records from before there was one.
    sha256
        Of the ``.tflite`` in the trial's folder.
    threshold
        Mean squared error above which a sample is called an anomaly, chosen on
        the validation split; None for other tasks.
    """

    metrics: Mapping[str, Measurement]
    interpreter: InterpreterName
    footprint: Footprint
    params: int
    download_bytes: int | None
    sha256: str
    threshold: float | None = None

    def __post_init__(self) -> None:
        if not self.metrics:
            raise ValueError("a score without a metric says nothing: leave it out")

    @property
    def accuracy(self) -> Measurement:
        """The accuracy of a classifier.

        Raises
        ------
        KeyError
            For another task.
        """
        return self.metrics["accuracy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRecord:
    """One trial that was told to the study.

    Attributes
    ----------
    trial
        Optuna's number, from 0; also the trial's folder (``trials/0007``).
    state
        ``complete``: trained and scored; ``rejected``: never trained, because the
        untrained network is over budget, a duplicate or cannot be built;
        ``failed``: its process ended without a score.
    reason
        Why it was rejected or failed; empty when complete.
    space
        Search space it was drawn from.
    drawn
        Parameters as drawn: replaying them gives the same candidate.
    compression
        Settings of each technique applied, by technique name.
    key
        Canonical hash of the candidate; equal keys are equal candidates.
    excess
        Figure above its limit by how much, by name; all ``<= 0`` is feasible.
    predicted
        Footprint of the untrained, lowered candidate; None where it could not be built.
    score
        None unless complete.
    seconds
        Where the time went.
    notes
        What techniques said, such as which layers they left as they are, a sentence each.
    """

    trial: int
    state: State
    reason: str = ""
    space: str
    drawn: Mapping[str, Value]
    compression: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    key: str
    excess: Mapping[str, float] = field(default_factory=dict)
    predicted: Footprint | None = None
    score: Score | None = None
    seconds: Seconds = field(default_factory=Seconds)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.state == "complete") is (self.score is None):
            raise ValueError(f"trial {self.trial} is {self.state} and has {'no' if self.score is None else 'a'} score")

    @property
    def feasible(self) -> bool:
        """True when scored and within every limit."""
        return self.score is not None and all(value <= 0 for value in self.excess.values())
