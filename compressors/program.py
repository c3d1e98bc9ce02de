"""A network on its way through the converter: steps that are rewritten until they are operators.

Shapes here have the batch of 1 in front, as the file has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from compressors.topology import (
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
    Layer,
    Pooling2D,
    Shape,
    Topology,
    ZeroPadding2D,
)
from devices.graph import FusedActivation, Options, Padding

_ACTIVATIONS: dict[ActivationName, str] = {
    "relu": "RELU",
    "relu6": "RELU6",
    "softmax": "SOFTMAX",
    "sigmoid": "LOGISTIC",
    "tanh": "TANH",
}
_PADDINGS: dict[ConvPadding, Padding] = {"same": "SAME", "valid": "VALID"}
_POSITIONS = (1, 2)  # axes of height and width


@dataclass(frozen=True, slots=True)
class Integers:
    """An int32 constant operand: axes, a target shape, paddings."""

    shape: Shape
    values: tuple[int, ...]


class Weights:
    """An int8 constant operand, known by its identity: steps that hold the same one share a tensor.

    Attributes
    ----------
    shape
        As the file has it: (out, height, width, in), (1, height, width, out), (out, in) or (channels,).
    channels
        Number of output channels, each with its own scale where granularity is per channel; 1 for one scale.
    """

    __slots__ = ("channels", "shape")

    def __init__(self, shape: Shape, channels: int = 1) -> None:
        self.shape = shape
        self.channels = channels

    def rescaled(self) -> Weights:
        """Weights of the same shape with other values."""
        return Weights(self.shape, self.channels)


@dataclass(slots=True, eq=False, kw_only=True)
class Step:
    """One operator to be.  Steps are equal only to themselves.

    Attributes
    ----------
    name
        Builtin operator name; ``INPUT`` for the network's input.
    shape
        Shape of the output.
    reads
        Steps whose outputs it reads; constants are not among them.
    options
        What the operator's builtin options will say.
    weights, integers
        Its constant operand; not both.
    bias
        True when a fully connected step adds a constant.  A convolution in a
        file has a bias always, so that of a convolution is not told.
    """

    name: str
    shape: Shape
    reads: tuple[Step, ...] = ()
    options: Options = field(default_factory=Options)
    weights: Weights | None = None
    integers: Integers | None = None
    bias: bool = False

    @property
    def scaling(self) -> Weights | None:
        """The constant by channel of x + constant or x * constant; None for other steps."""
        return self.weights if self.name in ("ADD", "MUL") else None

    @property
    def is_convolution(self) -> bool:
        """True for both kinds of convolution."""
        return self.name in ("CONV_2D", "DEPTHWISE_CONV_2D")

    def reading(self, *reads: Step) -> Step:
        """A new step, the same on other inputs."""
        return replace(self, reads=reads)

    def padded(self, padding: Padding) -> Step:
        """A new step, the same with another padding."""
        return replace(self, options=replace(self.options, padding=padding))

    def activated(self, activation: FusedActivation) -> Step:
        """A new step, the same with a fused activation."""
        return replace(self, options=replace(self.options, activation=activation))


def steps_of(topology: Topology) -> tuple[list[Step], Step]:
    """What TensorFlow executes for `topology`, nothing fused yet: steps in order, the input first, and the output.

    Layers that do nothing at inference are left out, and steps that repeat an
    earlier one on the same input are the earlier one.
    """
    first = Step(name="INPUT", shape=(1, *topology.input_shape))
    steps = [first]
    outputs = {topology.layers[0].name: first}
    for layer in topology.layers[1:]:
        step = outputs[layer.inputs[0]]
        for wanted in _expanded(layer, [outputs[name] for name in layer.inputs]):
            step = _known(wanted, steps) or wanted
            if step is wanted:
                steps.append(step)
        outputs[layer.name] = step
    return steps, outputs[topology.layers[-1].name]


def _known(wanted: Step, steps: Sequence[Step]) -> Step | None:
    """The earlier step that gives the output of `wanted`."""
    source = wanted.reads[0]
    if wanted.weights is not None:
        return None
    if wanted.name in ("RELU", "RELU6") and source.name == wanted.name:
        return source
    key = (wanted.name, wanted.shape, wanted.reads, wanted.options, wanted.integers)
    return next((s for s in steps if s.weights is None and (s.name, s.shape, s.reads, s.options, s.integers) == key), None)


def _expanded(layer: Layer, reads: list[Step]) -> list[Step]:
    """Steps of one layer, each reading the one before it."""
    source, shape = reads[0], reads[0].shape
    match layer.spec:
        case Conv2D() | DepthwiseConv2D() | Dense() as spec:
            return _affine(spec, source, _batched(spec.output_shape((shape[1:],))))
        case BatchNormalization():
            product = _by_channel("MUL", source)
            return [product, _by_channel("ADD", product)]
        case Activation(function=function):
            return _activation(function, source)
        case Pooling2D() as spec:
            return [_pooling(spec, source)]
        case GlobalPooling2D(kind=kind):
            name = "MEAN" if kind == "average" else "REDUCE_MAX"
            axes = Integers((len(_POSITIONS),), _POSITIONS)
            return [Step(name=name, shape=(1, shape[-1]), reads=(source,), integers=axes)]
        case Flatten() as spec:
            flat = _batched(spec.output_shape((shape[1:],)))
            target = Integers((2,), (-1, flat[-1]))
            return [] if flat == shape else [Step(name="RESHAPE", shape=flat, reads=(source,), integers=target)]
        case ZeroPadding2D() as spec:
            return _zero_padding(spec, source)
        case Add():
            return _sum(reads)
        case Concatenate() as spec:
            joined = _batched(spec.output_shape(tuple(read.shape[1:] for read in reads)))
            options = Options(axis=len(joined) - 1)
            return [Step(name="CONCATENATION", shape=joined, reads=tuple(reads), options=options)]
        case Dropout() | Input():
            return []


def _batched(shape: Shape) -> Shape:
    return (1, *shape)


def _by_channel(name: str, source: Step) -> Step:
    return Step(name=name, shape=source.shape, reads=(source,), weights=Weights(source.shape[-1:]))


def _activation(function: ActivationName, source: Step) -> list[Step]:
    if function == "linear":
        return []
    return [Step(name=_ACTIVATIONS[function], shape=source.shape, reads=(source,))]


def _affine(spec: Conv2D | DepthwiseConv2D | Dense, source: Step, shape: Shape) -> list[Step]:
    """Weights, then the bias as a sum of its own: it may end up in a later step."""
    name, weights, options = _weighted(spec, source.shape[-1])
    steps = [Step(name=name, shape=shape, reads=(source,), weights=Weights(weights, shape[-1]), options=options)]
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


def _pooling(spec: Pooling2D, source: Step) -> Step:
    options = Options(
        padding=_PADDINGS[spec.padding],
        stride_height=spec.strides[0],
        stride_width=spec.strides[1],
        filter_height=spec.size[0],
        filter_width=spec.size[1],
    )
    name = "MAX_POOL_2D" if spec.kind == "max" else "AVERAGE_POOL_2D"
    return Step(name=name, shape=_batched(spec.output_shape((source.shape[1:],))), reads=(source,), options=options)


def _zero_padding(spec: ZeroPadding2D, source: Step) -> list[Step]:
    values = (0, 0, *spec.padding[0], *spec.padding[1], 0, 0)
    if not any(values):
        return []
    shape = _batched(spec.output_shape((source.shape[1:],)))
    return [Step(name="PAD", shape=shape, reads=(source,), integers=Integers((4, 2), values))]


def _sum(reads: list[Step]) -> list[Step]:
    steps: list[Step] = []
    for addend in reads[1:]:
        steps.append(Step(name="ADD", shape=addend.shape, reads=(steps[-1] if steps else reads[0], addend)))
    return steps
