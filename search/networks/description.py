"""What a file says a network is: its layers as plain values, whichever Keras wrote them.

A configuration is data here.  It names classes and functions, and none of them
is looked up, so nothing that a file says is run: layers outside `KNOWN`, values
that are objects, and everything that only training needs (initialisers,
regularisers, the optimiser) are refused or left out before any network is built.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from search.errors import DataError

Config = Mapping[str, Any]

MODELS = ("Sequential", "Functional", "Model")
# Kinds that hold numbers and no code; whether a technique can take them is for `compressors` to say.
_WITHOUT_DIMENSIONS = (
    *("InputLayer", "Dense", "BatchNormalization", "LayerNormalization", "Rescaling", "Normalization"),
    *("Activation", "ReLU", "LeakyReLU", "Softmax", "Dropout", "GaussianNoise"),
    *("Flatten", "Reshape", "Permute", "Add", "Multiply", "Concatenate"),
)
_WITH_DIMENSIONS = (
    *("Conv", "DepthwiseConv", "SeparableConv", "ZeroPadding", "Cropping", "SpatialDropout"),
    *("MaxPooling", "AveragePooling", "GlobalMaxPooling", "GlobalAveragePooling"),
)
KNOWN = frozenset((*_WITHOUT_DIMENSIONS, *(f"{kind}{n}D" for kind in _WITH_DIMENSIONS for n in (1, 2))))
_TRAINING_ONLY = re.compile(r".*_(initializer|regularizer|constraint)$|^(dtype|quantization_config)$")
_NAME_RULE = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerEntry:
    """One layer of a file.

    Attributes
    ----------
    name
        Letters, digits, '_', '.' and '-'.
    kind
        Class name, in `KNOWN`; that of a model where `inner` is there.
    config
        Options: numbers, texts and lists of them.
    reads
        Names of the layers it reads, in order.
    inner
        The network that stands here as a layer; None for a plain layer.
    """

    name: str
    kind: str
    config: Config
    reads: tuple[str, ...]
    inner: ModelEntry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """A network of a file: its layers, the first of them the one input, and the name of the output's layer."""

    kind: str
    name: str
    layers: tuple[LayerEntry, ...]
    output: str

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of the input without the batch."""
        return tuple(self.layers[0].config["shape"])


def describe(config: Config) -> ModelEntry:
    """A network from the configuration that a Keras file holds.

    Raises
    ------
    DataError
        When it is not that of a Sequential or Functional network, has several
        inputs or outputs, or a layer is custom, a Lambda, unknown, of another
        type than float32, used twice or without a fixed shape.
    """
    kind = config.get("class_name")
    if kind not in MODELS:
        raise DataError(f"the network is a {kind!r}: build it as a Sequential or Functional network, and save that")
    return _model(config, inherited=None)


def _model(entry: Config, inherited: tuple[int | None, ...] | None) -> ModelEntry:
    config = entry["config"]
    if isinstance(config, list):  # Keras before 2.2.3 wrote a Sequential as a bare list
        config = {"name": "sequential", "layers": config}
    name = _NAME_RULE.sub("_", str(config.get("name", entry["class_name"])))
    if entry["class_name"] == "Sequential":
        return _sequential(entry, config, name, inherited)
    return _functional(config, name)


def _sequential(entry: Config, config: Config, name: str, inherited: tuple[int | None, ...] | None) -> ModelEntry:
    entries = list(config["layers"])
    names = _unique(entries)
    if entries and entries[0]["class_name"] == "InputLayer":
        layers = [_layer(entries[0], names[0], ())]
        entries, names = entries[1:], names[1:]
    else:
        layers = [_given_input(_declared(entry, config, entries) or inherited, name)]
    for each, fresh in zip(entries, names, strict=True):
        layers.append(_layer(each, fresh, (layers[-1].name,)))
    return ModelEntry(kind="Sequential", name=name, layers=tuple(layers), output=layers[-1].name)


def _declared(entry: Config, config: Config, layers: list[Config]) -> tuple[int | None, ...] | None:
    """The batch and shape that a Sequential without an input layer takes, from wherever it is written."""
    first = layers[0]["config"] if layers else {}
    inner = (first.get("layers") or [{}])[0].get("config", {}) if isinstance(first, dict) else {}
    for place, key in (
        (first, "batch_input_shape"),
        (first, "batch_shape"),
        (config, "build_input_shape"),
        (entry.get("build_config") or {}, "input_shape"),
        (inner, "batch_shape"),
        (inner, "batch_input_shape"),
    ):
        if isinstance(place, dict) and isinstance(place.get(key), list):
            return tuple(place[key])
    return None


def _given_input(shape: tuple[int | None, ...] | None, network: str) -> LayerEntry:
    if shape is None:
        raise DataError(f"network {network!r} does not say its input's shape: give its first layer one, and save again")
    return LayerEntry(name="input", kind="InputLayer", config={"shape": _fixed("input", shape)}, reads=())


def _functional(config: Config, name: str) -> ModelEntry:
    entries = list(config["layers"])
    names = _unique(entries)
    fresh = {str(entry["name"]): new for entry, new in zip(entries, names, strict=True)}
    ends = {side: tuple(_first_names(config[f"{side}_layers"])) for side in ("input", "output")}
    if len(ends["input"]) != 1 or len(ends["output"]) != 1:
        raise DataError(
            f"network {name!r} has {len(ends['input'])} inputs and {len(ends['output'])} outputs: "
            "compress takes a network with one of each"
        )
    layers = [
        _layer(entry, new, tuple(fresh[read] for read in _reads(entry)))
        for entry, new in zip(entries, names, strict=True)
    ]
    layers.sort(key=lambda layer: layer.kind != "InputLayer")
    if [layer.name for layer in layers if layer.kind == "InputLayer"] != [fresh[ends["input"][0]]]:
        raise DataError(f"network {name!r} has other inputs than the one it names: save it anew")
    return ModelEntry(kind="Functional", name=name, layers=tuple(layers), output=fresh[ends["output"][0]])


def _layer(entry: Config, name: str, reads: tuple[str, ...]) -> LayerEntry:
    kind = str(entry["class_name"])
    if kind in MODELS:
        inherited = (entry.get("build_config") or {}).get("input_shape")
        inner = _model(entry, tuple(inherited) if isinstance(inherited, list) else None)
        return LayerEntry(name=name, kind=kind, config={}, reads=reads, inner=inner)
    _check_kind(entry, kind, name)
    config = entry["config"]
    if kind == "InputLayer":
        _check_dtype(config, name, kind)
        shape = config.get("batch_shape") or config.get("batch_input_shape")
        return LayerEntry(name=name, kind=kind, config={"shape": _fixed(name, shape or ())}, reads=())
    return LayerEntry(name=name, kind=kind, config=_options(config, name, kind), reads=reads)


def _check_kind(entry: Config, kind: str, name: str) -> None:
    if kind == "Lambda":
        raise DataError(
            f"layer {name!r} is a Lambda: it holds code, which is never run from a file; "
            "write it with the layers that Keras has, and save the network again"
        )
    module, registered = entry.get("module"), entry.get("registered_name")
    ours = module is None or str(module).split(".")[0] in ("keras", "tf_keras")
    if kind in KNOWN and ours and registered in (None, kind):
        return
    what = "custom layer" if not ours or registered not in (None, kind) else "layer of a kind"
    raise DataError(
        f"layer {name!r} ({registered or kind}) is a {what} that is not known here, and its code is never run: "
        f"use {', '.join(sorted(KNOWN - {'InputLayer'}))}"
    )


def _options(config: Config, name: str, kind: str) -> Config:
    _check_dtype(config, name, kind)
    options = {}
    for key, value in config.items():
        if _TRAINING_ONLY.match(key) or key in ("name", "trainable"):
            continue
        if isinstance(value, dict) and value.get("class_name") == "__numpy__":
            value = value["config"]["value"]  # noqa: PLW2901  # Keras writes an array as its numbers and their type
        if not _plain(value):
            raise DataError(f"layer {name!r} ({kind}): {key} is a function or an object of its own, use one by name")
        options[key] = value
    return options


def _plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_plain(item) for item in value)
    return value is None or isinstance(value, bool | int | float | str)


def _check_dtype(config: Config, name: str, kind: str) -> None:
    dtype = config.get("dtype", "float32")
    if isinstance(dtype, dict):
        dtype = dtype.get("config", {}).get("name")
    if dtype not in ("float32", None):
        raise DataError(f"layer {name!r} ({kind}) computes in {dtype}: save the network in float32")


def _fixed(name: str, shape: Any) -> list[int]:
    """The shape without the batch, every axis known."""
    sizes = list(shape)[1:]
    if not sizes or not all(isinstance(size, int) and size > 0 for size in sizes):
        raise DataError(f"layer {name!r} takes inputs of shape {tuple(sizes)}: every axis needs a fixed size")
    return sizes


def _unique(entries: list[Config]) -> list[str]:
    """Names that any framework takes, each once."""
    names: list[str] = []
    for entry in entries:
        own = entry["config"].get("name") if isinstance(entry["config"], dict) else None
        bare = _NAME_RULE.sub("_", str(entry.get("name") or own or entry["class_name"])).lstrip("_.-") or "layer"
        number, name = 1, bare
        while name in names:
            number, name = number + 1, f"{bare}_{number}"
        names.append(name)
    return names


def _reads(entry: Config) -> tuple[str, ...]:
    """Names of the layers an entry reads: Keras 3 writes tensors, Keras 2 rows of (layer, call, tensor, options)."""
    calls = entry["inbound_nodes"]
    if len(calls) > 1:
        raise DataError(
            f"layer {entry['name']!r} ({entry['class_name']}) is used {len(calls)} times: give each its own"
        )
    if calls and isinstance(calls[0], dict):
        return tuple(_tensors(calls[0]["args"]))
    return tuple(_first_names(calls))


def _tensors(value: Any) -> Iterator[str]:
    for item in value if isinstance(value, list | tuple) else [value]:
        if isinstance(item, list | tuple):
            yield from _tensors(item)
        elif isinstance(item, dict) and item.get("class_name") == "__keras_tensor__":
            yield str(item["config"]["keras_history"][0])


def _first_names(rows: Any) -> Iterator[str]:
    """Layer names in rows ``[name, call, tensor, ...]`` however deep they stand."""
    if isinstance(rows, list | tuple) and rows and isinstance(rows[0], str):
        yield rows[0]
        return
    for row in rows if isinstance(rows, list | tuple) else ():
        yield from _first_names(row)
