"""The job: what to search, for which device, within which limits.

Read from YAML and the command line, checked whole; every mistake is a
`JobError` that names the key, the value and the remedy.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from devices.suggestion import suggestion
from search import codec
from search.datasets.options import DataOptions
from search.errors import JobError
from search.front import DEFAULT_OBJECTIVES
from search.frontends import choice_of
from search.metrics.metric import Task
from search.yaml_file import read_mapping

ClassWeights = Literal["none", "balanced"]

LARGEST, BEST = "largest", "best"  # teachers that are no files

_MOST_COPIES = 50  # of a training sound

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
# What the data decides where a job leaves it open, see `search.settle`; a run's own job has it filled in.
_OPEN = frozenset({"task", "metric", "objectives"})
# What may differ when a run is continued: how much to search, not what.
_EXTENT = frozenset({"name", "trials", "minutes", "workers", "trial_seconds", "trial_memory_bytes"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of the job; None takes the device's own flash and RAM, and no limit on latency."""

    flash_bytes: int | None = None
    ram_bytes: int | None = None
    latency_ms: float | None = None

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise JobError(f"budget.{item.name} is {value}: a budget is above zero; leave it out for no limit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One search.

    Attributes
    ----------
    data
        Built-in name or path of the data.
    device
        Board name, or path of a board file.
    task
        What is learnt; None is anomaly detection where `normal` is named, and
        else takes floats for values (regression), whole numbers and texts for classes.
    metric
        The metric that is the objective; empty for the first of the task (accuracy, rmse, roc_auc).
    space
        Search spaces to draw from; empty for all that accept the input's shape.
    compressors
        Techniques to search over; empty for all but distillation, which trains
        a teacher first and must be asked for.
    objectives
        What the front trades off; empty for the metric, flash, RAM and latency.
    budget
        Hard limits.
    trials
        Trials to train, failed ones counted, before stopping; None for no limit.
    minutes
        Minutes to stop after, everything included; None for no limit.
    seed
        Equal seeds give equal trials (with one worker).
    workers
        Trials trained at once; None for one a core.
    strategy
        Name of the search strategy.
    teacher
        What distillation learns from: ``largest`` trains the spaces' largest
        anchor first; ``best`` is the best network of the run so far, so that
        trials before the first score cannot learn; otherwise a network file
        (.keras, .h5, SavedModel folder).
    epochs
        Epochs of a training; None derives them from the number of samples.
    trial_seconds, trial_memory_bytes
        What one trial may take before it is ended and recorded as failed.
    name
        Name of the run; empty derives one from the job.
    class_weights
        ``balanced`` weighs classes in training by the inverse of how frequent
        they are; ``none`` weighs samples alike.
    normal
        Label of the normal samples, for anomaly detection; empty for other tasks.
    network
        File of the given network whose compression alone is searched; empty
        draws networks.  Only ``tinyfront compress`` reads such a file.
    normalization
        Scale of the network's inputs: ``fitted`` (0..1), ``none`` (values as
        they are in the data) or ``OFFSET,FACTOR``.  Behind a front-end it is the
        scale of the features, and ``fitted`` is mean 0 and deviation 1 of each.
    frontend
        Name of the front-end (`devices.frontend.catalog`) to its settings; empty
        for none.  A job may write the name alone, and lists of values to search.
    data_options
        How the data are read and split.
    augment
        Varied copies of each training sound that are trained on as well, 0 to
        50 (`search.datasets.varied_sounds`); for classes of sounds behind a front-end.
    """

    data: str
    device: str
    task: Task | None = None
    metric: str = ""
    space: tuple[str, ...] = ()
    compressors: tuple[str, ...] = ()
    objectives: tuple[str, ...] = ()
    budget: Limits = field(default_factory=Limits)
    trials: int | None = None
    minutes: float | None = None
    seed: int = 0
    workers: int | None = None
    strategy: str = "tpe"
    teacher: str = LARGEST
    epochs: int | None = None
    trial_seconds: float = 900.0
    trial_memory_bytes: int = 4 << 30
    name: str = ""
    class_weights: ClassWeights = "none"
    normal: str = ""
    network: str = ""
    normalization: str = "fitted"
    data_options: DataOptions = field(default_factory=DataOptions)
    frontend: Mapping[str, Mapping[str, codec.Setting]] = field(default_factory=dict)
    augment: int = 0

    def __post_init__(self) -> None:
        for key in ("trials", "minutes", "workers", "epochs", "trial_seconds", "trial_memory_bytes"):
            value = getattr(self, key)
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise JobError(f"{key} is {value}: it must be above zero and finite")
        if not 0 <= self.augment <= _MOST_COPIES:
            raise JobError(f"augment is {self.augment}: it must be in 0..{_MOST_COPIES}, copies of each training sound")
        if not 0 <= self.seed < 2**31:
            raise JobError(f"seed is {self.seed}: it must be in 0..{2**31 - 1}")
        if self.name and not _NAME.fullmatch(self.name):
            raise JobError(
                f"name {self.name!r}: use 1 to 80 lower-case letters, digits, '.', '_' and '-', "
                "starting with a letter or digit"
            )
        if len(set(self.objectives)) != len(self.objectives):
            raise JobError(f"objectives are {list(self.objectives)}: name each once")

    @property
    def trade_off(self) -> tuple[str, ...]:
        """The objectives; those of a classifier where they are open, as in runs of earlier versions."""
        return self.objectives or DEFAULT_OBJECTIVES

    @property
    def run_name(self) -> str:
        """The run's name: as given, or from data, device and a hash of the job, so that the same command continues."""
        if self.name:
            return self.name
        limits = {"workers", "trial_seconds", "trial_memory_bytes"}
        document = {key: value for key, value in codec.unstructure(self).items() if key not in limits}
        # Left open, they count as what they were when there was one task: names stay as they were.
        document["task"] = self.task or "classification"
        document["objectives"] = list(self.trade_off)
        for key in ("metric", "class_weights", "normal"):
            if document[key] in ("", "none"):
                del document[key]
        if not self.data_options.changed():  # runs were named before there were any
            del document["data_options"]
        if not self.frontend:
            del document["frontend"]  # names of runs are as they were before there were front-ends
        if not self.augment:
            del document["augment"]
        digest = hashlib.sha256(codec.canonical(document).encode()).hexdigest()[:8]
        return f"{_slug(Path(self.data).stem)}-{_slug(Path(self.device).stem)}-{digest}"

    def first_difference(self, other: Job) -> str | None:
        """First key that makes `other` another search; None where it is the same, longer or shorter.

        What `other` leaves open is the same as whatever was settled here.
        """
        default = {item.name: item.default for item in dataclasses.fields(self) if item.name in _OPEN}
        left = {name for name, value in default.items() if getattr(other, name) == value}
        for item in dataclasses.fields(self):
            if item.name not in _EXTENT | left and getattr(self, item.name) != getattr(other, item.name):
                return item.name
        return None


