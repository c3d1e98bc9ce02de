"""One trial in a child process: train, compress, convert, score.

`run_trial` is a pure function of its task: the same task gives the same
artifact, byte for byte, whichever process runs it and whatever ran before.
"""

from __future__ import annotations

import functools
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devices.device import Device
from devices.flatbuffer import read_artifact
from search.child_process import import_frameworks
from search.record import InterpreterName, Score, Seconds
from search.seeds import seed_of
from search.streams import STDERR, STDOUT, redirected
from search.trained_network import network_of, teacher_of
from spaces.candidate import Architecture, Candidate

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from compressors.compressor import Context, Network
    from devices.artifact import Artifact
    from search.datasets.dataset import Dataset
    from search.metrics.measure import HeldOut


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialTask:
    """All that one trial needs.

    Attributes
    ----------
    candidate, key
        What to make, and its canonical hash.
    device
        What to cost the artifact on.
    data_file
        The prepared data.
    weights_file
        Trained float weights of the same network and recipe; trained anew where it is absent.
    log_file
        Where whatever the frameworks print goes.
    seed
        The job's seed.
    interpreter
        What runs the artifact.
    network_file
        The given network, trained; None where the candidate's architecture is built and trained.
    teacher_file
        The trained network that distillation learns from; None where there is none.
    teacher
        Architecture of a network of this run, of which `teacher_file` has the
        trained weights; None where that holds a whole network.
    class_weights
        Weight of each class in the loss; empty where samples weigh alike.
    """

    candidate: Candidate
    key: str
    device: Device
    data_file: Path
    weights_file: Path
    log_file: Path
    seed: int
    interpreter: InterpreterName
    network_file: Path | None = None
    teacher_file: Path | None = None
    teacher: Architecture | None = None
    class_weights: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one trial made.

    `weights` is the npz of the trained float network, None where it was read;
    `notes` is what techniques said, such as which layers they left as they are.
    """

    content: bytes
    score: Score
    seconds: Seconds
    weights: bytes | None
    notes: tuple[str, ...] = ()


class Stopwatch:
    """Seconds by phase; time spent in an inner phase is not counted in the outer one."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inner = [0.0]

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the block's seconds under `name`."""
        started = time.perf_counter()
        self._inner.append(0.0)
        try:
            yield
        finally:
            spent = time.perf_counter() - started
            inner = self._inner.pop()
            self._inner[-1] += spent
            self.seconds[name] = self.seconds.get(name, 0.0) + spent - inner


def run_trial(task: TrialTask) -> Outcome:
    """Make and score the artifact of one candidate.

    Raises
    ------
    RuntimeError
        Whatever goes wrong, in words: the coordinator records them as the trial's reason.
    """
    import_frameworks()
    with redirected((STDOUT, STDERR), task.log_file), _plain_errors():
        return _run(task)


def _run(task: TrialTask) -> Outcome:
    watch = Stopwatch()
    data = _data(task.data_file)
    network, weights = network_of(task, data, watch)
    notes: list[str] = []
    plan, context = task.candidate.plan, replace(_context(task, data, watch), say=notes.append)
    with watch.phase("compress"):
        network = plan.shape(network, context)
    with watch.phase("convert"):
        artifact = plan.convert(network, context)
    with watch.phase("score"):
        score = score_of(artifact, network, task, data)
    return Outcome(
        content=artifact.content,
        score=score,
        seconds=Seconds(**watch.seconds),
        weights=weights,
        notes=tuple(notes),
    )


@contextmanager
def opened(task: TrialTask) -> Iterator[tuple[Network, Context, Dataset]]:
    """The task's network with its weights, what techniques may use, and the data.

    What is printed meanwhile goes to the task's log, what goes wrong comes out as a RuntimeError in words.
    """
    import_frameworks()
    with redirected((STDOUT, STDERR), task.log_file), _plain_errors():
        data, watch = _data(task.data_file), Stopwatch()
        network, _ = network_of(task, data, watch)
        yield network, _context(task, data, watch), data


def _context(task: TrialTask, data: Dataset, watch: Stopwatch) -> Context:
    from compressors.compressor import Context
    from search.evaluate import float_quality
    from search.gradients import batch_gradients
    from search.train import fine_tune

    recipe, seed = task.candidate.recipe, seed_of(task.seed, "fine_tune", task.key)

    def tune(network: Network, share: float, **options: Any) -> None:
        with watch.phase("fine_tune"):
            fine_tune(network, recipe, data.learning, seed, share, class_weights=task.class_weights, **options)

    return Context(
        calibration=_calibration(data),
        fine_tune=tune,
        labels=data.output_labels,
        evaluate=lambda network: float_quality(network, data),
        gradients=lambda network: batch_gradients(network, data.learning, recipe.batch_size, seed, task.class_weights),
        teacher=teacher_of(task, data),
    )


def _calibration(data: Dataset) -> npt.NDArray[np.float32]:
    """The training inputs in a fixed random order, so that a technique may take the first few."""
    import numpy as np

    order = np.random.default_rng(0).permutation(len(data.train))[:1024]
    return data.train.x[order]


def score_of(artifact: Artifact, network: Network, task: TrialTask, data: Dataset) -> Score:
    """What the artifact made of `network` costs, and how well it does on the validation split."""
    from compressors.network import parameters
    from devices.coding.package import pack
    from devices.coding.stored import coded
    from devices.measure import measure
    from search.evaluate import judged

    cost, _ = measure(artifact.content, task.device)
    package, found = artifact.package, judged(artifact, data, task.interpreter)
    if package is not None:
        cost = coded(cost, len(package), task.device)
    return Score(
        metrics=found.metrics,
        interpreter=task.interpreter,
        footprint=data.intake.added_to(cost, task.device),
        params=parameters(network),
        download_bytes=len(pack(artifact.content) if package is None else package),
        sha256=artifact.sha256,
        threshold=found.threshold,
    )


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Errors cross to the coordinator as words: a framework's own exceptions may not be picklable."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        traceback.print_exc()  # into the trial's log
        raise RuntimeError(f"{type(error).__name__}: {error}") from None


@functools.lru_cache(maxsize=2)
def _data(file: Path) -> Dataset:
    from search.datasets.load import read

    return read(file)


def score_on_test(content: bytes, data_file: Path, interpreter: InterpreterName, log_file: Path) -> HeldOut:
    """Metrics of one artifact on the test split: for the front, at the end, once."""
    from search.evaluate import held_out

    with redirected((STDOUT, STDERR), log_file), _plain_errors():
        data = _data(data_file)
        return held_out(read_artifact(content, data.output_labels), data, interpreter)
