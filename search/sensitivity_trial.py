"""What each layer of a given network suffers from pruning and from 4-bit weights, in a child process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from search.worker import TrialTask, opened

if TYPE_CHECKING:
    from compressors.mixed_precision import Sensitivity
    from compressors.sensitivity import SensitivityTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Both tables, of accuracies of float networks on the validation split.

    Attributes
    ----------
    pruning
        One layer alone pruned, to several sparsities.
    bits
        One layer alone with 4-bit weights, every other weight float.
    """

    pruning: SensitivityTable
    bits: tuple[Sensitivity, ...]


def run_sensitivity(task: TrialTask) -> Measured:
    """Measure the task's network, which is neither trained nor changed; 4-bit weights as the task's plan quantises.

    Raises
    ------
    RuntimeError
        When a layer cannot be measured, in words.
    """
    from compressors.mixed_precision import sensitivity
    from compressors.sensitivity import sensitivity_table

    with opened(task) as (network, context, _):
        pruning = sensitivity_table(network, context)
        return Measured(pruning=pruning, bits=sensitivity(network, task.candidate.plan.quantization, context))
