"""Instructions that exported front-ends and encodings of columns take on a Cortex-M4, in emulation.

What `devices.frontend.cost` and `devices.frontend.table_encoding` rest on.

``pip install ziglang unicorn pyelftools capstone`` first; the first run builds a C library and takes minutes.
Clang (of Zig) compiles each ``preprocess.cc`` or ``columns.cc`` at -O2 for a Cortex-M4 with its
floating-point unit, Unicorn runs it on its golden raw sample or a row, and every
instruction executed is counted.  The values that it leaves must equal Python's.
``python -m tests.benchmarks.frontend_instructions`` prints a line a front-end.
"""

from __future__ import annotations

import itertools
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from devices.artifact import Artifact, Normalization, Port
from devices.boards import load_device
from devices.export.bundle import Bundle
from devices.export.cpp.columns import column_sources, columns_cc, columns_h
from devices.export.cpp.headers import golden_h, quantization_h
from devices.export.cpp.preprocess import frontend_files
from devices.export.records import Golden, Provenance
from devices.flatbuffer import read_graph, read_ports
from devices.footprint import Footprint
from devices.frontend.fft_magnitude import FftMagnitude
from devices.frontend.frontend import Frontend
from devices.frontend.image_rescale import ImageRescale
from devices.frontend.log_mel import LogMel
from devices.frontend.mfcc import Mfcc
from devices.frontend.micro_frontend import MicroFrontend
from devices.frontend.pipeline import Pipeline
from devices.frontend.standardise import Standardise
from devices.frontend.table_encoding import ColumnEncoding, TableEncoding
from devices.frontend.window_statistics import WindowStatistics
from tests.devices.models import dense_softmax

_CASES: tuple[tuple[Frontend, tuple[int, ...]], ...] = (
    (Mfcc(sample_rate_hz=16000), (16000,)),
    (Mfcc(sample_rate_hz=16000, spectrum="power"), (16000,)),
    (LogMel(sample_rate_hz=16000, fft_size=1024, mel_bins=24), (8000,)),
    (MicroFrontend(sample_rate_hz=16000), (16000,)),
    (WindowStatistics(), (128, 1, 6)),
    (WindowStatistics(median_absolute_deviation=True, skewness=True, kurtosis=True), (128, 1, 6)),
    (FftMagnitude(), (256, 1, 3)),
    (FftMagnitude(log=True), (128, 1, 3)),
    (ImageRescale(height=32, width=32), (96, 96, 3)),
    (ImageRescale(height=32, width=32, grey=True), (96, 96, 3)),
    (Standardise(), (20, 1, 3)),
)
_MAIN = """
#include "golden.h"
#include "preprocess_golden.h"
namespace { tinyfront::InputType input[tinyfront::kInputElements]; }
extern "C" {
tinyfront::InputType* volatile where;
__attribute__((noinline)) void done() { for (;;) { asm volatile("nop"); } }
void entry() {
  where = input;
  tinyfront::Preprocess(tinyfront::kGoldenRaw, input);
  done();
}
}
"""
_ROW_MAIN = """
#include "columns.h"
namespace { float encoded[tinyfront::kEncodedElements]; tinyfront::Row row; }
extern "C" {
float* volatile where;
__attribute__((noinline)) void done() { for (;;) { asm volatile("nop"); } }
void entry() {
  where = encoded;
  row = [] { using namespace tinyfront; return Row$row; }();
  asm volatile("" : : "r"(&row) : "memory");
  tinyfront::EncodeRow(row, encoded);
  done();
}
}
"""
_COLUMNS = (
    ColumnEncoding(name="number", kind="number", filled=20.7, offset=-3.3, factor=1 / 45.1),
    ColumnEncoding(name="one-hot", kind="one-hot", values=tuple("abcde")),
    ColumnEncoding(name="ordinal", kind="ordinal", values=tuple("abcde")),
)
_TARGET = ("-target", "thumb-linux-musleabihf", "-mcpu=cortex_m4+vfp4d16sp", "-std=c++17", "-O2", "-ffp-contract=off")
_FLAGS = ("-fno-exceptions", "-fno-rtti", "-fno-math-errno", "-ffunction-sections", "-static", "-I.")
_STACK = 0x70000000


def main() -> None:
    """Print counted instructions beside the model's, whose divisions and roots are taken as one instruction here."""
    device = load_device("nucleo-l4r5zi")
    for frontend, shape in _CASES:
        bundle = _bundle(frontend, shape)
        sources = {**frontend_files(bundle), "golden.h": golden_h(bundle), "quantization.h": quantization_h(bundle)}
        counted = _counted({**sources, "main.cc": _MAIN.encode()}, "preprocess.cc", bundle.golden[0].input)
        assert bundle.frontend is not None
        operations = bundle.frontend.operations()
        ours = replace(operations, simple=operations.simple + operations.slow, slow=0).instructions(device)
        _print(f"{frontend.name:<18} {shape!s:<12}", counted, ours)
    for column, n in itertools.product(_COLUMNS, (1, 2, 20)):
        table = TableEncoding(columns=(column,) * n)
        each = column.operations()
        ours = n * replace(each, simple=each.simple + each.slow, slow=0).instructions(device)
        _print(f"{column.kind:<18} {n:<12}", _counted_row(table), ours)


def _print(what: str, counted: int, ours: float) -> None:
    print(f"{what} counted {counted:>9} model {ours:>11.0f} ({ours / counted:.2f})")


