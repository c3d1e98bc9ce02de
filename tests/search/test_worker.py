"""What one trial does around its training: seconds, keys, calibration data, and where its prints go."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from optuna.trial import FixedTrial

from compressors.huffman_coding import HuffmanCoding
from compressors.network import topology_of, weights_of
from compressors.plan import CompressionPlan
from compressors.quantization import Quantization
from compressors.structured_pruning import StructuredPruning
from devices.boards import load_device
from devices.coding.package import pack
from devices.coding.stored import coded
from devices.flatbuffer import read_artifact
from search import worker
from search.datasets.dataset import Split
from search.datasets.load import save
from search.evaluate import available_interpreter, float_accuracy, predict
from search.networks.kept import save_network
from search.trained_network import float_key, save_weights
from search.worker import Stopwatch, TrialTask
from spaces.birth import birth
from spaces.candidate import Architecture, Candidate, TrainingRecipe
from spaces.catalog import find_space
from spaces.given import GivenNetwork
from tests.devices.models import dense_softmax
from tests.search.runs import dataset

ROOT = Path(__file__).parents[2]
CANDIDATE = Candidate(
    architecture=Architecture.of("mlp", {"mlp/width": 8}),
    plan=CompressionPlan.of(Quantization()),
    recipe=TrainingRecipe(epochs=2, batch_size=8, learning_rate=0.01),
)


def test_an_inner_phase_is_not_counted_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds of a phase within a phase, two deep and twice, are only the inner one's; all add up to the whole."""
    now = [50.0]
    monkeypatch.setattr("search.worker.time.perf_counter", lambda: now[0])
    watch = Stopwatch()
    with watch.phase("compress"):
        now[0] += 1.0
        for _ in range(2):
            with watch.phase("fine_tune"):
                now[0] += 10.0
                with watch.phase("score"):
                    now[0] += 100.0
        now[0] += 2.0
    assert watch.seconds == {"compress": 3.0, "fine_tune": 20.0, "score": 200.0}
    assert sum(watch.seconds.values()) == now[0] - 50.0


def test_a_phase_that_fails_is_counted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error within an inner phase leaves the watch right for what follows, under the same name or another."""
    now = [0.0]
    monkeypatch.setattr("search.worker.time.perf_counter", lambda: now[0])
    watch = Stopwatch()

    def diverging() -> None:
        with watch.phase("fine_tune"):
            now[0] += 5.0
            raise ValueError("diverged")

    with watch.phase("compress"):
        with pytest.raises(ValueError, match="diverged"):
            diverging()
        now[0] += 1.0
    with watch.phase("compress"):
        now[0] += 0.5
    assert watch.seconds == {"fine_tune": 5.0, "compress": 1.5}


def test_the_key_of_trained_weights() -> None:
    """Equal for another compression of the same training, different where anything changes the weights."""
    key = float_key(0, CANDIDATE, "data")
    other_plan = CompressionPlan.of(Quantization(granularity="tensor"))
    assert float_key(0, replace(CANDIDATE, plan=other_plan), "data") == key
    wider = Architecture.of("mlp", {"mlp/width": 16})
    others = {
        float_key(1, CANDIDATE, "data"),
        float_key(0, CANDIDATE, "other data"),
        float_key(0, replace(CANDIDATE, architecture=wider), "data"),
        float_key(0, replace(CANDIDATE, recipe=replace(CANDIDATE.recipe, epochs=3)), "data"),
        float_key(0, replace(CANDIDATE, recipe=replace(CANDIDATE.recipe, learning_rate=0.02)), "data"),
    }
    assert len(others) == 5
    assert key not in others
    assert key.isalnum()  # it is a file's name


def test_the_key_is_the_same_in_another_process() -> None:
    """Python's own hashes change from process to process; a run that goes on must find its weights again."""
    code = "from tests.search.test_worker import *; print(float_key(3, CANDIDATE, 'data'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "77"},
    )
    assert done.stdout.strip() == float_key(3, CANDIDATE, "data")


