"""`compress --sensitivity`: both tables, in every form, of the network as it is."""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from compressors.mixed_precision import Sensitivity
from compressors.sensitivity import SPARSITIES, SensitivityRow, SensitivityTable
from search.compress_sensitivity import SensitivityReport, bits_csv, sensitivity_document, sensitivity_text
from search.metrics.measurement import Measurement
from search.sensitivity_trial import Measured
from tests.search.given import command


@pytest.fixture
def report() -> SensitivityReport:
    rows = (
        SensitivityRow(layer="conv", sparsity=0.5, accuracy=0.875),
        SensitivityRow(layer="conv", sparsity=0.75, accuracy=0.5),
        SensitivityRow(layer="out", sparsity=0.5, accuracy=0.925),
        SensitivityRow(layer="out", sparsity=0.75, accuracy=0.9),
    )
    bits = (
        Sensitivity(layer="conv", saved_bytes=1200, error=0.0125, loss=0.05),
        Sensitivity(layer="a,b", saved_bytes=7, error=0.5, loss=None),
    )
    measured = Measured(pruning=SensitivityTable(accuracy=0.9, rows=rows), bits=bits)
    return SensitivityReport(
        model="m.keras",
        data="bars",
        metric="accuracy",
        quality=Measurement.share(36, 40),
        measured=measured,
        notes=("A note.",),
    )


def test_the_text_is_aligned(report: SensitivityReport) -> None:
    """A line a layer under columns of its sparsities, then its bits; a gain and a missing accuracy are shown."""
    lines = sensitivity_text(report).splitlines()
    assert lines[0] == "m.keras: accuracy 90.0 (76.9-96.0) % as it is"
    assert lines[3:6] == ["layer  50 %  75 %", "conv   87.5  50.0", "out    92.5  90.0"]
    assert lines[8:11] == [
        "layer  saved bytes  output error, %  accuracy, %",
        "conv         1,200             1.25         85.0",
        "a,b              7               50            -",
    ]
    assert "A note." in lines
    assert "n = 40" in lines[-1]


def test_csv_and_json_agree(report: SensitivityReport) -> None:
    """The same rows in both; a name with a comma is one field."""
    document = sensitivity_document(report)
    rows = list(csv.DictReader(bits_csv(report).splitlines()))
    assert [row["layer"] for row in rows] == [row["layer"] for row in document["bits"]] == ["conv", "a,b"]
    assert float(rows[0]["accuracy"]) == pytest.approx(document["bits"][0]["accuracy"]) == pytest.approx(0.85)
    assert (rows[1]["accuracy"], document["bits"][1]["accuracy"]) == ("", None)
    assert document["pruning"][3] == {"layer": "out", "sparsity": 0.75, "accuracy": 0.9}
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_another_metric_stands_under_its_name(report: SensitivityReport) -> None:
    """R2 where values are predicted: as it is and not in percent, in text, JSON and CSV."""
    values = replace(report, metric="r2", quality=Measurement(value=0.9, n=40, low=0.8, high=0.95))
    lines = sensitivity_text(values).splitlines()
    assert lines[0] == "m.keras: R2 0.900 (0.800-0.950) as it is"
    assert lines[2:6] == [
        "R2, one layer alone pruned to a sparsity:",
        "layer   50 %   75 %",
        "conv   0.875  0.500",
        "out    0.925  0.900",
    ]
    assert lines[8:10] == ["layer  saved bytes  output error, %     R2", "conv         1,200             1.25  0.850"]
    document = sensitivity_document(values)
    assert (document["r2"], document["pruning"][0]["r2"]) == (0.9, 0.875)
    assert document["bits"][0]["r2"] == pytest.approx(0.85)
    assert bits_csv(values).splitlines()[0] == "layer,weight_bits,saved_bytes,error,r2"


def test_a_network_is_measured(place: Path, tmp_path: Path, inline: object, capsys: pytest.CaptureFixture[str]) -> None:
    """Every layer at every sparsity and with 4 bits; files hold what JSON says; the network's file is as before."""
    model, out = place / "bars.keras", tmp_path / "out"
    before = hashlib.sha256(model.read_bytes()).hexdigest()
    assert command(place, "--sensitivity", "--out", str(out), "--json") == 0
    document = json.loads(capsys.readouterr().out)
    layers = [row["layer"] for row in document["bits"]]
    assert len(layers) == 3
    assert [(row["layer"], row["sparsity"]) for row in document["pruning"]] == [
        (layer, sparsity) for layer in layers for sparsity in SPARSITIES
    ]
    assert document["accuracy"] > 0.8
    assert min(row["accuracy"] for row in document["pruning"]) < document["accuracy"] - 0.1
    assert all(0 < row["error"] < 0.2 for row in document["bits"])
    assert {file.name for file in out.iterdir()} == {"sensitivity.csv", "bits.csv", "sensitivity.png"}
    rows = list(csv.DictReader((out / "sensitivity.csv").open()))
    pruned = [float(row["accuracy"]) for row in rows if float(row["sparsity"])]
    assert pruned == pytest.approx([row["accuracy"] for row in document["pruning"]], abs=1e-5)
    assert [row["layer"] for row in csv.DictReader((out / "bits.csv").open())] == layers
    assert (out / "sensitivity.png").read_bytes().startswith(b"\x89PNG")
    assert hashlib.sha256(model.read_bytes()).hexdigest() == before


def test_nothing_is_written_unasked(
    place: Path, tmp_path: Path, inline: object, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without ``--out`` the text is all there is."""
    monkeypatch.chdir(tmp_path)
    assert command(place, "--sensitivity") == 0
    assert "one layer alone with 4-bit weights:" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "more",
    [
        ("--plan", "p.yaml"),
        ("--min-accuracy", "0.9"),
        ("--max-loss", "0.1"),
        ("--mixed-loss", "0.1"),
        ("--mixed-bytes", "900"),
        ("--trials", "3"),
        ("--minutes", "1"),
        ("--name", "x"),
    ],
)
def test_it_goes_with_no_compression(
    place: Path, inline: object, capsys: pytest.CaptureFixture[str], more: tuple[str, str]
) -> None:
    """What compresses, or searches, is refused beside it by name."""
    assert command(place, "--sensitivity", *more) == 2
    captured = capsys.readouterr()
    assert f"--sensitivity measures layers and compresses nothing, {more[0]} compresses: leave one out" in captured.err
    assert captured.out == ""
