"""Ranges of activations that a network was trained with, from the training to the file.

A network that `compressors.quantization_aware_training` gives is an ordinary
one, with its ranges beside it; a copy of it has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from compressors.compressor import CompressionError, Network
from compressors.fusion import FIXED_SCALE, SAME_SCALE, fused
from compressors.scaling import Range

if TYPE_CHECKING:
    from compressors.model_file import ModelFile
    from compressors.program import Program, Step
    from compressors.topology import Topology

_ATTRIBUTE = "tinyfront_trained_ranges"
_KEEPS_SCALE = SAME_SCALE | {"RELU6"}  # a RELU6 that stands alone, see `compressors.quantized_file`
_NOTHING: Range = (0.0, 0.0)  # adds nothing to the range that several tensors share


def attach_ranges(network: Network, ranges: Mapping[str, Range]) -> None:
    """Lay beside a network the range of every output that `range_groups` names."""
    setattr(network, _ATTRIBUTE, tuple(ranges.items()))


def trained_ranges(network: Network) -> Mapping[str, Range] | None:
    """What `attach_ranges` laid beside a network; None for one that was not trained for quantisation."""
    items = getattr(network, _ATTRIBUTE, None)
    return None if items is None else {name: (low, high) for name, (low, high) in items}


def range_groups(topology: Topology) -> tuple[tuple[str, ...], ...]:
    """The outputs that have a range, by `compressors.program.part_name`; those of a group have one in the file.

    Other outputs have the range of what they read, or one that the kernel sets.
    """
    program = fused(topology, is_integer=False)
    groups = {step: [step] for step in program.steps}
    for step in program.steps:
        equal = step.reads if step.name == "CONCATENATION" else step.reads[:1] if step.name in _KEEPS_SCALE else ()
        for read in equal:
            if groups[read] is not groups[step]:
                groups[read] += groups[step]
                groups |= dict.fromkeys(groups[step], groups[read])
    distinct = {id(group): group for group in groups.values()}.values()
    named = (tuple(dict.fromkeys(s.gives for s in group if _has_range(program, s))) for group in distinct)
    return tuple(group for group in named if group)


def file_ranges(topology: Topology, ranges: Mapping[str, Range], file: ModelFile) -> dict[int, Range]:
    """Range of every activation of the float file of a network by its index, as `with_integer_activations` takes it.

    Raises
    ------
    CompressionError
        When the file's operators are not those of the topology, or a range is
        missing.
    """
    program = fused(topology, is_integer=False)
    source, *steps = program.steps
    names = [file.name(operator) for operator in file.operators]
    if names != [step.name for step in steps]:
        raise CompressionError(
            f"the trained ranges do not fit a file of {', '.join(names)}: leave out quantization_aware_training"
        )
    found = {int(file.subgraph.inputs[0]): _range(program, source, ranges)}
    for operator, step in zip(file.operators, steps, strict=True):
        found[int(operator.outputs[0])] = _range(program, step, ranges)
    return found


def _range(program: Program, step: Step, ranges: Mapping[str, Range]) -> Range:
    if not _has_range(program, step):
        return _NOTHING
    if step.gives not in ranges:
        raise CompressionError(
            f"the training found no range for {step.name} of {step.gives!r}: leave out quantization_aware_training"
        )
    return ranges[step.gives]


def _has_range(program: Program, step: Step) -> bool:
    if step.name in FIXED_SCALE:
        return _is_joined(program, step)  # there is a QUANTIZE behind it
    return step.name not in SAME_SCALE and step.name != "CONCATENATION"


def _is_joined(program: Program, step: Step) -> bool:
    """True for what a concatenation asks to have its scale, directly or through steps that keep the scale."""
    return any(
        user.name == "CONCATENATION" or (user.name in SAME_SCALE and _is_joined(program, user))
        for user in program.users(step)
    )
