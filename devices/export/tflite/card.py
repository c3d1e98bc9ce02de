"""``MODEL_CARD.md``: what a person must know before trusting the model."""

from __future__ import annotations

from devices.export.bundle import Bundle
from devices.export.escape import markdown
from devices.export.prose import cost_table, metric_table, number, plus, port_text, table
from devices.export.records import port_elements
from devices.export.templates import render


def card(bundle: Bundle) -> bytes:
    """The model card as UTF-8 Markdown."""
    artifact, device, provenance = bundle.artifact, bundle.device, bundle.provenance
    return render(
        "devices.export.tflite",
        "MODEL_CARD.md",
        {
            "run": markdown(provenance.run),
            "trial": str(provenance.trial),
            "version": markdown(provenance.tinyfront_version),
            "data": markdown(provenance.data),
            "sha256": artifact.sha256,
            "model_bytes": str(artifact.model_bytes),
            "input": port_text(artifact.input),
            "output": port_text(artifact.output),
            "operators": ", ".join(map(markdown, bundle.operators)),
            "device": markdown(device.name),
            "device_description": markdown(device.description),
            "core": markdown(device.core),
            "clock_mhz": number(device.clock_hz / 1e6),
            "runtime": "LiteRT" if device.runtime == "litert" else "TensorFlow Lite Micro",
            "kernels": device.kernels,
            "stored": _accelerator(bundle) or _package(bundle),
            "flash_share": _share(bundle.footprint.flash_bytes, device.flash_bytes),
            "ram_share": _share(bundle.footprint.ram_bytes, device.ram_bytes),
            "costs": cost_table(bundle),
            "metrics": metric_table(bundle),
            "making": _making(bundle),
            "feeding": _feeding(bundle),
            "answer": _answer(bundle),
            "hyperparameters": _hyperparameters(bundle),
        },
    )


def _accelerator(bundle: Bundle) -> str:
    """What a board with an Ethos-U executes; nothing for other boards."""
    accelerator, compiled = bundle.device.accelerator, bundle.compiled
    if accelerator is None or compiled is None:
        return ""
    return (
        f"\nFlash `model_vela.tflite` ({len(compiled)} bytes): Arm's Vela compiled it from `model.tflite` for the "
        f"board's {accelerator.config}, and the costs below are of it. It needs the operator `ethos-u` and Arm's "
        "driver. Its cycles are Vela's estimate, made without hardware. The figures of merit are of `model.tflite`; "
        "Arm promises that the compiled file answers bit for bit as TensorFlow Lite's reference kernels, which was "
        "not tried here.\n"
    )


def _package(bundle: Bundle) -> str:
    """What a board that unpacks its model stores; nothing for other models."""
    package = bundle.artifact.package
    if package is None:
        return ""
    return (
        f"\nFlash `model.tfh` ({len(package)} bytes): it is `model.tflite` Huffman-coded, bit for bit, and the costs "
        "below are of it. When the device starts, it unpacks the model into RAM; the decoder is in target `cpp`.\n"
    )


def _share(used: int, held: int) -> str:
    return f"{used} of {held} bytes ({used / held:.1%})"


def _making(bundle: Bundle) -> str:
    pipeline, normalization, file = bundle.frontend, bundle.normalization, bundle.columns_file
    row = f"Encode the row of the table as `{file}` says, column by column: that makes the raw values. " if file else ""
    row += "C++ source that does it is in target `cpp`. " if bundle.table is not None else ""
    scaled = f"* {normalization.factor!r}`"
    if pipeline is None:
        return f"{row}From raw values to network input: `x = (raw - {normalization.offset!r}) {scaled}."
    shape = " x ".join(map(str, pipeline.input_shape))
    fitted = "" if pipeline.standardisation is None else ", standardised"
    return (
        f"{row}From a raw sample of {shape} values to features: front-end `{pipeline.frontend.name}`{fitted}, whose "
        "settings are in `model.json` and whose C++ source is in target `cpp`. Then "
        f"`x = (feature - {normalization.offset!r}) {scaled}."
    )


def _feeding(bundle: Bundle) -> str:
    port = bundle.artifact.input
    if port.scale == 0.0:
        return f"Store `x` as {port.dtype.value}: the input is not quantised."
    return (
        f"Store `round(x / {port.scale!r}) {plus(port.zero_point)}`, limited to the range of {port.dtype.value}. "
        "What lies outside that range is cut off."
    )


def _answer(bundle: Bundle) -> str:
    labels, port = bundle.artifact.labels, bundle.artifact.output
    real = "stored" if port.scale == 0.0 else f"{port.scale!r} * (stored {plus(-port.zero_point)})"
    text = f"{port_elements(port)} values; real value = `{real}`."
    if bundle.targets:
        scales = [
            (str(index), markdown(each.name), f"`real * {each.deviation!r} + {each.mean!r}`")
            for index, each in enumerate(bundle.targets)
        ]
        return f"{text} They were learnt standardised:\n\n{table(('output', 'target', 'in its unit'), scales)}"
    if bundle.threshold is not None:
        return (
            f"{text} They are the network's inputs `x`, given back. A sample is an anomaly where the mean of "
            f"`(real - x)^2` is above {bundle.threshold!r}, which was chosen on the validation split."
        )
    if not labels:
        return text
    rows = [(str(index), markdown(label)) for index, label in enumerate(labels)]
    return f"{text} The largest one is the answer:\n\n{table(('output', 'label'), rows)}"


def _hyperparameters(bundle: Bundle) -> str:
    rows = bundle.provenance.hyperparameters
    if not rows:
        return "None were handed over with this artifact."
    return table(("name", "value"), [(markdown(name), markdown(value)) for name, value in rows])
