"""Canonical Huffman codes over bytes.

Huffman, *A Method for the Construction of Minimum-Redundancy Codes*, 1952;
canonical form as in RFC 1951, section 3.2.2: codes of one length are
consecutive numbers, shorter codes come first, so that a code is told by how
many symbols there are of each length and the symbols in order.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

LONGEST = 15  # bits of the longest code; a decoder needs as many counters


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A canonical prefix code.

    Attributes
    ----------
    counts
        Number of symbols by length, from 1 bit on; as many as the longest code has bits, at most 15.
    symbols
        The symbols, 0..255, by length and then by value.

    Raises
    ------
    ValueError
        When counts and symbols do not make a prefix code.
    """

    counts: tuple[int, ...]
    symbols: tuple[int, ...]

    def __post_init__(self) -> None:
        room = sum(count * 2.0**-length for length, count in enumerate(self.counts, start=1))  # Kraft's sum
        if not 1 <= len(self.counts) <= LONGEST or not self.counts[-1] or room > 1:
            raise ValueError(f"counts {self.counts} are those of no code of 1 to {LONGEST} bits")
        if len(self.symbols) != sum(self.counts) or len(set(self.symbols)) != len(self.symbols):
            raise ValueError(f"{sum(self.counts)} codes need as many different symbols, got {len(self.symbols)}")

    def lengths(self) -> npt.NDArray[np.int64]:
        """Bits of the code of each byte value, int64 (256,); 0 for what has no code."""
        lengths = np.zeros(256, np.int64)
        lengths[list(self.symbols)] = np.repeat(np.arange(1, len(self.counts) + 1), self.counts)
        return lengths

    def words(self) -> npt.NDArray[np.int64]:
        """The code of each byte value, int64 (256,)."""
        words, word, position = np.zeros(256, np.int64), 0, 0
        for count in self.counts:
            word <<= 1
            for symbol in self.symbols[position : position + count]:
                words[symbol] = word
                word += 1
            position += count
        return words


def code_of(data: Bytes) -> Code:
    """The shortest code for `data` with codes of at most 15 bits (near the shortest where that limit binds).

    Parameters
    ----------
    data
        Bytes (n,), n >= 1; the same frequencies give the same code.
    """
    frequencies = np.bincount(data, minlength=256)
    lengths = _lengths(frequencies)
    while lengths.max() > LONGEST:  # flatten the frequencies until the rarest is not too rare
        frequencies = np.where(frequencies > 0, (frequencies + 1) // 2, 0)
        lengths = _lengths(frequencies)
    order = sorted(np.flatnonzero(lengths), key=lambda symbol: (lengths[symbol], symbol))
    counts = np.bincount(lengths[lengths > 0], minlength=1)[1:]
    return Code(counts=tuple(int(n) for n in counts), symbols=tuple(int(symbol) for symbol in order))


def _lengths(frequencies: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Bits by symbol, int64 (256,): 0 for symbols that do not occur, 1 for a lone one."""
    heap: list[tuple[int, int, tuple[int, ...]]] = [
        (int(count), symbol, (symbol,)) for symbol, count in enumerate(frequencies) if count
    ]
    lengths = np.zeros(256, np.int64)
    if len(heap) == 1:
        lengths[heap[0][1]] = 1
    heapq.heapify(heap)
    while len(heap) > 1:
        (count_1, tie, leaves_1), (count_2, _, leaves_2) = heapq.heappop(heap), heapq.heappop(heap)
        lengths[list(leaves_1 + leaves_2)] += 1
        heapq.heappush(heap, (count_1 + count_2, tie, leaves_1 + leaves_2))
    return lengths


def bits_of(data: Bytes, code: Code) -> npt.NDArray[np.uint8]:
    """`data` in `code`: bits 0 or 1, most significant first, uint8 (bits,).

    Raises
    ------
    ValueError
        When a byte has no code.
    """
    lengths = code.lengths()[data]
    if not lengths.all():
        raise ValueError(f"byte {int(data[lengths == 0][0])} has no code")
    ends = np.cumsum(lengths)
    below = np.repeat(ends, lengths) - 1 - np.arange(int(lengths.sum()))
    return ((np.repeat(code.words()[data], lengths) >> below) & 1).astype(np.uint8)
