"""Look-up tables: smaller files that compute the same, the two traps of the package, and every refusal."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from ai_edge_litert import schema_py_generated as schema

from compressors.clustering import Clusterer, Clustering
from compressors.compressor import CompressionError, Context, Network
from compressors.equal_outputs import require_equal_outputs
from compressors.layers import Dense
from compressors.lookup_tables import LookUpTables, TableCompressor, package_missing
from compressors.quantization import Quantization, Quantizer
from compressors.weight_tables import weight_tables
from devices.artifact import Artifact
from devices.flatbuffer import read_artifact, read_graph
from devices.graph import DType
from devices.slim import slim
from tests.compressors.conftest import AVERAGE, IMAGE, NORM, RELU, conv, depthwise, topology
from tests.devices.models import packed as file_of

runtime = pytest.importorskip("tflite_micro.python.tflite_micro.runtime", reason="no tflite-micro wheel here")

TABLES = TableCompressor()
INPUTS = np.random.default_rng(1).normal(size=(32, 8, 8, 3)).astype(np.float32)
CONTEXT = Context(calibration=INPUTS, fine_tune=lambda _network, _share, **_options: None)
WIDE = topology(
    image=IMAGE,
    c1=conv(32, use_bias=False),
    n1=NORM,
    r1=RELU,
    d1=depthwise(activation="relu"),
    c2=conv(48, activation="relu"),
    pool=AVERAGE,
    hidden=Dense(units=64, activation="relu"),
    out=Dense(units=4),
)


@pytest.fixture(scope="module")
def artifact_of(trained: Callable[..., Network]) -> Callable[..., Artifact]:
    """``artifact_of(clusters, granularity="channel")``: the wide network's file, not clustered with 0 clusters."""

    @functools.cache
    def make(clusters: int, granularity: Any = "channel") -> Artifact:
        network = trained(WIDE)
        if clusters:
            network = Clusterer().compress(network, Clustering(clusters=clusters, fine_tune=0.0), CONTEXT)
        return Quantizer().compress(network, Quantization(granularity=granularity), CONTEXT)

    return make


def _outputs(content: bytes, inputs: npt.NDArray[np.int8]) -> npt.NDArray[Any]:
    interpreter = runtime.Interpreter.from_bytes(content, arena_size=1 << 20)
    outputs = []
    for sample in inputs:
        interpreter.set_input(sample, 0)
        interpreter.invoke()
        outputs.append(interpreter.get_output(0).copy())
    return np.concatenate(outputs)


def _random_inputs(content: bytes) -> npt.NDArray[np.int8]:
    graph = read_graph(content)
    shape = graph.tensors[graph.inputs[0]].shape
    return np.random.default_rng(5).integers(-128, 128, (20, *shape), np.int64).astype(np.int8)


def _decoded(content: bytes) -> list[str]:
    """Names of the operators whose weights a DECODE gives."""
    graph = read_graph(content)
    decoded = {index for operator in graph.operators if operator.name == "TFLM_DECODE" for index in operator.outputs}
    return [operator.name for operator in graph.operators if decoded & set(operator.inputs)]


def test_settings_are_checked() -> None:
    with pytest.raises(ValueError, match="least_saving is 0 bytes"):
        LookUpTables(least_saving=0)
    with pytest.raises(ValueError, match="without_gain is 'stop'"):
        LookUpTables(without_gain="stop")  # type: ignore[arg-type]
    assert LookUpTables(enabled=False).is_identity
    assert not LookUpTables().is_identity


@pytest.mark.parametrize("granularity", ["channel", "tensor"])
@pytest.mark.parametrize("clusters", [4, 16])
def test_smaller_and_equal_to_the_bit(clusters: int, granularity: Any, artifact_of: Callable[..., Artifact]) -> None:
    """One table a tensor and one a channel, depthwise too where it pays; on inputs that were not checked on the way."""
    plain = artifact_of(clusters, granularity)
    packed = TABLES.compress(plain, LookUpTables(), CONTEXT)
    assert packed.model_bytes < 0.8 * plain.model_bytes
    assert replace(packed, content=b"") == replace(plain, content=b"")
    assert "CONV_2D" in _decoded(packed.content)
    assert "FULLY_CONNECTED" in _decoded(packed.content)
    inputs = _random_inputs(plain.content)
    assert np.array_equal(_outputs(packed.content, inputs), _outputs(plain.content, inputs))
    assert TABLES.compress(plain, LookUpTables(), CONTEXT) == packed
    assert slim(packed.content) == packed.content


def test_only_tensors_that_save_are_compressed(artifact_of: Callable[..., Artifact]) -> None:
    """The depthwise weights, 9 a channel, would grow by their tables; any one left out of the rest costs bytes."""
    plain = artifact_of(8)
    tables = {table.operator: table for table in weight_tables(plain.content)}
    assert tables["DEPTHWISE_CONV_2D"].data_saving < 0
    assert tables["DEPTHWISE_CONV_2D"].axis == 3
    packed = TABLES.compress(plain, LookUpTables(), CONTEXT)
    decoded = _decoded(packed.content)
    assert "DEPTHWISE_CONV_2D" not in decoded
    savings = sorted((table.data_saving for table in weight_tables(plain.content)), reverse=True)
    used, others = savings[: len(decoded)], savings[len(decoded) :]
    assert min(used) > 90
    assert max(others) < 160
    described = (sum(used) - (plain.model_bytes - packed.model_bytes)) / len(used)
    assert 90 <= described <= 160, "what says of a tensor that it is compressed"


