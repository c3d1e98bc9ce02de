"""A network as quantisation-aware training trains it: one part for each thing that the file computes.

Normalisation right behind a convolution or fully connected layer is in its
weights, as in the file (Jacob et al., CVPR 2018, section 3.2, with the
statistics as they are); any other is a product and a sum.  What was trained
goes back into the layers that it came from.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from compressors.layers import Activation, Add, BatchNormalization, Conv2D, Dense, DepthwiseConv2D, Spec
from compressors.program import part_name
from compressors.topology import Layer, Topology

Floats = npt.NDArray[np.float32]
Weights = Mapping[str, tuple[Floats, ...]]
Weighted = Conv2D | DepthwiseConv2D | Dense


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """``x * constant`` by channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """``x + constant`` by channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One thing to compute.

    Attributes
    ----------
    name
        What of the network it gives, by `compressors.program.part_name`.
    spec
        What it computes.
    inputs
        Names of the parts that it reads.
    layer
        The layer that its weights come from.
    weights
        Its weights, in the order of the ``tf_keras`` layer.
    is_trained
        False for weights that stay as they are.
    """

    name: str
    spec: Spec | Product | Sum
    inputs: tuple[str, ...]
    layer: str
    weights: tuple[Floats, ...] = ()
    is_trained: bool = True


@dataclass(frozen=True, slots=True)
class Normalization:
    """A batch normalisation at inference: ``factor * x + shift``, both (channels,)."""

    spec: BatchNormalization
    weights: tuple[Floats, ...]

    @property
    def _deviation(self) -> Floats:
        deviation: Floats = np.sqrt(self.weights[-1] + np.float32(self.spec.epsilon))
        return deviation

    @property
    def factor(self) -> Floats:
        """What it multiplies by."""
        return (self.weights[0] if self.spec.scale else np.float32(1.0)) / self._deviation

    @property
    def shift(self) -> Floats:
        """What it adds."""
        beta = self.weights[int(self.spec.scale)] if self.spec.center else np.float32(0.0)
        return beta - self.weights[-2] * self.factor

    def with_factor(self, factor: Floats) -> Normalization:
        """One with another factor and another shift; only where there is a scale."""
        return Normalization(self.spec, (factor * self._deviation, *self.weights[1:]))

    def with_shift(self, shift: Floats) -> Normalization:
        """One with another shift; without an offset its mean moves, where the factor is not 0."""
        weights = list(self.weights)
        if self.spec.center:
            weights[int(self.spec.scale)] = shift + weights[-2] * self.factor
        else:
            weights[-2] = np.where(self.factor == 0.0, weights[-2], -shift * reciprocal(self.factor))
        return Normalization(self.spec, tuple(weights))


def reciprocal(factor: Floats) -> Floats:
    """``1 / factor``, and 0 where the factor is 0."""
    return np.divide(np.float32(1.0), factor, out=np.zeros_like(factor), where=factor != 0.0)


def by_channel(spec: Weighted, kernel: Floats, factor: Floats) -> Floats:
    """`factor` (output channels,) in a shape that multiplies a kernel of `spec`."""
    return factor.reshape(kernel.shape[-2:]) if isinstance(spec, DepthwiseConv2D) else factor


