"""Rewrites a ``.tflite`` in the fewest bytes, without changing what it computes.

Dropped is what no runtime reads: names, descriptions, metadata, signatures,
ranges seen in calibration, unused and duplicate buffers, unused operator codes,
the older of two copies of a value, and the scales of the biases of
convolutions, which are the product of the scales of input and weights.
Kept are the scales of the biases of fully connected layers: the runtime
compares them.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from devices.flatbuffer import ModelFileError, read_graph
from devices.graph import Graph
from devices.packing import Layout
from devices.skeleton import skeleton

IDENTIFIER = b"TFL3"
CONSTANT_ALIGNMENT = 16  # ``force_align`` of the data of a buffer in the schema
SCHEMA_VERSION = 3
_CONVOLUTIONS = frozenset({schema.BuiltinOperator.CONV_2D, schema.BuiltinOperator.DEPTHWISE_CONV_2D})
_BIAS = 2  # input of a convolution


class Constant:
    """A buffer of the file with `content`; takes the place of the schema's ``BufferT``."""

    __slots__ = ("content",)

    def __init__(self, content: bytes) -> None:
        self.content = content

    def Pack(self, layout: Layout) -> int:  # noqa: N802 - name in the generated schema
        """The handle of the buffer in `layout`."""
        data = layout.vector(self.content, len(self.content), CONSTANT_ALIGNMENT) if self.content else 0
        layout.StartObject(1)
        layout.PrependUOffsetTRelativeSlot(0, data, 0)
        return layout.EndObject()


def slim(content: bytes) -> bytes:
    """The same network in fewer bytes: outputs are bit-identical, and ``slim(slim(x)) == slim(x)``.

    A plan for the arena that was stored in the metadata is dropped too: the
    runtime then plans the arena itself.

    Raises
    ------
    ModelFileError
        Where `read_graph` does.
    """
    read_graph(content)
    try:
        return slim_model(schema.ModelT.InitFromPackedBuf(bytes(content), 0))
    except Exception as fault:  # parts of a corrupt file that a graph does not hold
        raise ModelFileError(
            f"the file is corrupt or truncated ({type(fault).__name__}: {fault}); export or copy it again"
        ) from fault


def predicted_bytes(graph: Graph) -> int:
    """Bytes that `slim` gives for a file of `graph`, computed without its weights.

    A skeleton of the file goes through the code that writes the real one, so
    the figure is within 1 % of it.  What a graph does not say makes the error:
    constants that happen to be equal are stored once in a file (here all are
    taken to differ), zero points that happen to be equal likewise, and options
    and versions of rare operators are those of the current converter.  A
    graph with custom operators lacks their options.
    """
    return len(slim_model(skeleton(graph)))


def slim_model(model: Any) -> bytes:
    """The slim file of `model`, a ``schema.ModelT`` of one subgraph, which is changed on the way."""
    layout = Layout()
    return layout.finish(_slimmed(model).Pack(layout), IDENTIFIER)


def _slimmed(model: Any) -> Any:
    subgraph = model.subgraphs[0]
    subgraph.name = None
    subgraph.debugMetadataIndex = -1
    for tensor in subgraph.tensors:
        _slim_tensor(tensor)
    for operator in subgraph.operators or ():
        _slim_operator(operator)
    for index in _bias_tensors(model, subgraph):
        subgraph.tensors[index].quantization = None
    _renumber_codes(model, subgraph)
    _renumber_buffers(model, subgraph)
    return schema.ModelT(
        version=SCHEMA_VERSION,
        operatorCodes=model.operatorCodes,
        subgraphs=[subgraph],
        buffers=model.buffers,
    )


def _slim_tensor(tensor: Any) -> None:
    tensor.name = tensor.shapeSignature = tensor.variantTensors = None
    tensor.hasRank = False
    tensor.externalBuffer = 0
    quantization = tensor.quantization
    if quantization is None:
        return
    quantization.min = quantization.max = None
    if len(_values(quantization.scale)) <= 1:
        quantization.quantizedDimension = 0
    if not len(_values(quantization.scale)) and quantization.details is None:
        tensor.quantization = None


def _slim_operator(operator: Any) -> None:
    operator.mutatingVariableInputs = None
    operator.debugMetadataIndex = -1
    if not len(_values(operator.intermediates)):
        operator.intermediates = None
    if not len(_values(operator.customOptions)):
        operator.customOptions = None
    # a reshape with its shape as an input ignores the copy in its options
    if isinstance(operator.builtinOptions, schema.ReshapeOptionsT) and len(_values(operator.inputs)) > 1:
        operator.builtinOptions, operator.builtinOptionsType = None, schema.BuiltinOptions.NONE


def _values(vector: Any) -> Any:
    return () if vector is None else vector


def _bias_tensors(model: Any, subgraph: Any) -> set[int]:
    """Constants that are the bias of convolutions and nothing else."""
    biases: set[int] = set()
    others = {int(index) for index in (*_values(subgraph.inputs), *_values(subgraph.outputs))}
    for operator in subgraph.operators or ():
        code = _builtin_code(model.operatorCodes[operator.opcodeIndex])
        for position, index in enumerate(_values(operator.inputs)):
            is_bias = position == _BIAS and code in _CONVOLUTIONS
            (biases if is_bias else others).add(int(index))
        others.update(int(index) for index in _values(operator.outputs))
    return {i for i in biases - others if i >= 0 and len(_values(model.buffers[subgraph.tensors[i].buffer].data))}


def _builtin_code(code: Any) -> int:
    """Files of old converters have only the deprecated field, new ones both."""
    return int(max(code.builtinCode, code.deprecatedBuiltinCode))


def _renumber_codes(model: Any, subgraph: Any) -> None:
    """One operator code per operator and version, the most used first: number 0 takes no bytes."""
    keys = [(_builtin_code(c), c.customCode, c.version) for c in model.operatorCodes]
    used = Counter(keys[operator.opcodeIndex] for operator in subgraph.operators or ())
    ordered = [key for key, _ in used.most_common()]  # among equals the one used first
    numbers = {key: number for number, key in enumerate(ordered)}
    for operator in subgraph.operators or ():
        operator.opcodeIndex = numbers[keys[operator.opcodeIndex]]
    model.operatorCodes = [
        schema.OperatorCodeT(builtinCode=code, customCode=custom, version=version) for code, custom, version in ordered
    ]


def _renumber_buffers(model: Any, subgraph: Any) -> None:
    """Buffer 0 is empty by convention; the others are the distinct constants in order of use."""
    contents = [np.asarray(_values(buffer.data), np.uint8).tobytes() for buffer in model.buffers]
    numbers = {b"": 0}
    for tensor in subgraph.tensors:
        tensor.buffer = numbers.setdefault(contents[tensor.buffer], len(numbers))
    model.buffers = [Constant(content) for content in numbers]
