"""Series and anomalies from end to end: trained, compressed, and run by the device's own interpreter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tf_keras
from optuna.trial import FixedTrial
from sklearn.datasets import load_digits

from compressors.compressor import Context, Network
from compressors.plan import CompressionPlan
from compressors.quantization import Quantization
from compressors.quantization_aware_training import QuantizationAwareTraining
from compressors.structured_pruning import StructuredPruning
from devices.boards import load_device
from search import worker
from search.datasets.dataset import Dataset
from search.datasets.load import load, save
from search.evaluate import available_interpreter, predict
from search.record import Score
from search.worker import TrialTask
from spaces.birth import birth
from spaces.candidate import Candidate, TrainingRecipe
from spaces.catalog import find_space

SHARED = Path(__file__).parents[2] / ".." / "shared" / "data" / "uea_small" / "GunPoint"
RECIPE = TrainingRecipe(epochs=200, batch_size=16, learning_rate=0.01)
BOARD = load_device("nucleo-l432kc")
Array = npt.NDArray[Any]


def _ts(file: Path) -> tuple[Array, Array]:
    """Series (n, time, 1, 1) and labels of a .ts file with one channel."""
    rows = [line.split(":") for line in file.read_text().splitlines() if line and line[0] not in "@#"]
    series = np.array([[float(value) for value in values.split(",")] for values, _ in rows], np.float32)
    return series[:, :, np.newaxis, np.newaxis], np.array([label for _, label in rows])


def _bumps(n: int, seed: int) -> tuple[Array, Array]:
    """A hand that rises and falls at some time, in class 1 with a dip before it comes to rest."""
    rng = np.random.default_rng(seed)
    time, y = np.arange(150), np.arange(n) % 2
    middle, width = rng.uniform(60, 90, (n, 1)), rng.uniform(8, 14, (n, 1))
    rise = np.exp(-(((time - middle) / width) ** 2))
    dip = y[:, np.newaxis] * 0.35 * np.exp(-(((time - middle - 3 * width) / 5) ** 2))
    x = rise - dip + rng.normal(0, 0.02, (n, 150))
    return x.astype(np.float32)[:, :, np.newaxis, np.newaxis], y


@pytest.fixture(scope="module")
def gun_point(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """GunPoint of the UCR archive by its own split where it is there, else series made like it; (150, 1, 1)."""
    train, test = (
        (_ts(SHARED / "GunPoint_TRAIN.ts"), _ts(SHARED / "GunPoint_TEST.ts"))
        if SHARED.exists()
        else (_bumps(50, 0), _bumps(150, 1))
    )
    file = tmp_path_factory.mktemp("data") / "gun_point.npz"
    np.savez(file, x_train=train[0], y_train=train[1], x_test=test[0], y_test=test[1])
    return load(str(file))


def _score(data: Dataset, folder: Path, space: str, anchor: int, plan: CompressionPlan) -> tuple[Score, float]:
    """What a whole trial gives, and the accuracy of its file on the test split."""
    save(data, folder / "data.npz")
    chosen = find_space(space)
    drawn = chosen.draw(FixedTrial(dict(chosen.anchors(data.input_shape)[anchor])), data.input_shape, data.n_classes)
    outcome = worker._run(
        TrialTask(
            candidate=Candidate(architecture=drawn.architecture, plan=plan, recipe=RECIPE),
            key=space,
            device=BOARD,
            data_file=folder / "data.npz",
            weights_file=folder / "absent.npz",
            log_file=folder / "log.txt",
            seed=1,
            interpreter=available_interpreter(),
        )
    )
    share = worker.score_on_test(outcome.content, folder / "data.npz", available_interpreter(), folder / "log.txt")
    return outcome.score, share.metrics["accuracy"].value


@pytest.mark.parametrize(
    ("anchor", "plan"),
    [
        (1, CompressionPlan.of(Quantization())),
        (2, CompressionPlan.of(StructuredPruning(filters=0.125), Quantization(granularity="tensor"))),
        (3, CompressionPlan.of(QuantizationAwareTraining(), Quantization(weight_bits=4))),
    ],
    ids=["plain", "separable, pruned", "plain, trained for 4 bits"],
)
def test_a_series_is_learnt(gun_point: Dataset, anchor: int, plan: CompressionPlan, tmp_path: Path) -> None:
    """50 recordings are enough for 85 % of 150 others, by the file that would be flashed; half would be chance."""
    score, test_accuracy = _score(gun_point, tmp_path, "temporal_cnn", anchor, plan)
    assert test_accuracy >= 0.85
    assert score.footprint.model_bytes < 9_000
    assert score.footprint.ram_bytes < 10_000


@pytest.mark.parametrize("space", ["residual", "mlp", "autokeras_dense", "cnn"])
def test_other_spaces_take_a_series_too(gun_point: Dataset, space: str, tmp_path: Path) -> None:
    """Their files run and are better than chance."""
    _, test_accuracy = _score(gun_point, tmp_path, space, 2, CompressionPlan.of(Quantization()))
    assert test_accuracy >= 0.65


@pytest.mark.parametrize(
    ("anchor", "plan"),
    [
        (2, CompressionPlan.of(Quantization())),
        (1, CompressionPlan.of(QuantizationAwareTraining(), Quantization(weight_bits=4, granularity="tensor"))),
    ],
    ids=["one layer", "linear, trained for 4 bits"],
)
def test_an_autoencoder_tells_what_it_never_saw(anchor: int, plan: CompressionPlan) -> None:
    """Trained on zeros alone, its int8 file gives zeros back closer than ones: 95 % of the pairs are in order."""
    images, labels = load_digits(return_X_y=True)
    x = (images / 16).astype(np.float32)
    zeros, ones = x[labels == 0], x[labels == 1]
    space = find_space("autoencoder")
    drawn = space.draw(FixedTrial(dict(space.anchors((64,))[anchor])), (64,), 64, head="linear")
    network = birth(drawn.architecture, (64,), 64, seed=2, head="linear")

    def train(network: Network, share: float, **_options: Any) -> None:
        network.compile(tf_keras.optimizers.Adam(0.01 if share == 1 else 0.003), "mse")
        network.fit(zeros[:120], zeros[:120], batch_size=16, epochs=round(60 * share), verbose=0)

    train(network, 1.0)
    context = Context(calibration=zeros[:120], fine_tune=train)
    artifact = plan.convert(plan.shape(network, context), context)

    def errors(samples: Array) -> Array:
        stored = predict(artifact, samples, available_interpreter()).reshape(len(samples), -1).astype(np.float32)
        given_back = (stored - artifact.output.zero_point) * artifact.output.scale
        return np.asarray(((given_back - samples) ** 2).mean(axis=1))

    normal, strange = errors(zeros[120:]), errors(ones)
    assert artifact.output.shape == (1, 64)
    assert (normal[:, np.newaxis] < strange).mean() >= 0.95
