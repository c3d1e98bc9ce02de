"""One step: the loss against the formulas, and what compression adds to the step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compressors.compressor import Teaching
from compressors.structure import zero_projections
from search.datasets.dataset import Split
from search.train import fine_tune, train
from search.training_step import batch_loss
from spaces.candidate import TrainingRecipe
from tests.search.test_train import RECIPE, digits, network

Floats = Any


def softmax(logits: Floats) -> Floats:
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def probabilities(seed: int) -> tuple[Any, Floats]:
    """A network of one dense layer with softmax on 5 inputs, and its logits as a function of numpy."""
    import tf_keras

    rng = np.random.default_rng(seed)
    kernel, bias = rng.normal(size=(5, 3)).astype(np.float32), rng.normal(size=3).astype(np.float32)
    image = tf_keras.layers.Input((5,))
    net = tf_keras.Model(image, tf_keras.layers.Dense(3, activation="softmax")(image))
    net.set_weights([kernel, bias])
    return net, lambda x: x @ kernel + bias


@pytest.mark.parametrize(("temperature", "alpha"), [(1.0, 0.5), (3.0, 0.4), (8.0, 0.0), (5.0, 1.0)])
def test_the_teaching_loss_is_hintons(temperature: float, alpha: float) -> None:
    """Alpha x smoothed cross-entropy + (1 - alpha) x T^2 x KL(teacher || student), both softened, from logits."""
    (student, student_logits), (teacher, teacher_logits) = probabilities(1), probabilities(2)
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(7, 5)).astype(np.float32), rng.integers(0, 3, 7)
    target = np.eye(3)[y] * 0.95 + 0.05 / 3
    labels = -(target * np.log(softmax(student_logits(x)))).sum(axis=1).mean()
    p, q = softmax(teacher_logits(x) / temperature), softmax(student_logits(x) / temperature)
    agreement = temperature**2 * (p * (np.log(p) - np.log(q))).sum(axis=1).mean()
    found = batch_loss(student, x, y, Teaching(teacher=teacher, temperature=temperature, alpha=alpha))
    assert float(found) == pytest.approx(alpha * labels + (1 - alpha) * agreement, rel=1e-4)
    assert float(batch_loss(student, x, y)) == pytest.approx(labels, rel=1e-5)


def test_classes_weigh_as_they_are_told() -> None:
    """Each sample's cross-entropy times the weight of its class; the mean is over the samples."""
    student, logits = probabilities(1)
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(7, 5)).astype(np.float32), rng.integers(0, 3, 7)
    target = np.eye(3)[y] * 0.95 + 0.05 / 3
    losses = -(target * np.log(softmax(logits(x)))).sum(axis=1)
    found = batch_loss(student, x, y, class_weights=(0.5, 1.0, 4.0))
    assert float(found) == pytest.approx((losses * np.array([0.5, 1.0, 4.0])[y]).mean(), rel=1e-5)


def test_a_rare_class_is_found_where_it_weighs_more() -> None:
    """Two classes that overlap, one of twenty samples: weighed alike it is never answered."""
    rng = np.random.default_rng(5)
    y = np.repeat([0, 1], [380, 20])
    x = (rng.normal(size=(400, 5)) + 0.7 * y[:, np.newaxis]).astype(np.float32)
    found = {}
    for weights in ((), (400 / 760, 10.0, 0.0)):
        net, _ = probabilities(1)
        train(net, TrainingRecipe(epochs=20, batch_size=32, learning_rate=0.02), Split(x=x, y=y), 0, weights)
        found[bool(weights)] = float((np.asarray(net(x)).argmax(axis=1)[y == 1] == 1).mean())
    assert found[False] < 0.3
    assert found[True] > 0.7


