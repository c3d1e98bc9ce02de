"""Layers get 4-bit weights by what they suffer; the file has them, and its plan makes it again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from compressors.plan import CompressionPlan
from compressors.quantization import Quantization
from compressors.quantization_aware_training import QuantizationAwareTraining
from compressors.structured_pruning import StructuredPruning
from devices.flatbuffer import read_graph
from devices.graph import DType
from search.errors import JobError
from search.mixed_trial import MixedTarget, require_mixable, with_quantization
from tests.search.given import command, plan_file


def overrides(folder: Path) -> dict[str, float]:
    settings = yaml.safe_load((folder / "plan.yaml").read_text())["quantization"]
    return {key.removeprefix("overrides."): bits for key, bits in settings.items() if key.startswith("overrides.")}


def four_bit(folder: Path) -> list[int]:
    """Weights of each 4-bit tensor of the file, by size."""
    graph = read_graph((folder / "model.tflite").read_bytes())
    return sorted(tensor.elements for tensor in graph.tensors if tensor.dtype is DType.INT4)


def test_a_byte_limit_is_met_by_some_layers(
    place: Path, tmp_path: Path, inline: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """The layers named in the plan are 4-bit in the file; the same plan gives the same bytes again."""
    assert command(place, "--mixed-bytes", "1000000", "--out", str(tmp_path / "all"), "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert overrides(tmp_path / "all") == {}
    assert four_bit(tmp_path / "all") == []
    assert "mixed precision: no layer got 4-bit weights" in document["notes"]
    plain = document["rows"][1]["model_bytes"]
    some = tmp_path / "some"
    assert command(place, "--mixed-bytes", str(plain - 60), "--out", str(some), "--json") == 0
    document = json.loads(capsys.readouterr().out)
    chosen = overrides(some)
    assert 0 < len(chosen) < 3
    assert len(four_bit(some)) == len(chosen)
    assert document["rows"][2]["model_bytes"] <= plain - 60
    assert any(note.endswith(f"4-bit tensors in the file: {len(chosen)}") for note in document["notes"])
    again = tmp_path / "again"
    assert command(place, "--plan", str(some / "plan.yaml"), "--out", str(again)) == 0
    assert (again / "model.tflite").read_bytes() == (some / "model.tflite").read_bytes()


def test_a_loss_goes_with_a_plan(
    place: Path, tmp_path: Path, inline: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """Layers of the pruned network are measured; with any loss allowed all have 4 bits, and it replays."""
    plan, out, again = plan_file(tmp_path, {"structured_pruning": {"filters": 0.5}}), tmp_path / "o", tmp_path / "a"
    assert command(place, "--plan", plan, "--mixed-loss", "0.99", "--out", str(out)) == 0
    assert "compressed by: structured_pruning" in capsys.readouterr().out
    assert set(overrides(out).values()) == {4.0}
    assert four_bit(out) == [3 * 3 * 1 * 4, 3 * 16, 3 * 3 * 4 * 4], "4 filters of 8, with 2x2 places before the end"
    assert command(place, "--plan", str(out / "plan.yaml"), "--out", str(again)) == 0
    assert (again / "model.tflite").read_bytes() == (out / "model.tflite").read_bytes()


def test_bytes_out_of_reach(place: Path, tmp_path: Path, inline: object, capsys: pytest.CaptureFixture[str]) -> None:
    """Said with what is the least, and nothing is written."""
    assert command(place, "--mixed-bytes", "100", "--out", str(tmp_path / "o")) == 2
    assert "the limit is 100: raise it, or prune filters" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--mixed-loss", "0.1", "--mixed-bytes", "5"), "--mixed-loss and --mixed-bytes both say"),
        (("--mixed-loss", "1"), "--mixed-loss is 1.0, must be at least 0 and below 1"),
        (("--mixed-bytes", "0"), "--mixed-bytes is 0, must be at least 1"),
        (("--mixed-loss", "0.1", "--max-loss", "0.1"), "prune first and give the plan.yaml"),
        (("--mixed-loss", "0.1", "--trials", "2"), "--trials is of a search, --mixed-loss and --mixed-bytes"),
    ],
)
def test_wrong_commands(
    place: Path, inline: object, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], words: str
) -> None:
    """Answered before anything is read."""
    assert command(place, *more) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (CompressionPlan.of(Quantization(weight_bits=4)), "the plan has 4-bit weights and 8-bit activations"),
        (CompressionPlan.of(Quantization(activation_bits=16)), "8-bit weights and 16-bit activations"),
        (CompressionPlan.of(Quantization(overrides=(("c", 4.0),))), "gives layers their bits itself"),
        (CompressionPlan.of(QuantizationAwareTraining(), Quantization()), "trains for bits that are known"),
    ],
)
def test_plans_that_have_decided(plan: CompressionPlan, words: str) -> None:
    """Bits that a plan sets itself, or trains for, are not chosen a second time."""
    with pytest.raises(JobError, match=words):
        require_mixable(plan)


def test_only_the_quantisation_changes() -> None:
    """Every other step stays."""
    plan = CompressionPlan.of(StructuredPruning(filters=0.5, neurons=0.0), Quantization())
    mixed = with_quantization(plan, Quantization(overrides=(("c", 4.0),)))
    assert mixed.steps[0] == plan.steps[0]
    assert mixed.quantization.overrides == (("c", 4.0),)


def test_one_target() -> None:
    """Neither bytes nor loss is no target."""
    with pytest.raises(JobError, match="give one"):
        MixedTarget()
