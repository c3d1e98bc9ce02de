"""``model.json``: what a program must know to use ``model.tflite``.

Schema ``tinyfront.model/1``; every key is always there.

==================  ==========================================================================
key                 value
==================  ==========================================================================
schema              ``"tinyfront.model/1"``; the number rises when a key changes its meaning
model               file name, ``bytes`` and ``sha256`` of the model
compiled            the same of the file that a board with an Ethos-U executes; else null
package             the same of the Huffman-coded file that is flashed instead; else null
input, output       ``shape`` (batch first), ``dtype``, ``scale``, ``zero_point``:
                    real = scale * (stored - zero_point); scale 0.0 = not quantised
normalization       ``offset``, ``factor``: network input = (raw - offset) * factor; of the
                    features instead of raw values where there is a front-end
columns             file beside the model that says how a row of a table becomes raw values, column by
                    column, such as ``"columns.json"``; null where the data is no table
frontend            ``name``, ``settings``, ``input_shape`` of a raw sample, ``mean`` and ``factor``:
                    feature i of a row is standardised to (feature - mean[i]) * factor[i], both
                    empty where it is not; null where there is no front-end
labels              class names in output order; empty where the task has none
targets             what is predicted in output order: ``name``, ``mean``, ``deviation``, with value in
                    the target's unit = real * deviation + mean; empty where classes are told apart
anomaly             ``threshold``: a sample is an anomaly where the mean of (output - network input)^2
                    lies above it; null for other tasks
metrics             list of ``name``, ``value``, ``n`` (samples), ``low``, ``high`` (95 %
                    interval, null where not known)
device              ``name``, ``core``, ``clock_hz``, ``flash_bytes``, ``ram_bytes``, ``kernels``,
                    ``accelerator`` (such as ``ethos-u55-128``, null where there is none)
footprint           figure -> ``value``, ``certainty`` (exact, calculated, estimated), ``meaning``
certainty           certainty -> what the word stands for
operators           operator names used, sorted
provenance          ``run``, ``trial``, ``tinyfront_version``, ``data``, ``hyperparameters``
                    (list of name and value, as text)
==================  ==========================================================================
"""

from __future__ import annotations

import dataclasses
import hashlib
import json

from devices.artifact import Port
from devices.export.bundle import Bundle
from devices.export.costs import Certainty, costs
from devices.frontend.pipeline import Pipeline

SCHEMA = "tinyfront.model/1"


def description(bundle: Bundle) -> bytes:
    """``model.json`` as UTF-8, keys in the order of the schema."""
    artifact = bundle.artifact
    document = {
        "schema": SCHEMA,
        "model": {"file": "model.tflite", "bytes": artifact.model_bytes, "sha256": artifact.sha256},
        "compiled": _file("model_vela.tflite", bundle.compiled),
        "package": _file("model.tfh", artifact.package),
        "input": _port(artifact.input),
        "output": _port(artifact.output),
        "normalization": {"offset": bundle.normalization.offset, "factor": bundle.normalization.factor},
        "columns": bundle.columns_file or None,
        "frontend": None if bundle.frontend is None else _frontend(bundle.frontend),
        "labels": list(artifact.labels),
        "targets": [{"name": each.name, "mean": each.mean, "deviation": each.deviation} for each in bundle.targets],
        "anomaly": None if bundle.threshold is None else {"threshold": bundle.threshold},
        "metrics": [{"name": m.name, "value": m.value, "n": m.n, "low": m.low, "high": m.high} for m in bundle.metrics],
        "device": _device(bundle),
        "footprint": {
            c.name: {"value": c.value, "certainty": c.certainty.value, "meaning": c.meaning} for c in costs(bundle)
        },
        "certainty": {certainty.value: certainty.meaning for certainty in Certainty},
        "operators": list(bundle.operators),
        "provenance": _provenance(bundle),
    }
    return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _file(name: str, content: bytes | None) -> dict[str, object] | None:
    if content is None:
        return None
    return {"file": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _port(port: Port) -> dict[str, object]:
    return {
        "shape": list(port.shape),
        "dtype": port.dtype.value,
        "scale": port.scale,
        "zero_point": port.zero_point,
    }


def _frontend(pipeline: Pipeline) -> dict[str, object]:
    fitted = pipeline.standardisation
    return {
        "name": pipeline.frontend.name,
        "settings": dataclasses.asdict(pipeline.frontend),
        "input_shape": list(pipeline.input_shape),
        "mean": [] if fitted is None else list(fitted.mean),
        "factor": [] if fitted is None else list(fitted.factor),
    }


def _device(bundle: Bundle) -> dict[str, object]:
    device = bundle.device
    return {
        "name": device.name,
        "core": device.core,
        "clock_hz": device.clock_hz,
        "flash_bytes": device.flash_bytes,
        "ram_bytes": device.ram_bytes,
        "kernels": device.kernels,
        "accelerator": None if device.accelerator is None else device.accelerator.config,
    }


def _provenance(bundle: Bundle) -> dict[str, object]:
    provenance = bundle.provenance
    return {
        "run": provenance.run,
        "trial": provenance.trial,
        "tinyfront_version": provenance.tinyfront_version,
        "data": provenance.data,
        "hyperparameters": [{"name": name, "value": value} for name, value in provenance.hyperparameters],
    }
