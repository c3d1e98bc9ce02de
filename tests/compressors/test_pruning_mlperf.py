"""Networks trained by others, MLPerf Tiny's: pruned, they compute what they did with the removed channels masked."""

from __future__ import annotations

import tarfile
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from compressors.compressor import Context
from compressors.layers import Conv2D, Dense
from compressors.network import topology_of, weights_of
from compressors.standard import standardized
from compressors.structured_pruning import StructuredPruner, StructuredPruning, kept_channels, unprunable
from tests.compressors.masking import largest_difference, masked

Floats = npt.NDArray[np.float32]


def _images(shared: Path, size: int) -> Floats:
    """Six CIFAR-10 photographs, (6, size, size, 3), 0..255."""
    found: list[Any] = []
    with tarfile.open(shared / "data/cifar10/cifar10_public.tar.xz") as tar:
        for member in tar:
            if member.isfile() and member.name.endswith((".png", ".jpg", ".jpeg")):
                stream = tar.extractfile(member)
                assert stream is not None
                found.append(np.asarray(Image.open(stream).convert("RGB").resize((size, size))))
            if len(found) == 6:
                break
    return np.stack(found).astype(np.float32)


def _spectra(shared: Path) -> Floats:
    """Log spectra of a spoken word, five frames of 128 bands each, (n, 640)."""
    file = shared / "data/models_mlperf_tiny/streaming_wakeword/marvin_617de221_0.wav"
    with wave.open(str(file)) as wav:
        samples = np.frombuffer(wav.readframes(wav.getnframes()), np.int16)
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), 1024)[::512]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(1024))))[:, :512].reshape(-1, 128, 4).mean(axis=2)
    bands = 10.0 * np.log10(power + 1.0)
    return np.stack([bands[i : i + 5].ravel() for i in range(len(bands) - 5)]).astype(np.float32)


def _log_mel(shared: Path) -> Floats:
    with np.load(shared / "data/models_mlperf_tiny/streaming_wakeword/calibration_samples.npz") as samples:
        return np.asarray(samples["specs"], np.float32)


MODELS: dict[str, Callable[[Path], Floats]] = {
    "anomaly_detection/ad01.h5": _spectra,
    "image_classification/pretrainedResnet.h5": lambda shared: _images(shared, 32),
    "streaming_wakeword/str_ww_ref_model.h5": _log_mel,
    "visual_wake_words/vww_96.h5": lambda shared: _images(shared, 96) / 255.0,
}


@pytest.fixture(params=MODELS, ids=lambda file: Path(file).stem)
def model(request: pytest.FixtureRequest, shared: Path) -> tuple[Any, Floats]:
    """A network and real inputs to it."""
    import tf_keras

    file = shared / "data/models_mlperf_tiny" / request.param
    return tf_keras.models.load_model(file, compile=False), MODELS[request.param](shared)


def _no_training(network: Any, share: float, **_options: Any) -> None:
    raise AssertionError("fine_tune is 0")


def test_equals_the_masked_original(model: tuple[Any, Floats]) -> None:
    """Outputs differ by less than 1e-5; shares, the given weights and what cannot go are as promised."""
    network, x = model
    before = weights_of(network)
    context = Context(calibration=x, fine_tune=_no_training)
    settings = StructuredPruning(filters=0.375, neurons=0.375, fine_tune=0.0)
    pruned = StructuredPruner().compress(network, settings, context)
    assert largest_difference(pruned, masked(network, kept_channels(network, settings, context)), x) < 1e-5
    assert largest_difference(pruned, network, x) > 1e-3
    stays = dict(unprunable(topology_of(network)))
    left = {layer.name: layer.spec for layer in topology_of(pruned).layers}
    for layer in topology_of(network).layers:
        if isinstance(layer.spec, Conv2D | Dense):
            whole, width = (_width(spec) for spec in (layer.spec, left[layer.name]))
            assert width == (whole if layer.name in stays else round(whole * 0.625))
    after = weights_of(network)
    assert all(np.array_equal(a, b) for name in before for a, b in zip(before[name], after[name], strict=True))


def _width(spec: Any) -> int:
    return int(spec.filters if isinstance(spec, Conv2D) else spec.units)


def test_standardized_computes_the_same(model: tuple[Any, Floats]) -> None:
    network, x = model
    assert largest_difference(standardized(network), network, x) < 1e-5
