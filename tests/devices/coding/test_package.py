"""Packages give back the file, bit for bit, in Python and in C, and refuse what is torn."""

from __future__ import annotations

import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from devices.coding.package import MAGIC, PackageError, pack, unpack
from devices.slim import slim
from tests.devices import models

MAIN = """
#include <stdio.h>
#include <stdlib.h>
#include "unpack.h"
int main(int argc, char **argv) {
  static uint8_t package[1 << 21], out[1 << 21];
  FILE *in = fopen(argv[1], "rb");
  size_t size = fread(package, 1, sizeof package, in);
  uint32_t made = tinyfront_unpack(package, size, out, argc > 3 ? (size_t)atoi(argv[3]) : sizeof out);
  FILE *to = fopen(argv[2], "wb");
  fwrite(out, 1, made, to);
  return fclose(to) || made == 0;
}
"""


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The C decoder, compiled with every warning an error and the sanitisers on."""
    compiler = shutil.which("cc") or pytest.skip("no C compiler here")
    folder = tmp_path_factory.mktemp("decoder")
    for name in ("unpack.h", "unpack.c"):
        (folder / name).write_bytes((files("devices") / "coding" / "templates" / name).read_bytes())
    (folder / "main.c").write_text(MAIN)
    flags = "-std=c99 -O1 -Wall -Wextra -Wconversion -Werror -fsanitize=address,undefined -fno-sanitize-recover=all"
    subprocess.run(
        [compiler, *flags.split(), "main.c", "unpack.c", "-o", "decoder"], cwd=folder, check=True, timeout=60
    )
    return folder / "decoder"


def _file(weights: np.ndarray) -> bytes:
    """A small real model with one more constant."""
    model = schema.ModelT.InitFromPackedBuf(models.dense_softmax(), 0)
    model.buffers.append(models._buffer(weights.tobytes()))
    return models.packed(model)


def _decoded(decoder: Path, package: bytes, folder: Path, *room: str) -> bytes | None:
    (folder / "in").write_bytes(package)
    run = subprocess.run([decoder, folder / "in", folder / "out", *room], check=False, capture_output=True, timeout=60)
    assert run.returncode in (0, 1), run.stderr.decode()
    return (folder / "out").read_bytes() if run.returncode == 0 else None


def test_round_trip_of_real_models(shared: Path, decoder: Path, tmp_path: Path) -> None:
    """Slimmed reference models, some with many equal weights; each is smaller as a package."""
    for name in (
        "models_mlperf_tiny/keyword_spotting/kws_ref_model.tflite",
        "models_mlperf_tiny/visual_wake_words/vww_96_int8.tflite",
        "models_tflm/hello_world/hello_world_int8.tflite",
        "models_tflm/micro_speech/micro_speech_quantized.tflite",
    ):
        content = slim((shared / "data" / name).read_bytes())
        package = pack(content)
        assert len(package) < len(content)
        assert package == pack(content)
        assert unpack(package) == content
        assert _decoded(decoder, package, tmp_path) == content


def test_sparse_weights_travel_small() -> None:
    """Nine in ten weights zero: less than a third of the file's bytes, as the file itself does not shrink."""
    rng = np.random.default_rng(0)
    dense = rng.integers(-127, 128, (64, 3, 3, 64), dtype=np.int8)
    sparse = dense * (rng.random(dense.shape) < 0.1)
    plain, pruned = (_file(weights) for weights in (dense, sparse))
    assert len(plain) == len(pruned)
    assert len(pack(pruned)) < 0.33 * len(pack(plain))
    assert unpack(pack(pruned)) == pruned


def test_random_bytes_cost_next_to_nothing(decoder: Path, tmp_path: Path) -> None:
    """What cannot be coded shorter is stored as it is."""
    content = _file(np.random.default_rng(0).integers(-128, 128, 600, dtype=np.int8))
    package = pack(content)
    assert len(package) < len(content) + 64
    assert _decoded(decoder, package, tmp_path) == content


def test_torn_packages(decoder: Path, tmp_path: Path) -> None:
    """Cut or changed anywhere, neither decoder reads or writes outside its buffers, and most damage is noticed."""
    content = _file(np.zeros(600, np.int8))
    package = pack(content)
    for cut in (0, 3, 11, 12, 20, len(package) // 2, len(package) - 2):
        with pytest.raises(PackageError, match="torn"):
            unpack(package[:cut])
        assert _decoded(decoder, package[:cut], tmp_path) is None
    rng = np.random.default_rng(1)
    for _ in range(60):
        changed = bytearray(package)
        changed[rng.integers(len(package))] ^= 1 << int(rng.integers(8))
        found = _decoded(decoder, bytes(changed), tmp_path)
        assert found is None or len(found) == len(content)
    with pytest.raises(PackageError, match="starts with"):
        unpack(b"PK\x03\x04" + package[4:])
    assert _decoded(decoder, package, tmp_path, str(len(content) - 1)) is None
    assert package[:4] == MAGIC


def test_too_large() -> None:
    with pytest.raises(PackageError, match="at most 16777215"):
        pack(bytes(1 << 24))