@dataclass(frozen=True, slots=True)
class Folding:
    """A topology whose parts are trained, and its weights.

    Attributes
    ----------
    folded
        Layers with weights by name, each with the normalisation that goes into them.
    """

    topology: Topology
    weights: Weights
    folded: Mapping[str, str]

    def parts(self) -> tuple[Part, ...]:
        """The parts in the order of the layers."""
        gives: dict[str, str] = {}  # the part that gives a layer's output
        made: list[Part] = []
        for layer in self.topology.layers:
            if layer.name in self.folded.values():
                gives[layer.name] = layer.name
                continue
            reads = tuple(gives[name] for name in layer.inputs)
            made += self._parts_of(layer, reads)
            gives[layer.name] = made[-1].name
        return tuple(made)

    def factor(self, part: Part) -> Floats:
        """What a folded normalisation has multiplied the kernel of a part by, in a shape that multiplies it."""
        if part.layer not in self.folded:
            return np.ones(1, np.float32)
        assert isinstance(part.spec, Weighted)
        return by_channel(part.spec, part.weights[0], self._normalization(self.folded[part.layer]).factor)

    def restored(self, trained: Weights) -> dict[str, tuple[Floats, ...]]:
        """Weights of the network by layer, from trained weights by part.

        Kernels of channels that a normalisation multiplies by 0 stay as they were.
        """
        weights = dict(self.weights)
        for part in self.parts():
            if not part.weights or not part.is_trained:
                continue
            values = trained[part.name]
            if part.layer in self.folded:
                weights |= self._unfolded(part, values)
            elif isinstance(part.spec, Product | Sum):
                norm = Normalization(self._norm_spec(part.layer), weights[part.layer])
                changed = norm.with_factor(*values) if isinstance(part.spec, Product) else norm.with_shift(*values)
                weights[part.layer] = changed.weights
            else:
                weights[part.layer] = values
        return weights

    def _unfolded(self, part: Part, trained: tuple[Floats, ...]) -> dict[str, tuple[Floats, ...]]:
        assert isinstance(part.spec, Weighted)
        name = self.folded[part.layer]
        norm, own = self._normalization(name), self.weights[part.layer]
        factor = by_channel(part.spec, own[0], norm.factor)
        kernel = np.where(factor == 0.0, own[0], trained[0] * reciprocal(factor)).astype(np.float32)
        bias = own[1] * norm.factor if len(own) > 1 else np.float32(0.0)
        return {part.layer: (kernel, *own[1:]), name: norm.with_shift(trained[1] - bias).weights}

    def _parts_of(self, layer: Layer, reads: tuple[str, ...]) -> list[Part]:
        match layer.spec:
            case Conv2D() | DepthwiseConv2D() | Dense() as spec:
                return self._weighted(layer.name, spec, reads)
            case BatchNormalization():
                return self._product_and_sum(layer.name, reads)
            case Add() if len(reads) > 2:
                return _sums(layer.name, reads)
        return [Part(name=layer.name, spec=layer.spec, inputs=reads, layer=layer.name)]

    def _weighted(self, name: str, spec: Weighted, reads: tuple[str, ...]) -> list[Part]:
        kernel, *biases = self.weights[name]
        if name in self.folded:
            norm = self._normalization(self.folded[name])
            bias = norm.shift + (biases[0] * norm.factor if biases else np.float32(0.0))
            kernel, biases = kernel * by_channel(spec, kernel, norm.factor), [bias]
        plain = dataclasses.replace(spec, use_bias=bool(biases), activation="linear")
        parts = 1 + spec.use_bias + (spec.activation != "linear")
        gives = self.folded.get(name, part_name(name, int(spec.use_bias), parts))
        made = [Part(name=gives, spec=plain, inputs=reads, layer=name, weights=(kernel, *biases))]
        if spec.activation != "linear":
            made.append(Part(name=name, spec=Activation(function=spec.activation), inputs=(gives,), layer=name))
        return made

    def _product_and_sum(self, name: str, reads: tuple[str, ...]) -> list[Part]:
        norm, first = self._normalization(name), part_name(name, 0, 2)
        is_scaled = norm.spec.scale
        return [
            Part(name=first, spec=Product(), inputs=reads, layer=name, weights=(norm.factor,), is_trained=is_scaled),
            Part(name=name, spec=Sum(), inputs=(first,), layer=name, weights=(norm.shift,)),
        ]

    def _norm_spec(self, name: str) -> BatchNormalization:
        spec = next(layer.spec for layer in self.topology.layers if layer.name == name)
        assert isinstance(spec, BatchNormalization)
        return spec

    def _normalization(self, name: str) -> Normalization:
        return Normalization(self._norm_spec(name), self.weights[name])


def folding_of(topology: Topology, weights: Weights) -> Folding:
    """How a network is trained.

    Parameters
    ----------
    weights
        Weights by layer name, as `compressors.network.weights_of` gives them.
    """
    readers: dict[str, list[Layer]] = {layer.name: [] for layer in topology.layers}
    for layer in topology.layers:
        for name in layer.inputs:
            readers[name].append(layer)
    folded = {}
    for layer in topology.layers:
        if not isinstance(layer.spec, Weighted) or layer.spec.activation != "linear":
            continue
        users = readers[layer.name]
        if len(users) == 1 and isinstance(users[0].spec, BatchNormalization):
            folded[layer.name] = users[0].name
    return Folding(topology, weights, folded)


def _sums(name: str, reads: tuple[str, ...]) -> list[Part]:
    """A sum of many as sums of two."""
    made: list[Part] = []
    for index, addend in enumerate(reads[1:]):
        first = made[-1].name if made else reads[0]
        gives = part_name(name, index, len(reads) - 1)
        made.append(Part(name=gives, spec=Add(), inputs=(first, addend), layer=name))
    return made
