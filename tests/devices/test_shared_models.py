"""Every shared model is scored, or refused for a reason that holds: the runtime's own word is asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from devices.boards import load_device
from devices.flatbuffer import read_graph
from devices.measure import measure
from devices.slim import slim
from devices.support import unsupported
from tests.devices.models import UNREADABLE_BY_LITERT, outputs_in_litert

BOARD = load_device("nucleo-l4r5zi")
_DYNAMIC_RANGE = "Float activations with integer weights (dynamic range) are refused"
_CUSTOM = "Custom operators are not scored"
# file -> what its refusal says, and what the runtime answers; every other model is scored and runs
REFUSED = {
    "kws_ref_model_float32.tflite": (_DYNAMIC_RANGE, "Hybrid models are not supported on TFLite Micro"),
    # TFLM has the operators of its signal library; what they take is not known, so a score would be a guess
    "audio_preprocessor_float.tflite": (_CUSTOM, ""),
    "audio_preprocessor_int8.tflite": (_CUSTOM, ""),
}
_RUNS = 10

_TFLM = """
import sys
from pathlib import Path
from tests.devices.models import outputs_on_device
contents = [Path(name).read_bytes() for name in sys.argv[2:]]
print(*(outputs_on_device(content, runs=int(sys.argv[1])).hex() for content in contents), sep="\\n")
"""


def _models(shared: Path) -> list[Path]:
    """Every ``.tflite`` of the shared data, whatever folder it lies in."""
    found = sorted((shared / "data").rglob("*.tflite"))
    assert len(found) >= 24
    return found


def _in_tflm(*files: Path, runs: int = _RUNS) -> tuple[list[str], str]:
    """Outputs of each file for seeded inputs, and what the runtime said; in a child, which a bad file can kill."""
    pytest.importorskip("tflite_micro", reason="the runtime of the device has wheels for Linux x86-64 only")
    command = [sys.executable, "-c", _TFLM, str(runs), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], timeout=300)
    return (done.stdout.split() if done.returncode == 0 else []), done.stderr


def test_every_model_is_scored_or_refused_for_a_stated_reason(shared: Path) -> None:
    """24 models: 21 scored in full, 3 refused; the sentence names the operator."""
    refused = {}
    for path in _models(shared):
        content = path.read_bytes()
        graph = read_graph(content)
        footprint, costs = measure(content, BOARD)
        assert footprint.model_bytes == len(content)
        assert len(costs) == len(graph.operators) > 0
        reasons = unsupported(graph, BOARD)
        if reasons:
            refused[path.name] = reasons
        else:
            assert min(footprint.arena_bytes, footprint.cycles, footprint.latency_ms) > 0, path.name
    assert refused.keys() == REFUSED.keys()
    for name, reasons in refused.items():
        for reason in reasons:
            assert REFUSED[name][0] in reason
            assert reason.startswith("Operator ")
    assert any("(SignalWindow)" in reason for reason in refused["audio_preprocessor_int8.tflite"])


def test_reasons_are_true(shared: Path) -> None:
    """What is refused for its types the runtime refuses too, in the words expected; custom operators do run there."""
    for path in _models(shared):
        if path.name in REFUSED:
            outputs, said = _in_tflm(path, runs=1)
            answer = REFUSED[path.name][1]
            assert bool(outputs) == (not answer), path.name
            assert answer in said


def test_what_is_scored_runs_and_slimming_changes_nothing(shared: Path, tmp_path: Path) -> None:
    """The runtime runs every model that is not refused; slim files give the same bytes for 10 random inputs."""
    for path in _models(shared):
        if path.name in REFUSED and REFUSED[path.name][1]:
            continue
        smaller = tmp_path / path.name
        smaller.write_bytes(slim(path.read_bytes()))
        outputs, said = _in_tflm(path, smaller)
        assert len(outputs) == 2, f"{path.name}: {said[-500:]}"
        assert outputs[0] == outputs[1], path.name
        assert smaller.stat().st_size <= path.stat().st_size


def test_slim_files_stay_valid_in_litert(shared: Path, tmp_path: Path) -> None:
    """Those that LiteRT runs give the same bytes before and after."""
    for path in _models(shared):
        if path.name in UNREADABLE_BY_LITERT or path.name.startswith("audio_preprocessor"):
            continue
        smaller = tmp_path / path.name
        smaller.write_bytes(slim(path.read_bytes()))
        before, after = outputs_in_litert(path, smaller)
        assert before
        assert before == after, path.name
