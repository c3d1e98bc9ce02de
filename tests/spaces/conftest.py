"""Random trials, random draws of every space, and how many weights a topology has."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import optuna
import pytest

from compressors.layers import Shape
from compressors.topology import Topology
from spaces.catalog import Drawn, find_space
from spaces.graphs import Head
from spaces.trial import Trial

Draws = Callable[[int, int], list[Any]]
RandomDraws = Callable[[str, Shape], tuple[tuple[Mapping[str, Any], Drawn], ...]]


def ending(space: str, input_shape: Shape, n_classes: int = 10) -> tuple[int, Head]:
    """Outputs and head of a space: classes, or the inputs again."""
    return (math.prod(input_shape), "linear") if find_space(space).reconstructs else (n_classes, "softmax")


def drawn_from(space: str, trial: Trial, input_shape: Shape, n_classes: int = 10) -> Drawn:
    """A draw with the outputs and head of its space."""
    n_outputs, head = ending(space, input_shape, n_classes)
    return find_space(space).draw(trial, input_shape, n_outputs, head=head)


def _trials(n: int, seed: int) -> list[Any]:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    return [study.ask() for _ in range(n)]


@pytest.fixture(scope="session")
def random_trials() -> Draws:
    """``random_trials(n, seed)``: trials of a study that samples at random."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return _trials


@pytest.fixture(scope="session")
def random_draws(random_trials: Draws) -> RandomDraws:
    """``random_draws(space, input_shape)``: 30 draws with 10 classes, each with its trial's parameters."""

    @cache
    def draws(space: str, input_shape: Shape) -> tuple[tuple[Mapping[str, Any], Drawn], ...]:
        trials = random_trials(30, 7)
        drawn = [drawn_from(space, trial, input_shape) for trial in trials]
        return tuple((trial.params, result) for trial, result in zip(trials, drawn, strict=True))

    return draws


def weights(topology: Topology) -> int:
    """Weights of the network once batch normalisation is folded into biases."""
    return topology.weights()
