"""Arenas with other kernels than CMSIS-NN: the portable ones against their interpreter, ESP-NN's by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from devices.flatbuffer import read_graph
from devices.graph import DType, Graph, Operator, Options, Tensor
from devices.kernels import EXTENSIONS, Call, Extension, extension_of
from devices.memory import plan_arena
from devices.persistent import persistent
from devices.scratch import scratch
from tests.devices.models import mutations, shared_models

S3, P4, ESP, PORTABLE = Extension.ESP32_S3, Extension.ESP32_P4, Extension.ESP, Extension.PORTABLE
_NOT_IN_WHEEL = ("kws_ref_model_float32.tflite",)  # hybrid


def _head_in_wheel(content: bytes, capfd: pytest.CaptureFixture[str]) -> int:
    """Bytes of activations and scratch buffers, as the portable kernels' interpreter prints them."""
    runtime = pytest.importorskip("tflite_micro", reason="no wheel of tflite-micro for this machine").runtime
    interpreter = runtime.Interpreter.from_bytes(content, arena_size=1 << 24)
    capfd.readouterr()
    interpreter.print_allocations()
    found = re.search(r"Arena allocation head (\d+) bytes", capfd.readouterr().err)
    assert found is not None
    return int(found[1])


def test_portable_activations_equal_the_interpreters(shared: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """18 reference models, LSTM, SVDF, float and a signal front end among them: not one byte off.

    Activations do not depend on the width of pointers, so that the 64-bit interpreter's are those of a 32-bit core.
    """
    paths = [path for path in shared_models(shared) if path.name not in _NOT_IN_WHEEL]
    assert len(paths) >= 15
    errors = {}
    for path in paths:
        content = path.read_bytes()
        for core in ("cortex-m4", "xtensa-lx6"):
            planned = plan_arena(read_graph(content), core, "reference").activation_bytes
            errors[path.name, core] = planned - _head_in_wheel(content, capfd)
    assert {key: error for key, error in errors.items() if error} == {}


def test_person_detection_takes_what_espressif_sets_aside(shared: Path) -> None:
    """Espressif's example keeps 81 KiB on ESP32, and 60 KiB more for scratch on ESP32-S3 and ESP32-P4.

    esp-tflite-micro@99f49e14, examples/person_detection/main/main_functions.cc.
    """
    graph = read_graph((shared / "data/models_tflm/models/person_detect.tflite").read_bytes())
    kib = {core: plan_arena(graph, core, "esp-nn").minimal_bytes / 1024 for core in EXTENSIONS["esp-nn"]}
    assert 79 < kib["xtensa-lx6"] <= 81
    assert kib["riscv32imc"] == kib["xtensa-lx6"]
    assert 81 < kib["riscv32imafc"] < kib["xtensa-lx7"] <= 81 + 60


def call(
    name: str,
    source: tuple[int, ...],
    weights: tuple[int, ...],
    out: tuple[int, ...],
    extension: Extension,
    *,
    bits: DType = DType.INT8,
    dtype: DType = DType.INT8,
    options: Options | None = None,
) -> Call:
    """One operator of activations `dtype` with constant weights."""
    made = Operator(name=name, inputs=(0, 1), outputs=(2,), options=options or Options(padding="SAME"))
    tensors = (
        Tensor(shape=source, dtype=dtype, scales=1),
        Tensor(shape=weights, dtype=bits, constant_bytes=1, scales=1),
        Tensor(shape=out, dtype=dtype, scales=1),
    )
    return Call(Graph(tensors=tensors, operators=(made,), inputs=(0,), outputs=(2,)), made, extension)


# Every expectation was also what ESP-NN's own C code returns for these shapes (as 105,585 random ones were).
@pytest.mark.parametrize(
    ("source", "weights", "out", "options", "s3", "p4"),
    [
        # 1x1 on 8 channels: weights, two blocks of 8x8 to transpose, margin; the P4 pads the channels to 16
        ((1, 4, 4, 8), (4, 1, 1, 8), (1, 4, 4, 4), None, 8 * 4 + 16 * 8 + 64, 4 * 4 + 16 * 4 + 32 + 32),
        # 1x1 on 20 channels, a row of 24: the image is copied too
        ((1, 2, 2, 20), (4, 1, 1, 20), (1, 2, 2, 4), None, 4 * 24 + 24 * 4 + 64, 4 * 24 + 24 * 4 + 32),
        # 3x3 on one channel: image with its border (twice on the S3), weights on 16 channels (and in rows of 16)
        ((1, 8, 8, 1), (4, 3, 3, 1), (1, 8, 8, 4), None, 200 + 576 + 192 + 64 + 16, 100 + 576 + 32 + 16),
        # 3x3 on 3 channels: patches of 27, in whole vectors of 16
        ((1, 8, 8, 3), (4, 3, 3, 3), (1, 8, 8, 4), None, 16 + 16 + 4 * 32 + 16 + 32 + 64, 16 + 27 + 32),
        # 3x3 on 16 channels without padding
        ((1, 8, 8, 16), (8, 3, 3, 16), (1, 6, 6, 8), Options(), 2 * 9 * 16 * 8 + 64 + 32, 9 * 16 * 8 + 32 + 32),
    ],
)
def test_convolution_with_esp_nn(
    source: tuple[int, ...], weights: tuple[int, ...], out: tuple[int, ...], options: Options | None, s3: int, p4: int
) -> None:
    """ESP32 and ESP32-C3 copy nothing."""
    assert scratch(call("CONV_2D", source, weights, out, S3, options=options)) == (s3,)
    assert scratch(call("CONV_2D", source, weights, out, P4, options=options)) == (p4,)
    assert scratch(call("CONV_2D", source, weights, out, ESP, options=options)) == ()


@pytest.mark.parametrize(
    ("channels", "kernel", "multiplier", "expected"),
    [
        (16, 3, 1, 9 * 16 + 10 * 10 * 16 + 16),  # the padded image
        (8, 3, 1, 2 * (9 * 8 + 64 * 8) + 32),  # as int16
        (24, 3, 1, 9 * 32 + (8 + 2 + 2) ** 2 * 32 + 64 * 32 + 64),  # channels filled up to 32, and the output
        (8, 5, 1, 2 * (25 * 8 + 64 * 8) + 32),
        (6, 3, 1, 144 + 1024 + 512 + 3 * 32 + 16),  # channels filled up to 8
        (2, 3, 4, 2 * (9 * 2 * 4 + 64 * 2) + 32),
        (2, 3, 1, 32),
        (16, 5, 1, 2 * (25 * 16 + 64 * 16) + 32),
    ],
)
def test_depthwise_with_esp_nn(channels: int, kernel: int, multiplier: int, expected: int) -> None:
    """8x8 pixels; the ESP32-S3 alone copies."""
    outputs = channels * multiplier
    shapes = ((1, 8, 8, channels), (1, kernel, kernel, outputs), (1, 8, 8, outputs))
    options = Options(padding="SAME", depth_multiplier=multiplier)
    assert scratch(call("DEPTHWISE_CONV_2D", *shapes, S3, options=options)) == (expected,)
    assert scratch(call("DEPTHWISE_CONV_2D", *shapes, P4, options=options)) == ()
    assert scratch(call("DEPTHWISE_CONV_2D", *shapes, ESP, options=options)) == ()


def test_large_images_are_worked_on_in_strips() -> None:
    """96x96 pixels of 16 channels do not stay whole on an ESP32-S3."""
    shapes = ((1, 96, 96, 16), (1, 3, 3, 16), (1, 96, 96, 16))
    assert scratch(call("DEPTHWISE_CONV_2D", *shapes, S3)) == (9 * 16 + 98 * 3 * 16 + 16,)
    shapes = ((1, 96, 96, 16), (1, 5, 5, 16), (1, 96, 96, 16))
    assert scratch(call("DEPTHWISE_CONV_2D", *shapes, S3)) == (2 * 25 * 16 + 2 * 96 * 5 * 16 + 32,)


def test_softmax_with_esp_nn() -> None:
    """Four bytes a class; nothing for int16 or elsewhere."""
    shapes = ((1, 10), (1,), (1, 10))
    for extension in (ESP, S3, P4):
        assert scratch(call("SOFTMAX", *shapes, extension)) == (40,)
        assert scratch(call("SOFTMAX", *shapes, extension, dtype=DType.INT16)) == ()
    assert scratch(call("SOFTMAX", *shapes, PORTABLE)) == ()


@pytest.mark.parametrize("extension", [PORTABLE, ESP])
@pytest.mark.parametrize(
    ("name", "source", "weights", "out"),
    [
        ("CONV_2D", (1, 4, 4, 8), (4, 3, 3, 8), (1, 4, 4, 4)),
        ("DEPTHWISE_CONV_2D", (1, 4, 4, 8), (1, 3, 3, 8), (1, 4, 4, 8)),
        ("FULLY_CONNECTED", (1, 8), (4, 8), (1, 4)),
    ],
)
def test_weights_of_4_bits_are_unpacked(
    name: str, source: tuple[int, ...], weights: tuple[int, ...], out: tuple[int, ...], extension: Extension
) -> None:
    """One byte a weight, where CMSIS-NN reads them packed."""
    made = call(name, source, weights, out, extension, bits=DType.INT4)
    assert scratch(made) == (made.graph.tensors[1].elements,)
    assert scratch(call(name, source, weights, out, extension)) == ()


def test_float_convolutions_keep_multipliers_without_cmsis_nn() -> None:
    """Four bytes a channel, twice, though nothing is quantised."""
    for extension, kept in ((PORTABLE, (16, 16)), (ESP, (16, 16)), (Extension.DSP, ())):
        made = call(
            "CONV_2D", (1, 4, 4, 8), (4, 3, 3, 8), (1, 4, 4, 4), extension, dtype=DType.FLOAT32, bits=DType.FLOAT32
        )
        assert persistent(made) == kept


def test_enumerations_are_wider_off_arm(tiny_model: bytes) -> None:
    """The same portable kernels keep more on RISC-V and Xtensa, and equally much on both."""
    graph = read_graph(tiny_model)
    arm, xtensa, riscv = (plan_arena(graph, core, "reference") for core in ("cortex-m4", "xtensa-lx6", "riscv32imc"))
    assert arm.activation_bytes == xtensa.activation_bytes
    assert xtensa == riscv
    # input and output take a TfLiteTensor of 40 bytes, not 32; the one fully connected layer 16 of options, not 5
    assert 2 * 8 + 8 <= xtensa.bookkeeping_bytes - arm.bookkeeping_bytes <= 2 * 8 + 11 + 16


def test_cores_without_the_library_are_refused() -> None:
    """Each library names the cores that it has kernels for; LiteRT has no arena."""
    with pytest.raises(ValueError, match=r"one of riscv32imafc, .* with esp-nn; got 'cortex-m4'"):
        extension_of("cortex-m4", "esp-nn")
    with pytest.raises(ValueError, match=r"with cmsis-nn; got 'xtensa-lx7'"):
        extension_of("xtensa-lx7", "cmsis-nn")
    with pytest.raises(ValueError, match=r"got 'xnnpack', whose runtime has no tensor arena"):
        extension_of("cortex-a72", "xnnpack")


def test_any_readable_graph_can_be_planned(tiny_model: bytes) -> None:
    """Damaged files that can be read have an arena with every library on every core."""
    planned = 0
    for content in mutations(tiny_model, 120, seed=7):
        try:
            graph = read_graph(content)
        except ValueError:
            continue
        planned += 1
        for kernels in ("esp-nn", "reference"):
            for core in EXTENSIONS[kernels]:
                arena = plan_arena(graph, core, kernels)
                assert arena.minimal_bytes >= arena.total_bytes > 0
    assert planned > 20
