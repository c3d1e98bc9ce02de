"""Which model of a run is exported, for which board, and what is said where it cannot be."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devices.artifact import Normalization
from devices.coding.package import unpack
from devices.frontend.table_encoding import ColumnEncoding, Row, TableEncoding
from search import codec
from search.boards import find_device
from search.datasets.load import read, save
from search.errors import DataError, JobError, NothingFitsError
from search.evaluate import available_interpreter
from search.export import export_trial
from search.job import Limits
from search.metrics.measurement import Measurement
from search.store import FrontFile, RunFolder, create_run
from tests.devices.models import dense_softmax
from tests.search.records import make_record
from tests.search.runs import JOB, board_file, real_record, real_run

Export = Callable[..., tuple[Path, ...]]


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run with one scored trial, scored by the interpreter that is here, and one rejected trial."""
    made = real_run(tmp_path)
    record = made.record(0)
    assert record is not None
    assert record.score is not None
    made.write_trial(replace(record, score=replace(record.score, interpreter=available_interpreter())), None)
    return made


def export(run: RunFolder, out: Path, **choice: Any) -> tuple[Path, ...]:
    """Export with everything left open that `choice` does not name."""
    given: dict[str, Any] = {"trial": None, "how": "accuracy", "device": None, "target": "tflite", **choice}
    return export_trial(run, **given, out=out)


def test_an_unknown_trial(run: RunFolder, tmp_path: Path) -> None:
    """A number that no trial has is refused with the way to the right one, and nothing is written."""
    with pytest.raises(JobError, match=r"trial 7 of run 'first' is unknown; 'tinyfront pareto first' lists"):
        export(run, tmp_path / "out", trial=7)
    assert not (tmp_path / "out").exists()


def test_a_rejected_trial(run: RunFolder, tmp_path: Path) -> None:
    """A trial without a model is refused with why it has none."""
    with pytest.raises(JobError, match="trial 1 of run 'first' was rejected: over budget untrained"):
        export(run, tmp_path / "out", trial=1)
    assert not (tmp_path / "out").exists()


def test_a_pick_from_an_empty_front(tmp_path: Path) -> None:
    """Where nothing fits there is nothing to pick."""
    run = create_run(tmp_path, JOB)
    run.write_trial(make_record(0, correct=None, model_bytes=900_000), None)
    with pytest.raises(NothingFitsError, match="front is empty"):
        export(run, tmp_path / "out")


def test_unknown_targets_and_ways_to_pick(run: RunFolder, tmp_path: Path) -> None:
    """A misspelt target, pick or board is a mistake of the command line with a guess."""
    for choice, sentence in (
        ({"target": "tflit"}, "did you mean 'tflite'"),
        ({"how": "acuracy"}, "did you mean 'accuracy'"),
        ({"device": "nucleo-l432k"}, "did you mean 'nucleo-l432kc'"),
    ):
        with pytest.raises(JobError, match=sentence):
            export(run, tmp_path / "out", **choice)
    assert not (tmp_path / "out").exists()


def test_a_model_that_does_not_fit_the_other_board(run: RunFolder, tmp_path: Path) -> None:
    """The other board's own limits count, and how much is missing is said; a board that is large enough is served."""
    record = run.record(0)
    assert record is not None
    assert record.score is not None
    missing = record.score.footprint.flash_bytes - 20_000
    with pytest.raises(NothingFitsError, match=f"trial 0 does not fit own-board: it exceeds flash_bytes by {missing};"):
        export(run, tmp_path / "out", trial=0, device=board_file(tmp_path, flash_bytes=20_000))
    with pytest.raises(NothingFitsError, match="front is empty"):
        export(run, tmp_path / "out", device=board_file(tmp_path, flash_bytes=20_000))
    assert not (tmp_path / "out").exists()
    assert export(run, tmp_path / "out", device=board_file(tmp_path))


def test_a_trial_over_the_runs_own_budget(run: RunFolder, tmp_path: Path) -> None:
    """A trained trial that broke the job's limit after all is not handed over."""
    run.write_job(replace(JOB, budget=Limits(ram_bytes=600)))
    with pytest.raises(NothingFitsError, match="does not fit nucleo-l432kc: it exceeds ram_bytes"):
        export(run, tmp_path / "out", trial=0)


def test_the_recorded_model_is_exported(run: RunFolder, tmp_path: Path) -> None:
    """The folder holds the trial's very file, the data's labels, and both accuracies with what they were found on."""
    run.write_front(FrontFile(trials=(0,), test={"0": {"accuracy": Measurement.share(7, 10)}}, data_digest="d"))
    out = tmp_path / "out"
    files = export(run, out)
    assert set(files) == {file for file in out.rglob("*") if file.is_file()}
    assert (out / "model.tflite").read_bytes() == dense_softmax()
    assert (out / "labels.txt").read_text().split() == ["a", "b", "c", "d", "e"]
    card = "".join(file.read_text() for file in files if file.suffix in (".md", ".json"))
    assert "0.833333" in card  # 300 of 360
    assert "0.396778" in card  # lower end of the interval of 7 of 10
    assert "ds_cnn/width" in card
    with pytest.raises(JobError, match="is not empty"):
        export(run, out)


