"""Making a run's teacher, in a child process: an anchor trained, or a network of the user's own read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from search.metrics.catalog import quality_metric
from search.streams import STDERR, STDOUT, redirected
from search.worker import TrialTask, opened
from spaces.given import GivenNetwork


@dataclass(frozen=True, slots=True, kw_only=True)
class Taught:
    """A trained network without a framework, and its accuracy, or other metric, on the validation split."""

    network: GivenNetwork
    accuracy: float
    metric: str = "accuracy"


def train_teacher(task: TrialTask) -> Taught:
    """The task's network, trained and not compressed.

    Raises
    ------
    RuntimeError
        Whatever goes wrong, in words.
    """
    from compressors.network import topology_of, weights_of

    with opened(task) as (network, context, data):
        given = GivenNetwork(topology=topology_of(network), weights=weights_of(network))
        found = context.score(network, "distillation")
        return Taught(network=given, accuracy=found, metric=quality_metric(data.task))


def read_teacher(path: Path, data_file: Path, log_file: Path) -> Taught:
    """The trained network in a user's file, made to go with the data.

    Raises
    ------
    DataError, JobError
        When it cannot be read or does not go with the data.
    """
    from search.child_process import import_frameworks
    from search.datasets.load import read
    from search.evaluate import float_quality
    from search.networks.fitting import fit
    from search.networks.load import load

    import_frameworks()
    with redirected((STDOUT, STDERR), log_file):
        data = read(data_file)
        network = fit(load(path), data).network
        found = float_quality(network.build(), data)
        return Taught(network=network, accuracy=found, metric=quality_metric(data.task))
