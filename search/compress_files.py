"""Files around one compression: the plan that is read, and the model, plan and report that are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compressors.compressor import CompressionError, Value
from compressors.huffman_coding import is_coded
from compressors.plan import CompressionPlan, PlanError
from devices.coding.package import pack
from search.compress_report import Report, report_document
from search.errors import JobError, StorageError
from search.files import write_whole
from search.yaml_file import read_mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The compressed file with its report."""

    content: bytes
    report: Report


def read_plan(file: Path) -> CompressionPlan:
    """A plan file: a YAML mapping of technique to settings, int8 where it names no quantisation.

    Raises
    ------
    JobError
        When it cannot be read, names something unknown, or contradicts itself.
    """
    document = read_mapping(file, "plan", "techniques to settings, such as 'quantization: {}'")
    mapping: dict[str, Mapping[str, Value]] = {"quantization": {}}
    for name, settings in document.items():
        if settings is not None and not isinstance(settings, dict):
            raise JobError(
                f"plan {str(file)!r}: {name} is {settings!r}: write its settings below it, or leave it empty"
            )
        mapping[str(name)] = {str(key): value for key, value in (settings or {}).items()}
    try:
        return CompressionPlan.from_mapping(mapping)
    except (PlanError, CompressionError) as error:
        raise JobError(f"plan {str(file)!r}: {error}") from error


def write_made(made: Made, folder: Path) -> tuple[Path, ...]:
    """Write ``model.tflite``, ``plan.yaml`` and ``report.json``, each whole; the files.

    A Huffman-coded model is also written as its package, ``model.tfh``.

    Raises
    ------
    StorageError
        When the folder cannot be written.
    """
    import json

    import yaml

    plan = {name: dict(settings) for name, settings in made.report.compression.items()}
    files = {
        "model.tflite": made.content,
        **({"model.tfh": pack(made.content)} if is_coded(plan) else {}),
        "plan.yaml": yaml.safe_dump(plan, sort_keys=False).encode(),
        "report.json": (json.dumps(report_document(made.report), indent=1, allow_nan=False) + "\n").encode(),
    }
    return write_files(files, folder)


def write_files(files: Mapping[str, bytes], folder: Path) -> tuple[Path, ...]:
    """Write contents by name into a folder, which is made, each file whole; the files.

    Raises
    ------
    StorageError
        When the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{folder} cannot be made: {error.strerror}: name another --out") from error
    for name, content in files.items():
        write_whole(folder / name, content)
    return tuple(folder / name for name in files)