def available_workers() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:30] or "x"


def _expand(overrides: Iterable[str], document: dict[str, Any]) -> None:
    """Write ``key=value`` and ``outer.inner=value`` into the document, values read as YAML."""
    import yaml

    for override in overrides:
        path, equals, text = override.partition("=")
        if not equals or not path:
            raise JobError(f"--set {override!r}: write key=value, such as --set budget.latency_ms=20")
        *outer, last = path.split(".")
        place = document
        for key in outer:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                raise JobError(f"--set {override!r}: {key!r} holds no keys of its own")
        try:
            place[last] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            why = "the value is not YAML; a text that begins with { stands in quotes"
            raise JobError(f"--set {override!r}: {why}") from error


def _check_keys(document: Mapping[str, Any], kind: type, place: str) -> None:
    known = [item.name for item in dataclasses.fields(kind)]
    for key in document:
        if key not in known:
            raise JobError(f"unknown key {place}{key}: {suggestion(str(key), known)}")


def settings_of_flags(label: str | None, group_by: str | None, file_name: str | None) -> list[str]:
    """``--set`` texts of the flags that stand for options of the data."""
    flags = {"label": label, "group_by": group_by, "file_name": file_name}
    return [f"data_options.{key}={_quoted(value)}" for key, value in flags.items() if value is not None]