def test_the_most_accurate_is_the_default_and_flash_can_be_asked_for(run: RunFolder, tmp_path: Path) -> None:
    """`how` chooses from the front: the larger model is the more accurate one here."""
    larger = dense_softmax() + bytes(400)
    record = real_record(2, larger, correct=350)
    assert record.score is not None
    run.write_trial(replace(record, score=replace(record.score, interpreter=available_interpreter())), larger)
    export(run, tmp_path / "accurate")
    export(run, tmp_path / "small", how="flash")
    assert (tmp_path / "accurate" / "model.tflite").read_bytes() == larger
    assert (tmp_path / "small" / "model.tflite").read_bytes() == dense_softmax()


def test_a_folder_is_named_by_what_is_in_it(run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a name the folder is run, trial and target, here."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    files = export_trial(run, trial=0, how="accuracy", device=None, target="tflite", out=None)
    assert {file.parent for file in files} == {tmp_path / "here" / "first-0000-tflite"}
    assert (tmp_path / "here" / "first-0000-tflite" / "model.tflite").exists()


def test_a_run_without_its_data(run: RunFolder, tmp_path: Path) -> None:
    """Labels and normalisation come from the prepared data: without it nothing is exported."""
    run.data_file.unlink()
    with pytest.raises(DataError, match=r"data\.npz"):
        export(run, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_coded_model(run: RunFolder, tmp_path: Path) -> None:
    """It is packed anew from the run's file, and its flash is the package's; a Linux board does not take it."""
    record = run.record(0)
    assert record is not None
    run.write_trial(replace(record, compression={"quantization": {}, "huffman_coding": {}}), dense_softmax())
    export(run, tmp_path / "out", trial=0)
    package = (tmp_path / "out" / "model.tfh").read_bytes()
    assert unpack(package) == (tmp_path / "out" / "model.tflite").read_bytes() == dense_softmax()
    figures = json.loads((tmp_path / "out" / "model.json").read_text())["footprint"]
    assert figures["flash_bytes"]["value"] == len(package) + figures["runtime_flash_bytes"]["value"]
    with pytest.raises(JobError, match=r"raspberry-pi-4b cannot unpack a Huffman-coded model.*pick another trial"):
        export(run, tmp_path / "pi", trial=0, device="raspberry-pi-4b")
    assert not (tmp_path / "pi").exists()


def _with_table(run: RunFolder) -> TableEncoding:
    """The run's twelve inputs as if they were the columns of a table, of which three rows are known."""
    data = read(run.data_file)
    colour = ColumnEncoding(name="colour", kind="one-hot", values=("blue", "red"))
    numbers = (ColumnEncoding(name=f"n {index}", kind="number", filled=0.25) for index in range(10))
    table = TableEncoding(columns=(colour, *numbers))
    rows: tuple[Row, ...] = (("red", *np.linspace(0, 1, 10).tolist()), (None, *[0.5] * 9, None), ("?", *[1e9] * 10))
    x = data.validation.x.copy()
    x[:3] = [table.encode_row(row) for row in rows]
    kept = (*rows, ("blue", *[None] * 10))
    shown = replace(data, table=table, rows=kept, validation=replace(data.validation, x=x))
    save(replace(shown, normalization=Normalization(offset=0.0, factor=1.0)), run.data_file)
    return table


def test_a_tables_columns_go_with_the_model(run: RunFolder, tmp_path: Path) -> None:
    """What turns a row into inputs stands beside the model of a table, and of nothing else."""
    export(run, tmp_path / "plain")
    assert not (tmp_path / "plain" / "columns.json").exists()
    table = _with_table(run)
    export(run, tmp_path / "table")
    written = (tmp_path / "table" / "columns.json").read_text()
    for name in ("model.json", "MODEL_CARD.md"):
        assert "columns.json" in (tmp_path / "table" / name).read_text()
        assert "columns.json" not in (tmp_path / "plain" / name).read_text()
    assert codec.from_json(written, TableEncoding) == table


def test_the_encoding_of_a_table_counts(run: RunFolder, tmp_path: Path) -> None:
    """In flash, RAM and time of the exported costs, by the encoding's own figures on the board."""
    export(run, tmp_path / "plain")
    cost = _with_table(run).cost(find_device("nucleo-l432kc"))
    export(run, tmp_path / "table")
    plain, figures = (
        {
            name: each["value"]
            for name, each in json.loads((tmp_path / folder / "model.json").read_text())["footprint"].items()
        }
        for folder in ("plain", "table")
    )
    assert figures["frontend_flash_bytes"] == cost.flash_bytes == figures["flash_bytes"] - plain["flash_bytes"] > 2000
    assert figures["frontend_ram_bytes"] == cost.ram_bytes == figures["ram_bytes"] - plain["ram_bytes"] == 88 + 48
    assert figures["latency_ms"] == pytest.approx(plain["latency_ms"] + cost.latency_ms)
    run.write_job(replace(JOB, budget=Limits(ram_bytes=plain["ram_bytes"])))
    with pytest.raises(NothingFitsError, match="exceeds ram_bytes by 136"):
        export(run, tmp_path / "out", trial=0)


def test_rows_are_the_golden_samples_own(run: RunFolder, tmp_path: Path) -> None:
    """The program encodes the rows that the golden inputs were made from, and a further one."""
    _with_table(run)
    export(run, tmp_path / "cpp", target="cpp")
    if shutil.which("make") is None or shutil.which("g++") is None:
        pytest.skip("no make or g++ on this machine")
    built = subprocess.run(["make", "columns_test"], cwd=tmp_path / "cpp", capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    ran = subprocess.run(["./columns_test"], cwd=tmp_path / "cpp", capture_output=True, text=True)
    assert ran.stdout == "10 rows: 0 values differ; inputs of 3 golden samples: 0 values differ\nPASS\n"
