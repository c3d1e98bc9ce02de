"""The operators that TensorFlow executes for a topology, in the order in which the converter gets them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace

from compressors.layers import (
    Activation,
    ActivationName,
    Add,
    BatchNormalization,
    Concatenate,
    Conv2D,
    ConvPadding,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GlobalPooling2D,
    Input,
    Pooling2D,
    Reshape,
    Shape,
    ZeroPadding2D,
)
from compressors.program import Integers, Step, Weights, part_name
from compressors.topology import Layer, Topology
from devices.graph import Options, Padding

_ACTIVATIONS: dict[ActivationName, str] = {
    "relu": "RELU",
    "relu6": "RELU6",
    "softmax": "SOFTMAX",
    "sigmoid": "LOGISTIC",
    "tanh": "TANH",
}
_PADDINGS: dict[ConvPadding, Padding] = {"same": "SAME", "valid": "VALID"}
_POSITIONS = (1, 2)  # axes of height and width


def steps_of(topology: Topology) -> tuple[list[Step], Step]:
    """What TensorFlow executes for `topology`, nothing fused yet: steps as the converter orders them, and the output.

    The input comes first.  Steps that do nothing at inference are left out,
    and a step that repeats an earlier one on the same inputs is the earlier one.
    """
    steps = [Step(name="INPUT", shape=(1, *topology.input_shape), gives=topology.layers[0].name)]
    outputs = {topology.layers[0].name: steps[0]}
    for layer in topology.layers[1:]:
        reads = [outputs[name] for name in layer.inputs]
        expanded = _expanded(layer, reads)
        for part, step in enumerate(expanded):
            step.gives = part_name(layer.name, part, len(expanded))
        steps += expanded
        outputs[layer.name] = expanded[-1] if expanded else reads[0]
    return _distinct(_ordered(steps), outputs[topology.layers[-1].name])


def _distinct(steps: list[Step], output: Step) -> tuple[list[Step], Step]:
    """`steps` and `output` without steps that change nothing or repeat an earlier one."""
    same: dict[Step, Step] = {}
    known: dict[Hashable, Step] = {}
    for step in steps:
        step.reads = tuple(same[read] for read in step.reads)
        same[step] = step.reads[0] if _changes_nothing(step) else known.setdefault(_identity(step), step)
    return [step for step in steps if same[step] is step], same[output]


def _changes_nothing(step: Step) -> bool:
    """True for the identity, for a change of shape that changes none, and for a rectifier on its own output."""
    match step.name:
        case "IDENTITY":
            return True
        case "RESHAPE" | "PAD":
            return step.shape == step.reads[0].shape
        case "RELU" | "RELU6":
            return step.name == step.reads[0].name
    return False


def _identity(step: Step) -> Hashable:
    """Equal for steps with equal outputs; steps with trained constants are equal to themselves only."""
    # A sum is the same either way round.
    reads = tuple(sorted(step.reads, key=id)) if step.name == "ADD" else step.reads
    return step if step.weights else (step.name, step.shape, reads, step.options, step.integers)


def _ordered(steps: list[Step]) -> list[Step]:
    """The order in which TensorFlow's importer lists operators that are numbered like `steps`.

    Of the operators that could run next, the one that became ready last goes
    first; of those that became ready together, the one that a depth-first walk
    from the input left last, mostly the one numbered first.  So it is in
    ``TopologicalOrdering`` of TensorFlow's ``tf2xla/internal/node_order.cc``.
    """
    readers: dict[Step, list[Step]] = {step: [] for step in steps}
    for step in steps:
        for read in step.reads:
            readers[read].append(step)
    left = _depth_first(steps[0], readers)
    waiting = {step: len(step.reads) for step in steps}
    order, ready = [], [steps[0]]
    while ready:
        step = ready.pop()
        order.append(step)
        for reader in sorted(readers[step], key=left.__getitem__):
            waiting[reader] -= 1
            if not waiting[reader]:
                ready.append(reader)
    return order


def _depth_first(first: Step, readers: Mapping[Step, list[Step]]) -> dict[Step, int]:
    """When each step is left by a depth-first walk that visits the readers of a step from the last to the first."""
    left: dict[Step, int] = {}
    entered: set[Step] = set()
    stack = [(first, False)]
    while stack:
        step, is_done = stack.pop()
        if is_done:
            left[step] = len(left)
        elif step not in entered:
            entered.add(step)
            stack.append((step, True))
            stack.extend((reader, False) for reader in readers[step])
    return left


def _expanded(layer: Layer, reads: list[Step]) -> list[Step]:
    """Steps of one layer, each reading the one before it."""
    source = reads[0]
    match layer.spec:
        case Conv2D() | DepthwiseConv2D() | Dense() as spec:
            return _affine(layer.name, spec, source)
        case BatchNormalization():
            product = _by_channel("MUL", source)
            return [product, _by_channel("ADD", product)]
        case Activation(function=function):
            return _activation(function, source)
        case Pooling2D() | GlobalPooling2D() | Flatten() | Reshape() | ZeroPadding2D() as spec:
            return [_resized(spec, source)]
        case Dropout():
            return [Step(name="IDENTITY", shape=source.shape, reads=(source,))]
        case Add():
            return _sum(reads)
        case Concatenate() as spec:
            return [_joined(spec, reads)]
        case Input():
            return []


def _batched(shape: Shape) -> Shape:
    return (1, *shape)


def _by_channel(name: str, source: Step) -> Step:
    return Step(name=name, shape=source.shape, reads=(source,), weights=Weights(source.shape[-1:]))


def _activation(function: ActivationName, source: Step) -> list[Step]:
    if function == "linear":
        return []
    return [Step(name=_ACTIVATIONS[function], shape=source.shape, reads=(source,))]


def _affine(layer: str, spec: Conv2D | DepthwiseConv2D | Dense, source: Step) -> list[Step]:
    """Weights, then the bias as a sum of its own: it may end up in a later step."""
    shape = _batched(spec.output_shape((source.shape[1:],)))
    name, weights, options = _weighted(spec, source.shape[-1])
    made = Weights(weights, shape[-1])
    steps = [Step(name=name, shape=shape, reads=(source,), weights=made, options=options, layer=layer)]
    if spec.use_bias:
        steps.append(_by_channel("ADD", steps[-1]))
    return steps + _activation(spec.activation, steps[-1])


def _weighted(spec: Conv2D | DepthwiseConv2D | Dense, channels: int) -> tuple[str, Shape, Options]:
    """Operator name, shape of the weights in the file, options."""
    if isinstance(spec, Dense):
        return "FULLY_CONNECTED", (spec.units, channels), Options()
    options = Options(padding=_PADDINGS[spec.padding], stride_height=spec.strides[0], stride_width=spec.strides[1])
    if isinstance(spec, Conv2D):
        return "CONV_2D", (spec.filters, *spec.kernel, channels), options
    options = replace(options, depth_multiplier=spec.depth_multiplier)
    return "DEPTHWISE_CONV_2D", (1, *spec.kernel, channels * spec.depth_multiplier), options


def _resized(spec: Pooling2D | GlobalPooling2D | Flatten | Reshape | ZeroPadding2D, source: Step) -> Step:
    shape = _batched(spec.output_shape((source.shape[1:],)))
    match spec:
        case Pooling2D(kind=kind):
            name = "MAX_POOL_2D" if kind == "max" else "AVERAGE_POOL_2D"
            return Step(name=name, shape=shape, reads=(source,), options=_window(spec))
        case GlobalPooling2D(kind=kind):
            name, integers = "MEAN" if kind == "average" else "REDUCE_MAX", Integers((2,), _POSITIONS)
        case Flatten():
            name, integers = "RESHAPE", Integers((2,), (-1, shape[-1]))
        case Reshape():
            name, integers = "RESHAPE", Integers((len(shape),), shape)
        case ZeroPadding2D(padding=(rows, columns)):
            name, integers = "PAD", Integers((4, 2), (0, 0, *rows, *columns, 0, 0))
    return Step(name=name, shape=shape, reads=(source,), integers=integers)


def _window(spec: Pooling2D) -> Options:
    return Options(
        padding=_PADDINGS[spec.padding],
        stride_height=spec.strides[0],
        stride_width=spec.strides[1],
        filter_height=spec.size[0],
        filter_width=spec.size[1],
    )


def _joined(spec: Concatenate, reads: list[Step]) -> Step:
    shape = _batched(spec.output_shape(tuple(read.shape[1:] for read in reads)))
    return Step(name="CONCATENATION", shape=shape, reads=tuple(reads), options=Options(axis=len(shape) - 1))


def _sum(reads: list[Step]) -> list[Step]:
    steps: list[Step] = []
    for addend in reads[1:]:
        steps.append(Step(name="ADD", shape=addend.shape, reads=(steps[-1] if steps else reads[0], addend)))
    return steps
