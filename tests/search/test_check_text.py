"""What ``tinyfront check`` prints."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from search.check_text import check_document, check_text, warnings
from search.columns import WIDTH
from search.datasets.facts import TargetFacts
from search.metrics.measurement import Measurement
from tests.search.checked import DATA, checked, space


def test_all_that_was_found_is_said() -> None:
    """Samples, classes, values, the baseline with its interval, what is searched, what not and why, and the time."""
    text = check_text(checked())
    flat = " ".join(text.split())
    for words in (
        "weather: 800 samples of 12 = 12 inputs, classification into 3 classes",
        "training 600 75 % -5 to 31.5 20 to 500 2",
        "classes (training): 'calm' 500, 'storm' 80, 'hail' 20",
        "always answering 'calm', on the validation split (n = 50, 95 % intervals): accuracy 80.0 (67.0-88.8) %",
        "limits: flash 262.1 kB, RAM 65.5 kB, latency 20.0 ms",
        "mlp 99 to 12345 1.5 to 17.0",
        "4 of 5",
        "0 of 5, nor compressed",
        "cnn, ds_cnn (no image); autoencoder (for another task)",
        "techniques: quantization, structured_pruning",
        "objectives: accuracy, flash_bytes; strategy tpe",
        "about 4.0 s a trained trial; with 2 workers about 56 trials in 2 min 00 s (est.",
        "from a mlp of 640 multiply-accumulates that was thrown away: 1.00 ms a training step, 1200 steps",
    ):
        assert words in flat, words
    assert [line for line in text.splitlines() if len(line) > WIDTH] == []
    assert text.endswith("\n")


def test_every_warning_names_what_to_do() -> None:
    """Leaks, repeats, contradictions, imbalance, a missing class, few samples, constant columns: one sentence each."""
    said = warnings(DATA)
    for sentence, start in zip(
        said,
        (
            "7 of 150 test samples are in the training split, too",
            "2 samples repeat an earlier one",
            "4 samples have the inputs of samples with another label or target",
            "class 'calm' has 25.0 times the training samples of 'hail'",
            "the validation split has no sample of class 'hail'",
            "validation has 50 samples: accuracy moves in steps of 2 %",
            "2 of 12 columns never change in the training split (such as number 3, 12)",
        ),
        strict=True,
    ):
        assert sentence.startswith(start), sentence
    assert all(f"! {sentence[:40]}" in check_text(checked()) for sentence in said)


def test_who_judges_by_log_loss_is_not_told_to() -> None:
    """In text and document; the trivial answer's log loss is that of the shares, and says so."""
    job = replace(checked().job, metric="log_loss")
    figures = {**DATA.baseline, "log_loss": Measurement(value=0.5, n=50, low=0.25, high=0.75)}
    for found in (checked(job=job), checked(job=job, data=replace(DATA, baseline=figures))):
        assert "--metric log_loss" not in check_text(found)
        assert [each for each in check_document(found)["warnings"] if each.startswith("validation has 50 samples: ")]
    assert "%, log loss of the classes' shares 0.500 (0.250-0.750)" in " ".join(check_text(found).split())
    assert "--metric log_loss" in " ".join(check_text(checked()).split())


def test_good_data_has_no_warnings() -> None:
    """Nothing is said where nothing is wrong; constant pixels of an image are no fault."""
    splits = {name: replace(split, n=300, counts=(100, 100, 100), repeated=0) for name, split in DATA.splits.items()}
    good = replace(DATA, splits=splits, shared=dict.fromkeys(DATA.shared, 0), contradictions=0, input_shape=(4, 3, 1))
    assert warnings(good) == ()
    assert "!" not in check_text(checked(data=good))
    assert "constant inputs: 2 of 12" in check_text(checked(data=good))


def test_a_front_end_is_named() -> None:
    """With the shape of what it takes; nothing is said where there is none."""
    behind = replace(DATA, frontend="mfcc", raw_shape=(8000, 1))
    assert "  made by front-end mfcc of 8000 x 1\n" in check_text(checked(data=behind))
    assert "front-end" not in check_text(checked())


