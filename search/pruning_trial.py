"""Structured pruning of a given network down to the quality of the file that ships, in a child process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from search.record import Score
from search.worker import TrialTask, opened, score_of

if TYPE_CHECKING:
    from compressors.accuracy_pruning import AccuracyPruned
    from compressors.compressor import Context, Network
    from search.datasets.dataset import Dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class PruningFacts:
    """How far a network could be pruned; accuracies are the task's quality metric (R2 of values, ROC AUC of anomalies).

    Attributes
    ----------
    floor
        Accuracy that was to be kept, above 0 up to 1.
    share
        Of every group of channels that was removed; 0 where none could be.
    failed
        The lowest share that was tried and lost too much; None where none did.
    tried
        (share, accuracy) of every network that was made, in the order of work.
    evaluations
        Networks whose accuracy was found, the given one among them.
    """

    floor: float
    share: float
    failed: float | None
    tried: tuple[tuple[float, float], ...]
    evaluations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PrunedOutcome:
    """The file of the pruned network, measured."""

    content: bytes
    score: Score
    facts: PruningFacts


def run_pruning(task: TrialTask, floor: float) -> PrunedOutcome:
    """Prune the task's network as far as its quantised file keeps an accuracy of `floor` on validation data.

    The plan of the task's candidate is a pruning to accuracy and a
    quantisation; every network tried is judged as the file that this makes of
    it, run by the task's interpreter.

    Raises
    ------
    RuntimeError
        When it cannot be pruned, or misses the accuracy unpruned, in words.
    """
    from compressors.accuracy_pruning import AccuracyPruning, prune_to_accuracy

    with opened(task) as (network, context, data):
        plan = task.candidate.plan
        settings = next(step for step in plan.steps if isinstance(step, AccuracyPruning))
        judged = replace(context, evaluate=_judge(task, context, data))
        found = prune_to_accuracy(network, replace(settings, min_accuracy=floor, max_loss=None), judged)
        artifact = plan.convert(found.network, context)
        score = score_of(artifact, found.network, task, data)
        return PrunedOutcome(content=artifact.content, score=score, facts=_facts(found))


def _judge(task: TrialTask, context: Context, data: Dataset) -> Callable[[Network], float]:
    """Accuracy, or what stands for it in the data's task, of the file that the plan makes of a network."""
    from search.evaluate import quality

    def judge(network: Network) -> float:
        return quality(task.candidate.plan.convert(network, context), data, task.interpreter)

    return judge


def _facts(found: AccuracyPruned) -> PruningFacts:
    return PruningFacts(
        floor=found.floor, share=found.share, failed=found.failed, tried=found.tried, evaluations=found.evaluations
    )
