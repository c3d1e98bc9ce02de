"""Every figure of the footprint is shown once, and none is called more certain than it is."""

from __future__ import annotations

from dataclasses import replace

from devices.export.bundle import Bundle
from devices.export.costs import Certainty, costs
from devices.frontend.pipeline import Pipeline
from devices.frontend.standardise import Standardise
from tests.devices.export.cpp.tables import MIXED, fed_rows, rows_of


def test_every_figure_is_the_footprints_own(bundle: Bundle) -> None:
    for cost in costs(bundle):
        assert cost.value == getattr(bundle.footprint, cost.name)


def test_only_what_is_counted_in_the_file_is_exact(bundle: Bundle) -> None:
    certain = {cost.name for cost in costs(bundle) if cost.certainty is Certainty.EXACT}
    assert certain == {"model_bytes", "macs"}


def test_instructions_appear_only_where_known(bundle: Bundle) -> None:
    assert "instructions" not in {cost.name for cost in costs(bundle)}
    known = replace(bundle, footprint=replace(bundle.footprint, instructions=999))
    assert {cost.name: cost.value for cost in costs(known)}["instructions"] == 999


def test_on_linux_nothing_is_called_the_arena_of_a_microcontroller(bundle: Bundle) -> None:
    """LiteRT's memory is estimated, and has other parts."""
    host = replace(bundle, device=replace(bundle.device, core="cortex-a72", kernels="xnnpack"))
    assert {cost.certainty for cost in costs(host)} == {Certainty.EXACT, Certainty.ESTIMATED}
    assert not any("tensor arena" in cost.meaning for cost in costs(host))


def test_what_is_before_the_network_has_rows_of_its_own(bundle: Bundle) -> None:
    """Named by what there is: a table's encoding, a front-end, or both."""
    names = {"frontend_flash_bytes", "frontend_ram_bytes", "frontend_ms"}
    assert not names & {cost.name for cost in costs(bundle)}
    made = fed_rows(bundle, MIXED, rows_of(MIXED, 1))
    both = replace(made, frontend=Pipeline(input_shape=(9,), frontend=Standardise()))
    for each, words in ((made, "the encoding's"), (both, "the encoding's and the front-end's")):
        found = {cost.name: cost.meaning for cost in costs(each) if cost.name in names}
        assert found["frontend_flash_bytes"] == f"part of the flash: {words} tables and code"
        assert found["frontend_ram_bytes"] == f"part of the RAM: {words} buffers and the raw row"
        assert set(found) == names
