"""Every name of a job is looked up, or refused with a guess, before anything is loaded or written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from optuna.trial import FixedTrial

from compressors.catalog import COMPRESSORS
from compressors.compressor import Stage
from search.errors import DataError, JobError
from search.frontends import Choice, parameters_of
from search.job import Job, Limits
from search.problem import resolve
from search.screen import draw
from spaces.catalog import SPACES, find_space
from spaces.compression import plan_parameters


def job(folder: Path, shape: tuple[int, ...] = (12,)) -> Job:
    """A job on 60 random samples of that shape in three classes."""
    rng = np.random.default_rng(0)
    file = folder / "samples.npz"
    np.savez(file, x_train=rng.normal(size=(60, *shape)).astype(np.float32), y_train=np.arange(60) % 3)
    return Job(data=str(file), device="nucleo-l432kc", trials=1)


def test_what_a_job_leaves_open(tmp_path: Path) -> None:
    """All techniques that need no teacher, the board's own limits, the spaces that suit the data's shape."""
    problem = resolve(job(tmp_path))
    assert problem.compressors == tuple(each for each in COMPRESSORS if each.name != "distillation")
    assert (problem.budget.flash_bytes, problem.budget.ram_bytes) == (256 * 1024, 64 * 1024)
    assert problem.budget.latency_ms is None
    assert problem.data.input_shape == (12,)
    assert (len(problem.data.train), len(problem.data.validation), len(problem.data.test)) == (36, 12, 12)
    assert problem.spaces == (find_space("mlp"), find_space("autokeras_dense"))
    names = {space.name for space in problem.spaces}
    assert "mlp" in names
    assert "ds_cnn" not in names


def test_sounds_are_augmented_before_their_front_end(tmp_path: Path) -> None:
    given = replace(job(tmp_path, (2000,)), frontend={"mfcc": {"sample_rate_hz": 8000}}, augment=3)
    problem = resolve(given)
    assert len(problem.data.train) == 4 * 36
    assert len(problem.data.validation) == 12
    assert "trained on with 3 varied copies of each training sound" in problem.data_notes
    assert given.run_name != replace(given, augment=0).run_name


@pytest.mark.parametrize("change", [{}, {"frontend": {"standardise": {}}}])
def test_other_data_are_not_augmented(tmp_path: Path, change: dict[str, Any]) -> None:
    """Of numbers nobody knows what may be changed without changing the class."""
    with pytest.raises(JobError, match=r"augment is 2: copies are made of sounds .* has front-end (none|standardise)"):
        resolve(replace(job(tmp_path), augment=2, **change))


_STATISTICS = {"window_statistics": {"mean": (True, False), "kurtosis": (False, True)}}


def test_searched_front_ends_are_data_sets_of_their_own(tmp_path: Path) -> None:
    """One for each combination; candidates of them differ in key, input, cost and weights."""
    given = replace(job(tmp_path, (32, 1, 2)), frontend=_STATISTICS, space=("mlp",))
    problem = resolve(given)
    assert [data.input_shape for data in problem.datasets] == [(12,), (14,), (10,), (12,)]
    assert problem.data is problem.datasets[0]
    assert len({data.digest() for data in problem.datasets}) == 4
    anchor = problem.spaces[0].anchors((12,))[0]
    plan = plan_parameters(problem.compressors, strongest=False)
    recipe = {"recipe/batch_size#": 0, "recipe/learning_rate": 1e-2, "recipe/shift": 0}
    drawn = [
        draw(FixedTrial({**frontend, **anchor, **plan, **recipe}), problem) for frontend in parameters_of(_STATISTICS)
    ]
    assert [each.variant for each in drawn] == [0, 1, 2, 3]
    assert len({each.key for each in drawn}) == 4
    for each in drawn:
        pipeline = problem.datasets[each.variant].frontend
        assert pipeline is not None
        assert each.footprint.frontend_flash_bytes == pipeline.cost(problem.device).flash_bytes


def test_a_fixed_front_end_is_one_data_set(tmp_path: Path) -> None:
    problem = resolve(replace(job(tmp_path, (32, 1, 2)), frontend={"window_statistics": {}}))
    assert problem.variants == ()
    assert problem.datasets == (problem.data,)
    assert problem.data.input_shape == (12,)


def test_rescaled_digits_are_searched_and_their_cost_holds_the_front_end() -> None:
    """The built-in images at two sizes; a candidate's flash, RAM and time are with the rescaling."""
    frontend: Choice = {"image_rescale": {"height": 4, "width": (4, 6)}}
    problem = resolve(Job(data="digits", device="nucleo-l432kc", trials=1, space=("cnn",), frontend=frontend))
    assert [data.input_shape for data in problem.datasets] == [(4, 4, 1), (4, 6, 1)]
    pipeline = problem.data.frontend
    assert pipeline is not None
    assert pipeline.input_shape == (8, 8, 1)
    anchor = problem.spaces[0].anchors((4, 4, 1))[0]
    plan = plan_parameters(problem.compressors, strongest=False)
    recipe = {"recipe/batch_size#": 0, "recipe/learning_rate": 1e-2, "recipe/shift": 0}
    footprint = draw(FixedTrial({"frontend/width": 4, **anchor, **plan, **recipe}), problem).footprint
    cost = pipeline.cost(problem.device)
    assert footprint.frontend_flash_bytes == cost.flash_bytes > 0
    assert footprint.frontend_ram_bytes == cost.ram_bytes == 4 * 64 + 4
    assert footprint.frontend_ms == cost.latency_ms > 0


