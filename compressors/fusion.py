"""What the TFLite converter makes of a topology, found from shapes alone.

The rules are those of TensorFlow 2.21's ``tensorflow/compiler/mlir/lite/transforms``
(``optimize_patterns.td``, ``optimize_pass.cc``), confirmed on files that it
wrote.  It works from the last operator to the first, so a constant goes into
the fully connected operator behind it before it goes into the one in front.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import cast

from compressors.expansion import steps_of
from compressors.program import Integers, Program, Step
from compressors.topology import Topology
from devices.graph import FusedActivation

_TAKES_ACTIVATION = frozenset(
    {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "MUL", "MAX_POOL_2D", "AVERAGE_POOL_2D"}
)
WEIGHTED = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"})
FIXED_SCALE = frozenset({"SOFTMAX", "LOGISTIC", "TANH"})  # the kernel sets the scale of the output
SAME_SCALE = frozenset({"MAX_POOL_2D", "AVERAGE_POOL_2D", "REDUCE_MAX", "RESHAPE", "PAD"})


# Gives the steps that take the place of a step, none where the rule does not apply.
Rule = Callable[[Program, Step], tuple[Step, ...]]
Rules = Mapping[str, tuple[Rule, ...]]


def fused(topology: Topology, *, is_integer: bool = True) -> Program:
    """The operators of the file of `topology`, as steps in the order of the file.

    With integer activations there are QUANTIZE operators among them.
    """
    program = Program(*steps_of(topology))
    for rules in _PHASES:
        while _sweep(program, rules):
            pass
    if is_integer:
        _requantize(program)
    return program


def _sweep(program: Program, rules: Rules) -> bool:
    """Apply the rules, the last step first; True when something changed.

    What is fused depends on when a step is looked at again and on when a step
    that nobody needs any more is dropped, so both follow MLIR's
    ``applyPatternsGreedily``.
    """
    pending = dict.fromkeys(program.steps[1:])
    changed = False
    while pending:
        step, _ = pending.popitem()
        if not program.uses(step):
            program.remove(step)
        else:
            new = next((new for rule in rules.get(step.name, ()) if (new := rule(program, step))), ())
            if not new:
                continue
            program.replace(step, new)
            pending.update(dict.fromkeys((*new, *program.users(new[-1]))))
        changed = True
        pending.update(dict.fromkeys(read for read in step.reads if read.reads and program.uses(read) < 2))
    return changed


def _without_activation(step: Step) -> bool:
    return step.options.activation == "NONE"


def _used_once(program: Program, step: Step) -> bool:
    return program.uses(step) == 1


def _fuse_activation(program: Program, step: Step) -> tuple[Step, ...]:
    """A rectifier into the operator in front, which a fully connected one is even where others read it too."""
    source = step.reads[0]
    if source.name not in _TAKES_ACTIVATION or not _without_activation(source):
        return ()
    if source.name != "FULLY_CONNECTED" and not _used_once(program, source):
        return ()
    return (source.activated(cast(FusedActivation, step.name)),)


def _fuse_backward(program: Program, step: Step) -> tuple[Step, ...]:
    """A constant by channel into the weights or the bias in front."""
    source = step.reads[0]
    if step.scaling is None or source.weights is None or source.scaling is not None:
        return ()
    if not _without_activation(source) or not _used_once(program, source):
        return ()
    fused = source.activated(step.options.activation)
    return (_with_bias(fused) if step.name == "ADD" else _rescaled(fused),)


def _fuse_forward(_program: Program, step: Step) -> tuple[Step, ...]:
    """A constant by channel into the fully connected operator behind; a sum needs a bias there."""
    source = step.reads[0]
    if source.scaling is None or not _without_activation(source):
        return ()
    if source.name == "ADD" and not step.bias:
        return ()
    moved = step.reading(*source.reads)
    return (moved if source.name == "ADD" else _rescaled(moved),)


def _fuse_single_forward(_program: Program, step: Step) -> tuple[Step, ...]:
    """A constant of one element into the operator behind, unless padding would add zeros that lack it."""
    source = step.reads[0]
    if source.scaling is None or source.scaling.shape != (1,) or not _without_activation(source):
        return ()
    if source.name == "ADD" and step.is_convolution and step.options.padding != "VALID":
        return ()
    moved = step.reading(*source.reads)
    return (_with_bias(moved) if source.name == "ADD" else _rescaled(moved),)


def _with_bias(step: Step) -> Step:
    return replace(step, bias=True)


def _rescaled(step: Step) -> Step:
    return replace(step, weights=step.weights.rescaled() if step.weights else None)


def _fuse_padding(_program: Program, step: Step) -> tuple[Step, ...]:
    """Explicit zeros that are those of SAME into the convolution behind."""
    pad = step.reads[0]
    if pad.name != "PAD" or step.options.padding != "VALID":
        return ()
    sizes, strides = pad.reads[0].shape[1:3], (step.options.stride_height, step.options.stride_width)
    kernels = step.weights.shape[1:3] if step.weights else ()
    paddings = cast(Integers, pad.integers).values[2:6]
    for size, stride, kernel, before, after in zip(sizes, strides, kernels, paddings[::2], paddings[1::2], strict=True):
        needed = (-(-size // stride) - 1) * stride + kernel - size
        if before + after != needed or after - before not in (0, 1):
            return ()
    return (step.reading(*pad.reads).padded("SAME"),)


def _move_before_reshape(program: Program, step: Step) -> tuple[Step, ...]:
    """reshape, then element by element: the other way round."""
    reshape = step.reads[0]
    if reshape.name != "RESHAPE" or not _used_once(program, reshape):
        return ()
    source = reshape.reads[0]
    if step.weights is not None and step.weights.shape != source.shape[-1:]:
        return ()
    moved = replace(step, shape=source.shape, reads=(source,))
    return (moved, reshape.reading(moved))


def _add_before_reshape(program: Program, step: Step) -> tuple[Step, ...]:
    """Two equal reshapes, then their sum: the other way round."""
    if len(step.reads) == 1:
        return _move_before_reshape(program, step)
    left, right = step.reads
    if left.name != "RESHAPE" or right.name != "RESHAPE" or left.reads[0].shape != right.reads[0].shape:
        return ()
    if not all(len(program.users(read)) == step.reads.count(read) for read in step.reads):
        return ()
    moved = replace(step, shape=left.reads[0].shape, reads=(left.reads[0], right.reads[0]))
    return (moved, left.reading(moved))


def _drop_reshape(_program: Program, step: Step) -> tuple[Step, ...]:
    """A fully connected operator takes all axes but the last for the batch, so needs no reshape that keeps it."""
    reshape = step.reads[0]
    if reshape.name != "RESHAPE" or reshape.reads[0].shape[-1] != reshape.shape[-1]:
        return ()
    return (step.reading(*reshape.reads),)


_RECTIFIER: tuple[Rule, ...] = (_fuse_activation, _move_before_reshape)
_FIRST: dict[str, tuple[Rule, ...]] = {
    "RELU": _RECTIFIER,
    "RELU6": _RECTIFIER,
    "TANH": (_move_before_reshape,),
    "LOGISTIC": (_move_before_reshape,),
    "ADD": (_fuse_backward, _add_before_reshape),
    "MUL": (_fuse_backward, _move_before_reshape),
    "CONV_2D": (_fuse_padding,),
    "DEPTHWISE_CONV_2D": (_fuse_padding,),
    "FULLY_CONNECTED": (_fuse_forward,),
}
_PHASES: tuple[Rules, ...] = (
    {"FULLY_CONNECTED": (_drop_reshape,)},
    _FIRST,
    {
        **_FIRST,
        "CONV_2D": (_fuse_padding, _fuse_single_forward),
        "DEPTHWISE_CONV_2D": (_fuse_padding, _fuse_single_forward),
        "FULLY_CONNECTED": (_fuse_forward, _fuse_single_forward, _drop_reshape),
    },
)


def _requantize(program: Program) -> None:
    """Behind an operator with a scale of its own, a QUANTIZE to the scale that a concatenation asks for."""
    for step in [step for step in program.steps if step.name in FIXED_SCALE]:
        if _is_concatenated(program, step):
            program.insert_behind(step, Step(name="QUANTIZE", shape=step.shape, reads=(step,)))


def _is_concatenated(program: Program, step: Step) -> bool:
    return any(
        user.name == "CONCATENATION" or (user.name in SAME_SCALE and _is_concatenated(program, user))
        for user in program.users(step)
    )
