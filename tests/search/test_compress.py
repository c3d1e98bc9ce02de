"""`compress`: plans and accuracies applied once, plans searched, and every mistake answered with a sentence."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from compressors.plan import CompressionPlan
from devices.coding.package import unpack
from search import cli, compress
from search.compress_files import read_plan
from search.datasets.load import load
from search.errors import JobError
from search.job import read_job
from search.progress import Progress
from search.score_document import score_document
from search.scoring import score_file
from search.store import RunFolder
from tests.search.given import BOARD, InlinePool, command, plan_file


def test_a_plan_is_applied(place: Path, tmp_path: Path, inline: object, capsys: pytest.CaptureFixture[str]) -> None:
    """Three rows, the compressed one smaller; the report's figures are those of ``score`` for the written file."""
    plan = plan_file(tmp_path, {"structured_pruning": {"filters": 0.5}})
    out = tmp_path / "out"
    assert command(place, "--plan", plan, "--out", str(out), "--json") == 0
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert document == json.loads((out / "report.json").read_text())
    assert [row["name"] for row in document["rows"]] == ["float32", "int8", "compressed"]
    floats, plain, small = document["rows"]
    assert small["model_bytes"] < plain["model_bytes"] < floats["model_bytes"]
    assert small["params"] < plain["params"] == floats["params"]
    assert floats["accuracy"] == pytest.approx(document["float_accuracy"], abs=0.02)
    scored = score_document(score_file(out / "model.tflite", BOARD, str(place / "bars.npz")))
    for key in ("accuracy", "accuracy_n", "accuracy_low", "test_accuracy", "test_accuracy_n", "model_bytes",
                "arena_bytes", "flash_bytes", "ram_bytes", "macs", "latency_ms", "latency_high_ms"):  # fmt: skip
        assert small[key] == scored[key], key
    assert CompressionPlan.from_mapping(yaml.safe_load((out / "plan.yaml").read_text())) == read_plan(Path(plan))
    assert "a softmax was put behind them" in captured.err