def test_bits_follow_the_distinct_values(artifact_of: Callable[..., Artifact]) -> None:
    for clusters, most in ((4, 2), (8, 3), (16, 4)):
        tables = weight_tables(artifact_of(clusters).content)
        assert {table.bits for table in tables if table.operator == "CONV_2D"} <= set(range(1, most + 1))
        assert max(table.distinct for table in tables if table.operator == "CONV_2D") <= clusters


def test_no_gain_is_refused_with_the_numbers_or_kept(artifact_of: Callable[..., Artifact]) -> None:
    plain = artifact_of(0, "tensor")
    with pytest.raises(CompressionError, match=r"save 0 bytes of \d+.*CONV_2D of 13824 weights: the tensor has \d+"):
        TABLES.compress(plain, LookUpTables(), CONTEXT)
    assert TABLES.compress(plain, LookUpTables(without_gain="keep"), CONTEXT) is plain
    clustered = artifact_of(16)
    with pytest.raises(CompressionError, match="least_saving is 100000: cluster the weights into fewer values"):
        TABLES.compress(clustered, LookUpTables(least_saving=100_000), CONTEXT)


def test_operator_codes_of_old_files_are_understood(artifact_of: Callable[..., Artifact]) -> None:
    """Old converters wrote the deprecated field alone, which the package would take for ADD throughout."""
    plain = artifact_of(8)
    model = schema.ModelT.InitFromPackedBuf(plain.content, 0)
    for code in model.operatorCodes:
        code.deprecatedBuiltinCode, code.builtinCode = code.builtinCode, 0
    old = replace(plain, content=file_of(model))
    packed = TABLES.compress(old, LookUpTables(), CONTEXT)
    assert packed.content == TABLES.compress(plain, LookUpTables(), CONTEXT).content


def test_weights_that_cannot_be_decoded_are_left_alone(trained: Callable[..., Network]) -> None:
    """The decoder gives no 4-bit tensors."""
    network = Clusterer().compress(trained(WIDE), Clustering(clusters=4, fine_tune=0.0), CONTEXT)
    plain = Quantizer().compress(network, Quantization(weight_bits=4), CONTEXT)
    reasons = {table.operator: table.reason for table in weight_tables(plain.content)}
    assert reasons["CONV_2D"].startswith("it has int4 weights")
    assert all(tensor.dtype is not DType.UINT8 for tensor in read_graph(plain.content).tensors)


def test_missing_package_is_refused(artifact_of: Callable[..., Artifact], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tflite_micro", None)
    assert "install it (Linux x86-64), or leave the technique out" in package_missing()
    with pytest.raises(CompressionError, match="made by the tflite-micro package, which cannot be imported"):
        TABLES.compress(artifact_of(8), LookUpTables(), CONTEXT)


def test_other_outputs_are_noticed(artifact_of: Callable[..., Artifact]) -> None:
    """The check itself: files of different weights are told apart, and one that does not run is refused."""
    one, other = artifact_of(8), artifact_of(4)
    require_equal_outputs(one, one, INPUTS)
    with pytest.raises(CompressionError, match="other outputs than the plain one on calibration input 0"):
        require_equal_outputs(one, other, INPUTS)
    packed = TABLES.compress(one, LookUpTables(), CONTEXT).content
    unknown = replace(one, content=packed.replace(b"TFLM_DECODE", b"TFLM_ENCODE"))
    with pytest.raises(CompressionError, match="cannot be checked in TensorFlow Lite Micro"):
        require_equal_outputs(one, unknown, INPUTS)


@pytest.mark.parametrize(("values", "published"), [(16, 71_216), (4, 50_112)])
def test_resnet_of_mlperf_tiny(values: int, published: int, shared: Path) -> None:
    """ResNet-8 with `values` values a channel gets smaller than the package alone makes it (facts/scoring.md)."""
    folder = shared / "data" / "models_mlperf_tiny" / "image_classification"
    content = next(folder.rglob("pretrainedResnet_quant.tflite")).read_bytes()
    plain = read_artifact(slim(_with_few_values(content, values)))
    inputs = np.random.default_rng(2).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    packed = TABLES.compress(plain, LookUpTables(), replace(CONTEXT, calibration=inputs))
    assert packed.model_bytes < published - 10_000
    stored = _random_inputs(plain.content)[:3]
    assert np.array_equal(_outputs(packed.content, stored), _outputs(plain.content, stored))


def _with_few_values(content: bytes, values: int) -> bytes:
    """The file with the weights of every channel rounded to so many evenly spaced values."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    for table in weight_tables(content):
        tensor = model.subgraphs[0].tensors[table.tensor]
        weights = model.buffers[tensor.buffer].data.view(np.int8).reshape(tensor.shape)
        step = 256 // values
        rounded = (weights // step) * step + step // 2
        model.buffers[tensor.buffer].data = rounded.astype(np.int8).view(np.uint8).ravel()
    return file_of(model)