def test_the_calibration_data_is_fixed() -> None:
    """The same inputs in the same order each time: each once, of the training split only, at most 1,024, mixed."""
    data = dataset()
    first = worker._calibration(data)
    assert np.array_equal(first, worker._calibration(dataset()))
    assert first.dtype == np.float32
    assert sorted(map(tuple, first)) == sorted(map(tuple, data.train.x))
    assert not np.array_equal(first, data.train.x)
    x = np.arange(2000 * 12, dtype=np.float32).reshape(2000, 12)
    large = replace(data, train=Split(x=x, y=np.zeros(2000, np.int64)))
    taken = worker._calibration(large)
    assert taken.shape == (1024, 12)
    assert len(np.unique(taken[:, 0])) == 1024


def test_calibration_leaves_varied_copies_out() -> None:
    """They have noise everywhere: silence, and so the lowest inputs, occurs in the originals alone."""
    data, n = dataset(), len(dataset().train)
    train = Split(
        x=np.tile(data.train.x, (3, 1)) + np.repeat([0, 1, 2], n)[:, np.newaxis].astype(np.float32),
        y=np.tile(data.train.y, 3),
    )
    taken = worker._calibration(replace(data, train=train, copies=2))
    assert sorted(map(tuple, taken)) == sorted(map(tuple, data.train.x))


def _task(folder: Path, **changes: Any) -> TrialTask:
    save(dataset(), folder / "data.npz")
    task = TrialTask(
        candidate=CANDIDATE,
        key="k",
        device=load_device("nucleo-l432kc"),
        data_file=folder / "data.npz",
        weights_file=folder / "absent.npz",
        log_file=folder / "log.txt",
        seed=1,
        interpreter="tflm",
    )
    return replace(task, **changes)


def _dense() -> Any:
    """A small trained-looking network on 12 features and five classes."""
    import tf_keras

    tf_keras.utils.set_random_seed(3)
    source = tf_keras.layers.Input((12,))
    return tf_keras.Model(source, tf_keras.layers.Dense(5, activation="softmax")(source))


class Steps:
    """Keeps what a fine-tune says before its steps."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def __call__(self, done: int, total: int) -> None:
        self.seen.append((done, total))


def test_what_techniques_are_given(tmp_path: Path) -> None:
    """The training split to train and look at gradients on, the validation split to score on; no teacher by default."""
    data, watch = dataset(), Stopwatch()
    context = worker._context(_task(tmp_path), data, watch)
    network = _dense()
    assert context.labels == data.labels
    assert context.teacher is None
    assert context.score(network, "a test") == float_accuracy(network, data.validation)
    batches = list(context.batch_gradients(network, "a test"))
    assert len(batches) == len(data.train) // CANDIDATE.recipe.batch_size
    kernel, bias = batches[0][network.layers[-1].name]
    assert kernel is not None
    assert bias is not None
    assert (kernel.shape, bias.shape) == ((12, 5), (5,))


def test_a_fine_tune_depends_on_the_candidate_alone(tmp_path: Path) -> None:
    """Every option gets through, the time is counted apart, and key and seed decide the result, not what ran before."""
    tuned = []
    for key in ("k", "k", "other"):
        watch, steps = Stopwatch(), Steps()
        context = worker._context(_task(tmp_path, key=key), dataset(), watch)
        network = _dense()
        context.fine_tune(network, 0.5, before_step=steps)
        assert steps.seen == [(done, 5) for done in range(5)]
        assert list(watch.seconds) == ["fine_tune"]
        tuned.append(network.get_weights()[0])
    assert np.array_equal(tuned[0], tuned[1])
    assert not np.array_equal(tuned[0], tuned[2])


def test_the_teacher_is_the_one_in_the_file(tmp_path: Path) -> None:
    """Built with its weights, once a process."""
    network = _dense()
    save_network(GivenNetwork(topology=topology_of(network), weights=weights_of(network)), tmp_path / "teacher.npz")
    context = worker._context(_task(tmp_path, teacher_file=tmp_path / "teacher.npz"), dataset(), Stopwatch())
    assert context.teacher is not None
    x = dataset().test.x
    assert np.array_equal(np.asarray(context.teacher()(x)), np.asarray(network(x)))
    assert context.teacher() is context.teacher()


def test_the_teacher_is_a_network_of_the_run(tmp_path: Path) -> None:
    """Built anew from its architecture, with the weights that the run's cache has of it."""
    space = find_space("mlp")
    architecture = space.draw(FixedTrial(dict(space.anchors((12,))[1])), (12,), 5).architecture
    network = birth(architecture, (12,), 5, seed=9)
    buffer = io.BytesIO()
    save_weights(buffer, network)
    (tmp_path / "weights.npz").write_bytes(buffer.getvalue())
    task = _task(tmp_path, teacher_file=tmp_path / "weights.npz", teacher=architecture)
    context = worker._context(task, dataset(), Stopwatch())
    assert context.teacher is not None
    x = dataset().test.x
    assert np.array_equal(np.asarray(context.teacher()(x)), np.asarray(network(x)))


