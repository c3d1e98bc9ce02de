"""Tables for the export tests, and a bundle whose network takes their encoded rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from devices.artifact import Normalization
from devices.export.bundle import Bundle
from devices.export.records import Golden
from devices.frontend.pipeline import Pipeline
from devices.frontend.table_encoding import ColumnEncoding, Row, TableEncoding
from devices.graph import DType

# Names and texts that try to leave comment and literal, to be no identifier, or to be the same one.
HOSTILE = (
    "",
    "*/ int evil; /*",
    "ends in a backslash \\",
    'quote " and \\" more',
    "new\nline\r\n#error line",
    "trigraph ??/",
    "??/\nint evil;",
    "Größe 漢字 🐈",
    "漢字",
    "日本",
    "class",
    "errno",
    "linux",
    "Class",
    "and",
    "123",
    "1st",
    "a b",
    "a_b",
    "a-b",
    "a_b_2",
    "A B",
    "__proto__",
    "x y",
    "find x y",
    "find find x y",
    "find x_y",
    "place of",
    "_Reserved",
    "kUnknown",
    "unknown",
    "Missing",
    "text 3",
    "row",
    "raw",
    "double",
    "%s %n",
    "$row ${raw} $$",
    "{name}",
    'R"x(',
    "u8",
    "x" * 300,
    "x" * 300 + "y",
    "tab\there",
    "\x7f\x1b[31m",
    "zero\0byte",
    "zero",
    "\u202eright to left",
    "NULL",
    "nan",
    "é",
    "e\u0301",
    "e",
)


def number(name: str, **changes: float) -> ColumnEncoding:
    return ColumnEncoding(
        name=name,
        kind="number",
        **{"filled": 20.7, "offset": -3.3, "factor": 1 / 45.1, **changes},  # type: ignore[arg-type]
    )


MIXED = TableEncoding(
    columns=(
        number("Temperature °C"),
        ColumnEncoding(name="colour", kind="one-hot", values=("blue", "light blue", "red")),
        ColumnEncoding(name="size", kind="ordinal", values=("l", "m", "s", "unknown", "xl", "xs", "xxl")),
        number("never changes", filled=5.0, offset=5.0, factor=0.0),
        ColumnEncoding(name="nothing known", kind="one-hot"),
        ColumnEncoding(name="nothing known either", kind="ordinal"),
        number("tiny range", filled=1e-300, offset=-1e-300, factor=1e300),
        number("wide range", filled=0.1, offset=-1e300, factor=5e-301),
    )
)


def rows_of(table: TableEncoding, n: int, seed: int = 0) -> tuple[Row, ...]:
    """Rows of any finite doubles, subnormal ones too, near the range of the column and far; texts of all kinds."""
    rng = np.random.default_rng(seed)
    return tuple(tuple(_cell(column, rng) for column in table.columns) for _ in range(n))


def _cell(column: ColumnEncoding, rng: np.random.Generator) -> float | str | None:
    if rng.random() < 0.1:
        return None
    if not column.is_number:
        texts = [*column.values, "no such text", "", "BLUE", "blue "]
        return texts[rng.integers(len(texts))]
    near = column.offset + rng.normal() / (column.factor or 1.0)
    bits = rng.integers(0, 1 << 63, dtype=np.uint64, endpoint=False) | np.uint64(rng.integers(2) << 63)
    far = float(bits.view(np.float64))
    edge = 1e38 * rng.normal() / (column.factor or 1.0)
    given = (near, far, column.offset, np.nextafter(column.offset, 1e9), -0.0, edge)
    chosen = float(given[rng.integers(len(given))])
    return chosen if abs(chosen) < 1e308 else 1.0  # NaN and infinity are missing values


def fed_rows(
    bundle: Bundle,
    table: TableEncoding,
    rows: tuple[Row, ...],
    *,
    pipeline: Pipeline | None = None,
    dtype: DType = DType.INT8,
) -> Bundle:
    """The bundle as if its network took the encoded rows, through a front-end or not; one golden sample a row."""
    from search.evaluate import quantize

    encoded: npt.NDArray[np.float32] = np.stack([table.encode_row(row) for row in rows])
    x = encoded if pipeline is None else pipeline.apply(encoded)
    is_float = dtype is DType.FLOAT32
    shape = (1, *x.shape[1:])
    quantisation = (0.0, 0) if is_float else (1 / 255, -128)
    port = replace(bundle.artifact.input, shape=shape, dtype=dtype, scale=quantisation[0], zero_point=quantisation[1])
    tensors = list(bundle.graph.tensors)
    tensors[bundle.graph.inputs[0]] = replace(tensors[bundle.graph.inputs[0]], shape=shape, dtype=dtype)
    golden = tuple(
        Golden.from_arrays(
            quantize(port, sample),
            np.zeros(5, np.int8),
            interpreter="none",
            raw=None if pipeline is None else values,
            row=row,
        )
        for sample, values, row in zip(x, encoded, rows, strict=True)
    )
    return replace(
        bundle,
        graph=replace(bundle.graph, tensors=tuple(tensors)),
        artifact=replace(bundle.artifact, input=port),
        normalization=Normalization(offset=0.0, factor=1.0),
        golden=golden,
        frontend=pipeline,
        table=table,
        columns_file="columns.json",
    )