@pytest.mark.parametrize("change", [{"compressors": ("quantization", "distillation")}, {"network": "net.keras"}])
def test_what_knows_one_shape_refuses_searched_front_ends(tmp_path: Path, change: dict[str, Any]) -> None:
    given = replace(job(tmp_path, (32, 1, 2)), frontend=_STATISTICS, **change)
    with pytest.raises(JobError, match="lists values of the front-end's mean, kurtosis to search, and a"):
        resolve(given, lambda _: None)  # type: ignore[arg-type, return-value]


def test_what_a_job_names(tmp_path: Path) -> None:
    """Named spaces and techniques only, in the catalogue's order; a limit that is set."""
    given = replace(
        job(tmp_path, (8, 8)), space=("mlp", "cnn"), compressors=("quantization",), budget=Limits(ram_bytes=5_000)
    )
    problem = resolve(given)
    assert [space.name for space in problem.spaces] == ["cnn", "mlp"]
    assert [each.name for each in problem.compressors] == ["quantization"]
    assert problem.budget.ram_bytes == 5_000
    objectives = ("accuracy", "flash_bytes", "ram_bytes", "latency_ms")
    assert problem.job == replace(
        given, task="classification", metric="accuracy", objectives=objectives, name=given.run_name
    )


@pytest.mark.parametrize(
    ("board", "coders"),
    [
        ("nucleo-l432kc", {"lookup_tables", "huffman_coding"}),
        ("esp32-devkitc", {"huffman_coding"}),
        ("raspberry-pi-4b", set()),
    ],
)
def test_coding_is_for_boards_that_decode(tmp_path: Path, board: str, coders: set[str]) -> None:
    """Left open, each technique of coding is searched where the board has its decoder."""
    found = resolve(replace(job(tmp_path), device=board)).compressors
    assert {each.name for each in found if each.stage is Stage.CODING} == coders


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"device": "nucleo-l432k"}, "did you mean 'nucleo-l432kc'"),
        ({"objectives": ("acuracy",)}, "did you mean 'accuracy'"),
        ({"strategy": "tpee"}, "unknown strategy 'tpee': did you mean 'tpe'"),
        ({"compressors": ("quantisation",)}, "unknown compressor 'quantisation': did you mean 'quantization'"),
        ({"compressors": ("quantization", "accuracy_pruning")}, "'accuracy_pruning' has nothing for a search to draw"),
        ({"space": ("mlp", "ds_cn")}, "unknown space 'ds_cn': did you mean 'ds_cnn'"),
        ({"compressors": ("structured_pruning",)}, "add 'quantization'"),
        (
            {"device": "raspberry-pi-4b", "compressors": ("quantization", "lookup_tables")},
            "'lookup_tables' needs a decoder, which raspberry-pi-4b has not",
        ),
        (
            {"device": "raspberry-pi-4b", "compressors": ("quantization", "huffman_coding")},
            "'huffman_coding' needs a decoder, which raspberry-pi-4b has not",
        ),
    ],
)
def test_unknown_names_are_refused_before_data_is_loaded(change: dict[str, Any], sentence: str) -> None:
    """The data does not exist: the name is what is complained of, so nothing slow came before."""
    with pytest.raises(JobError, match=sentence):
        resolve(replace(Job(data="absent.npz", device="nucleo-l432kc", trials=1), **change))


def test_data_that_is_not_there() -> None:
    """With every name in order, the data is what is missing."""
    with pytest.raises(DataError, match=r"absent\.npz"):
        resolve(Job(data="absent.npz", device="nucleo-l432kc", trials=1))


def test_spaces_that_do_not_take_the_shape(tmp_path: Path) -> None:
    """A named one is refused with shape and reason, beside one that takes it too; unnamed ones are left out."""
    given = replace(job(tmp_path), space=("ds_cnn",))
    reason = next(space for space in SPACES if space.name == "ds_cnn").accepts((12,))
    assert reason
    for names in (("ds_cnn",), ("mlp", "ds_cnn")):
        with pytest.raises(JobError) as caught:
            resolve(replace(given, space=names))
        assert str(caught.value) == f"space 'ds_cnn' takes no inputs of shape (12,): {reason}; leave it out"
    assert "ds_cnn" not in [space.name for space in resolve(replace(given, space=())).spaces]


def test_a_named_space_of_another_task(tmp_path: Path) -> None:
    """Beside one of the task's own."""
    with pytest.raises(JobError, match="space 'autoencoder' gives its input back, and predicts nothing: name another"):
        resolve(replace(job(tmp_path), space=("mlp", "autoencoder")))


def test_what_loading_had_to_say(tmp_path: Path) -> None:
    """The split and what was done to the data; a column's name cannot steer the terminal."""
    rows = "".join(f"{'' if index == 3 else index},{'uv'[index % 2]}\n" for index in range(40))
    (tmp_path / "table.csv").write_text(f"a\x1b[31mb,kind\n{rows}")
    notes = resolve(Job(data=str(tmp_path / "table.csv"), device="nucleo-l432kc", trials=1)).data_notes
    assert notes[0] == (
        "split class by class: train 24 (12 to 12 a class), validation 8 (4 to 4 a class), test 8 (4 to 4 a class)"
    )
    assert "\x1b" not in "".join(notes)