def test_the_test_split_is_scored_from_the_file(tmp_path: Path) -> None:
    """The prepared data's test split is what is run: ten samples here, right where the answer is the label."""
    data = dataset()
    save(data, tmp_path / "data.npz")
    found = worker.score_on_test(dense_softmax(), tmp_path / "data.npz", available_interpreter(), tmp_path / "log.txt")
    share = found.metrics["accuracy"]
    assert share.n == len(data.test) == 10
    outputs = predict(read_artifact(dense_softmax()), data.test.x, available_interpreter())
    assert round(share.value * share.n) == int((outputs.reshape(10, 5).argmax(axis=1) == data.test.y).sum())
    assert (tmp_path / "log.txt").exists()


def test_errors_cross_as_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A framework's error becomes its type and words, with its traceback in the log; want of memory stays itself."""
    monkeypatch.setattr(sys, "stderr", open(2, "w", closefd=False))  # noqa: SIM115 - a worker's own, not pytest's
    with pytest.raises(RuntimeError, match=r"^DataError: data file .*absent\.npz") as caught:
        worker.score_on_test(dense_softmax(), tmp_path / "absent.npz", available_interpreter(), tmp_path / "log.txt")
    assert caught.value.__cause__ is None
    assert "Traceback" in (tmp_path / "log.txt").read_text()
    with pytest.raises(MemoryError), worker._plain_errors():
        raise MemoryError


def test_a_coded_artifact_is_scored_as_its_package(tmp_path: Path) -> None:
    """A whole trial: same file, same accuracy as uncoded; flash holds the package, RAM the file."""
    network = _dense()
    save_network(GivenNetwork(topology=topology_of(network), weights=weights_of(network)), tmp_path / "network.npz")
    task = _task(tmp_path, interpreter=available_interpreter(), network_file=tmp_path / "network.npz")
    plan = CompressionPlan.of(Quantization(), HuffmanCoding())
    plain = worker._run(task)
    made = worker._run(replace(task, candidate=replace(CANDIDATE, plan=plan)))
    cost, package = made.score.footprint, pack(made.content)
    assert made.content == plain.content
    assert made.score.accuracy == plain.score.accuracy
    assert cost == coded(plain.score.footprint, len(package), task.device)
    assert made.score.download_bytes == len(package) == cost.stored_bytes


def test_what_techniques_say_comes_out(tmp_path: Path) -> None:
    """The output layer of a network cannot be pruned, and the trial says so."""
    space = find_space("mlp")
    architecture = space.draw(FixedTrial(dict(space.anchors((12,))[1])), (12,), 5).architecture
    network = birth(architecture, (12,), 5, seed=9)
    save_network(GivenNetwork(topology=topology_of(network), weights=weights_of(network)), tmp_path / "network.npz")
    task = _task(tmp_path, interpreter=available_interpreter(), network_file=tmp_path / "network.npz")
    plan = CompressionPlan.of(StructuredPruning(filters=0.0, neurons=0.5, fine_tune=0.0), Quantization())
    assert worker._run(task).notes == ()
    (said,) = worker._run(replace(task, candidate=replace(CANDIDATE, plan=plan))).notes
    assert said.startswith("structured_pruning leaves as they are: ")
