"""How long scores take: a cold command, a file in process, a lowered candidate, the whole catalogue.

Run from the checkout, with the shared models beside it::

    python -m tests.benchmarks.scoring_speed [--models ../shared/data] [--model FILE] [--draws 20] [--repeats 5]

Candidates are random draws of every space for 28 x 28 images, lowered as a
search does before it trains anything.  All figures are medians: cold commands by
the wall clock, the rest as CPU time of one thread, which other processes on the
machine do not disturb.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from compressors.catalog import COMPRESSORS
from compressors.compressor import CompressionError
from compressors.layers import TopologyError
from compressors.lower import lower
from devices.boards import load_device
from devices.device import Device
from devices.flatbuffer import ModelFileError, read_graph
from devices.graph import Graph
from devices.measure import footprint, measure
from devices.slim import predicted_bytes, slim
from search.scoring import score_everywhere
from spaces.catalog import spaces_for
from spaces.compression import draw_plan
from spaces.errors import SpaceError

CHECKOUT = Path(__file__).parents[2]
MODELS = CHECKOUT.parent / "shared" / "data"
PERSON_DETECT = MODELS / "models_tflm/models/person_detect.tflite"
BOARD = "nucleo-l4r5zi"
INPUT_SHAPE, CLASSES = (28, 28, 1), 10


def milliseconds(work: Callable[[], object], repeats: int, clock: Callable[[], float] = time.process_time) -> float:
    """Median time of `work` in milliseconds of `clock`."""
    times = []
    for _ in range(repeats):
        start = clock()
        work()
        times.append(clock() - start)
    return 1000 * statistics.median(times)


def cold(arguments: list[str], repeats: int) -> float:
    """Milliseconds of ``tinyfront score`` with these arguments, each time in a new process."""
    command = [sys.executable, "-m", "search", "score", *arguments]

    def run() -> None:
        done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1):  # 1: it does not fit
            raise RuntimeError(done.stderr)

    return milliseconds(run, repeats, clock=time.perf_counter)


def candidates(draws: int) -> Iterator[tuple[str, Graph]]:
    """(space, lowered graph) of random candidates, as many as `draws` a space."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for space in spaces_for(INPUT_SHAPE):
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        for _ in range(draws):
            trial = study.ask()
            try:
                topology = space.draw(trial, INPUT_SHAPE, CLASSES).topology
                plan = draw_plan(trial, COMPRESSORS)
                yield space.name, lower(plan.outline(topology), plan.quantization)
            except (SpaceError, TopologyError, CompressionError):
                continue


def print_files(models: Path, device: Device, repeats: int) -> None:
    """A line a shared model: bytes, operators, milliseconds to measure and to slim it."""
    print(f"{'model':<60} {'bytes':>8} {'ops':>4} {'measure ms':>10} {'slim ms':>8}")
    for path in sorted(models.glob("models_*/**/*.tflite")):
        content = path.read_bytes()
        try:
            n_operators = len(read_graph(content).operators)
        except ModelFileError:
            continue
        measured = milliseconds(partial(measure, content, device), repeats)
        slimmed = milliseconds(partial(slim, content), repeats)
        name = str(path.relative_to(models))[-60:]
        print(f"{name:<60} {len(content):>8} {n_operators:>4} {measured:>10.2f} {slimmed:>8.2f}")


def print_candidates(device: Device, draws: int, repeats: int) -> None:
    """A line a space and one of all: median and largest milliseconds of a footprint, and of the predicted bytes."""
    times: dict[str, list[tuple[float, float]]] = {}
    for name, graph in candidates(draws):
        predicted = milliseconds(partial(predicted_bytes, graph), repeats)
        found = milliseconds(partial(footprint, graph, device, 0), repeats)
        times.setdefault(name, []).append((found, predicted))
    everything = [pair for pairs in times.values() for pair in pairs]
    print(
        f"{'lowered candidates of':<22} {'n':>4} {'footprint ms':>13} {'largest':>8} {'file bytes ms':>14} {'both':>7}"
    )
    for name, pairs in [*times.items(), ("all spaces", everything)]:
        costs, files = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        both = statistics.median(cost + file for cost, file in pairs)
        print(
            f"{name:<22} {len(pairs):>4} {statistics.median(costs):>13.2f} {max(costs):>8.2f} "
            f"{statistics.median(files):>14.2f} {both:>7.2f}"
        )


def main() -> None:
    """Print the four tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=Path, default=MODELS)
    parser.add_argument("--model", type=Path, default=PERSON_DETECT, help="what is scored cold")
    parser.add_argument("--draws", type=int, default=20, help="candidates a space")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    device, model = load_device(BOARD), str(options.model)
    print(f"{options.model.name}, {options.model.stat().st_size} B, medians of {options.repeats}:")
    print(f"  cold score --device {BOARD}: {cold([model, '--device', BOARD], options.repeats):.0f} ms")
    print(f"  cold score --all-devices: {cold([model, '--all-devices'], options.repeats):.0f} ms")
    everywhere = milliseconds(partial(score_everywhere, options.model), options.repeats)
    print(f"  all boards in process, Vela's own time left out: {everywhere:.0f} ms\n")
    print_files(options.models, device, options.repeats)
    print()
    print_candidates(device, options.draws, options.repeats)


if __name__ == "__main__":
    main()
