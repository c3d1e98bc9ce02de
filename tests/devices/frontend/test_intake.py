"""What is before the network costs what its parts cost, and nothing is counted twice."""

from __future__ import annotations

from devices.boards import load_device
from devices.frontend.intake import Intake
from devices.frontend.pipeline import Pipeline
from devices.frontend.standardise import Standardise
from devices.frontend.table_encoding import ColumnEncoding, TableEncoding
from tests.devices.frontend.network import NETWORK

_DEVICE = load_device("nucleo-l432kc")
_TABLE = TableEncoding(
    columns=(
        ColumnEncoding(name="n", kind="number"),
        ColumnEncoding(name="c", kind="one-hot", values=("blue", "red")),
    )
)
_PIPELINE = Pipeline(input_shape=(3,), frontend=Standardise())


def test_nothing_costs_nothing() -> None:
    assert Intake().cost(_DEVICE) is None
    assert Intake().added_to(NETWORK, _DEVICE) is NETWORK


def test_one_alone_costs_its_own() -> None:
    assert Intake(table=_TABLE).cost(_DEVICE) == _TABLE.cost(_DEVICE)
    assert Intake(pipeline=_PIPELINE).cost(_DEVICE) == _PIPELINE.cost(_DEVICE)


def test_both_share_the_encoded_row() -> None:
    """Which is the front-end's raw sample: three floats."""
    table, pipeline = _TABLE.cost(_DEVICE), _PIPELINE.cost(_DEVICE)
    both = Intake(table=_TABLE, pipeline=_PIPELINE).cost(_DEVICE)
    assert both is not None
    assert both.flash_bytes == table.flash_bytes + pipeline.flash_bytes
    assert both.cycles == table.cycles + pipeline.cycles
    assert both.latency_high_ms == table.latency_high_ms + pipeline.latency_high_ms
    assert both.ram_bytes == table.ram_bytes + pipeline.ram_bytes - 3 * 4 == 16 + 3 * 4 + 3 * 4


def test_a_footprint_holds_it() -> None:
    cost = _TABLE.cost(_DEVICE)
    both = Intake(table=_TABLE).added_to(NETWORK, _DEVICE)
    assert both.flash_bytes == NETWORK.flash_bytes + cost.flash_bytes
    assert both.ram_bytes == NETWORK.ram_bytes + cost.ram_bytes
    assert both.latency_low_ms == 8.0 + cost.latency_low_ms
    assert both.frontend_ms == cost.latency_ms > 0
