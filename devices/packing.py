"""Lays out a flatbuffer in as few bytes as the format allows.

`Layout` takes the calls that the ``Pack`` methods of the generated schema make
on a ``flatbuffers.Builder``, but keeps what it is given as a graph of objects
and writes them at the end, when all are known.  Compared with the usual builder:

- equal vectors and equal tables are written once and referred to often;
- vtables are shared and stand together;
- the gaps before 16-byte aligned data are filled with small vectors.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_OFFSET = 4  # bytes of an offset, of the length of a vector and of a table's link to its vtable
_HEADER = 8  # offset of the root and file identifier


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A vector without references: its bytes with the length in front.

    The byte after the length lies at a multiple of `alignment`.
    """

    content: bytes
    alignment: int


@dataclass(frozen=True, slots=True)
class _References:
    """A vector of offsets to the objects `targets`."""

    targets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Table:
    """Fields in slot order: the bytes of a scalar, the handle of an object, None where it has the default."""

    fields: tuple[bytes | int | None, ...]


_Object = _Leaf | _References | _Table


def _element(kind: str) -> Callable[[Layout, float], None]:
    """A method that prepends a scalar, in the notation of `struct`, to the vector under way."""

    def prepend(layout: Layout, value: float) -> None:
        layout._elements.append(struct.pack(kind, value))

    return prepend


def _slot(kind: str) -> Callable[[Layout, int, float, float], None]:
    """A method that fills a field with a scalar; one that has its default takes no bytes."""

    def fill(layout: Layout, slot: int, value: float, default: float) -> None:
        if value != default:
            layout._fields[slot] = struct.pack(kind, value)

    return fill


class Layout:
    """Collects the objects of one flatbuffer; handles are positive integers."""

    def __init__(self) -> None:
        self._objects: list[_Object] = []
        self._handles: dict[_Object, int] = {}
        self._fields: list[bytes | int | None] = []
        self._elements: list[bytes] = []
        self._targets: list[int] = []
        self._alignment = 1

    def vector(self, content: bytes, length: int, alignment: int) -> int:
        """A vector of `length` elements without references."""
        return self._handle(_Leaf(struct.pack("<I", length) + content, max(alignment, _OFFSET)))

    # The calls of the generated schema, under the names it uses.

    def CreateNumpyVector(self, array: npt.NDArray[np.generic]) -> int:  # noqa: N802 - name of flatbuffers.Builder
        """A vector of the elements of `array`, one axis."""
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        return self.vector(little.tobytes(), array.size, array.dtype.itemsize)

    def CreateString(self, text: str | bytes) -> int:  # noqa: N802 - name of flatbuffers.Builder
        """A string, closed with a zero byte that its length does not count."""
        content = text.encode() if isinstance(text, str) else bytes(text)
        return self.vector(content + b"\0", len(content), 1)

    def StartVector(self, _size: int, _length: int, alignment: int) -> None:  # noqa: N802 - name of flatbuffers.Builder
        """Begin a vector whose elements are prepended."""
        self._elements, self._targets, self._alignment = [], [], alignment

    def EndVector(self) -> int:  # noqa: N802 - name of flatbuffers.Builder
        """Finish the vector begun last."""
        if self._targets:
            return self._handle(_References(tuple(reversed(self._targets))))
        return self.vector(b"".join(reversed(self._elements)), len(self._elements), self._alignment)

    def PrependUOffsetTRelative(self, handle: int) -> None:  # noqa: N802 - name of flatbuffers.Builder
        """Prepend a reference to the vector under way."""
        self._targets.append(handle)

    def StartObject(self, n_fields: int) -> None:  # noqa: N802 - name of flatbuffers.Builder
        """Begin a table."""
        self._fields = [None] * n_fields

    def EndObject(self) -> int:  # noqa: N802 - name of flatbuffers.Builder
        """Finish the table begun last."""
        fields = self._fields
        while fields and fields[-1] is None:
            fields.pop()
        return self._handle(_Table(tuple(fields)))

    def PrependUOffsetTRelativeSlot(self, slot: int, handle: int, _default: int) -> None:  # noqa: N802 - as above
        """A field that refers to an object; 0 is none."""
        if handle:
            self._fields[slot] = handle

    PrependBool = _element("<?")
    PrependUint8 = _element("<B")
    PrependUint16 = _element("<H")
    PrependInt32 = _element("<i")
    PrependUint32 = _element("<I")
    PrependInt64 = _element("<q")
    PrependFloat32 = _element("<f")
    PrependBoolSlot = _slot("<?")
    PrependInt8Slot = _slot("<b")
    PrependUint8Slot = _slot("<B")
    PrependInt32Slot = _slot("<i")
    PrependUint32Slot = _slot("<I")
    PrependInt64Slot = _slot("<q")
    PrependUint64Slot = _slot("<Q")
    PrependFloat32Slot = _slot("<f")

    def finish(self, root: int, identifier: bytes) -> bytes:
        """The whole buffer."""
        ordered = self._parents_first(root)
        inner = [h for h in ordered if not isinstance(self._objects[h - 1], _Leaf)]
        leaves = [h for h in ordered if isinstance(self._objects[h - 1], _Leaf)]
        vtables, end = self._place_vtables(inner)
        starts, end = self._place_inner(inner, end)
        end = self._place_leaves(leaves, starts, end)
        return self._written(root, identifier, starts, vtables, end)

    def _handle(self, new: _Object) -> int:
        handle = self._handles.get(new)
        if handle is None:
            self._objects.append(new)
            handle = self._handles[new] = len(self._objects)
        return handle

    def _children(self, handle: int) -> Iterable[int]:
        item = self._objects[handle - 1]
        if isinstance(item, _References):
            return item.targets
        return (field for field in item.fields if isinstance(field, int)) if isinstance(item, _Table) else ()

    def _parents_first(self, root: int) -> list[int]:
        """Handles that `root` reaches, every one after all that refer to it (offsets only point forwards)."""
        finished: dict[int, None] = {}
        stack = [(root, False)]
        while stack:
            handle, children_done = stack.pop()
            if handle in finished:
                continue
            if children_done:
                finished[handle] = None
                continue
            stack.append((handle, True))
            stack.extend((child, False) for child in self._children(handle))
        return list(reversed(finished))

    def _place_vtables(self, inner: Sequence[int]) -> tuple[dict[bytes, int], int]:
        positions: dict[bytes, int] = {}
        end = _HEADER
        for handle in inner:
            item = self._objects[handle - 1]
            if isinstance(item, _Table):
                vtable = _vtable(item)
                if vtable not in positions:
                    positions[vtable] = end
                    end += len(vtable)
        return positions, end

    def _place_inner(self, inner: Sequence[int], end: int) -> tuple[dict[int, int], int]:
        starts = {}
        for handle in inner:
            item = self._objects[handle - 1]
            alignment = _fields_of(item)[2] if isinstance(item, _Table) else _OFFSET
            starts[handle] = _up(end, alignment)
            end = starts[handle] + (
                _fields_of(item)[1] if isinstance(item, _Table) else _OFFSET * (1 + len(item.targets))  # type: ignore[union-attr]
            )
        return starts, _up(end, _OFFSET)

    def _place_leaves(self, leaves: Sequence[int], starts: dict[int, int], end: int) -> int:
        """Data of coarse alignment first; before each, vectors that fill the gap exactly where there are any."""
        sizes = {h: _up(len(self._leaf(h).content), _OFFSET) for h in leaves}
        fillers: dict[int, list[int]] = defaultdict(list)
        for h in sorted(leaves, key=lambda h: -sizes[h]):  # the largest are taken last, from the front
            if self._leaf(h).alignment == _OFFSET:
                fillers[sizes[h] % 16].insert(0, h)
        coarse = sorted((h for h in leaves if self._leaf(h).alignment > _OFFSET), key=lambda h: -self._leaf(h).alignment)
        for h in coarse:
            alignment = self._leaf(h).alignment
            for filler in _take(fillers, (-_OFFSET - end) % alignment, alignment):
                starts[filler] = end
                end += sizes[filler]
            starts[h] = _up(end + _OFFSET, alignment) - _OFFSET
            end = starts[h] + sizes[h]
        for h in leaves:
            if h not in starts:
                starts[h] = end
                end += sizes[h]
        return end

    def _leaf(self, handle: int) -> _Leaf:
        item = self._objects[handle - 1]
        assert isinstance(item, _Leaf)  # noqa: S101 - narrows the type; only called for leaves
        return item

    def _written(
        self, root: int, identifier: bytes, starts: dict[int, int], vtables: dict[bytes, int], end: int
    ) -> bytes:
        out = bytearray(end)
        struct.pack_into("<I4s", out, 0, starts[root], identifier)
        for vtable, position in vtables.items():
            out[position : position + len(vtable)] = vtable
        for handle, start in starts.items():
            item = self._objects[handle - 1]
            if isinstance(item, _Leaf):
                out[start : start + len(item.content)] = item.content
            elif isinstance(item, _References):
                places = range(start + _OFFSET, start + _OFFSET * (1 + len(item.targets)), _OFFSET)
                offsets = (starts[target] - place for target, place in zip(item.targets, places, strict=True))
                struct.pack_into(f"<I{len(item.targets)}I", out, start, len(item.targets), *offsets)
            else:
                _write_table(out, item, start, vtables[_vtable(item)], starts)
        return bytes(out)


