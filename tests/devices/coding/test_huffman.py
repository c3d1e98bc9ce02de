"""Huffman codes are canonical, near the entropy, never longer than 15 bits, and decode to what was coded."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.coding.huffman import LONGEST, Code, bits_of, code_of


def test_lengths_follow_frequencies() -> None:
    """The textbook case: frequencies 8, 4, 2, 1, 1 get 1, 2, 3, 4, 4 bits, and the words count up."""
    data = np.repeat(np.array([7, 5, 3, 200, 1], np.uint8), [8, 4, 2, 1, 1])
    code = code_of(data)
    assert code == Code(counts=(1, 1, 1, 2), symbols=(7, 5, 3, 1, 200))
    assert [code.words()[s] for s in code.symbols] == [0b0, 0b10, 0b110, 0b1110, 0b1111]
    assert len(bits_of(data, code)) == 8 + 8 + 6 + 8


def test_within_one_bit_of_the_entropy() -> None:
    """Shannon's bound for a prefix code, on values spread like weights."""
    data = np.clip(np.random.default_rng(0).normal(0, 12, 20_000), -128, 127).astype(np.int8).view(np.uint8)
    share = np.bincount(data, minlength=256) / len(data)
    entropy = -(share[share > 0] * np.log2(share[share > 0])).sum()
    bits = len(bits_of(data, code_of(data))) / len(data)
    assert entropy <= bits < entropy + 0.1


def test_longest_code_is_15_bits() -> None:
    """Fibonacci frequencies ask for the longest codes there are; 24 of them would need 23 bits."""
    counts = [1, 1]
    while len(counts) < 24:
        counts.append(counts[-1] + counts[-2])
    data = np.repeat(np.arange(24, dtype=np.uint8), counts)
    code = code_of(data)
    assert len(code.counts) <= LONGEST
    assert sum(n << (LONGEST - length) for length, n in enumerate(code.counts, 1)) <= 1 << LONGEST


def test_one_symbol_takes_one_bit() -> None:
    data = np.full(9, 42, np.uint8)
    assert code_of(data) == Code(counts=(1,), symbols=(42,))
    assert bits_of(data, code_of(data)).tolist() == [0] * 9


@given(st.binary(min_size=1, max_size=300))
def test_no_word_begins_another(content: bytes) -> None:
    """Prefix-free for any data, and every byte that occurs has a word."""
    code = code_of(np.frombuffer(content, np.uint8))
    lengths, words = code.lengths(), code.words()
    texts = sorted(format(words[s], f"0{lengths[s]}b") for s in code.symbols)
    assert not any(later.startswith(text) for text, later in itertools.pairwise(texts))
    assert set(code.symbols) == set(content)


@pytest.mark.parametrize(
    ("counts", "symbols", "message"),
    [
        ((3,), (1, 2, 3), "those of no code"),
        ((), (), "those of no code"),
        ((1, 0), (1,), "those of no code"),
        ((0,) * 15 + (1,), (1,), "those of no code"),
        ((2,), (1,), "2 codes need as many different symbols, got 1"),
        ((2,), (1, 1), "2 codes need as many different symbols, got 2"),
    ],
)
def test_impossible_codes(counts: tuple[int, ...], symbols: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Code(counts=counts, symbols=symbols)


def test_byte_without_a_code() -> None:
    with pytest.raises(ValueError, match="byte 9 has no code"):
        bits_of(np.array([9], np.uint8), Code(counts=(1,), symbols=(1,)))
