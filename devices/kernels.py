"""Which kernels run an operator: the library of the runtime, and the variant of it that the core gets.

CMSIS-NN@4ab83cc3 with tflite-micro@90b983c2b; ESP-NN@d45b843c with
esp-tflite-micro@99f49e14.  Kernels that a library does not have are the
portable ones of TensorFlow Lite Micro.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from devices.device import Kernels
from devices.graph import DType, Graph, Operator, Tensor

QUANTIZED = (DType.INT8, DType.INT16)


class Extension(Enum):
    """Variant of the kernels: the instruction set extension that CMSIS-NN and ESP-NN pick theirs by."""

    SCALAR = "scalar"
    DSP = "dsp"
    MVE = "mve"
    PORTABLE = "portable"
    ESP = "esp"
    ESP32_S3 = "esp32-s3"
    ESP32_P4 = "esp32-p4"

    @property
    def is_cmsis_nn(self) -> bool:
        """Whether these are kernels of CMSIS-NN."""
        return self in (Extension.SCALAR, Extension.DSP, Extension.MVE)

    @property
    def is_esp_nn(self) -> bool:
        """Whether these are kernels of ESP-NN."""
        return self in (Extension.ESP, Extension.ESP32_S3, Extension.ESP32_P4)


_CMSIS_NN = {
    "cortex-m0": Extension.SCALAR,
    "cortex-m0plus": Extension.SCALAR,
    "cortex-m3": Extension.SCALAR,
    "cortex-m23": Extension.SCALAR,
    "cortex-m4": Extension.DSP,
    "cortex-m7": Extension.DSP,
    "cortex-m33": Extension.DSP,
    "cortex-m55": Extension.MVE,
    "cortex-m85": Extension.MVE,
}
_ESP_NN = {
    "xtensa-lx6": Extension.ESP,
    "riscv32imc": Extension.ESP,
    "xtensa-lx7": Extension.ESP32_S3,
    "riscv32imafc": Extension.ESP32_P4,
}
EXTENSIONS: dict[Kernels, dict[str, Extension]] = {
    "cmsis-nn": _CMSIS_NN,
    "esp-nn": _ESP_NN,
    "reference": dict.fromkeys((*_CMSIS_NN, *_ESP_NN), Extension.PORTABLE),
}


def extension_of(core: str, kernels: Kernels) -> Extension:
    """The variant of `kernels` that `core` gets.

    Raises
    ------
    ValueError
        When the library is not one of TensorFlow Lite Micro, or has no kernels for the core.
    """
    if kernels not in EXTENSIONS:
        raise ValueError(
            f"TensorFlow Lite Micro's kernels must be one of {', '.join(EXTENSIONS)}; got {kernels!r}, "
            "whose runtime has no tensor arena"
        )
    cores = EXTENSIONS[kernels]
    if core not in cores:
        raise ValueError(f"the core must be one of {', '.join(sorted(cores))} with {kernels}; got {core!r}")
    return cores[core]


@dataclass(frozen=True, slots=True)
class Call:
    """An operator of a graph with the kernels that run it."""

    graph: Graph
    operator: Operator
    extension: Extension

    @property
    def source(self) -> Tensor | None:
        """Input 0, the activations of most operators."""
        return self.graph.tensor(self.operator, 0)

    @property
    def weights(self) -> Tensor | None:
        """Input 1, the weights of operators that have them."""
        return self.graph.tensor(self.operator, 1)

    @property
    def out(self) -> Tensor:
        """Output 0."""
        return self.graph.output(self.operator)

    @property
    def is_constant(self) -> bool:
        """Whether weights and bias lie in the file."""
        arguments = (self.weights, self.graph.tensor(self.operator, 2))
        return all(tensor is None or tensor.constant_bytes is not None for tensor in arguments)

    @property
    def is_fast_convolution(self) -> bool:
        """Whether a fully connected int8 layer runs as a 1x1 convolution."""
        weights = self.weights
        return weights is not None and len(self.out.shape) > 2 and bool(weights.shape) and weights.shape[-1] % 4 == 0
