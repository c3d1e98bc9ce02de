"""Vela as a child process: what is read from it, and what is said when it fails."""

from __future__ import annotations

import csv
import sys
from importlib import metadata
from pathlib import Path

import pytest
from ai_edge_litert import schema_py_generated as schema

from devices import vela
from devices.device import Accelerator
from devices.flatbuffer import ModelFileError
from devices.vela import NPU_OPERATOR, Summary, VelaError, parse_summary, system_clock_hz
from tests.devices.models import dense_softmax, packed
from tests.devices.vela_installed import needs_vela

U55 = Accelerator(config="ethos-u55-128", system_config="Ethos_U55_High_End_Embedded", memory_mode="Shared_Sram")
RECORDED = (Path(__file__).parent / "vela" / "dense_softmax_u55_128.csv").read_text(encoding="utf-8")


def narrow_weights() -> bytes:
    """`dense_softmax` with its weights declared as 4 bits."""
    model = schema.ModelT.InitFromPackedBuf(dense_softmax(), 0)
    model.subgraphs[0].tensors[1].type = schema.TensorType.INT4
    return packed(model)


def instead_of_vela(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Let Python run `program` where Vela would run."""
    monkeypatch.setattr(vela, "vela_version", lambda: "5.2.0")
    monkeypatch.setattr(vela, "_command", lambda *_: (sys.executable, "-c", program))


def test_a_recorded_summary_is_read() -> None:
    """Figures are those that Vela 5.2.0 wrote for the small network; memory is turned from KiB into bytes."""
    row = next(csv.DictReader(RECORDED.splitlines()))
    assert parse_summary(RECORDED) == Summary(
        cycles=int(row["cycles_total"]),
        clock_hz=500e6,
        sram_bytes=int(float(row["sram_memory_used"]) * 1024),
        dram_bytes=0,
        on_chip_flash_bytes=0,
        off_chip_flash_bytes=int(float(row["off_chip_flash_memory_used"]) * 1024),
        macs=int(row["nn_macs"]),
    )
    assert parse_summary(RECORDED).cycles > 0
    assert parse_summary(RECORDED).sram_bytes % 16 == 0


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", RECORDED.replace("cycles_total", "cycles")])
def test_a_summary_of_another_version_is_refused(text: str) -> None:
    """Without its columns no figure is guessed."""
    with pytest.raises(VelaError, match=r"summary cannot be read .* install ethos-u-vela 5\.2"):
        parse_summary(text)


def test_a_missing_vela_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Arm's compiler nothing can be costed on an Ethos-U, and the way to get it is said."""

    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    with pytest.raises(VelaError, match=r"ethos-u-vela is not installed.*pip install 'tinyfront\[vela\]'"):
        vela.compile(dense_softmax(), U55)


def test_four_bit_weights_never_reach_vela(monkeypatch: pytest.MonkeyPatch) -> None:
    """Vela crashes on them, so they are refused by name before it runs."""
    instead_of_vela(monkeypatch, "raise SystemExit('it was run')")
    with pytest.raises(VelaError, match="Vela crashes on tensors of type int4: use int8 weights"):
        vela.compile(narrow_weights(), U55)


@needs_vela
def test_vela_does_crash_on_four_bit_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason for refusing them holds: when it no longer does, they may be let through."""
    monkeypatch.setattr(vela, "refuse_sub_byte", lambda _: None)
    with pytest.raises(VelaError, match=r"crashed on the model \(SIGFPE\)"):
        vela.compile(narrow_weights(), U55)


def test_a_crash_a_refusal_and_silence_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal, the last line of an error, and missing files each have their own sentence."""
    instead_of_vela(monkeypatch, "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    with pytest.raises(VelaError, match=r"crashed on the model \(SIGSEGV\); choose int8"):
        vela.compile(dense_softmax(), U55)
    instead_of_vela(monkeypatch, "import sys; sys.exit('first\\nRuntimeError: no such operator')")
    with pytest.raises(VelaError, match=r"^Vela 5\.2\.0 does not compile the model: RuntimeError: no such operator$"):
        vela.compile(dense_softmax(), U55)
    instead_of_vela(monkeypatch, "pass")
    with pytest.raises(VelaError, match=r"wrote 0 files model_vela\.tflite, expected 1"):
        vela.compile(dense_softmax(), U55)


def test_a_vela_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time limit ends the child."""
    instead_of_vela(monkeypatch, "import time; time.sleep(600)")
    with pytest.raises(VelaError, match=r"had not compiled the model after 0\.2 s; try a smaller one"):
        vela.compile(dense_softmax(), U55, seconds=0.2)


def test_bytes_that_are_no_model_never_reach_vela(monkeypatch: pytest.MonkeyPatch) -> None:
    instead_of_vela(monkeypatch, "raise SystemExit('it was run')")
    with pytest.raises(ModelFileError):
        vela.compile(b"not a model", U55)


@needs_vela
def test_a_network_becomes_one_operator() -> None:
    """The whole network runs on the Ethos-U; compiling again gives the same bytes."""
    made = vela.compile(dense_softmax(), U55)
    assert made == vela.compile(dense_softmax(), U55)
    assert [operator.name for operator in made.graph.operators] == [NPU_OPERATOR]
    assert made.on_cpu == ()
    if made.version == "5.2.0":
        assert made.summary == parse_summary(RECORDED)


@needs_vela
def test_system_configurations_of_vela_and_our_own() -> None:
    """Arm's and the makers' clocks are found; an unknown name lists what there is."""
    assert system_clock_hz("Ethos_U55_Deep_Embedded") == 200e6
    assert system_clock_hz("Himax_WE2") == system_clock_hz("Alif_Ensemble_HP") == 400e6
    assert system_clock_hz("Arm_MPS3_AN547") == 32e6
    with pytest.raises(VelaError, match=r"no system configuration 'Ethos_U56': choose .*Ethos_U55_High_End_Embedded"):
        system_clock_hz("Ethos_U56")
    with pytest.raises(VelaError, match=r"does not compile the model: .*Ethos_U56"):
        vela.compile(
            dense_softmax(), Accelerator(config=U55.config, system_config="Ethos_U56", memory_mode="Shared_Sram")
        )


@needs_vela
def test_figures_equal_the_recorded_ones(shared: Path) -> None:
    """Cycles, SRAM, flash and file bytes of 5.2.0 on four configurations, of every model beside the checkout."""
    if vela.vela_version() != "5.2.0":
        pytest.skip(f"the figures are of Vela 5.2.0, {vela.vela_version()} is installed")
    files = {path.name: path for path in (shared / "data").rglob("*.tflite")}
    with (shared / "truth/vela_estimates.csv").open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["model"] in files]
    assert len(rows) >= 20
    for row in rows:
        accelerator = Accelerator(config=row["acc"], system_config=row["system_config"], memory_mode=row["memory_mode"])
        made = vela.compile(files[row["model"]].read_bytes(), accelerator)
        found = made.summary
        assert (found.cycles, found.macs, len(made.content)) == (
            int(row["cycles_total"]),
            int(row["nn_macs"]),
            int(row["tflite"]),
        ), row["model"]
        assert found.sram_bytes == 1024 * float(row["sram_memory_used"]), row["model"]
        assert found.off_chip_flash_bytes == 1024 * float(row["off_chip_flash_memory_used"]), row["model"]
        assert made.on_cpu == ()
