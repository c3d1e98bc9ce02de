"""A small real network and the bundle that every export test starts from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from devices.artifact import Artifact, Normalization, Target
from devices.coding.package import pack
from devices.coding.stored import coded
from devices.device import Device
from devices.export.bundle import Bundle
from devices.export.records import Golden, Metric, Provenance
from devices.flatbuffer import read_graph, read_ports
from devices.footprint import Footprint
from tests.devices.models import dense_softmax

_EVIL_LABELS = ('"quote"', "back\\slash\\", "new\nline\r", "trigraph ??/ ??= \\??'", "Größe 漢字 🐈 | `x` <b>")


def _golden_samples(content: bytes, n: int = 3) -> tuple[Golden, ...]:
    """What the device's interpreter answers to `n` int8 samples of a fixed seed; skips without that interpreter."""
    runtime = pytest.importorskip("tflite_micro", reason="tflite-micro has no wheel for this platform").runtime
    rng = np.random.default_rng(11)
    port = read_ports(content)[0]
    samples = []
    for label in range(n):
        interpreter = runtime.Interpreter.from_bytes(content)
        x = rng.integers(-128, 128, port.shape).astype(np.int8)
        interpreter.set_input(x, 0)
        interpreter.invoke()
        samples.append(Golden.from_arrays(x, interpreter.get_output(0), interpreter="tflite-micro", label=label))
    return tuple(samples)


def _bundle(content: bytes, golden: tuple[Golden, ...], labels: tuple[str, ...] = ()) -> Bundle:
    """A bundle around the file `content`, its costs invented but its model bytes true."""
    model_input, model_output = read_ports(content)
    footprint = Footprint(
        model_bytes=len(content),
        runtime_flash_bytes=30_000,
        activation_bytes=256,
        bookkeeping_bytes=1_100,
        setup_bytes=0,
        static_ram_bytes=1_700,
        macs=60,
        instructions=None,
        cycles=1_234,
        latency_ms=1.5,
        latency_low_ms=1.2,
        latency_high_ms=1.9,
    )
    device = Device(
        name="nucleo-l4r5zi",
        description="evaluation board",
        core="cortex-m4",
        clock_hz=120_000_000,
        flash_bytes=2_097_152,
        ram_bytes=655_360,
        kernels="cmsis-nn",
        sources=(),
    )
    return Bundle(
        artifact=Artifact(content=content, input=model_input, output=model_output, labels=labels),
        graph=read_graph(content),
        device=device,
        footprint=footprint,
        normalization=Normalization(offset=127.5, factor=1 / 127.5),
        provenance=Provenance(
            run="first\nrun | `x`",
            trial=7,
            tinyfront_version="0.1.0",
            data="digits",
            hyperparameters=(("width", "8|16"), ("blocks", "2")),
        ),
        golden=golden,
        metrics=(
            Metric(name="accuracy", value=0.97, n=300, low=0.944, high=0.984),
            Metric(name="test_accuracy", value=0.95, n=360, low=0.922, high=0.968),
            Metric(name="rmse", value=0.125, n=360),
        ),
    )


@pytest.fixture(scope="session")
def small_model() -> bytes:
    """A real int8 ``.tflite`` of 12 inputs and 5 outputs."""
    return dense_softmax()


@pytest.fixture(scope="session")
def bundle(small_model: bytes) -> Bundle:
    """The small network with three golden samples and labels that are hard to write down."""
    return _bundle(small_model, _golden_samples(small_model), _EVIL_LABELS)


@pytest.fixture(scope="session")
def values_bundle(bundle: Bundle) -> Bundle:
    """The small network as if its five outputs were predicted values, with names that are hard to write down."""
    targets = tuple(
        Target(name=name, mean=10.0 * index, deviation=0.5 + index) for index, name in enumerate(_EVIL_LABELS)
    )
    return replace(bundle, artifact=replace(bundle.artifact, labels=()), targets=targets)


@pytest.fixture(scope="session")
def coded_bundle(bundle: Bundle) -> Bundle:
    """The same, stored as a package."""
    package = pack(bundle.artifact.content)
    footprint = coded(bundle.footprint, len(package), bundle.device)
    return replace(bundle, artifact=replace(bundle.artifact, package=package), footprint=footprint)


@pytest.fixture(scope="session")
def bundle_of() -> Callable[[bytes], Bundle]:
    """Make a bundle of a ``.tflite`` file's content, with golden samples and without labels."""
    return lambda content: _bundle(content, _golden_samples(content))
