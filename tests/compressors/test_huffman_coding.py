"""Huffman coding adds a package that is the very file, and says no where that helps nobody."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from compressors.compressor import CompressionError, Context
from compressors.huffman_coding import HuffmanCoder, HuffmanCoding, is_coded
from compressors.lookup_tables import LookUpTables
from compressors.plan import CompressionPlan, PlanError
from compressors.quantization import Quantization
from devices.artifact import Artifact
from devices.coding import package
from devices.coding.package import pack, unpack
from devices.flatbuffer import read_artifact
from tests.devices import models

CONTEXT = Context(
    calibration=np.zeros((1, 12), np.float32), fine_tune=lambda _network, _share, **_options: None, labels=()
)


def artifact() -> Artifact:
    """A small real network."""
    return read_artifact(models.dense_softmax(), tuple("abcde"))


def test_the_package_is_the_file() -> None:
    """Bit for bit and the same each time; the file itself stays, and with it every answer."""
    plain = artifact()
    made, twin = (HuffmanCoder().compress(plain, HuffmanCoding(), CONTEXT) for _ in range(2))
    assert made.package is not None
    assert unpack(made.package) == plain.content
    assert len(made.package) < len(plain.content)
    assert made == twin == replace(plain, package=pack(plain.content))
    assert plain.package is None


def test_a_file_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "_LONGEST_RUN", 100)
    with pytest.raises(CompressionError, match="holds at most 100: make the network smaller, or leave huffman_coding"):
        HuffmanCoder().compress(artifact(), HuffmanCoding(), CONTEXT)


def test_a_package_that_is_no_smaller_is_refused() -> None:
    """A file whose weights are every byte value as often as any other: a code of 8 bits each saves nothing."""
    noise = replace(artifact(), content=_without_pattern())
    with pytest.raises(CompressionError, match=r"the package has \d+ bytes and the file \d+.*leave huffman_coding out"):
        HuffmanCoder().compress(noise, HuffmanCoding(), CONTEXT)


def _without_pattern() -> bytes:
    """A file of one byte value each: a table of codes costs more than they save."""
    return bytes(8) + bytes(np.random.default_rng(1).permutation(256).astype(np.uint8))


def test_in_a_plan() -> None:
    """It follows quantisation, False leaves it out, look-up tables are of the same stage; a record's mapping tells."""
    plan = CompressionPlan.of(HuffmanCoding(), Quantization())
    assert list(plan.as_mapping()) == ["quantization", "huffman_coding"]
    assert CompressionPlan.from_mapping(plan.as_mapping()) == plan
    assert is_coded(plan.as_mapping())
    off = CompressionPlan.of(HuffmanCoding(decode_at_start=False), Quantization())
    assert off == CompressionPlan.of(Quantization())
    assert not is_coded(off.as_mapping())
    with pytest.raises(PlanError, match="both belong to the stage coding"):
        CompressionPlan.of(HuffmanCoding(), LookUpTables(), Quantization())