def _counted_row(table: TableEncoding) -> int:
    """Of one row within the training rows' range; filling it takes a few instructions a column more."""
    row = tuple(11.7 if column.is_number else column.values[-1] for column in table.columns)
    bundle = cast("Bundle", SimpleNamespace(frontend=None))  # a whole one needs a network of as many inputs
    pairs = zip(row, column_sources(table), strict=True)
    cells = [source.enumerator(cell) if isinstance(cell, str) else str(cell) for cell, source in pairs]
    main = _ROW_MAIN.replace("$row", "{" + ", ".join(cells) + "}")
    ports = f"namespace tinyfront {{ constexpr unsigned kInputElements = {table.n_inputs}; }}"
    sources = {
        "main.cc": main.encode(),
        "columns.h": columns_h(bundle, table),
        "columns.cc": columns_cc(table),
        "quantization.h": ports.encode(),
    }
    return _counted(sources, "columns.cc", table.encode_row(row).tobytes())


def _bundle(frontend: Frontend, shape: tuple[int, ...]) -> Bundle:
    """The front-end before a network whose int8 input it fills; of the network only the ports matter."""
    import numpy as np

    from search.evaluate import quantize

    content = dense_softmax()
    raw = (np.random.default_rng(0).normal(size=(1, *shape)) * 0.1).clip(-1, 1).astype(np.float32)
    pipeline = Pipeline(input_shape=shape, frontend=frontend)
    given, answer = read_ports(content)
    port: Port = replace(given, shape=(1, *pipeline.output_shape))
    graph = read_graph(content)
    tensors = tuple(
        replace(tensor, shape=port.shape) if index == graph.inputs[0] else tensor
        for index, tensor in enumerate(graph.tensors)
    )
    stored = quantize(port, pipeline.apply(raw))
    return Bundle(
        artifact=Artifact(content=content, input=port, output=answer),
        graph=replace(graph, tensors=tensors),
        device=load_device("nucleo-l4r5zi"),
        footprint=_no_footprint(len(content)),
        normalization=Normalization(offset=0.0, factor=1.0),
        provenance=Provenance(run="count", trial=0, tinyfront_version="0", data="noise"),
        golden=(Golden.from_arrays(stored, np.zeros(5, np.int8), interpreter="none", raw=raw),),
        frontend=pipeline,
    )


def _no_footprint(model_bytes: int) -> Footprint:
    names = ("runtime_flash_bytes", "activation_bytes", "bookkeeping_bytes", "setup_bytes", "static_ram_bytes", "macs")
    zeros: dict[str, Any] = dict.fromkeys((*names, "cycles"), 0)
    times: dict[str, Any] = dict.fromkeys(("latency_ms", "latency_low_ms", "latency_high_ms"), 0.0)
    return Footprint(model_bytes=model_bytes, instructions=None, **zeros, **times)


def _counted(sources: Mapping[str, bytes], source: str, golden: bytes) -> int:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in sources.items():
            (Path(folder) / name).write_bytes(content)
        command = [sys.executable, "-m", "ziglang", "c++", *_TARGET, *_FLAGS, "-Wl,-e,entry", "-Wl,--gc-sections"]
        subprocess.run([*command, "main.cc", source, "-o", "program"], cwd=folder, check=True)
        return _executed(Path(folder) / "program", golden)


def _executed(program: Path, golden: bytes) -> int:
    """Instructions from entry to end; the values that they leave must be the golden ones."""
    import capstone
    import unicorn
    from elftools.elf.elffile import ELFFile
    from unicorn import arm_const as arm

    emulator = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB)
    emulator.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_A15)  # which runs the Cortex-M4's instructions
    with program.open("rb") as stream:
        elf = ELFFile(stream)
        places = {symbol.name: symbol["st_value"] for symbol in elf.get_section_by_name(".symtab").iter_symbols()}
        segments = [(s["p_vaddr"], s["p_memsz"], s.data()) for s in elf.iter_segments() if s["p_type"] == "PT_LOAD"]
    pages = {page for at, size, _ in segments for page in range(at & ~0xFFF, at + size, 0x1000)}
    for page in pages:
        emulator.mem_map(page, 0x1000)
    for at, _, content in segments:
        emulator.mem_write(at, content)
    emulator.mem_map(_STACK, 0x100000)
    emulator.reg_write(arm.UC_ARM_REG_SP, _STACK + 0xF0000)
    emulator.reg_write(arm.UC_ARM_REG_C1_C0_2, emulator.reg_read(arm.UC_ARM_REG_C1_C0_2) | 0xF << 20)
    emulator.reg_write(arm.UC_ARM_REG_FPEXC, 1 << 30)  # the floating-point unit is on
    blocks: Counter[tuple[int, int]] = Counter()
    emulator.hook_add(unicorn.UC_HOOK_BLOCK, lambda _, at, size, __: blocks.update([(at, size)]))
    emulator.emu_start(places["entry"] | 1, places["done"] & ~1)
    (start,) = struct.unpack("<I", emulator.mem_read(places["where"], 4))
    assert bytes(emulator.mem_read(start, len(golden))) == golden, f"{program}: the emulated values differ"
    reader = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB)
    return sum(
        n * sum(1 for _ in reader.disasm(bytes(emulator.mem_read(at, size)), at)) for (at, size), n in blocks.items()
    )


if __name__ == "__main__":
    main()