def _up(value: int, alignment: int) -> int:
    return -(-value // alignment) * alignment


def _take(fillers: dict[int, list[int]], gap: int, alignment: int) -> list[int]:
    """One vector, or two, whose bytes are `gap` modulo `alignment`; none where there are none."""
    if gap == 0:
        return []
    for residue in (r for r in (4, 8, 12, 0) if (r - gap) % alignment == 0):
        if fillers[residue]:
            return [fillers[residue].pop()]
    for first in (4, 8, 12):
        second = (gap - first) % 16
        if fillers[first] and len(fillers[second]) > (first == second):
            return [fillers[first].pop(), fillers[second].pop()]
    return []


def _fields_of(table: _Table) -> tuple[dict[int, int], int, int]:
    """Position of every field in the table, bytes and alignment of the table; wide fields first."""
    widths = {slot: _width(field) for slot, field in enumerate(table.fields) if field is not None}
    positions: dict[int, int] = {}
    end = _OFFSET
    for slot in sorted(widths, key=lambda slot: -widths[slot]):
        positions[slot] = _up(end, widths[slot])
        end = positions[slot] + widths[slot]
    return positions, end, max((_OFFSET, *widths.values()))


def _width(field: bytes | int) -> int:
    return _OFFSET if isinstance(field, int) else len(field)


def _vtable(table: _Table) -> bytes:
    positions, size, _ = _fields_of(table)
    slots = [positions.get(slot, 0) for slot in range(len(table.fields))]
    return struct.pack(f"<{2 + len(slots)}H", 4 + 2 * len(slots), size, *slots)


def _write_table(out: bytearray, table: _Table, start: int, vtable: int, starts: dict[int, int]) -> None:
    struct.pack_into("<i", out, start, start - vtable)
    for slot, position in _fields_of(table)[0].items():
        field, place = table.fields[slot], start + position
        if isinstance(field, int):
            struct.pack_into("<I", out, place, starts[field] - place)
        elif field is not None:
            out[place : place + len(field)] = field