def test_the_table_says_what_the_report_says(
    place: Path, tmp_path: Path, inline: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same as text: a line a row, the techniques, the notes; the same command makes the same file."""
    files = []
    for name in ("one", "two"):
        assert command(place, "--plan", plan_file(tmp_path, {"quantization": {}}), "--out", str(tmp_path / name)) == 0
        files.append((tmp_path / name / "model.tflite").read_bytes())
    assert files[0] == files[1]
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[4:7]] == ["float32", "int8", "compressed"]
    assert lines[5].split()[1:] == lines[6].split()[1:], "the plan is plain int8"
    assert any(line.startswith("compressed by: quantization (weight_bits 8") for line in lines)
    assert any("validation n = 90, test n = 60" in line for line in lines)


def test_pruning_down_to_an_accuracy(
    place: Path, tmp_path: Path, inline: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file keeps the accuracy, and what was tried is said: the least share that failed, and how many."""
    assert command(place, "--max-loss", "0.05", "--out", str(tmp_path / "out"), "--json") == 0
    document = json.loads(capsys.readouterr().out)
    pruning, (_, plain, small) = document["pruning"], document["rows"]
    assert small["accuracy"] >= pruning["floor"] == pytest.approx(document["float_accuracy"] - 0.05)
    assert 0 < pruning["share"] < (pruning["failed"] or 1)
    assert pruning["evaluations"] == 1 + len(pruning["tried"])
    assert {"share": pruning["share"], "accuracy": small["accuracy"]} in pruning["tried"]
    assert small["params"] < plain["params"]


def test_what_does_not_fit_ends_with_1(
    place: Path, tmp_path: Path, inline: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """The files and the table are there all the same."""
    plan = plan_file(tmp_path, {"quantization": {}})
    out = tmp_path / "out"
    assert command(place, "--plan", plan, "--out", str(out), "--set", "budget.ram_bytes=100") == 1
    assert "does not fit: over by ram_bytes by" in capsys.readouterr().out
    assert (out / "model.tflite").exists()


def test_another_scale_is_found(
    place: Path, tmp_path: Path, inline: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """A network of inputs 0..255 is at chance on 0..1, which is said with the remedy; the remedy works."""
    plan = plan_file(tmp_path, {"quantization": {}})
    command(place, "--plan", plan, "--out", str(tmp_path / "a"), model="raw.keras")
    said = capsys.readouterr().err
    assert "no more than chance: was it trained on inputs of another scale" in said
    assert "with --set normalization=none it is right on" in said
    command(place, "--plan", plan, "--out", str(tmp_path / "b"), "--set", "normalization=none", model="raw.keras")
    assert json.loads((tmp_path / "b" / "report.json").read_text())["float_accuracy"] > 0.8
    assert "no more than chance" not in capsys.readouterr().err


def searching(place: Path, runs: Path, trials: int = 3) -> RunFolder:
    given = {
        "data": str(place / "bars.npz"), "device": BOARD, "trials": trials, "workers": 1, "name": "first",
        "network": str(place / "bars.keras"),
    }  # fmt: skip
    job = read_job(None, given, ["epochs=2", "compressors=structured_pruning,quantization"])
    with (runs / "err.txt").open("a") as stream:
        return compress.search_plans(job, runs, Progress(stream), time.monotonic())


def figures(folder: RunFolder) -> list[tuple[object, ...]]:
    return [(each.trial, each.state, each.drawn, each.key, each.score) for each in folder.records()]


def test_a_killed_search_of_plans_goes_on(place: Path, tmp_path: Path, inline: Callable[[InlinePool], None]) -> None:
    """Killed after any trial, the same command gives the same trials and the same front as an undisturbed run."""
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    undisturbed = searching(place, whole)
    assert [each.space for each in undisturbed.records() if each.state == "complete"] == ["given"] * 3
    assert undisturbed.job().network == str(place / "bars.keras")
    assert not list(undisturbed.path.glob("cache/*")), "nothing was trained"

    def kill(count: int) -> None:
        if count == 2:
            raise KeyboardInterrupt

    inline(InlinePool(kill))
    with pytest.raises(KeyboardInterrupt):
        searching(place, broken)
    inline(InlinePool())
    resumed = searching(place, broken)
    assert figures(resumed) == figures(undisturbed)
    assert resumed.front() == undisturbed.front()
    assert resumed.record(0).compression == {"quantization": undisturbed.record(0).compression["quantization"]}  # type: ignore[union-attr]


def test_another_network_of_the_same_name_is_refused(place: Path, tmp_path: Path, inline: object) -> None:
    """A run is about the network that it began with."""
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("bars.npz", "bars.keras"):
        (copy / name).write_bytes((place / name).read_bytes())
    searching(copy, tmp_path, trials=1)
    (copy / "bars.keras").write_bytes((place / "raw.keras").read_bytes())
    with pytest.raises(JobError, match=r"network .* has changed since run 'first' began"):
        searching(copy, tmp_path, trials=2)


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({"structured_prunning": {}}, "no compression technique is called 'structured_prunning'.*structured_pruning"),
        ({"structured_pruning": {"filter": 0.5}}, "no setting 'filter'.*filters"),
        ({"structured_pruning": {"filters": "half"}}, "filters is 'half', must be a number"),
        ({"structured_pruning": {"filters": 1.5}}, "share of filters to prune is 1.5"),
        ({"structured_pruning": 0.5}, "structured_pruning is 0.5: write its settings below it"),
        ([1], "must be a mapping of techniques to settings"),
    ],
)
def test_a_wrong_plan_is_answered(tmp_path: Path, plan: object, words: str) -> None:
    """With the rule, the value, and a guess where a name is wrong."""
    with pytest.raises(JobError, match=words):
        read_plan(Path(plan_file(tmp_path, plan)))


def test_a_plan_that_cannot_be_read(tmp_path: Path) -> None:
    """Missing, or not YAML."""
    with pytest.raises(JobError, match="cannot be read"):
        read_plan(tmp_path / "none.yaml")
    (tmp_path / "plan.yaml").write_text("a: [")
    with pytest.raises(JobError, match="is not YAML"):
        read_plan(tmp_path / "plan.yaml")


def test_a_plan_without_quantisation_is_int8(tmp_path: Path) -> None:
    """What a plan names is kept; a file needs a quantisation, and int8 is the usual one."""
    plan = read_plan(Path(plan_file(tmp_path, {"structured_pruning": {"filters": 0.5}, "quantization": None})))
    assert list(plan.as_mapping()) == ["structured_pruning", "quantization"]
    assert plan.quantization.weight_bits == 8


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (["--plan", "p.yaml", "--max-loss", "0.1"], 2, "leave one out"),
        (["--max-loss", "0.1", "--trials", "3"], 2, "--trials is of a search"),
        (["--plan", "p.yaml", "--name", "x"], 2, "--name is of a search"),
        (["--max-loss", "1.5"], 2, "--max-loss is 1.5"),
        (["--min-accuracy", "0"], 2, "--min-accuracy is 0"),
        (["--out", "x"], 2, "--out goes with a plan or an accuracy"),
        (["--max-loss", "0.1", "--set", "normalization=half"], 2, "normalization is 'half'"),
        (["--max-loss", "0.1", "--set", "space=cnn"], 2, "leave one out"),
    ],
)
def test_wrong_commands(
    place: Path, inline: object, capsys: pytest.CaptureFixture[str], more: list[str], code: int, words: str
) -> None:
    """Usage is answered in words, and stdout stays clean."""
    assert command(place, *more) == code
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.out == ""


