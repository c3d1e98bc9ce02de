"""Reads a ``.tflite`` file into a `Graph`.

A file is material of foreign origin: whatever its bytes are, reading it either
gives a graph whose indexes are all in range or raises `ModelFileError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from devices.artifact import Artifact, Port
from devices.geometry import misshapen, oversized
from devices.graph import DType, Graph, Operator, Options, Tensor

_IDENTIFIER = b"TFL3"
_MOST_AXES = 8  # the schema has no limit; TFLM copies at most 8 dimensions
_MOST_ARGUMENTS = 1024  # inputs of one operator; keeps hostile files from overlapping vectors without end
_MOST_PARTS = 16384  # tensors, buffers and operator codes; a file can claim one for every four of its bytes
_MOST_OPERATORS = 4096  # placing buffers in the arena takes the square of it


class ModelFileError(ValueError):
    """The bytes are not a ``.tflite`` that TinyFront can use; the message says why and what to do."""


def _names(enum: type) -> dict[int, str]:
    return {value: name for name, value in vars(enum).items() if not name.startswith("_")}


_DTYPES = {value: DType(name.lower()) for value, name in _names(schema.TensorType).items()}
_OPERATORS = _names(schema.BuiltinOperator)
_PADDINGS = _names(schema.Padding)
_ACTIVATIONS = _names(schema.ActivationFunctionType)
_CLASSES_OF_OPTIONS: dict[int, type[Any]] = {
    value: getattr(schema, name) for value, name in _names(schema.BuiltinOptions).items() if name != "NONE"
}

# accessor of the schema -> field of `Options`
_FIELDS = (
    ("StrideH", "stride_height"),
    ("StrideW", "stride_width"),
    ("DilationHFactor", "dilation_height"),
    ("DilationWFactor", "dilation_width"),
    ("FilterHeight", "filter_height"),
    ("FilterWidth", "filter_width"),
    ("DepthMultiplier", "depth_multiplier"),
    ("Axis", "axis"),
    ("KeepDims", "keep_dims"),
    ("KeepNumDims", "keep_dims"),
)
_POSITIVE = {"stride_height", "stride_width", "dilation_height", "dilation_width"}


def read_graph(content: bytes) -> Graph:
    """The network in `content`, a whole ``.tflite`` file.

    A batch that the converter left open (``-1`` on the first axis of
    ``shape_signature``, 1 in ``shape``) is read as a batch of 1, which is what
    the runtime executes; any other open axis is refused.

    Raises
    ------
    ModelFileError
        Not a ``.tflite``, corrupt or truncated, not exactly one subgraph, or
        with a shape that is not static.
    """
    try:
        return _graph(_model(content))
    except ModelFileError:
        raise
    except Exception as fault:  # flatbuffers raise struct, index, value, type and memory errors alike
        raise _corrupt(f"{type(fault).__name__}: {fault}") from fault


def read_ports(content: bytes) -> tuple[Port, Port]:
    """The network's one input and one output.

    Raises
    ------
    ModelFileError
        As `read_graph`, and where there is not exactly one input and one output.
    """
    graph = read_graph(content)
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise ModelFileError(
            f"a model must have exactly one input and one output, this one has {len(graph.inputs)} and "
            f"{len(graph.outputs)}; convert a function of one tensor that returns one tensor"
        )
    try:
        subgraph = _model(content).Subgraphs(0)
        return _port(graph, subgraph, graph.inputs[0]), _port(graph, subgraph, graph.outputs[0])
    except Exception as fault:
        raise _corrupt(f"{type(fault).__name__}: {fault}") from fault


def read_artifact(content: bytes, labels: tuple[str, ...] = ()) -> Artifact:
    """The file as what ships, with the ports it has; `ModelFileError` as `read_ports`."""
    source, sink = read_ports(content)
    return Artifact(content=content, input=source, output=sink, labels=labels)


def _corrupt(detail: str) -> ModelFileError:
    return ModelFileError(f"the file is corrupt or truncated ({detail}); export or copy it again")


def _model(content: bytes) -> Any:
    if len(content) < 16 or content[4:8] != _IDENTIFIER:
        raise ModelFileError(
            f"not a TensorFlow Lite file: bytes 4 to 8 must be {_IDENTIFIER.decode()}, "
            f"found {bytes(content[4:8])!r} in {len(content)} bytes; give a .tflite file"
        )
    return schema.Model.GetRootAs(bytes(content), 0)


def _graph(model: Any) -> Graph:
    if model.SubgraphsLength() != 1:
        raise ModelFileError(
            f"a model must have exactly one subgraph, this one has {model.SubgraphsLength()}; convert without "
            "control flow (while, if) and without variables that need an initialiser"
        )
    subgraph = model.Subgraphs(0)
    sizes = _buffer_sizes(model)
    codes = tuple(_operator_code(model.OperatorCodes(i)) for i in _turns(model.OperatorCodesLength(), "operator codes"))
    tensors = tuple(_tensor(subgraph.Tensors(i), i, sizes) for i in _turns(subgraph.TensorsLength(), "tensors"))
    operators = tuple(
        _operator(subgraph.Operators(i), i, codes, len(tensors))
        for i in _turns(subgraph.OperatorsLength(), "operators", _MOST_OPERATORS)
    )
    graph = Graph(
        tensors=tensors,
        operators=operators,
        inputs=_indexes(subgraph.InputsAsNumpy(), len(tensors), "the inputs of the subgraph"),
        outputs=_indexes(subgraph.OutputsAsNumpy(), len(tensors), "the outputs of the subgraph"),
    )
    for index, operator in enumerate(operators):
        fault = misshapen(graph, operator)
        if fault:
            raise _corrupt(f"operator {index} ({operator.name}) {fault}")
    return graph


def _turns(length: int, what: str, most: int = _MOST_PARTS) -> range:
    """Indexes of a vector whose length the file claims."""
    if length > most:
        raise ModelFileError(
            f"the file has {length} {what}, TinyFront reads {most} at most: no network for these devices comes near, "
            "so the file is corrupt; export or copy it again"
        )
    return range(length)


def _buffer_sizes(model: Any) -> tuple[int, ...]:
    """Bytes of every buffer."""
    sizes = []
    for i in _turns(model.BuffersLength(), "buffers"):
        buffer = model.Buffers(i)
        if buffer.Offset() > 1:
            raise ModelFileError(
                f"buffer {i} lies outside the flatbuffer, which only files above 2 GB need; convert a smaller network"
            )
        data = buffer.DataAsNumpy()
        sizes.append(len(_array(data)))
    return tuple(sizes)


def _operator_code(code: Any) -> tuple[str, bool]:
    """Name and whether it is custom.  Files of old converters fill only the deprecated field."""
    value = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    if value not in _OPERATORS:
        raise _corrupt(f"operator code {value} is not in the schema")
    if value == schema.BuiltinOperator.CUSTOM:
        name = code.CustomCode()
        return (name or b"CUSTOM").decode("utf-8", "replace"), True
    return _OPERATORS[value], False


def _tensor(tensor: Any, index: int, sizes: Sequence[int]) -> Tensor:
    shape = tuple(int(n) for n in _array(tensor.ShapeAsNumpy())[: _MOST_AXES + 1])
    signature = [int(n) for n in _array(tensor.ShapeSignatureAsNumpy())[: _MOST_AXES + 1]]
    _check_static(index, shape, signature)
    if tensor.Type() not in _DTYPES:
        raise _corrupt(f"tensor {index} has type {tensor.Type()}, which is not in the schema")
    if tensor.Buffer() >= len(sizes):
        raise _corrupt(f"tensor {index} names buffer {tensor.Buffer()} of {len(sizes)}")
    quantization = tensor.Quantization()
    read = Tensor(
        shape=shape,
        dtype=_DTYPES[tensor.Type()],
        constant_bytes=sizes[tensor.Buffer()] or None,
        scales=0 if quantization is None else len(_array(quantization.ScaleAsNumpy())),
        is_variable=bool(tensor.IsVariable()),
    )
    fault = oversized(read)
    if fault:
        raise ModelFileError(f"tensor {index} {fault}; the shape is corrupt, or the network is not one for a device")
    if read.constant_bytes is not None and read.constant_bytes < read.nbytes and tensor.Sparsity() is None:
        raise _corrupt(f"tensor {index} needs {read.nbytes} bytes, its buffer has {read.constant_bytes}")
    return read


def _check_static(index: int, shape: tuple[int, ...], signature: list[int]) -> None:
    if len(shape) > _MOST_AXES:
        raise ModelFileError(
            f"tensor {index} has more than {_MOST_AXES} axes, which the runtime cannot hold; reshape it first"
        )
    if signature and len(signature) != len(shape):
        raise _corrupt(f"tensor {index} has {len(shape)} axes but {len(signature)} in its shape_signature")
    open_axes = [axis for axis, size in enumerate(signature) if size < 0 and (axis > 0 or shape[axis] != 1)]
    if open_axes or any(size < 0 for size in shape):
        raise ModelFileError(
            f"tensor {index} has a shape that is not static (shape {list(shape)}, shape_signature {signature}); "
            "convert with a static batch of 1"
        )


def _operator(operator: Any, index: int, codes: Sequence[tuple[str, bool]], n_tensors: int) -> Operator:
    if operator.OpcodeIndex() >= len(codes):
        raise _corrupt(f"operator {index} names operator code {operator.OpcodeIndex()} of {len(codes)}")
    name, is_custom = codes[operator.OpcodeIndex()]
    what = f"operator {index} ({name})"
    outputs = _indexes(operator.OutputsAsNumpy(), n_tensors, what)
    if not outputs:
        raise _corrupt(f"{what} has no output")
    return Operator(
        name=name,
        inputs=_indexes(operator.InputsAsNumpy(), n_tensors, what, lowest=-1),
        outputs=outputs,
        options=_options(operator),
        is_custom=is_custom,
    )


def _options(operator: Any) -> Options:
    table = operator.BuiltinOptions()
    kind = _CLASSES_OF_OPTIONS.get(operator.BuiltinOptionsType())
    if table is None or kind is None:
        return Options()
    options = kind()
    options.Init(table.Bytes, table.Pos)
    fields: dict[str, Any] = {
        field: getattr(options, accessor)() for accessor, field in _FIELDS if hasattr(options, accessor)
    }
    for field in _POSITIVE & fields.keys():
        if fields[field] < 1:
            raise _corrupt(f"an operator has a {field} of {fields[field]}")
    if "keep_dims" in fields:
        fields["keep_dims"] = bool(fields["keep_dims"])
    if hasattr(options, "Padding"):
        fields["padding"] = _PADDINGS[options.Padding()]
    if hasattr(options, "FusedActivationFunction"):
        fields["activation"] = _ACTIVATIONS[options.FusedActivationFunction()]
    return Options(**fields)


def _indexes(vector: Any, n_tensors: int, what: str, lowest: int = 0) -> tuple[int, ...]:
    values = tuple(int(value) for value in _array(vector)[: _MOST_ARGUMENTS + 1])
    if len(values) > _MOST_ARGUMENTS:
        raise _corrupt(f"{what} takes more than {_MOST_ARGUMENTS} tensors")
    for value in values:
        if not lowest <= value < n_tensors:
            raise _corrupt(f"{what} names tensor {value} of {n_tensors}")
    return values


def _port(graph: Graph, subgraph: Any, index: int) -> Port:
    quantization = subgraph.Tensors(index).Quantization()
    scales = _array(None if quantization is None else quantization.ScaleAsNumpy())
    zero_points = _array(None if quantization is None else quantization.ZeroPointAsNumpy())
    tensor = graph.tensors[index]
    return Port(
        shape=tensor.shape,
        dtype=tensor.dtype,
        scale=float(scales[0]) if len(scales) else 0.0,
        zero_point=int(zero_points[0]) if len(zero_points) else 0,
    )


def _array(vector: Any) -> np.ndarray[Any, Any]:
    """The vector as an array; an absent vector reads as 0 in the generated code."""
    return vector if isinstance(vector, np.ndarray) else np.zeros(0, np.int32)
