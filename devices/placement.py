"""Places the objects of a flatbuffer so that little is lost to alignment.

Compared with ``flatbuffers.Builder``: vtables stand together without padding,
wide fields of a table come first, and the gaps before 16-byte aligned data are
filled with small vectors.  The order follows from the objects alone.

Source of the format: FlatBuffers, "Internals" (flatbuffers.dev/internals).
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

_OFFSET = 4  # bytes of an offset, of the length of a vector and of a table's link to its vtable
_HEADER = 8  # offset of the root and file identifier


@dataclass(frozen=True, slots=True)
class Leaf:
    """A vector without references: its bytes with the length in front.

    The byte after the length lies at a multiple of `alignment`, at least 4.
    """

    content: bytes
    alignment: int


@dataclass(frozen=True, slots=True)
class References:
    """A vector of offsets to the objects whose handles are `targets`."""

    targets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Fields in slot order: the bytes of a scalar, the handle of an object, None where it has the default."""

    fields: tuple[bytes | int | None, ...]


Item = Leaf | References | Table


def written(items: Sequence[Item], root: int, identifier: bytes) -> bytes:
    """The flatbuffer of what `root` reaches; the handle of ``items[i]`` is ``i + 1``."""
    order = _parents_first(items, root)
    starts: dict[int, int] = {}
    vtables, end = _place_vtables(items, order)
    end = _place_inner(items, order, starts, end)
    end = _place_leaves({h: item for h in order if isinstance(item := items[h - 1], Leaf)}, starts, end)
    out = bytearray(end)
    struct.pack_into("<I4s", out, 0, starts[root], identifier)
    for vtable, position in vtables.items():
        out[position : position + len(vtable)] = vtable
    for handle, start in starts.items():
        _write(out, items[handle - 1], start, starts, vtables)
    return bytes(out)


def _parents_first(items: Sequence[Item], root: int) -> list[int]:
    """Handles that `root` reaches, every one after all that refer to it: offsets only point forwards."""
    finished: dict[int, None] = {}
    stack = [(root, False)]
    while stack:
        handle, is_visited = stack.pop()
        if handle in finished:
            continue
        if is_visited:
            finished[handle] = None
            continue
        stack.append((handle, True))
        stack.extend((child, False) for child in _children(items[handle - 1]))
    return list(reversed(finished))


def _children(item: Item) -> Iterable[int]:
    if isinstance(item, Table):
        return [field for field in item.fields if isinstance(field, int)]
    return item.targets if isinstance(item, References) else ()


def _place_vtables(items: Sequence[Item], order: Sequence[int]) -> tuple[dict[bytes, int], int]:
    """Position of every distinct vtable, and the end of the last."""
    positions: dict[bytes, int] = {}
    end = _HEADER
    for handle in order:
        item = items[handle - 1]
        if isinstance(item, Table):
            vtable = _geometry(_widths(item)).vtable
            if vtable not in positions:
                positions[vtable] = end
                end += len(vtable)
    return positions, end


def _place_inner(items: Sequence[Item], order: Sequence[int], starts: dict[int, int], end: int) -> int:
    """Tables and vectors of references."""
    for handle in order:
        item = items[handle - 1]
        if isinstance(item, Table):
            shape = _geometry(_widths(item))
            starts[handle] = _up(end, shape.alignment)
            end = starts[handle] + shape.nbytes
        elif isinstance(item, References):
            starts[handle] = _up(end, _OFFSET)
            end = starts[handle] + _OFFSET * (1 + len(item.targets))
    return _up(end, _OFFSET)


def _place_leaves(leaves: dict[int, Leaf], starts: dict[int, int], end: int) -> int:
    """Coarsely aligned data first; before each, vectors that fill the gap exactly where there are any."""
    sizes = {handle: _up(len(leaf.content), _OFFSET) for handle, leaf in leaves.items()}
    fillers: dict[int, list[int]] = defaultdict(list)  # by bytes modulo 16, the largest last
    for handle in sorted(leaves, key=lambda h: sizes[h]):
        if leaves[handle].alignment == _OFFSET:
            fillers[sizes[handle] % 16].append(handle)
    coarse = [handle for handle, leaf in leaves.items() if leaf.alignment > _OFFSET]
    for handle in sorted(coarse, key=lambda h: -leaves[h].alignment):
        alignment = leaves[handle].alignment
        for filler in _fitting(fillers, (-_OFFSET - end) % alignment, alignment):
            starts[filler] = end
            end += sizes[filler]
        starts[handle] = _up(end + _OFFSET, alignment) - _OFFSET
        end = starts[handle] + sizes[handle]
    for handle in leaves:
        if handle not in starts:
            starts[handle] = end
            end += sizes[handle]
    return end


def _fitting(fillers: dict[int, list[int]], gap: int, alignment: int) -> list[int]:
    """One vector, or two, of `gap` bytes modulo `alignment`; none where there are none."""
    if gap == 0:
        return []
    for residue in (4, 8, 12, 0):
        if (residue - gap) % alignment == 0 and fillers[residue]:
            return [fillers[residue].pop()]
    for first in (4, 8, 12):
        second = (gap - first) % 16
        if fillers[first] and len(fillers[second]) > (first == second):
            return [fillers[first].pop(), fillers[second].pop()]
    return []


def _write(out: bytearray, item: Item, start: int, starts: dict[int, int], vtables: dict[bytes, int]) -> None:
    if isinstance(item, Leaf):
        out[start : start + len(item.content)] = item.content
        return
    if isinstance(item, References):
        struct.pack_into("<I", out, start, len(item.targets))
        for turn, target in enumerate(item.targets, start=1):
            _write_offset(out, start + _OFFSET * turn, starts[target])
        return
    shape = _geometry(_widths(item))
    struct.pack_into("<i", out, start, start - vtables[shape.vtable])
    for field, position in zip(item.fields, shape.positions, strict=True):
        if isinstance(field, int):
            _write_offset(out, start + position, starts[field])
        elif field is not None:
            out[start + position : start + position + len(field)] = field


def _write_offset(out: bytearray, place: int, target: int) -> None:
    struct.pack_into("<I", out, place, target - place)


def _up(value: int, alignment: int) -> int:
    return -(-value // alignment) * alignment


@dataclass(frozen=True, slots=True)
class _Geometry:
    """Where the fields of a table lie in it; position 0 is an absent field."""

    positions: tuple[int, ...]
    nbytes: int
    alignment: int
    vtable: bytes


def _widths(table: Table) -> tuple[int, ...]:
    """Bytes of every field; 0 for one that is absent."""
    return tuple(0 if f is None else _OFFSET if isinstance(f, int) else len(f) for f in table.fields)


@lru_cache(maxsize=1024)
def _geometry(widths: tuple[int, ...]) -> _Geometry:
    positions = [0] * len(widths)
    end = _OFFSET
    for slot in sorted((s for s, width in enumerate(widths) if width), key=lambda s: -widths[s]):
        positions[slot] = _up(end, widths[slot])
        end = positions[slot] + widths[slot]
    vtable = struct.pack(f"<{2 + len(widths)}H", 4 + 2 * len(widths), end, *positions)
    return _Geometry(tuple(positions), end, max((_OFFSET, *widths)), vtable)
