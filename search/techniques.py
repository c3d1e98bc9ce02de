"""Which compression techniques a job searches, on its board and on this machine."""

from __future__ import annotations

from compressors.catalog import COMPRESSORS, find
from compressors.compressor import Stage
from compressors.huffman_coding import HuffmanCoder
from compressors.lookup_tables import TableCompressor, package_missing
from devices.coding.stored import unpacks
from devices.device import Device
from devices.suggestion import suggestion
from devices.support import decodes
from search.errors import JobError, ToolchainError
from search.job import BEST, LARGEST, Job
from spaces.compression import FOR_CODING, Techniques


def check_teacher(job: Job) -> None:
    """Refuse a teacher that no technique of a search would learn from.

    Raises
    ------
    JobError
        When one is named and distillation is not.
    """
    if job.teacher != LARGEST and not job.network and "distillation" not in job.compressors:
        raise JobError(
            f"teacher is {job.teacher!r}, and nothing learns from it: name distillation among the compressors, "
            "such as --set compressors=distillation,structured_pruning,quantization"
        )


def techniques_of(job: Job, device: Device) -> Techniques:
    """The techniques that the job names; where it names none, all that can pay on the board, but distillation.

    Left out then are coding techniques that the board cannot decode or this
    machine cannot make, weight pruning and clustering where no coding
    technique is left to make bytes of them, and distillation, which costs a
    training before the first trial.

    Raises
    ------
    JobError
        When a name is unknown, has nothing to draw, is not decoded on the
        board or lacks its teacher, or when nothing quantises.
    ToolchainError
        When a named technique needs a package that this machine has not.
    """
    chosen = _named(job, device) if job.compressors else _fitting(device)
    if not any(technique.stage is Stage.QUANTIZATION for technique in chosen):
        raise JobError("compressors name no quantization: an artifact needs exactly one, add 'quantization'")
    return chosen


def _named(job: Job, device: Device) -> Techniques:
    names = [technique.name for technique in COMPRESSORS]
    for name in job.compressors:
        if name not in names:
            raise JobError(f"unknown compressor {name!r}: {suggestion(name, names)}")
        if not find(name).hyperparameters:
            raise JobError(f"compressor {name!r} has nothing for a search to draw: use it in a plan of your own")
        if not _is_decoded(name, device):
            raise JobError(f"compressor {name!r} needs a decoder, which {device.name} has not: leave it out")
        missing = _missing_here(name)
        if missing:
            raise ToolchainError(f"compressor {name!r}: {missing}")
    if "lookup_tables" in job.compressors and "clustering" not in job.compressors:
        raise JobError(
            "compressor 'lookup_tables' stores clustered weights and saves nothing on others: add 'clustering'"
        )
    if "distillation" in job.compressors and job.network and job.teacher in (LARGEST, BEST):
        raise JobError(
            f"distillation of the given network {job.network!r} needs a teacher: name its file, "
            "such as --set teacher=larger.keras, or leave distillation out"
        )
    return tuple(each for each in COMPRESSORS if each.name in job.compressors)


def _fitting(device: Device) -> Techniques:
    usable = [
        each
        for each in COMPRESSORS
        if each.stage is not Stage.DISTILLATION and _is_decoded(each.name, device) and not _missing_here(each.name)
    ]
    is_coded = any(each.stage is Stage.CODING for each in usable)
    return tuple(each for each in usable if is_coded or each.stage not in FOR_CODING)


def _is_decoded(name: str, device: Device) -> bool:
    """True where the board has the decoder that the technique of this name needs, or it needs none."""
    decoders = {TableCompressor.name: decodes, HuffmanCoder.name: unpacks}
    return name not in decoders or decoders[name](device)


def _missing_here(name: str) -> str:
    """What this machine lacks to apply the technique of this name, as a sentence; empty where it lacks nothing."""
    return package_missing() if name == TableCompressor.name else ""
