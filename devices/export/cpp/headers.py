"""The C++ files, one function a file."""

from __future__ import annotations

from devices.artifact import Port
from devices.export.bundle import Bundle
from devices.export.cpp import resolver
from devices.export.cpp.arena import MARGIN_BYTES, arena_size
from devices.export.cpp.literals import byte_rows, float_literal, rows, stored_literals, stored_type
from devices.export.escape import c_string
from devices.export.prose import raw_meaning
from devices.export.records import Golden, port_elements
from devices.export.templates import render
from devices.graph import DType

_PACKAGE = "devices.export.cpp"
_RESOLVER_HEADER = "tensorflow/lite/micro/micro_mutable_op_resolver.h"
_FLOAT_TOLERANCE = 1e-4  # measured between the portable kernels and CMSIS-NN over 1076 float operators


def model_h(bundle: Bundle) -> bytes:
    """Declares the array, of the network or its package, and says which trial it is."""
    package = bundle.artifact.package
    fields = {
        "bytes": str(bundle.artifact.model_bytes),
        "sha256": bundle.artifact.sha256,
        "run": c_string(bundle.provenance.run),
        "trial": str(bundle.provenance.trial),
    }
    if package is not None:
        return render(_PACKAGE, "coded_model.h", {**fields, "package_bytes": str(len(package))})
    return render(_PACKAGE, "model.h", fields)


def model_cc(bundle: Bundle) -> bytes:
    """Defines the array, and for a package what unpacks it."""
    package = bundle.artifact.package
    if package is not None:
        return render(_PACKAGE, "coded_model.cc", {"array": byte_rows(package)})
    return render(_PACKAGE, "model.cc", {"array": byte_rows(bundle.artifact.content)})


def op_resolver_h(bundle: Bundle) -> bytes:
    """Registers exactly the operators of the graph."""
    calls = resolver.registrations(bundle.graph)
    fields = {
        "includes": "\n".join(f'#include "{name}"' for name in (*resolver.headers(bundle.graph), _RESOLVER_HEADER)),
        "count": str(len(calls)),
        "calls": "\n".join(f"  TF_LITE_ENSURE_STATUS(resolver.{call});" for call in calls),
    }
    return render(_PACKAGE, "op_resolver.h", fields)


def arena_h(bundle: Bundle) -> bytes:
    """The arena's exact figure and what is set aside."""
    size = arena_size(bundle.graph, bundle.footprint)
    fields = {
        "activation_bytes": str(bundle.footprint.activation_bytes),
        "bookkeeping_bytes": str(bundle.footprint.bookkeeping_bytes),
        "arena_bytes": str(bundle.footprint.arena_bytes),
        "device_bytes": str(size.device_bytes),
        "host_bytes": str(size.host_bytes),
        "margin_bytes": str(MARGIN_BYTES),
        "resource_variables": str(len(resolver.operators_named(bundle.graph, "VAR_HANDLE"))),
    }
    return render(_PACKAGE, "arena.h", fields)


def quantization_h(bundle: Bundle) -> bytes:
    """Scales, zero points, normalisation and the functions that apply them."""
    fields = {
        "offset": float_literal(bundle.normalization.offset),
        "factor": float_literal(bundle.normalization.factor),
        "raw_meaning": _raw_meaning(bundle),
        **_port_fields("input", bundle.artifact.input),
        **_port_fields("output", bundle.artifact.output),
    }
    return render(_PACKAGE, "quantization.h", fields)


def _raw_meaning(bundle: Bundle) -> str:
    return raw_meaning(bundle) if bundle.frontend is None else "the features of preprocess.h"


def golden_h(bundle: Bundle) -> bytes:
    """The golden samples as typed arrays."""
    golden, artifact = bundle.golden, bundle.artifact
    is_float = artifact.output.dtype is DType.FLOAT32
    fields = {
        "count": str(len(golden)),
        "interpreters": ",\n".join(f"    {c_string(sample.interpreter)}" for sample in golden),
        "labels": ", ".join(str(_label(sample)) for sample in golden),
        "tolerance": float_literal(_FLOAT_TOLERANCE if is_float else 0.0),
        "inputs": _samples("input", artifact.input, tuple(sample.input for sample in golden)),
        "outputs": _samples("output", artifact.output, tuple(sample.output for sample in golden)),
    }
    return render(_PACKAGE, "golden.h", fields)


def labels_h(bundle: Bundle) -> bytes:
    """The class names; C++ has no empty array, so that none are one empty string of which 0 count."""
    labels = bundle.artifact.labels
    fields = {"count": str(len(labels)), "labels": ",\n".join(f"    {c_string(label)}" for label in labels or ("",))}
    return render(_PACKAGE, "labels.h", fields)


def targets_h(bundle: Bundle) -> bytes:
    """Names and scales of what is predicted, and the way to values in their units."""
    targets = bundle.targets
    fields = {
        "count": str(len(targets)),
        "names": ",\n".join(f"    {c_string(target.name)}" for target in targets),
        "means": ", ".join(float_literal(target.mean) for target in targets),
        "deviations": ", ".join(float_literal(target.deviation) for target in targets),
    }
    return render(_PACKAGE, "targets.h", fields)


def anomaly_h(bundle: Bundle) -> bytes:
    """The threshold, and how strange a sample is to the network."""
    return render(_PACKAGE, "anomaly.h", {"threshold": float_literal(bundle.threshold or 0.0)})


def _port_fields(side: str, port: Port) -> dict[str, str]:
    return {
        f"{side}_type": stored_type(side, port).cpp,
        f"{side}_elements": str(port_elements(port)),
        f"{side}_shape": " x ".join(map(str, port.shape)),
        f"{side}_scale": float_literal(port.scale),
        f"{side}_zero_point": str(port.zero_point),
    }


def _samples(side: str, port: Port, stored: tuple[bytes, ...]) -> str:
    kind = stored_type(side, port)
    return ",\n".join("    {\n" + rows(stored_literals(one, kind), " " * 8) + "}" for one in stored)


def _label(sample: Golden) -> int:
    return -1 if sample.label is None else sample.label
