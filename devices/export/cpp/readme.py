"""``README.md`` of the C++ folder."""

from __future__ import annotations

from devices.export.cpp import resolver
from devices.export.cpp.arena import MARGIN_BYTES, arena_size
from devices.export.escape import markdown
from devices.export.prose import cost_table, interpreters, metric_table, number, port_text, raw_meaning
from devices.export.target import Bundle
from devices.export.templates import render
from devices.graph import DType

_VARIABLES_NOTE = ", and how the network's variables are created, which this network needs"

_PLAIN_ROW = "| `model.h`, `model.cc` | the network as a constant array, aligned to 16 bytes |"
_TARGETS_ROW = "\n| `targets.h` | what the outputs predict, and the way to values in their units |"
_ANOMALY_ROW = "\n| `anomaly.h` | how strange a sample is, and from where on it is an anomaly |"
_CODED_ROWS = (
    "| `model.h`, `model.cc` | the network as a Huffman-coded array, and the RAM it is unpacked into |\n"
    "| `unpack.h`, `unpack.c` | the decoder, in C |"
)

_FILLING = """for (size_t i = 0; i < tinyfront::kInputElements; ++i) {
  input[i] = tinyfront::QuantizeInput(tinyfront::Normalize(raw[i]));
}"""
_PREPROCESSING = "tinyfront::Preprocess(raw, input);  // raw: tinyfront::kRawElements values, {meaning}"
_TABLE_ROW = (
    "\n| `{file}` | how a row of the table becomes the raw values `raw`, column by column; you write that code |"
)
_TABLE_FILLING = "// raw: tinyfront::kInputElements values, {meaning}\n"
_FRONTEND_CHECK = """
The front-end is checked by itself, and needs no library: `make preprocess_test && ./preprocess_test`. It makes of a raw
sample the very input that the network was trained on.
"""


def readme(bundle: Bundle) -> bytes:
    """How to build, check and use the sources, as UTF-8 Markdown."""
    artifact, device, provenance = bundle.artifact, bundle.device, bundle.provenance
    size = arena_size(bundle.graph, bundle.footprint)
    has_variables = bool(resolver.operators_named(bundle.graph, "VAR_HANDLE"))
    fields = {
        "run": markdown(provenance.run),
        "trial": str(provenance.trial),
        "version": markdown(provenance.tinyfront_version),
        "data": markdown(provenance.data),
        "targets_row": _TARGETS_ROW if bundle.targets else "" if bundle.threshold is None else _ANOMALY_ROW,
        "model_rows": _PLAIN_ROW if artifact.package is None else _CODED_ROWS,
        "sources": _sources(bundle),
        "filling": _filling(bundle),
        "columns_row": _TABLE_ROW.format(file=bundle.columns_file) if bundle.columns_file else "",
        "frontend_check": "" if bundle.frontend is None or bundle.golden[0].raw is None else _FRONTEND_CHECK,
        "frontend_rows": _frontend_rows(bundle),
        "model_bytes": str(artifact.model_bytes),
        "device": markdown(device.name),
        "core": markdown(device.core),
        "clock_mhz": number(device.clock_hz / 1e6),
        "kernels": device.kernels,
        "operator_count": str(len(bundle.operators)),
        "golden_count": str(len(bundle.golden)),
        "interpreters": interpreters(bundle),
        "comparison": _comparison(bundle),
        "input": port_text(artifact.input),
        "output": port_text(artifact.output),
        "costs": cost_table(bundle),
        "metrics": metric_table(bundle),
        "device_arena": str(size.device_bytes),
        "host_arena": str(size.host_bytes),
        "margin": str(MARGIN_BYTES),
        "variables_note": _VARIABLES_NOTE if has_variables else "",
    }
    return render("devices.export.cpp", "README.md", fields)


def _filling(bundle: Bundle) -> str:
    meaning = raw_meaning(bundle)
    if bundle.frontend is not None:
        return _PREPROCESSING.format(meaning=meaning)
    return (_TABLE_FILLING.format(meaning=meaning) if bundle.columns_file else "") + _FILLING


def _sources(bundle: Bundle) -> str:
    names = ["`model.cc`"]
    if bundle.artifact.package is not None:
        names.append("`unpack.c`")
    if bundle.frontend is not None:
        names.append("`preprocess.cc`")
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _frontend_rows(bundle: Bundle) -> str:
    if bundle.frontend is None:
        return ""
    name = bundle.frontend.frontend.name
    return f"| `preprocess.h`, `preprocess.cc` | the front-end `{name}`: from a raw sample to the network's input |\n"


def _comparison(bundle: Bundle) -> str:
    if bundle.artifact.output.dtype is DType.FLOAT32:
        return "every answer is within 0.0001 of the golden one"
    return "every answer equals the golden one byte for byte"
