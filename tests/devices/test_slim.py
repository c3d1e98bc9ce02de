"""A slim file computes the same in fewer bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from devices.flatbuffer import ModelFileError, read_graph
from devices.slim import predicted_bytes, slim
from tests.devices.models import (
    mutations,
    outputs_in_litert,
    outputs_on_device,
    packed,
    shared_models,
)

# share of the size, or bytes in files of 2 kB, that a prediction may be off
_TOLERANCE, _LEAST_TOLERANCE = 0.01, 24


def unpacked(content: bytes) -> schema.ModelT:
    return schema.ModelT.InitFromPackedBuf(content, 0)


def test_tiny_net_is_well_below_six_kilobytes(tiny_model: bytes) -> None:
    """1,338 weights: 1,376 bytes of constants, some 8 kB from the converter, at most 4.4 kB slim."""
    assert len(tiny_model) > 7000
    assert len(slim(tiny_model)) < 4400


@pytest.mark.parametrize("name", ["tiny_model", "tiny_int16_model"])
def test_outputs_are_bit_identical(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """In the runtime of the device and in LiteRT."""
    pytest.importorskip("tflite_micro", reason="the runtime of the device has wheels for Linux x86-64 only")
    content = request.getfixturevalue(name)
    smaller = slim(content)
    assert outputs_on_device(smaller) == outputs_on_device(content)
    paths = tmp_path / "before.tflite", tmp_path / "after.tflite"
    for path, data in zip(paths, (content, smaller), strict=True):
        path.write_bytes(data)
    before, after = outputs_in_litert(*paths)
    assert len(set(before.split())) > 1
    assert before == after


def test_slimming_is_idempotent_and_keeps_the_graph(tiny_model: bytes) -> None:
    """The second time changes nothing; only the scales of convolution biases are gone."""
    smaller = slim(tiny_model)
    assert slim(smaller) == smaller == slim(tiny_model)
    before, after = read_graph(tiny_model), read_graph(smaller)
    assert before.operators == after.operators
    changed = {i for i, (a, b) in enumerate(zip(before.tensors, after.tensors, strict=True)) if a != b}
    biases = {op.inputs[2] for op in before.operators if op.name in ("CONV_2D", "DEPTHWISE_CONV_2D")}
    assert changed == biases
    assert all(after.tensors[i].scales == 0 for i in biases)


def test_dropped_is_what_no_runtime_reads(tiny_model: bytes) -> None:
    """Names, metadata, signatures, signatures of shapes and ranges."""
    model = unpacked(slim(tiny_model))
    assert model.description is None
    assert model.metadata is None
    assert model.signatureDefs is None
    for tensor in model.subgraphs[0].tensors:
        assert tensor.name is None
        assert tensor.shapeSignature is None
        assert tensor.quantization is None or (tensor.quantization.min is None and tensor.quantization.max is None)


def test_kept_is_what_the_runtimes_check(tiny_model: bytes) -> None:
    """Scales of the bias of the fully connected layer, as many zero points as scales, versions of operators."""
    before, after = unpacked(tiny_model), unpacked(slim(tiny_model))
    dense = read_graph(tiny_model).operators[6]
    assert dense.name == "FULLY_CONNECTED"
    bias = after.subgraphs[0].tensors[dense.inputs[2]].quantization
    assert bias is not None
    assert len(bias.scale) == len(bias.zeroPoint) == 10
    for tensor in after.subgraphs[0].tensors:
        if tensor.quantization is not None:
            assert len(tensor.quantization.scale) == len(tensor.quantization.zeroPoint)
    versions = [{(code.builtinCode, code.version) for code in model.operatorCodes} for model in (before, after)]
    assert versions[0] == versions[1]


def test_constants_stay_aligned(tiny_model: bytes) -> None:
    """Data of every buffer begins at a multiple of 16, as the schema asks."""
    content = slim(tiny_model)
    model = schema.Model.GetRootAs(content, 0)
    assert not model.Buffers(0).DataLength()
    base = np.frombuffer(content, np.uint8).__array_interface__["data"][0]
    for i in range(1, model.BuffersLength()):
        data = model.Buffers(i).DataAsNumpy()
        assert (data.__array_interface__["data"][0] - base) % 16 == 0


def test_unused_and_duplicate_parts_go(tiny_model: bytes) -> None:
    """An operator code and a buffer that nothing uses cost nothing, equal buffers are stored once."""
    model = unpacked(tiny_model)
    model.operatorCodes.append(schema.OperatorCodeT(builtinCode=schema.BuiltinOperator.LSTM))
    model.buffers.append(schema.BufferT(data=np.arange(5000, dtype=np.uint8)))
    assert slim(packed(model)) == slim(tiny_model)
    first, second = (op.inputs[1] for op in read_graph(tiny_model).operators[1:4:2])
    tensors = model.subgraphs[0].tensors
    model.buffers[tensors[first].buffer].data = model.buffers[tensors[second].buffer].data
    assert len(slim(tiny_model)) - len(slim(packed(model))) > 72


def test_reads_old_operator_codes(tiny_model: bytes) -> None:
    """A file with only the deprecated field slims to the very same bytes."""
    model = unpacked(tiny_model)
    for code in model.operatorCodes:
        code.deprecatedBuiltinCode, code.builtinCode = code.builtinCode, 0
    assert slim(packed(model)) == slim(tiny_model)


def test_a_bias_that_is_used_elsewhere_keeps_its_scales(tiny_model: bytes) -> None:
    """Only a constant that is a convolution's bias and nothing else loses them."""
    model = unpacked(tiny_model)
    bias = model.subgraphs[0].operators[0].inputs[2]
    model.subgraphs[0].outputs = [*model.subgraphs[0].outputs, bias]
    assert unpacked(slim(packed(model))).subgraphs[0].tensors[bias].quantization is not None


