"""What a board's runtime cannot run is rejected before any training, with the reason."""

from __future__ import annotations

import pytest

from compressors.clustering import Clustering
from compressors.huffman_coding import HuffmanCoding
from compressors.layers import Conv2D, Dense, GlobalPooling2D, Input
from compressors.lookup_tables import LookUpTables
from compressors.plan import CompressionPlan
from compressors.quantization import Quantization
from compressors.topology import Layer, Topology
from devices.coding.stored import UnpackError
from search.boards import find_device
from search.screen import CandidateError, predict

TOPOLOGY = Topology(
    layers=(
        Layer(name="x", spec=Input(shape=(8, 8, 3))),
        Layer(name="c", spec=Conv2D(filters=16, kernel=(3, 3)), inputs=("x",)),
        Layer(name="g", spec=GlobalPooling2D(kind="average"), inputs=("c",)),
        Layer(name="o", spec=Dense(units=4), inputs=("g",)),
    )
)
BOARD = find_device("nucleo-l432kc")


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (Quantization(activation_bits=32), "dynamic range"),
        (Quantization(weight_bits=16, activation_bits=32), "Float16 tensors are refused"),
    ],
)
def test_what_is_for_computers_is_rejected(settings: Quantization, reason: str) -> None:
    with pytest.raises(CandidateError, match=rf"nucleo-l432kc cannot run it: Operator 0 .*{reason}"):
        predict(TOPOLOGY, CompressionPlan.of(settings), BOARD)


def test_fewer_bits_make_smaller_files_and_wider_activations_larger_arenas() -> None:
    """4-bit weights save half of the weights and cost instructions; 16-bit activations about double the arena."""
    default, int4, int16 = (
        predict(TOPOLOGY, CompressionPlan.of(settings), BOARD)
        for settings in (Quantization(), Quantization(weight_bits=4), Quantization(activation_bits=16))
    )
    assert default.model_bytes - int4.model_bytes > 3 * 3 * 3 * 16 // 2 - 16
    assert int4.cycles > default.cycles
    assert int16.activation_bytes > 1.5 * default.activation_bytes


def test_a_coded_artifact_is_predicted_with_its_model_in_ram() -> None:
    """Flash is the least that a package can take, a bit a byte, and the decoder; RAM grows by the model."""
    plain = predict(TOPOLOGY, CompressionPlan.of(Quantization()), BOARD)
    plan = CompressionPlan.of(Quantization(), HuffmanCoding())
    cost = predict(TOPOLOGY, plan, BOARD)
    assert cost.model_bytes == plain.model_bytes
    assert cost.stored_bytes is not None
    assert cost.stored_bytes == plain.model_bytes // 8
    assert cost.flash_bytes == cost.stored_bytes + plain.runtime_flash_bytes + 477
    assert 0 <= cost.ram_bytes - plain.ram_bytes - plain.model_bytes < 16
    with pytest.raises(UnpackError, match="raspberry-pi-4b cannot unpack"):
        predict(TOPOLOGY, plan, find_device("raspberry-pi-4b"))


def test_tables_are_predicted_with_the_code_that_reads_them() -> None:
    """A large layer shrinks to indexes of a bit at least and the board gets DECODE; a small network stays as it is."""
    large = Topology(
        layers=(
            Layer(name="x", spec=Input(shape=(512,))),
            Layer(name="h", spec=Dense(units=100), inputs=("x",)),
            Layer(name="o", spec=Dense(units=4), inputs=("h",)),
        )
    )
    steps = (Clustering(clusters=8), Quantization(granularity="tensor"), LookUpTables(without_gain="keep"))
    plain, tables = (predict(large, CompressionPlan.of(*plan), BOARD) for plan in (steps[:2], steps))
    assert 0.8 * 516 * 100 < plain.model_bytes - tables.model_bytes < 516 * 100 * 7 // 8
    assert 15_000 < tables.runtime_flash_bytes - plain.runtime_flash_bytes < 25_000
    uncoded, coded = (predict(TOPOLOGY, CompressionPlan.of(*plan), BOARD) for plan in (steps[:2], steps))
    assert coded == uncoded  # DECODE's code takes more than the tables of so few weights can save
