"""All that a device does before the network: a table's encoding, a front-end, both or neither."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devices.device import Device
    from devices.footprint import Footprint
    from devices.frontend.cost import FrontendCost
    from devices.frontend.pipeline import Pipeline
    from devices.frontend.table_encoding import TableEncoding


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What makes the network's input of a raw sample, in this order.

    Attributes
    ----------
    table
        Encodes a row; None where the data is no table.
    pipeline
        Makes features of what then is a raw sample; None where there is no front-end.
    """

    table: TableEncoding | None = None
    pipeline: Pipeline | None = None

    def cost(self, device: Device) -> FrontendCost | None:
        """What it takes on a device; None where nothing is done."""
        return _cost(self, device)

    def added_to(self, footprint: Footprint, device: Device) -> Footprint:
        """The cost of the network and of what is before it, from that of the network."""
        cost = self.cost(device)
        return footprint if cost is None else cost.added_to(footprint)


@lru_cache(maxsize=16)  # asked for with every candidate
def _cost(intake: Intake, device: Device) -> FrontendCost | None:
    table, pipeline = intake.table, intake.pipeline
    if table is None:
        return None if pipeline is None else pipeline.cost(device)
    cost = table.cost(device)
    if pipeline is None:
        return cost
    # The encoded row is the front-end's raw sample, which that counts itself.
    encoded = pipeline.frontend.raw_value_bytes * math.prod(pipeline.input_shape)
    return replace(cost, ram_bytes=cost.ram_bytes - encoded).and_then(pipeline.cost(device))
