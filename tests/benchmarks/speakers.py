"""What helps with a voice that nobody heard before: one network on spoken digits, a measure more a row.

    python -m tests.benchmarks.speakers SHARED FOLDER [--seeds 2]

Four speakers train, a fifth validates, a sixth tests.  The network is the
fourth anchor of `ds_cnn` in float32, trained for about 2,400 steps.  Accuracies are
means over the seeds of first weights and order; about a minute a training.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from optuna.trial import FixedTrial

from search.evaluate import float_accuracy
from search.frontends import choice_of
from search.job import Job, read_job
from search.problem import resolve
from search.train import configure_threads, train
from spaces.birth import birth
from spaces.candidate import TrainingRecipe
from spaces.catalog import find_space
from tests.benchmarks.real_data import SETS, made

_MEL = {"mel_bins": 24, "log_offset": 0.01}
_PEAK = {**_MEL, "level": "peak"}
_CENTRED = {**_PEAK, "mean_normalization": True}
ROWS: tuple[tuple[str, Mapping[str, Mapping[str, object]], int, bool], ...] = (
    ("`micro_frontend`", {"micro_frontend": {"channels": 24}}, 0, False),
    ("`log_mel`", {"log_mel": _MEL}, 0, False),
    ("... and `level: peak`", {"log_mel": _PEAK}, 0, False),
    ("... and `mean_normalization`", {"log_mel": _CENTRED}, 0, False),
    ("... and `augment: 6`", {"log_mel": _CENTRED}, 6, False),
    ("... and bands kept", {"log_mel": _CENTRED}, 6, True),
    ("without `mean_normalization`", {"log_mel": _PEAK}, 6, True),
    ("without `augment`", {"log_mel": _CENTRED}, 0, True),
)
_STEPS, _BATCH = 2400, 32


def accuracies(job: Job, *, keeps_bands: bool, seeds: int) -> list[tuple[float, float]]:
    """Accuracy on validation and test data of the network trained with each seed."""
    data = resolve(job).data
    space = find_space("ds_cnn")
    anchor = {**space.anchors(data.input_shape)[3], "ds_cnn/keeps_bands": keeps_bands}
    drawn = space.draw(FixedTrial(anchor), data.input_shape, data.n_outputs)
    epochs = max(1, round(_STEPS * _BATCH / len(data.train)))
    recipe = TrainingRecipe(epochs=epochs, batch_size=_BATCH, learning_rate=5e-3, shift=0)
    found = []
    for seed in range(seeds):
        network = birth(drawn.architecture, data.input_shape, data.n_outputs, seed)
        train(network, recipe, data.train, seed)
        found.append((float_accuracy(network, data.validation), float_accuracy(network, data.test)))
    return found


def main() -> None:
    """Print a line a row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    configure_threads()
    reference = made("fsdd", options.shared, options.folder)
    settings = SETS["fsdd"].arguments()[1::2]
    plain = read_job(None, {"data": str(reference), "device": SETS["fsdd"].device, "trials": 1}, settings)
    print("| front-end and training | validation | test |\n|---|---|---|")
    for title, frontend, copies, keeps_bands in ROWS:
        job = replace(plain, frontend=choice_of(frontend), augment=copies)
        means = np.mean(accuracies(job, keeps_bands=keeps_bands, seeds=options.seeds), axis=0)
        print(f"| {title} | {100 * means[0]:.1f} % | {100 * means[1]:.1f} % |", flush=True)


if __name__ == "__main__":
    main()
