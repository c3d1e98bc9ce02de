"""The ``cpp`` target: a network as C++ sources for TensorFlow Lite Micro, with a program that proves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from devices.export.bundle import Bundle
from devices.export.cpp import headers
from devices.export.cpp.columns import columns_cc, columns_h
from devices.export.cpp.columns_golden import columns_golden_h, columns_test_cc
from devices.export.cpp.preprocess import frontend_files
from devices.export.cpp.readme import readme
from devices.export.records import ExportError
from devices.export.templates import verbatim

PACKAGE = "devices.export.cpp"
_DECODER = "devices.coding"


@dataclass(frozen=True, slots=True)
class CppTarget:
    """C++17 sources, all names in namespace ``tinyfront``."""

    name: str = "cpp"
    description: str = "C++ sources for TensorFlow Lite Micro, with a golden test that runs on a computer too"

    def files(self, bundle: Bundle) -> Mapping[str, bytes]:
        """The sources, a read-me and a Makefile.

        ``preprocess.h`` and ``.cc`` too where the network has a front-end, ``columns.h`` and ``.cc`` where its data is
        a table.

        Raises
        ------
        ExportError
            Where the runtime lacks an operator, the bundle has no golden
            sample, an input or output has a type without a C++ name, or the
            board runs LiteRT or executes the network on an accelerator.
        """
        if bundle.device.runtime != "tflm":
            raise ExportError(
                f"target 'cpp' is for TensorFlow Lite Micro, and {bundle.device.name} runs LiteRT; export 'tflite', "
                "which it runs as it is, or export for a microcontroller"
            )
        if bundle.device.accelerator is not None:
            raise ExportError(
                f"target 'cpp' has neither the operator nor the driver of the {bundle.device.accelerator.config} of "
                f"{bundle.device.name}; export 'tflite' and use the maker's project, or export for a board without one"
            )
        if not bundle.golden:
            raise ExportError("target 'cpp' compares answers and needs a golden sample; give one, or export 'tflite'")
        return {
            **_decoder(bundle),
            **frontend_files(bundle),
            **_columns(bundle),
            "model.h": headers.model_h(bundle),
            "model.cc": headers.model_cc(bundle),
            "op_resolver.h": headers.op_resolver_h(bundle),
            "arena.h": headers.arena_h(bundle),
            "quantization.h": headers.quantization_h(bundle),
            "golden.h": headers.golden_h(bundle),
            "labels.h": headers.labels_h(bundle),
            **({"targets.h": headers.targets_h(bundle)} if bundle.targets else {}),
            **({} if bundle.threshold is None else {"anomaly.h": headers.anomaly_h(bundle)}),
            "main.cc": verbatim(PACKAGE, "main.cc"),
            "Makefile": verbatim(PACKAGE, "Makefile"),
            "README.md": readme(bundle),
        }


def _decoder(bundle: Bundle) -> Mapping[str, bytes]:
    """The C sources that unpack a Huffman-coded network; none for others."""
    if bundle.artifact.package is None:
        return {}
    return {name: verbatim(_DECODER, name) for name in ("unpack.h", "unpack.c")}


def _columns(bundle: Bundle) -> Mapping[str, bytes]:
    """The sources that encode a row of a table, with a program that checks them; none for other data."""
    if bundle.table is None:
        return {}
    return {
        "columns.h": columns_h(bundle, bundle.table),
        "columns.cc": columns_cc(bundle.table),
        "columns_golden.h": columns_golden_h(bundle, bundle.table),
        "columns_test.cc": columns_test_cc(bundle),
    }
