"""Collects the objects of a flatbuffer, equal ones once, and has them written in few bytes.

`Layout` takes the calls that the ``Pack`` methods of the generated schema make
on a ``flatbuffers.Builder``, but keeps what it is given as a graph of objects
for `devices.placement` to lay out when all are known.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from devices.placement import Item, Leaf, References, Table, written


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
    """Collects the objects of one flatbuffer; handles are positive integers.

    Methods in CamelCase are those of ``flatbuffers.Builder``.
    """

    def __init__(self) -> None:
        self._items: list[Item] = []
        self._handles: dict[Item, int] = {}
        self._fields: list[bytes | int | None] = []
        self._elements: list[bytes] = []
        self._targets: list[int] = []
        self._alignment = 1

    def vector(self, content: bytes, length: int, alignment: int) -> int:
        """A vector of `length` elements without references, `content` at a multiple of `alignment`."""
        return self._handle(Leaf(struct.pack("<I", length) + content, max(alignment, 4)))

    def finish(self, root: int, identifier: bytes) -> bytes:
        """The whole buffer."""
        return written(self._items, root, identifier)

    def CreateNumpyVector(self, array: npt.NDArray[np.generic]) -> int:  # noqa: N802
        """A vector of the elements of `array`, one axis."""
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        return self.vector(little.tobytes(), array.size, array.dtype.itemsize)

    def CreateString(self, text: str | bytes) -> int:  # noqa: N802
        """A string, closed with a zero byte that its length does not count."""
        content = text.encode() if isinstance(text, str) else bytes(text)
        return self.vector(content + b"\0", len(content), 1)

    def StartVector(self, _size: int, _length: int, alignment: int) -> None:  # noqa: N802
        """Begin a vector whose elements are prepended."""
        self._elements, self._targets, self._alignment = [], [], alignment

    def EndVector(self) -> int:  # noqa: N802
        """Finish the vector begun last."""
        if self._targets:
            return self._handle(References(tuple(reversed(self._targets))))
        return self.vector(b"".join(reversed(self._elements)), len(self._elements), self._alignment)

    def PrependUOffsetTRelative(self, handle: int) -> None:  # noqa: N802
        """Prepend a reference to the vector under way."""
        self._targets.append(handle)

    def StartObject(self, n_fields: int) -> None:  # noqa: N802
        """Begin a table."""
        self._fields = [None] * n_fields

    def EndObject(self) -> int:  # noqa: N802
        """Finish the table begun last."""
        fields = self._fields
        while fields and fields[-1] is None:
            fields.pop()
        return self._handle(Table(tuple(fields)))

    def PrependUOffsetTRelativeSlot(self, slot: int, handle: int, _default: int) -> None:  # noqa: N802
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

    def _handle(self, item: Item) -> int:
        handle = self._handles.get(item)
        if handle is None:
            self._items.append(item)
            handle = self._handles[item] = len(self._items)
        return handle