def test_an_accuracy_out_of_reach(
    place: Path, tmp_path: Path, inline: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """A network that has less to begin with is not pruned, and nothing is written."""
    out = tmp_path / "out"
    assert command(place, "--min-accuracy", "0.95", "--out", str(out), model="raw.keras") == 2
    assert "train it further or ask for less" in capsys.readouterr().err
    assert not out.exists()


def test_a_plan_that_learns_needs_a_teacher(
    place: Path, tmp_path: Path, inline: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """Named by its file, which is read as the network is; without one the way to name it is said."""
    plan = plan_file(tmp_path, {"distillation": {}})
    assert command(place, "--plan", plan, "--out", str(tmp_path / "a")) == 2
    assert "name its file, --set teacher=" in capsys.readouterr().err
    teacher = f"teacher={place / 'bars.keras'}"
    assert command(place, "--plan", plan, "--out", str(tmp_path / "b"), "--set", teacher, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert "distillation" in document["compression"]
    assert [note for note in document["notes"] if note.startswith("teacher: ")] == [
        f"teacher: {note}" for note in document["notes"] if "logits" in note and not note.startswith("teacher: ")
    ]


def test_a_teacher_s_doubts_are_said(
    place: Path, tmp_path: Path, inline: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that was trained on another scale of inputs teaches nothing; the network itself is in order."""
    plan = plan_file(tmp_path, {"distillation": {}})
    teacher = f"teacher={place / 'raw.keras'}"
    assert command(place, "--plan", plan, "--out", str(tmp_path / "out"), "--set", teacher, "--json") == 0
    notes = json.loads(capsys.readouterr().out)["notes"]
    assert any(note.startswith("teacher: the network is right on ") for note in notes)
    assert any(note.startswith("teacher: with --set normalization=none it is right on ") for note in notes)
    assert not any(note.startswith("the network is right on ") for note in notes)


def test_a_plan_that_the_board_cannot_run(
    place: Path, tmp_path: Path, inline: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """Refused before anything is tuned: TensorFlow Lite Micro has no dynamic range."""
    plan = plan_file(tmp_path, {"quantization": {"activation_bits": 32}})
    assert command(place, "--plan", plan, "--out", str(tmp_path / "a")) == 2
    assert f"the plan cannot be applied to this network: {BOARD} cannot run it" in capsys.readouterr().err


def test_data_of_one_class_are_refused(
    place: Path, tmp_path: Path, inline: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before the network is looked at; a data error, as everywhere."""
    np.savez(tmp_path / "one.npz", x_train=np.arange(360.0).reshape(10, 6, 6, 1), y_train=np.zeros(10, int))
    line = ["compress", str(place / "bars.keras"), "--data", str(tmp_path / "one.npz"), "--device", BOARD]
    assert cli.main([*line, "--max-loss", "0.1"]) == 3
    assert "a classifier needs at least two classes" in capsys.readouterr().err


def test_a_search_takes_no_network_file(place: Path) -> None:
    """Only ``compress`` reads such files: a job that names one is refused elsewhere."""
    from search.problem import resolve

    job = read_job(None, {"data": "digits", "device": BOARD}, [f"network={place / 'bars.keras'}"])
    with pytest.raises(JobError, match="give it to 'tinyfront compress'"):
        resolve(job)


def test_a_coded_plan_writes_the_package(
    place: Path, tmp_path: Path, inline: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file is the int8 one, the report's flash and RAM are those of its package; a Linux board refuses the plan."""
    plan = plan_file(tmp_path, {"huffman_coding": {"decode_at_start": True}})
    out = tmp_path / "out"
    assert command(place, "--plan", plan, "--out", str(out), "--json") == 0
    _, plain, small = json.loads(capsys.readouterr().out)["rows"]
    assert unpack((out / "model.tfh").read_bytes()) == (out / "model.tflite").read_bytes()
    assert small["sha256"] == plain["sha256"]
    assert small["accuracy"] == plain["accuracy"]
    package, model = (out / "model.tfh").stat().st_size, plain["model_bytes"]
    assert plain["flash_bytes"] - small["flash_bytes"] == model - package - 477
    assert small["ram_bytes"] - plain["ram_bytes"] == -(-model // 16) * 16
    assert command(place, "--plan", plan, "--out", str(tmp_path / "pi"), "--device", "raspberry-pi-4b") == 2
    assert "raspberry-pi-4b cannot unpack a Huffman-coded model" in capsys.readouterr().err


@pytest.mark.parametrize(
    "settings",
    [{"activation_bits": 32}, {"weight_bits": 16, "activation_bits": 32}, {}],
    ids=["dynamic range", "float16", "int8"],
)
def test_a_linux_board_is_judged_by_its_own_interpreter(
    settings: dict[str, int], place: Path, tmp_path: Path, inline: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """What microcontrollers refuse runs there, in LiteRT with XNNPACK, and the report says so."""
    plan = plan_file(tmp_path, {"quantization": settings})
    assert command(place, "--plan", plan, "--out", str(tmp_path / "pi"), "--device", "raspberry-pi-4b", "--json") == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {row["interpreter"] for row in rows} == {"xnnpack"}
    assert rows[-1]["accuracy"] == pytest.approx(rows[0]["accuracy"], abs=0.05)


def test_what_was_left_alone_is_reported(
    place: Path, tmp_path: Path, inline: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """The layers that a technique could not be applied to, with the reason."""
    plan = plan_file(tmp_path, {"structured_pruning": {"filters": 0.5, "metric": "l2"}})
    assert command(place, "--plan", plan, "--out", str(tmp_path / "out"), "--json") == 0
    notes = json.loads(capsys.readouterr().out)["notes"]
    assert any(note.startswith("structured_pruning leaves as they are: ") for note in notes)


def predicting(folder: Path, *more: str) -> list[str]:
    """The command for a linear regression of the diabetes table, behind a layer that has units to spare."""
    import tf_keras

    data = load("diabetes")
    inputs = np.c_[data.train.x, np.ones(len(data.train))].astype(np.float64)
    *kernel, bias = np.linalg.lstsq(inputs, data.in_units(data.train.y), rcond=None)[0]
    layers = (tf_keras.Input((10,)), tf_keras.layers.Dense(20, activation="relu"), tf_keras.layers.Dense(1))
    network = tf_keras.Sequential(list(layers))
    eyes = np.concatenate([np.eye(10), np.zeros((10, 10))], axis=1)
    network.set_weights([eyes, np.zeros(20), np.concatenate([kernel, np.zeros((10, 1))]), bias])
    network.save(folder / "linear.keras")
    line = ["compress", str(folder / "linear.keras"), "--data", "diabetes", "--device", BOARD, "--workers", "1"]
    return [*line, "--set", "epochs=5", *more]


def test_values_are_pruned_down_to_an_r2(tmp_path: Path, inline: object, capsys: pytest.CaptureFixture[str]) -> None:
    """The ten units that say nothing go; the floor counts on the file's R2, which ``score`` measures again."""
    out = tmp_path / "out"
    assert cli.main(predicting(tmp_path, "--max-loss", "0.02", "--out", str(out), "--json")) == 0
    document = json.loads(capsys.readouterr().out)
    _, plain, small = document["rows"]
    assert document["pruning"]["share"] >= 0.5
    assert document["pruning"]["floor"] == pytest.approx(document["float_r2"] - 0.02)
    assert small["r2"] >= document["pruning"]["floor"]
    assert small["params"] <= 0.55 * plain["params"]
    scored = score_document(score_file(out / "model.tflite", BOARD, "diabetes"))
    for key in ("rmse", "rmse_low", "mae", "r2", "r2_n", "test_rmse", "test_mae", "test_r2", "test_r2_high"):
        assert small[key] == scored[key], key


def test_an_r2_out_of_reach(tmp_path: Path, inline: object, capsys: pytest.CaptureFixture[str]) -> None:
    """What is called accuracy is said; and a loss that would leave nothing is refused."""
    assert cli.main(predicting(tmp_path, "--min-accuracy", "0.9", "--out", str(tmp_path / "out"))) == 2
    assert "0.9000 must be kept: train it further or ask for less (accuracy is R2 here)" in capsys.readouterr().err
    assert cli.main(predicting(tmp_path, "--max-loss", "0.9", "--out", str(tmp_path / "out"))) == 2
    said = capsys.readouterr().err
    assert "the network has R2 0." in said
    assert "and --max-loss 0.9 leaves -0." in said
    assert not (tmp_path / "out").exists()
