"""Builds a described network in Keras 3 or in ``tf_keras``, from known layers and plain values alone."""

from __future__ import annotations

import inspect
from typing import Any, TypeAlias

from search.errors import DataError
from search.networks.description import LayerEntry, ModelEntry

# A model of keras or tf_keras; neither carries type information.
Model: TypeAlias = Any


def realise(entry: ModelEntry, library: Any, name: str = "") -> Model:
    """The untrained network of `entry`, its layers in the order in which a file of that library lists their weights.

    Parameters
    ----------
    library
        The module ``keras`` or ``tf_keras``.
    name
        Name of the network; empty for its own.

    Raises
    ------
    DataError
        When a layer does not take its options or its inputs.
    """
    first, *rest = entry.layers
    source = library.layers.Input(tuple(first.config["shape"]), name=first.name)
    if entry.kind == "Sequential":
        return library.Sequential([source, *(_made(layer, library) for layer in rest)], name=name or entry.name)
    tensors = {first.name: source}
    waiting = list(rest)
    while waiting:
        ready = [layer for layer in waiting if all(name in tensors for name in layer.reads)]
        if not ready:
            names = ", ".join(layer.name for layer in waiting)
            raise DataError(f"layers {names} read each other, or nothing: save the network anew")
        for layer in ready:
            reads = [tensors[name] for name in layer.reads]
            tensors[layer.name] = _called(_made(layer, library), reads, layer)
        waiting = [layer for layer in waiting if layer not in ready]
    return library.Model(source, tensors[entry.output], name=name or entry.name)


def _made(layer: LayerEntry, library: Any) -> Any:
    if layer.inner is not None:
        return realise(layer.inner, library, layer.name)
    kind = getattr(library.layers, layer.kind)
    taken = inspect.signature(kind.__init__).parameters
    options = {key: value for key, value in layer.config.items() if key in taken}
    try:
        return kind(**options, name=layer.name)
    except (TypeError, ValueError) as error:
        raise DataError(f"layer {layer.name!r} ({layer.kind}) cannot be built: {_first_line(error)}") from error


def _called(made: Any, reads: list[Any], layer: LayerEntry) -> Any:
    try:
        return made(reads if len(reads) > 1 else reads[0])
    except (TypeError, ValueError, IndexError) as error:
        raise DataError(f"layer {layer.name!r} ({layer.kind}) does not take its input: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def copy_weights(source: Model, target: Model) -> None:
    """Give `target` the weights of `source`; both were realised from one description.

    Layers of one name are paired, networks inside networks as well; the order
    within a layer is the same in both libraries.
    """
    others = _weighted(target)
    for name, layer in _weighted(source).items():
        if hasattr(layer, "layers"):
            copy_weights(layer, others[name])
        else:
            others[name].set_weights(layer.get_weights())


def _weighted(model: Model) -> dict[str, Any]:
    return {layer.name: layer for layer in model.layers if layer.weights}


def finish(model: Model) -> None:
    """Have layers take over what their weights say: a Normalization computes with numbers that it made of them."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            finish(layer)
        elif hasattr(layer, "finalize_state"):
            layer.finalize_state()
