"""Distillation: who learns what from whom, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from compressors.compressor import CompressionError, Context, Network, Teaching
from compressors.distillation import Distillation, Distiller
from compressors.layers import Activation, Dense, Flatten, Input
from compressors.network import build, topology_of, weights_of
from compressors.plan import CompressionPlan
from compressors.quantization import Quantization
from compressors.topology import Layer, Topology

Trained = Callable[..., Network]


def dense(*units: int, inputs: tuple[int, ...] = (8, 8, 1), last: str = "softmax") -> Topology:
    """Dense layers on a flattened image, the last one followed by a function of its own."""
    layers = [Layer(name="x", spec=Input(shape=inputs)), Layer(name="flat", spec=Flatten(), inputs=("x",))]
    for index, n in enumerate(units):
        layers.append(Layer(name=f"d{index}", spec=Dense(units=n), inputs=(layers[-1].name,)))
    spec = Activation(function=last)  # type: ignore[arg-type]  # a text, by the test's own lists
    return Topology(layers=(*layers, Layer(name="end", spec=spec, inputs=(layers[-1].name,))))


@dataclass
class Lesson:
    """Keeps what a fine-tune was asked for, and moves every weight a little."""

    asked: list[tuple[Network, float, dict[str, Any]]] = field(default_factory=list)

    def __call__(self, network: Network, share: float, /, **options: Any) -> None:
        self.asked.append((network, share, options))
        network.set_weights([weight + np.float32(0.125) for weight in network.get_weights()])


def context(
    teacher: Network | None, lesson: Lesson, inputs: tuple[int, ...] = (8, 8, 1), labels: tuple[str, ...] = ()
) -> Context:
    x = np.random.default_rng(0).normal(size=(8, *inputs)).astype(np.float32)
    return Context(calibration=x, fine_tune=lesson, labels=labels, teacher=None if teacher is None else lambda: teacher)


def test_a_copy_is_trained_with_the_teacher(trained: Trained) -> None:
    """The fine-tune gets the copy, the share, and a lesson of the settings; given network and teacher stay."""
    student, teacher, lesson = trained(dense(6, 4)), trained(dense(20, 10, 4), seed=1), Lesson()
    before = [weights_of(student), weights_of(teacher)]
    made = Distiller().compress(
        student, Distillation(temperature=5.0, alpha=0.25, fine_tune=0.5), context(teacher, lesson)
    )
    ((network, share, options),) = lesson.asked
    assert network is made is not student
    assert share == 0.5
    assert options["teaching"] == Teaching(teacher=teacher, temperature=5.0, alpha=0.25)
    assert topology_of(made) == topology_of(student)
    assert np.allclose(made.get_weights()[0], student.get_weights()[0] + 0.125)
    for network, weights in zip((student, teacher), before, strict=True):
        after = weights_of(network)
        assert all(np.array_equal(a, b) for name in weights for a, b in zip(after[name], weights[name], strict=True))


def test_the_teacher_reads_inputs_not_labels(trained: Trained) -> None:
    """A published example gives the teacher the labels; every batch that ours sees has the shape of the inputs."""
    from search.datasets.dataset import Split
    from search.train import fine_tune
    from spaces.candidate import TrainingRecipe

    seen: list[tuple[int, ...]] = []
    teacher = trained(dense(12, 4), seed=1)

    class Spy:
        input_shape, output_shape = teacher.input_shape, teacher.output_shape

        def __call__(self, x: Any, training: bool) -> Any:
            assert not training
            seen.append(tuple(x.shape))
            return teacher(x, training=False)

    rng = np.random.default_rng(0)
    split = Split(x=rng.normal(size=(16, 8, 8, 1)).astype(np.float32), y=np.arange(16, dtype=np.int64) % 4)
    recipe = TrainingRecipe(epochs=1, batch_size=8, learning_rate=0.01)

    def tune(network: Network, share: float, **options: Any) -> None:
        fine_tune(network, recipe, split, 0, share, **options)

    given = Context(calibration=split.x, fine_tune=tune, teacher=Spy)
    student = trained(dense(6, 4))
    made = Distiller().compress(student, Distillation(), given)
    assert set(seen) == {(8, 8, 8, 1)}
    assert not np.array_equal(made.get_weights()[0], student.get_weights()[0])


def test_zeros_stay(trained: Trained) -> None:
    """Projections of the kernels that have zeros go along, so that a sparse network stays one."""
    student, lesson = trained(dense(6, 4)), Lesson()
    kernel = student.get_layer("d0").get_weights()[0]
    kernel[::2] = 0.0
    student.get_layer("d0").set_weights([kernel, student.get_layer("d0").get_weights()[1]])
    Distiller().compress(student, Distillation(), context(trained(dense(20, 4), seed=1), lesson))
    ((_, _, options),) = lesson.asked
    assert set(options["projections"]) == {"d0"}


def test_off_is_left_out() -> None:
    """With the labels alone there is nothing to learn from the teacher."""
    off = Distillation(alpha=1.0)
    assert off.is_identity
    assert not Distillation(alpha=0.99).is_identity
    assert CompressionPlan.of(Quantization(), off).steps == (Quantization(),)
    weakest = {wish.name: wish.values[0] for wish in Distiller.hyperparameters}
    assert Distillation(**weakest).is_identity  # type: ignore[arg-type]  # plain values


@pytest.mark.parametrize(
    ("teacher", "student", "sentence"),
    [
        (None, dense(6, 4), "there is none: name a teacher, or leave it out"),
        (dense(9, 5), dense(6, 4), r"outputs of shape \(5,\), the network of \(4,\)"),
        (dense(9, 4, inputs=(4, 4, 1)), dense(6, 4), r"inputs of shape \(4, 4, 1\), the network of \(8, 8, 1\)"),
        (dense(9, 4, last="linear"), dense(6, 4), "teacher's outputs are no class probabilities"),
        (dense(9, 4), dense(6, 4, last="linear"), "last layer 'end' is no softmax: end it in one"),
        (dense(9, 4), dense(6, 4, last="sigmoid"), "last layer 'end' is no softmax: end it in one"),
    ],
)
def test_refusals(trained: Trained, teacher: Topology | None, student: Topology, sentence: str) -> None:
    lesson = Lesson()
    taught = None if teacher is None else trained(teacher, seed=1)
    with pytest.raises(CompressionError, match=sentence):
        Distiller().compress(trained(student), Distillation(), context(taught, lesson, labels=("a", "b", "c", "d")))
    assert not lesson.asked


def test_values_are_learnt_from_a_teacher_too(trained: Trained) -> None:
    """Where the data has no classes, a linear end is what both have; other values than the student's are refused."""
    student, lesson = trained(dense(6, 2, last="linear")), Lesson()
    taught = trained(dense(9, 2, last="linear"), seed=1)
    Distiller().compress(student, Distillation(alpha=0.3), context(taught, lesson))
    ((_, _, options),) = lesson.asked
    assert (options["teaching"].teacher, options["teaching"].alpha) == (taught, 0.3)
    with pytest.raises(CompressionError, match=r"outputs of shape \(3,\), the network of \(2,\)"):
        Distiller().compress(student, Distillation(), context(trained(dense(9, 3, last="linear")), lesson))


def test_a_softmax_within_the_last_layer_counts(trained: Trained) -> None:
    """Keras networks often have it there."""
    last = Layer(name="d1", spec=Dense(units=4, activation="softmax"), inputs=("d0",))
    fused = Topology(layers=(*dense(6, 4).layers[:-2], last))
    lesson = Lesson()
    Distiller().compress(build(fused), Distillation(), context(trained(dense(9, 4), seed=1), lesson))
    assert len(lesson.asked) == 1


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"temperature": 0.5}, "temperature is 0.5, must be at least 1 and finite"),
        ({"temperature": float("inf")}, "temperature is inf"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"alpha": -0.1}, "alpha is -0.1"),
        ({"alpha": 1.1}, "alpha is 1.1"),
        ({"fine_tune": 0.0}, "fine_tune is 0.0, must be a share of the epochs above 0"),
        ({"fine_tune": 1.5}, "fine_tune is 1.5"),
    ],
)
def test_settings_are_checked(values: dict[str, float], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Distillation(**values)