def test_values_are_told_in_their_unit() -> None:
    """Each target with its range, mean and deviation; the baseline is the mean; there are no classes to count."""
    rain = TargetFacts(name="rain", mean=3.25, deviation=2.0, lowest=0.0, highest=81.0)
    splits = {name: replace(split, counts=()) for name, split in DATA.splits.items()}
    figures = {"rmse": Measurement(value=2.5, n=50, low=2.25, high=2.75)}
    values = replace(
        DATA, task="regression", labels=(), targets=(rain,), splits=splits, trivial="the mean", baseline=figures
    )
    flat = " ".join(check_text(checked(data=values)).split())
    for words in (
        "= 12 inputs, regression of 1 target",
        "targets (training): 'rain' 0 to 81, mean 3.25, deviation 2",
        "always answering the mean, on the validation split (n = 50, 95 % intervals): RMSE 2.50 (2.25-2.75)",
        "validation has 50 samples: candidates",
    ):
        assert words in flat, words
    assert "class" not in flat.split("nucleo")[0]


def test_nothing_fits() -> None:
    """The reason stands with the board; no time is given."""
    text = check_text(checked(nothing_fits="nothing fits crumb: too small", time=None, left_out={}))
    assert "nothing fits crumb: too small" in text
    assert "trained trial" not in text
    assert "not searched" not in text
    assert check_document(checked(nothing_fits="no", time=None))["can_be_searched"] is False


def test_names_from_the_data_cannot_steer_the_terminal() -> None:
    """Long names are cut, and what is not printable is replaced."""
    odd = replace(DATA, name="\x1b[2J", labels=("\x1b[31m", "b" * 500, "c"), trivial="\x1b[31m")
    text = check_text(checked(data=odd))
    assert "\x1b" not in text
    assert "b" * 40 not in text


def test_many_classes_are_counted_not_listed() -> None:
    """Twelve, and how many more."""
    labels = tuple(f"c{index}" for index in range(40))
    splits = {name: replace(split, counts=(15,) * 40) for name, split in DATA.splits.items()}
    text = check_text(checked(data=replace(DATA, labels=labels, splits=splits, trivial="c0")))
    assert "'c11' 15, and 28 more" in text
    assert "'c12'" not in text


def test_the_least_costs_are_said_to_be() -> None:
    """On a board with an accelerator a network costs more once its weights are known."""
    assert "least they can" not in check_text(checked())
    assert "least they can cost" in " ".join(check_text(checked(is_least=True)).split())


def test_one_worker_is_one() -> None:
    """Grammar."""
    assert "with 1 worker about" in check_text(checked(workers=1))


@pytest.mark.parametrize("key", ["flash_bytes", "ram_bytes", "arena_bytes", "model_bytes", "latency_ms"])
def test_the_document_has_the_figures_of_a_footprint(key: str) -> None:
    """Derived ones, too, for the smallest and the largest network; it is plain JSON."""
    document = json.loads(json.dumps(check_document(checked(spaces=(space(),))), allow_nan=False))
    [row] = document["spaces"]
    assert row["smallest"][key] == getattr(space().smallest, key)
    assert row["largest"][key] == getattr(space().largest, key)


def test_the_document_has_what_the_text_has() -> None:
    """Baseline with interval, imbalance, warnings, trials and seconds."""
    document = check_document(checked())
    assert document["data"]["baseline"]["accuracy"]["value"] == 0.8
    assert document["data"]["imbalance"] == 25.0
    assert document["warnings"] == list(warnings(DATA))
    assert (document["trials"], document["seconds"], document["can_be_searched"]) == (56, 120.0, True)
    assert document["time"]["spent"]["step"] == 0.001
    assert document["left_out"]["cnn"] == "no image"


def test_how_the_data_were_split_is_said() -> None:
    """What loading had to say stands between the samples and the warnings, and in the document."""
    found = checked(data_notes=("split by group: train 4", "clips are 1 s"))
    assert "\n\n- split by group: train 4\n- clips are 1 s\n\n" in check_text(found)
    assert check_document(found)["data_notes"] == ["split by group: train 4", "clips are 1 s"]
