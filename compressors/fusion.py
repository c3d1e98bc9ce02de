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

from compressors.program import Integers, Step, steps_of
from compressors.topology import Topology
from devices.graph import FusedActivation

_TAKES_ACTIVATION = frozenset(
    {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "MUL", "MAX_POOL_2D", "AVERAGE_POOL_2D"}
)
_FIXED_SCALE = frozenset({"SOFTMAX", "LOGISTIC", "TANH"})  # the kernel sets the scale of the output
_SAME_SCALE = frozenset({"MAX_POOL_2D", "AVERAGE_POOL_2D", "REDUCE_MAX", "RESHAPE", "PAD"})


class Program:
    """Steps in execution order, the input first, and the one whose output is the network's."""

    def __init__(self, steps: list[Step], output: Step) -> None:
        self.steps = steps
        self.output = output

    def users(self, step: Step) -> list[Step]:
        """Steps that read `step`, one entry a read."""
        return [user for user in self.steps for read in user.reads if read is step]

    def used_once(self, step: Step) -> bool:
        """Whether there is one use of `step`; being the network's output is one."""
        return len(self.users(step)) + (step is self.output) == 1

    def substitute(self, old: Step, *new: Step) -> None:
        """Put `new` where `old` stands, the last of them in its role, and drop the steps that nobody needs any more."""
        place = self.steps.index(old)
        self.steps[place : place + 1] = new
        self.redirect(old, new[-1])
        needed = {self.steps[0], self.output}
        for step in reversed(self.steps):
            if step in needed:
                needed.update(step.reads)
        self.steps = [step for step in self.steps if step in needed]

    def redirect(self, old: Step, new: Step) -> None:
        """Let all that used `old`, but not `new` itself, use `new`."""
        for user in self.steps:
            if user is not new and old in user.reads:
                user.reads = tuple(new if read is old else read for read in user.reads)
        if self.output is old:
            self.output = new


Rule = Callable[[Program, Step], bool]
Rules = Mapping[str, tuple[Rule, ...]]


def fused(topology: Topology) -> Program:
    """The operators of the file of `topology`, as steps in the order of the file."""
    program = Program(*steps_of(topology))
    for rules in _PHASES:
        _rewrite(program, rules)
    _requantize(program)
    return program


def _rewrite(program: Program, rules: Rules) -> None:
    """Apply the rules, those of the last step first, until none applies."""
    index = len(program.steps) - 1
    while index >= 0:
        step = program.steps[index]
        if any(rule(program, step) for rule in rules.get(step.name, ())):
            index = len(program.steps) - 1
        else:
            index -= 1


def _without_activation(step: Step) -> bool:
    return step.options.activation == "NONE"


def _fuse_activation(program: Program, step: Step) -> bool:
    """A rectifier into the operator in front, which a fully connected one is even where others read it too."""
    source = step.reads[0]
    if source.name not in _TAKES_ACTIVATION or not _without_activation(source):
        return False
    if source.name != "FULLY_CONNECTED" and not program.used_once(source):
        return False
    program.substitute(step, source.activated(cast(FusedActivation, step.name)))
    return True


def _fuse_backward(program: Program, step: Step) -> bool:
    """A constant by channel into the weights or the bias in front."""
    source = step.reads[0]
    if step.scaling is None or source.weights is None or source.scaling is not None:
        return False
    if not _without_activation(source) or not program.used_once(source):
        return False
    fused = source.activated(step.options.activation)
    program.substitute(step, _with_bias(fused) if step.name == "ADD" else _rescaled(fused))
    return True


def _fuse_forward(program: Program, step: Step) -> bool:
    """A constant by channel into the fully connected operator behind; a sum needs a bias there."""
    source = step.reads[0]
    if source.scaling is None or not _without_activation(source):
        return False
    if source.name == "ADD" and not step.bias:
        return False
    moved = step.reading(*source.reads)
    program.substitute(step, moved if source.name == "ADD" else _rescaled(moved))
    return True


def _fuse_single_forward(program: Program, step: Step) -> bool:
    """A constant of one element into the operator behind, unless padding would add zeros that lack it."""
    source = step.reads[0]
    if source.scaling is None or source.scaling.shape != (1,) or not _without_activation(source):
        return False
    if source.name == "ADD" and step.is_convolution and step.options.padding != "VALID":
        return False
    moved = step.reading(*source.reads)
    program.substitute(step, _with_bias(moved) if source.name == "ADD" else _rescaled(moved))
    return True


def _with_bias(step: Step) -> Step:
    return replace(step, bias=True)


def _rescaled(step: Step) -> Step:
    return replace(step, weights=step.weights.rescaled() if step.weights else None)


def _fuse_padding(program: Program, step: Step) -> bool:
    """Explicit zeros that are those of SAME into the convolution behind."""
    pad = step.reads[0]
    if pad.name != "PAD" or step.options.padding != "VALID":
        return False
    sizes, strides = pad.reads[0].shape[1:3], (step.options.stride_height, step.options.stride_width)
    kernels = cast(tuple[int, ...], step.weights.shape if step.weights else ())[1:3]
    paddings = cast(Integers, pad.integers).values[2:6]
    for size, stride, kernel, before, after in zip(sizes, strides, kernels, paddings[::2], paddings[1::2], strict=True):
        needed = (-(-size // stride) - 1) * stride + kernel - size
        if before + after != needed or after - before not in (0, 1):
            return False
    program.substitute(step, step.reading(*pad.reads).padded("SAME"))
    return True


def _move_before_reshape(program: Program, step: Step) -> bool:
    """reshape, then element by element: the other way round."""
    reshape = step.reads[0]
    if reshape.name != "RESHAPE" or not program.used_once(reshape):
        return False
    source = reshape.reads[0]
    if step.weights is not None and step.weights.shape != source.shape[-1:]:
        return False
    moved = replace(step, shape=source.shape, reads=(source,))
    program.substitute(step, moved, reshape.reading(moved))
    return True


def _add_before_reshape(program: Program, step: Step) -> bool:
    """Two equal reshapes, then their sum: the other way round."""
    if len(step.reads) == 1:
        return step.scaling is not None and _move_before_reshape(program, step)
    left, right = step.reads
    if left.name != "RESHAPE" or right.name != "RESHAPE" or left.reads[0].shape != right.reads[0].shape:
        return False
    if not all(len(program.users(read)) == step.reads.count(read) for read in step.reads):
        return False
    moved = replace(step, shape=left.reads[0].shape, reads=(left.reads[0], right.reads[0]))
    program.substitute(step, moved, left.reading(moved))
    return True


def _drop_reshape(program: Program, step: Step) -> bool:
    """A fully connected operator takes all axes but the last for the batch, so needs no reshape that keeps it."""
    reshape = step.reads[0]
    if reshape.name != "RESHAPE" or reshape.reads[0].shape[-1] != reshape.shape[-1]:
        return False
    program.substitute(step, step.reading(*reshape.reads))
    return True


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
    for step in [step for step in program.steps if step.name in _FIXED_SCALE]:
        if _is_concatenated(program, step):
            quantize = Step(name="QUANTIZE", shape=step.shape, reads=(step,))
            program.steps.insert(program.steps.index(step) + 1, quantize)
            program.redirect(step, quantize)


def _is_concatenated(program: Program, step: Step) -> bool:
    return any(
        user.name == "CONCATENATION" or (user.name in _SAME_SCALE and _is_concatenated(program, user))
        for user in program.users(step)
    )
