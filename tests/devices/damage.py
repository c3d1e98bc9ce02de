"""Damages ``.tflite`` files on purpose: mostly where their structure is, seldom where their weights are."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

_LIMITS = (0, 1, 2, 3, 4, 8, 0xFFFF, 0x10000, 0x3FFFFFFF, 0x40000000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


@dataclass(frozen=True, slots=True, kw_only=True)
class Anatomy:
    """Where the parts of a file lie.

    Attributes
    ----------
    content
        The whole file.
    structure
        Positions of all bytes that are no constant's data.
    words
        Positions of 4-byte words that matter most: dimensions of shapes, indexes of tensors, lengths of vectors.
    """

    content: bytes
    structure: tuple[int, ...]
    words: tuple[int, ...]


def anatomy(content: bytes) -> Anatomy:
    """Dissect a whole file of one subgraph."""
    model = schema.Model.GetRootAs(content, 0)
    subgraph = model.Subgraphs(0)
    is_structure = np.ones(len(content), bool)
    for index in range(model.BuffersLength()):
        start, length = _vector(model.Buffers(index), 4)
        is_structure[start : start + length] = False
    tables = [(model, 6), (model, 8), (model, 12), *((subgraph, slot) for slot in (4, 6, 8, 10))]
    words = [start - 4 for start, _ in (_vector(*table) for table in tables) if start]
    number_vectors = [(subgraph.Tensors(i), 4) for i in range(subgraph.TensorsLength())]
    number_vectors += [(subgraph.Operators(i), slot) for i in range(subgraph.OperatorsLength()) for slot in (6, 8)]
    for table, slot in number_vectors:
        start, length = _vector(table, slot)
        words += [start + 4 * turn for turn in range(-1, length)] if start else []
    return Anatomy(content=content, structure=tuple(map(int, np.flatnonzero(is_structure))), words=tuple(words))


def damaged(whole: Anatomy, count: int, seed: int) -> Iterator[bytes]:
    """Yield `count` damaged copies; the same seed gives the same ones."""
    chance = random.Random(seed)
    for turn in range(count):
        yield _WAYS[turn % len(_WAYS)](chance, whole)


def _vector(table: Any, slot: int) -> tuple[int, int]:
    """Position and length of the vector in a field of a table; zeros where it is absent."""
    offset = table._tab.Offset(slot)
    return (table._tab.Vector(offset), table._tab.VectorLen(offset)) if offset else (0, 0)


def _bytes(chance: random.Random, whole: Anatomy) -> bytes:
    """Random bytes in the structure."""
    changed = bytearray(whole.content)
    for _ in range(chance.randint(1, 4)):
        changed[chance.choice(whole.structure)] = chance.randrange(256)
    return bytes(changed)


def _bits(chance: random.Random, whole: Anatomy) -> bytes:
    """Bits of the structure turned."""
    changed = bytearray(whole.content)
    for _ in range(chance.randint(1, 3)):
        changed[chance.choice(whole.structure)] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _put(changed: bytearray, chance: random.Random, position: int) -> None:
    """Put a number there that is a limit of its type, small, negative, a place in the file or random."""
    small, place = chance.randrange(64), chance.randrange(len(changed))
    negative, any_word = (-chance.randrange(1, 200)) & 0xFFFFFFFF, chance.randrange(1 << 32)
    word = chance.choice((chance.choice(_LIMITS), small, place, negative, any_word, len(changed)))
    struct.pack_into("<I", changed, min(position, len(changed) - 4), word)


def _any_word(chance: random.Random, whole: Anatomy) -> bytes:
    """Words of the structure: offsets of tables, entries of vtables, numbers."""
    changed = bytearray(whole.content)
    for _ in range(chance.randint(1, 2)):
        _put(changed, chance, chance.choice(whole.structure) & ~3)
    return bytes(changed)


def _named_word(chance: random.Random, whole: Anatomy) -> bytes:
    """Dimensions, indexes and lengths: huge, negative, zero, or those of something else."""
    changed = bytearray(whole.content)
    for _ in range(chance.randint(1, 3)):
        _put(changed, chance, chance.choice(whole.words))
    return bytes(changed)


def _cut(chance: random.Random, whole: Anatomy) -> bytes:
    """The end is missing."""
    return whole.content[: chance.randrange(len(whole.content))]


def _swap(chance: random.Random, whole: Anatomy) -> bytes:
    """Two blocks of the structure change places."""
    changed, size = bytearray(whole.content), chance.choice((4, 16, 64, 256))
    first, second = (chance.choice(whole.structure) & ~3 for _ in range(2))
    if max(first, second) + size <= len(changed):
        block = changed[first : first + size]
        changed[first : first + size] = changed[second : second + size]
        changed[second : second + size] = block
    return bytes(changed)


def _junk(chance: random.Random, whole: Anatomy) -> bytes:
    """Something is appended, or pushed in so that all offsets across it are wrong."""
    junk = chance.randbytes(chance.randrange(1, 2048))
    place = len(whole.content) if chance.random() < 0.5 else chance.choice(whole.structure)
    return whole.content[:place] + junk + whole.content[place:]


def _anywhere(chance: random.Random, whole: Anatomy) -> bytes:
    """Random bytes, in the weights as a rule."""
    changed = bytearray(whole.content)
    for _ in range(chance.randint(1, 8)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


_WAYS: tuple[Callable[[random.Random, Anatomy], bytes], ...] = (
    _bytes, _bits, _any_word, _named_word, _cut, _named_word, _any_word, _swap, _named_word, _junk, _bits, _anywhere,
)  # fmt: skip
