"""A real search with a teacher: trained before the first trial, kept, and the same trials when the run goes on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.end_to_end.conftest import Tinyfront

# Four anchors, which are not compressed, and one trial that, with this seed, learns from the teacher.
TRIALS = 5
ASK = (
    *("search", "--data", "digits", "--device", "nucleo-l432kc", "--seed", "1", "--workers", "1"),
    *("--trials", str(TRIALS), "--set", "epochs=1", "--set", "space=mlp", "--name", "taught"),
    *("--set", "compressors=distillation,quantization"),
)


def models(folder: Path) -> dict[str, tuple[str, tuple[str, ...]]]:
    """SHA-256 and techniques by trial."""
    found = {}
    for file in sorted(folder.glob("trials/*/record.json")):
        record = json.loads(file.read_text())
        if record["score"] is not None:
            found[file.parent.name] = (record["score"]["sha256"], tuple(record["compression"]))
    return found


def test_a_run_goes_on_with_its_teacher(tmp_path: Path, tinyfront: Tinyfront) -> None:
    """Killed right after the teacher was made, the run makes the very files of one that was never killed."""
    whole = tinyfront(*ASK, "--runs-dir", str(tmp_path / "whole"))
    assert whole.returncode == 0, whole.stderr
    assert "teacher: mlp, " in whole.stderr
    folder, again = tmp_path / "whole" / "taught", tmp_path / "killed" / "taught"
    made = models(folder)
    assert any("distillation" in techniques for _, techniques in made.values())
    assert any("distillation" not in techniques for _, techniques in made.values())
    again.mkdir(parents=True)
    for name in ("job.yaml", "device.json", "data.npz", "teacher.npz", "teacher.json"):
        shutil.copy(folder / name, again / name)
    resumed = tinyfront(*ASK, "--runs-dir", str(tmp_path / "killed"))
    assert resumed.returncode == 0, resumed.stderr
    assert "teacher:" not in resumed.stderr
    assert models(again) == made