def test_mutations_raise_one_kind_of_error(tiny_model: bytes) -> None:
    """Of 300 damaged files, each is slimmed, and then can be read and predicted, or refused."""
    refused = 0
    for content in mutations(tiny_model, 300, seed=3):
        try:
            smaller = slim(content)
        except ModelFileError:
            refused += 1
            continue
        assert predicted_bytes(read_graph(smaller)) > 1000
    assert 50 < refused < 300


@pytest.mark.parametrize("name", ["tiny_model", "tiny_int16_model"])
def test_prediction_is_within_one_percent(name: str, request: pytest.FixtureRequest) -> None:
    """From the graph alone, of the file as converted and of the slim one."""
    content = request.getfixturevalue(name)
    smaller = slim(content)
    for graph in (read_graph(content), read_graph(smaller)):
        assert predicted_bytes(graph) == pytest.approx(len(smaller), rel=_TOLERANCE)


def test_prediction_of_shared_models(shared: Path) -> None:
    """Within 1 % or 24 bytes, but for equal constants (the wake word: two equal biases) and custom operators."""
    errors = {}
    for path in shared_models(shared):
        content = slim(path.read_bytes())
        error = predicted_bytes(read_graph(content)) - len(content)
        if abs(error) > max(_LEAST_TOLERANCE, _TOLERANCE * len(content)):
            errors[path.name] = error
    assert set(errors) == {
        "str_ww_ref_model.tflite",
        "audio_preprocessor_int8.tflite",
        "audio_preprocessor_float.tflite",
    }
    assert 0 < errors["str_ww_ref_model.tflite"] < 1200


def test_shared_models_get_smaller(shared: Path) -> None:
    """What they compute is held in tests/devices/test_shared_models.py; here, that a second time changes nothing."""
    for path in shared_models(shared):
        content = path.read_bytes()
        smaller = slim(content)
        assert len(smaller) < len(content)
        assert slim(smaller) == smaller, path.name