def _quoted(text: str) -> str:
    """YAML of any text; JSON will not do, which writes what lies beyond 16 bits as two halves that YAML keeps apart."""
    plain = (letter if " " <= letter <= "~" and letter not in '"\\' else f"\\U{ord(letter):08X}" for letter in text)
    return f'"{"".join(plain)}"'


def read_data_options(overrides: Iterable[str]) -> DataOptions:
    """Options of data without a job, from ``--set`` texts.

    Raises
    ------
    JobError
        When a text sets anything else, or what it sets is wrong.
    """
    document: dict[str, Any] = {}
    _expand(overrides, document)
    for key in document:
        if key != "data_options":
            raise JobError(f"--set {key}: only data_options can be set here, such as data_options.window=128")
    return read_job(None, {"data": "-", "device": "-", **document}).data_options


def _listed(document: dict[str, Any], keys: Iterable[str]) -> None:
    """Make lists of the texts that stand for them, such as ``mlp,cnn``."""
    for key in keys:
        if isinstance(document.get(key), str):
            document[key] = [part.strip() for part in document[key].split(",")]


def _as_text(document: dict[str, Any], key: str) -> None:
    """Classes may be numbered: what YAML reads as a whole number is taken as its text."""
    if type(document.get(key)) is int:
        document[key] = str(document[key])


def _as_names(options: dict[str, Any]) -> None:
    """Columns may be given by their position: what YAML reads as a whole number is taken as its text."""

    def text(value: object) -> object:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    if isinstance(options.get("file_name"), dict):
        raise JobError("data_options.file_name: in YAML a text that begins with { stands in quotes, or use --file-name")
    lists = ("targets", "columns", "ignore", "missing")
    for key in ("label", "group_by", "id", "time", "file", *lists):
        value = text(options.get(key))
        if value is not None:
            options[key] = list(map(text, value)) if isinstance(value, list) else value
    _listed(options, lists)


def read_job(file: Path | None, given: Mapping[str, Any], overrides: Iterable[str] = ()) -> Job:
    """The job of a YAML file, then the command line's options, then its ``--set`` overrides.

    Raises
    ------
    JobError
        For an unreadable file, an unknown or missing key, a wrong type or value.
    """
    document: dict[str, Any] = {}
    if file is not None:
        document = read_mapping(file, "job", "keys to values, such as 'data: digits'")
    document.update({key: value for key, value in given.items() if value is not None})
    _expand(overrides, document)
    _check_keys(document, Job, "")
    for key, kind in (("budget", Limits), ("data_options", DataOptions)):
        if isinstance(document.get(key), dict):
            _check_keys(document[key], kind, f"{key}.")
    if "frontend" in document:
        document["frontend"] = choice_of(document["frontend"])
    _listed(document, ("space", "compressors", "objectives"))
    if isinstance(document.get("data_options"), dict):
        _as_names(document["data_options"])
    _as_text(document, "normal")
    for key, remedy in (("data", "--data digits"), ("device", "--device nucleo-l432kc")):
        if key not in document:
            raise JobError(f"the job names no {key}: add it, such as {remedy}")
    if document.get("trials") is None and document.get("minutes") is None:
        document["minutes"] = 5.0
    try:
        return codec.structure(document, Job)
    except codec.CodecError as error:
        raise JobError(f"job: {error}") from error