def values(seed: int) -> tuple[Any, Floats]:
    """A network of one linear layer on 5 inputs that predicts two values, and the same as a function of numpy."""
    import tf_keras

    rng = np.random.default_rng(seed)
    kernel, bias = rng.normal(size=(5, 2)).astype(np.float32), rng.normal(size=2).astype(np.float32)
    image = tf_keras.layers.Input((5,))
    net = tf_keras.Model(image, tf_keras.layers.Dense(2)(image))
    net.set_weights([kernel, bias])
    return net, lambda x: x @ kernel + bias


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_values_are_learnt_by_their_squared_error(alpha: float) -> None:
    """Float targets: the mean over samples and values; from a teacher its squared distance, untempered."""
    (student, answers), (teacher, taught) = values(1), values(2)
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(7, 5)).astype(np.float32), rng.normal(size=(7, 2)).astype(np.float32)
    error, distance = (float(((answers(x) - goal) ** 2).mean()) for goal in (y, taught(x)))
    assert float(batch_loss(student, x, y)) == pytest.approx(error, rel=1e-5)
    found = batch_loss(student, x, y, Teaching(teacher=teacher, temperature=5.0, alpha=alpha))
    assert float(found) == pytest.approx(alpha * error + (1 - alpha) * distance, rel=1e-5)


def test_values_are_fitted() -> None:
    """A linear layer finds the linear rule that its targets follow."""
    (network_, _), (_, rule) = values(1), values(2)
    x = np.random.default_rng(4).normal(size=(256, 5)).astype(np.float32)
    split = Split(x=x, y=rule(x).astype(np.float32))
    before = float(batch_loss(network_, x, split.y))
    train(network_, TrainingRecipe(epochs=30, batch_size=16, learning_rate=0.03), split, 0)
    assert float(batch_loss(network_, x, split.y)) < 1e-3 * before


def test_the_teacher_is_not_trained() -> None:
    """No gradient reaches it, and its statistics do not move: it runs as in inference."""
    import tensorflow as tf

    teacher = network()
    before = [weight.copy() for weight in teacher.get_weights()]
    student = network()
    fine_tune(student, RECIPE, digits(), 0, 1.0, teaching=Teaching(teacher=teacher, temperature=3.0, alpha=0.1))
    assert all(np.array_equal(a, b) for a, b in zip(before, teacher.get_weights(), strict=True))
    part = digits(16)
    with tf.GradientTape() as tape:
        loss = batch_loss(student, part.x, part.y, Teaching(teacher=teacher, temperature=3.0, alpha=0.1))
    assert all(gradient is None for gradient in tape.gradient(loss, teacher.trainable_variables))


def test_a_student_moves_towards_its_teacher() -> None:
    """Taught by a teacher alone, the student's answers come closer to the teacher's."""
    part = digits()
    teacher = network()
    fine_tune(teacher, RECIPE, part, 5, 1.0)
    student, told = network(), Teaching(teacher=teacher, temperature=3.0, alpha=0.0)
    student.set_weights([weight * 0.5 for weight in student.get_weights()])

    def gap() -> float:
        return float(np.abs(np.asarray(student(part.x)) - np.asarray(teacher(part.x))).mean())

    before = gap()
    fine_tune(student, RECIPE, part, 0, 1.0, teaching=told)
    assert gap() < 0.8 * before


def test_projections_keep_zeros_through_a_fine_tune() -> None:
    """Weights that were zero are exactly zero after real steps of Adam with momentum; the others have moved."""
    net = network()
    masks = {}
    for layer in net.layers:
        if layer.name.startswith(("conv2d", "dense")):
            kernel, *rest = layer.get_weights()
            masks[layer.name] = np.random.default_rng(0).random(kernel.shape) < 0.5
            layer.set_weights([np.where(masks[layer.name], 0, kernel), *rest])
    before = {name: net.get_layer(name).get_weights()[0] for name in masks}
    fine_tune(net, RECIPE, digits(), 0, 1.0, projections=zero_projections(net))
    assert len(masks) == 2
    for name, mask in masks.items():
        kernel = net.get_layer(name).get_weights()[0]
        assert not kernel[mask].any()
        assert (kernel[~mask] != before[name][~mask]).mean() > 0.9


def test_before_step_counts_steps() -> None:
    """Called before every step with (done, in all): 2 epochs of 200 samples by 32 are 12 steps."""
    calls: list[tuple[int, int]] = []
    net = network()
    first = net.get_weights()[0].copy()
    untouched: list[bool] = []

    def before_step(done: int, total: int) -> None:
        calls.append((done, total))
        untouched.append(np.array_equal(net.get_weights()[0], first))

    fine_tune(net, RECIPE, digits(), 0, 1.0, before_step=before_step)
    assert calls == [(done, 12) for done in range(12)]
    assert untouched == [True] + [False] * 11
