"""A model file as one Huffman-coded package, and back, bit by bit.

Weights are most of a file and their values are far from evenly spread: small
ones are frequent, pruned ones are all zero, clustered ones are few.  As in Han
et al., *Deep Compression*, ICLR 2016, section 4, each is written in a code
whose length follows its frequency.  The decoder is `unpack.c`, 477 bytes of
code on a Cortex-M4 (545 on an M0+; GCC 10 or later, -Os).

Little-endian layout::

    "TFH1"
    u32  bytes of the file
    u16  codes
    u16  runs
    each code: u8 longest, u16 counts[longest], u8 symbols[sum of counts]
    each run:  u32  bytes of the file in its low 24 bits, code in its high 8 (255: as they are, 8 bits each)
    the bits of all runs, most significant first, the last byte filled with zeros
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from devices.coding.huffman import Bytes, Code, bits_of, code_of

MAGIC = b"TFH1"
RAW = 255
_MOST_CODES = 255
_LONGEST_RUN = (1 << 24) - 1
_RUN_BYTES = 4


class PackageError(ValueError):
    """Bytes that are no package; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class _Run:
    data: Bytes
    code: int


def pack(content: bytes) -> bytes:
    """Code a ``.tflite`` file; the same file gives the same package.

    Every tensor with constants gets a code of its own where that is shorter,
    table included; all the rest shares one.

    Raises
    ------
    PackageError
        When the file is larger than 16 MiB.
    """
    if len(content) > _LONGEST_RUN:
        raise PackageError(f"the file has {len(content)} bytes, a package holds at most {_LONGEST_RUN}")
    data = np.frombuffer(content, np.uint8)
    shared = code_of(data)
    codes, runs, position = [shared], [], 0
    for start, stop in _constants(content):
        part = data[start:stop]
        own = code_of(part)
        gain = int((shared.lengths()[part].sum() - own.lengths()[part].sum()) // 8)
        if gain <= len(_table(own)) + 2 * _RUN_BYTES or len(codes) == _MOST_CODES:
            continue
        runs += [_Run(data[position:start], 0), _Run(part, len(codes))]
        codes.append(own)
        position = stop
    runs.append(_Run(data[position:], 0))
    return _written(len(content), codes, _with_own_rest(codes, [run for run in runs if len(run.data)]))


def _with_own_rest(codes: list[Code], runs: list[_Run]) -> list[_Run]:
    """The same runs, the shared code made anew for what really uses it, or dropped for raw bytes where it costs."""
    rest = [run.data for run in runs if run.code == 0]
    if not rest:
        return runs
    joined = np.concatenate(rest)
    codes[0] = code_of(joined)
    coded = int(codes[0].lengths()[joined].sum()) // 8 + len(_table(codes[0]))
    if coded < len(joined):
        return runs
    codes[0] = code_of(joined[:1])
    return [_Run(run.data, RAW if run.code == 0 else run.code) for run in runs]


def _written(total: int, codes: list[Code], runs: list[_Run]) -> bytes:
    bits = [np.unpackbits(run.data) if run.code == RAW else bits_of(run.data, codes[run.code]) for run in runs]
    parts = [MAGIC, struct.pack("<IHH", total, len(codes), len(runs)), *(_table(code) for code in codes)]
    parts += [struct.pack("<I", len(run.data) | run.code << 24) for run in runs]
    parts.append(np.packbits(np.concatenate(bits)).tobytes() if bits else b"")
    return b"".join(parts)


def _table(code: Code) -> bytes:
    return struct.pack(f"<B{len(code.counts)}H", len(code.counts), *code.counts) + bytes(code.symbols)


def _constants(content: bytes) -> list[tuple[int, int]]:
    """[start, stop) of every constant of the file, in file order, none overlapping another."""
    model = schema.Model.GetRootAsModel(content, 0)
    found = []
    for index in range(model.BuffersLength()):
        table = model.Buffers(index)._tab
        offset = table.Offset(4)
        if offset:
            start = table.Vector(offset)
            found.append((start, start + table.VectorLen(offset)))
    ordered, end = [], 0
    for start, stop in sorted(set(found)):
        if end <= start < stop <= len(content):
            ordered.append((start, stop))
            end = stop
    return ordered


def unpack(package: bytes) -> bytes:
    """The file in a package, bit for bit; what `unpack.c` does on a device.

    Raises
    ------
    PackageError
        When the package is torn or was not made by `pack`.
    """
    try:
        return _unpacked(package)
    except (struct.error, IndexError, ValueError) as fault:
        raise PackageError(f"not a package of this version, or torn: {fault}") from fault


def _unpacked(package: bytes) -> bytes:
    if package[:4] != MAGIC:
        raise ValueError(f"it starts with {package[:4]!r}")
    total, n_codes, n_runs = struct.unpack_from("<IHH", package, 4)
    position, codes = 12, []
    for _ in range(n_codes):
        longest = package[position]
        counts = struct.unpack_from(f"<{longest}H", package, position + 1)
        position += 1 + 2 * longest
        codes.append(Code(counts=counts, symbols=tuple(package[position : position + sum(counts)])))
        position += sum(counts)
    runs = struct.unpack_from(f"<{n_runs}I", package, position)
    bits = np.unpackbits(np.frombuffer(package, np.uint8, offset=position + 4 * n_runs))
    content, at = bytearray(), 0
    for run in runs:
        length, which = run & _LONGEST_RUN, run >> 24
        if which == RAW:
            content += np.packbits(bits[at : at + 8 * length]).tobytes()
            at += 8 * length
        else:
            at = _decode(bits, at, codes[which], length, content)
    if len(content) != total or at > len(bits):
        raise ValueError(f"{len(content)} bytes of {total}")
    return bytes(content)


def _decode(bits: npt.NDArray[np.uint8], at: int, code: Code, length: int, content: bytearray) -> int:
    """Decode `length` symbols from bit `at` on; returns the bit after them."""
    stream, counts, symbols = bits[at : at + 15 * length].tolist(), code.counts, code.symbols
    position = 0
    for _ in range(length):
        word = first = index = 0
        for count in counts:
            word |= stream[position]
            position += 1
            if word - count < first:
                content.append(symbols[index + word - first])
                break
            index += count
            first = (first + count) << 1
            word <<= 1
        else:
            raise ValueError("a code that stands for nothing")
    return at + position
