"""Known good networks of every space, to start a search from.

Each function gives parameters as a trial has them, for one input shape that
its space accepts.  The first is the smallest network of the space: a device
that cannot hold it cannot hold the space.  The others grow from a few hundred
weights to what is usual for an input of that size.  A mapping may hold more
than the draw asks for, such as a stride where nothing is left to stride over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from compressors.compressor import Value
from compressors.layers import Shape
from spaces.blocks import geometry as g
from spaces.trial import ordered_parameter

Parameters = dict[str, Value]
Anchors = tuple[Mapping[str, Value], ...]
Stage = tuple[int, int]
"""Filters and stride."""
Bottleneck = tuple[int, int, int]
"""Filters, expansion and stride."""
InTime = tuple[int, int, int]
"""Filters, taps and stride in time."""

LEAST = g.WIDTHS[0]
USUAL_BOTTLENECK = 8


def _small(shape: Shape) -> bool:
    return g.positions(shape) <= g.SMALL_POSITIONS


def _numbered(name: str, values: Iterable[Value], choices: Sequence[Value]) -> Parameters:
    found: Parameters = {}
    for index, value in enumerate(values):
        found |= ordered_parameter(f"{name}_{index}", value, choices)
    return found


def _reduction(space: str, filters: int) -> Parameters:
    """The average over all positions; over time alone for spectrograms, which alone are asked, but in the smallest."""
    return {f"{space}/reduction": "average", f"{space}/keeps_bands": filters > LEAST}


def _stem(space: str, shape: Shape, filters: int, stride: int, widths: Sequence[int]) -> Parameters:
    return {
        **_reduction(space, filters),
        **ordered_parameter(f"{space}/stem_filters", filters, widths),
        **ordered_parameter(f"{space}/stem_stride", stride, g.stem_strides(shape)),
    }


def _stages(space: str, stages: Sequence[Stage], widths: Sequence[int]) -> Parameters:
    return {
        f"{space}/blocks": len(stages),
        **_numbered(f"{space}/filters", [filters for filters, _ in stages], widths),
        **_numbered(f"{space}/stride", [stride for _, stride in stages], g.STRIDES),
    }


def cnn(shape: Shape) -> Anchors:
    """Anchors of `cnn`."""
    low, high = g.stem_strides(shape)
    nets: tuple[tuple[Stage, ...], ...] = (
        ((4, high), (8, 2), (8, 2)),
        ((8, high), (16, 2), (24, 2)),
        ((16, high), (32, 2), (48, 2)),
    )
    if _small(shape):
        nets = ((4, low), (8, 2)), ((8, low), (16, 2)), ((16, low), (24, 2), (32, 2))
    return tuple(_cnn(shape, layers) for layers in (((LEAST, high),), *nets))


def _cnn(shape: Shape, layers: Sequence[Stage]) -> Parameters:
    return {
        **_reduction("cnn", layers[0][0]),
        "cnn/layers": len(layers),
        **_numbered("cnn/filters", [filters for filters, _ in layers], g.widths(shape)),
        **_numbered("cnn/kernel", [g.KERNELS[0]] * len(layers), g.KERNELS),
        # Only the first may have the strides of a stem.
        **_numbered("cnn/stride", [layers[0][1]], g.stem_strides(shape)),
        **{
            name: value
            for index, (_, stride) in enumerate(layers[1:], start=1)
            for name, value in ordered_parameter(f"cnn/stride_{index}", stride, g.STRIDES).items()
        },
    }


def ds_cnn(shape: Shape) -> Anchors:
    """Anchors of `ds_cnn`; up to 3,000 weights for small inputs, up to 21,000 for others."""
    low, high = g.stem_strides(shape)
    smallest = _ds_cnn(shape, LEAST, high, ((LEAST, 2),))
    if _small(shape):
        return (
            smallest,
            _ds_cnn(shape, 4, low, ((8, 2),)),
            _ds_cnn(shape, 8, low, ((16, 2),)),
            _ds_cnn(shape, 16, low, ((16, 2), (24, 1))),
            _ds_cnn(shape, 24, low, ((32, 2), (32, 2))),
        )
    return (
        smallest,
        _ds_cnn(shape, 8, high, ((16, 2), (16, 2))),
        _ds_cnn(shape, 8, high, ((16, 1), (24, 2), (32, 2))),
        _ds_cnn(shape, 16, high, ((32, 1), (48, 2), (64, 2), (64, 1))),
        _ds_cnn(shape, 32, high, ((48, 1), (64, 2), (64, 1), (64, 2), (64, 1))),
    )


def _ds_cnn(shape: Shape, stem: int, stride: int, blocks: Sequence[Stage]) -> Parameters:
    widths = g.widths(shape)
    return {
        **_stem("ds_cnn", shape, stem, stride, widths),
        **ordered_parameter("ds_cnn/stem_kernel", g.KERNELS[0], g.KERNELS),
        **ordered_parameter("ds_cnn/kernel", g.KERNELS[0], g.KERNELS),
        **_stages("ds_cnn", blocks, widths),
    }


def inverted_residual(shape: Shape) -> Anchors:
    """Anchors of `inverted_residual`."""
    low, high = g.stem_strides(shape)
    smallest = _inverted_residual(shape, LEAST, high, ((LEAST, 1, 2),))
    if _small(shape):
        return (
            smallest,
            _inverted_residual(shape, 4, low, ((8, 2, 2),)),
            _inverted_residual(shape, 8, low, ((12, 2, 2), (12, 2, 1)), 16),
            _inverted_residual(shape, 12, low, ((16, 3, 2), (16, 3, 1)), 32),
        )
    return (
        smallest,
        _inverted_residual(shape, 8, high, ((12, 2, 2), (16, 2, 2))),
        _inverted_residual(shape, 8, high, ((12, 3, 2), (16, 3, 2), (16, 3, 1)), 32),
        _inverted_residual(shape, 16, high, ((16, 1, 1), (24, 4, 2), (24, 4, 1), (32, 4, 2)), 32),
    )


def _inverted_residual(shape: Shape, stem: int, stride: int, blocks: Sequence[Bottleneck], head: int = 0) -> Parameters:
    space, widths = "inverted_residual", g.widths(shape, g.INVERTED_RESIDUAL_WIDTH)
    return {
        **_stem(space, shape, stem, stride, widths),
        **_stages(space, [(filters, block_stride) for filters, _, block_stride in blocks], widths),
        **_numbered(f"{space}/expansion", [expansion for _, expansion, _ in blocks], g.EXPANSIONS),
        **ordered_parameter(f"{space}/head_filters", head, g.HEAD_WIDTHS),
    }


def residual(shape: Shape) -> Anchors:
    """Anchors of `residual`; the last for large inputs is the size of ResNet-8."""
    low, high = g.stem_strides(shape)
    # Without a stride the shortcut needs no projection.
    smallest = _residual(shape, LEAST, high, ((LEAST, 1),))
    if _small(shape):
        return (
            smallest,
            _residual(shape, 4, low, ((4, 1),)),
            _residual(shape, 4, low, ((8, 2),)),
            _residual(shape, 8, low, ((8, 1), (16, 2))),
        )
    return (
        smallest,
        _residual(shape, 4, high, ((8, 2), (8, 2))),
        _residual(shape, 8, high, ((8, 1), (16, 2), (24, 2))),
        _residual(shape, 16, high, ((16, 1), (32, 2), (48, 2))),
    )


def _residual(shape: Shape, stem: int, stride: int, blocks: Sequence[Stage]) -> Parameters:
    widths = g.widths(shape, g.RESIDUAL_WIDTH)
    return {**_stem("residual", shape, stem, stride, widths), **_stages("residual", blocks, widths)}


def temporal_cnn(shape: Shape) -> Anchors:
    """Anchors of `temporal_cnn`; up to 30,000 weights, plain and depthwise-separable in turn."""
    low, *_, high = g.time_strides(shape)
    middle = g.time_strides(shape)[1]
    nets: tuple[tuple[bool, Sequence[InTime]], ...] = (
        (False, ((8, 5, middle), (8, 5, 2))),
        (True, ((16, 7, middle), (24, 5, 2), (32, 5, 2))),
        (False, ((16, 7, middle), (24, 5, 2), (32, 3, 1))),
        (True, ((32, 9, low), (32, 5, 2), (48, 5, 2), (48, 3, 1))),
        (False, ((24, 7, low), (32, 5, 2), (48, 5, 2), (48, 3, 1))),
    )
    smallest = (False, ((LEAST, 3, high), (LEAST, 3, 2)))
    return tuple(_temporal_cnn(shape, layers, separable=separable) for separable, layers in (smallest, *nets))


def _temporal_cnn(shape: Shape, layers: Sequence[InTime], *, separable: bool) -> Parameters:
    space, widths = "temporal_cnn", [width for width in g.WIDTHS if width <= g.TEMPORAL_WIDTH]
    (filters, taps, stride), *blocks = layers
    return {
        f"{space}/separable": separable,
        f"{space}/pooling": False,
        f"{space}/reduction": "average",
        **ordered_parameter(f"{space}/stem_filters", filters, widths),
        **ordered_parameter(f"{space}/stem_kernel", taps, g.TIME_KERNELS),
        **ordered_parameter(f"{space}/stem_stride", stride, g.time_strides(shape)),
        **_stages(space, [(block[0], block[2]) for block in blocks], widths),
        **_numbered(f"{space}/kernel", [block[1] for block in blocks], g.TIME_KERNELS),
    }


def mlp(shape: Shape) -> Anchors:
    """Anchors of `mlp`."""
    factors = g.shrinks(shape)
    nets = ((factors[-1], (8,)), (factors[-1], (24,)), (factors[0], (16,)), (factors[0], (32, 16)))
    return tuple(_mlp(shape, factor, units) for factor, units in ((factors[-1], g.UNITS[:1]), *nets))


def _mlp(shape: Shape, factor: int, units: Sequence[int]) -> Parameters:
    return {
        **ordered_parameter("mlp/shrink", factor, g.shrinks(shape)),
        # It is folded away, and on digits, strokes and raw accelerations every anchor was better with it.
        "mlp/batch_norm": True,
        "mlp/layers": len(units),
        **_numbered("mlp/units", units, g.UNITS),
    }


def autokeras_conv(_shape: Shape) -> Anchors:
    """Anchors of `autokeras_conv`; its strides are the max pooling after every block."""
    least = g.AUTOKERAS_FILTERS[0]
    return (
        _autokeras_conv(((least,),), separable=True),
        _autokeras_conv(((8,), (8,)), separable=False),
        _autokeras_conv(((8,), (16,), (24,)), separable=False),
    )


def _autokeras_conv(filters: Sequence[Sequence[int]], *, separable: bool) -> Parameters:
    space = "autokeras_conv"
    found: Parameters = {
        **ordered_parameter(f"{space}/conv/kernel_size", g.KERNELS[0], g.KERNELS),
        f"{space}/conv/separable": separable,
        f"{space}/conv/max_pooling": True,
        **ordered_parameter(f"{space}/conv/num_blocks", len(filters), g.CONV_BLOCK_BLOCKS),
        **ordered_parameter(f"{space}/conv/num_layers", len(filters[0]), g.CONV_BLOCK_LAYERS),
        f"{space}/reduction/reduction_type": "global_avg",
        **ordered_parameter(f"{space}/dense/num_layers", 0, g.HEAD_LAYERS),
    }
    for index, block in enumerate(filters):
        found |= _numbered(f"{space}/conv/filters_{index}", block, g.AUTOKERAS_FILTERS)
    return found


def autokeras_dense(_shape: Shape) -> Anchors:
    """Anchors of `autokeras_dense`, whatever the input."""
    return tuple(_autokeras_dense(units) for units in (g.AUTOKERAS_UNITS[:1], (16,), (32,), (32, 16)))


def _autokeras_dense(units: Sequence[int]) -> Parameters:
    return {
        **ordered_parameter("autokeras_dense/num_layers", len(units), g.AUTOKERAS_DENSE_LAYERS),
        **_numbered("autokeras_dense/units", units, g.AUTOKERAS_UNITS),
    }


def autoencoder(shape: Shape) -> Anchors:
    """Anchors of `autoencoder`; the second is the linear one of the widest bottleneck up to 8 values."""
    choices = g.bottlenecks(shape)
    usual = max(width for width in choices if width <= USUAL_BOTTLENECK)
    nets: tuple[tuple[int, Sequence[int]], ...] = ((usual, ()), (usual, (16,)), (usual, (32,)), (usual, (64, 32)))
    smallest = (choices[0], ())
    rows = nets if usual == choices[0] else (smallest, *nets)
    return tuple(_autoencoder(choices, bottleneck, units) for bottleneck, units in rows)


def _autoencoder(choices: Sequence[int], bottleneck: int, units: Sequence[int]) -> Parameters:
    return {
        **ordered_parameter("autoencoder/bottleneck", bottleneck, choices),
        "autoencoder/batch_norm": False,
        "autoencoder/layers": len(units),
        **_numbered("autoencoder/units", units, g.UNITS),
    }
