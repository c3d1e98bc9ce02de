"""Whatever the bytes of a file are, it is costed or refused in a sentence: no crash, no hang, no flood of memory."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
import time
import zlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from devices.boards import load_device
from devices.flatbuffer import ModelFileError, read_graph
from devices.graph import Graph
from devices.measure import measure_graph
from devices.slim import slim
from devices.support import unsupported
from search.cli import main
from tests.devices.damage import anatomy, damaged
from tests.devices.models import dense_softmax, shared_models

BOARD = load_device("nucleo-l4r5zi")
MUTATIONS = 10_000
# far above what any takes: a few milliseconds, and some 10 MB over all
_MOST_SECONDS, _MOST_MEGABYTES = 10, 300
_SMALL = 50_000


def _judged(content: bytes, *, also_slim: bool) -> str:
    """What becomes of a file; any error but `ModelFileError` passes through."""
    try:
        graph = read_graph(content)
    except ModelFileError as refusal:
        return _checked(refusal)
    footprint, costs = measure_graph(graph, content, BOARD)
    assert footprint.flash_bytes > len(content)
    assert len(costs) == len(graph.operators)
    reasons = _reasons(graph)
    if also_slim:
        try:
            slim(content)
        except ModelFileError as refusal:
            return _checked(refusal)
    return "unsupported" if reasons else "scored"


def _reasons(graph: Graph) -> tuple[str, ...]:
    return unsupported(graph, BOARD)


def _checked(refusal: ModelFileError) -> str:
    """A sentence that names a remedy after a semicolon, on one line."""
    assert re.fullmatch(r"[a-z][^\n]{20,}; [^\n]{10,}", str(refusal)), str(refusal)
    return "refused"


def _tally(files: Iterable[bytes]) -> Counter[str]:
    """How many files were scored, unsupported and refused; none may take long."""
    tally: Counter[str] = Counter()
    for turn, content in enumerate(files):
        began = time.process_time()
        tally[_judged(content, also_slim=turn % 10 == 0)] += 1
        assert time.process_time() - began < _MOST_SECONDS, f"mutation {turn} of {len(content)} bytes"
    return tally


def test_damaged_small_models(tiny_model: bytes, tiny_int16_model: bytes) -> None:
    """1,500 damaged copies of three networks made here."""
    for turn, content in enumerate((dense_softmax(), tiny_model, tiny_int16_model)):
        tally = _tally(damaged(anatomy(content), 500, seed=turn))
        assert min(tally["scored"], tally["refused"]) > 50, tally


def test_damaged_shared_models(shared: Path) -> None:
    """10,000 damaged copies of all shared models, nine in ten of those below 50 kB; memory stays where it is."""
    paths = [*shared_models(shared), *(shared / "data" / "fan_accel" / "models").glob("*.tflite")]
    assert len(paths) > 20
    small = [path for path in paths if path.stat().st_size < _SMALL]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tally: Counter[str] = Counter()
    for path in paths:
        count = MUTATIONS // 10 // (len(paths) - len(small)) if path not in small else MUTATIONS * 9 // 10 // len(small)
        tally += _tally(damaged(anatomy(path.read_bytes()), count + 1, seed=zlib.crc32(path.name.encode())))
    assert tally.total() >= MUTATIONS
    assert min(tally["scored"], tally["unsupported"], tally["refused"]) > 500, tally
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < _MOST_MEGABYTES * 1024


def test_the_command_says_a_sentence(tiny_model: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each of 48 damaged files is scored (0, or 1 where it does not fit) or refused (2 or 3), without a traceback."""
    file, codes = tmp_path / "damaged.tflite", Counter[int]()
    for content in damaged(anatomy(tiny_model), 48, seed=11):
        file.write_bytes(content)
        code = main(["score", str(file), "--device", BOARD.name])
        captured = capsys.readouterr()
        codes[code] += 1
        assert "Traceback" not in captured.err
        if code in (2, 3):
            assert captured.out == ""
            assert re.fullmatch(r"tinyfront: [^\n]{20,}\n", captured.err), captured.err
    assert set(codes) <= {0, 1, 2, 3}
    assert codes[2] + codes[3] > 10
    assert codes[0] + codes[1] > 5


def test_the_program_leaves_with_a_sentence(tiny_model: bytes, tmp_path: Path) -> None:
    """The same outside this process: half a file ends in exit 3, without a traceback."""
    file = tmp_path / "half.tflite"
    file.write_bytes(tiny_model[: len(tiny_model) // 2])
    command = [sys.executable, "-m", "search", "score", str(file), "--device", BOARD.name]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], timeout=120)
    assert done.returncode in (2, 3)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert str(file) in done.stderr
