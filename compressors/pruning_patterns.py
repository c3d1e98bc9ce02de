"""Where the zeros of a pruned kernel may stand: anywhere, so many in every few channels, or block by block."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt

Pattern = Literal["unstructured", "2:4", "1:4", "4:8", "block"]

# (weights that stay, of so many consecutive input channels).  Zhou et al., "Learning N:M Fine-grained Structured
# Sparse Neural Networks From Scratch", ICLR 2021, write them so; tfmot counts the zeros instead.
CHANNEL_PATTERNS: Mapping[str, tuple[int, int]] = {"2:4": (2, 4), "1:4": (1, 4), "4:8": (4, 8)}
BLOCK = 4  # consecutive inputs of a neuron: those stand side by side in a .tflite


def misfit(shape: tuple[int, ...], pattern: Pattern) -> str:
    """Why a pattern cannot prune a kernel (h, w, in, out) or (in, out); empty where it can."""
    if pattern == "block" and len(shape) != 2:
        return "blocks are pruned in dense layers only"
    if pattern in CHANNEL_PATTERNS and shape[-2] <= CHANNEL_PATTERNS[pattern][0]:
        return f"it has {shape[-2]} input channels, all of which the pattern {pattern} keeps"
    return ""


def parts(shape: tuple[int, ...], pattern: Pattern) -> int:
    """How many weights, or blocks of weights, of a kernel can go one by one."""
    return -(-shape[0] // BLOCK) * shape[1] if pattern == "block" else math.prod(shape)


def parts_left(kernel: npt.NDArray[np.float32], pattern: Pattern) -> int:
    """Weights, or blocks of weights, that are not 0."""
    if pattern != "block":
        return int(np.count_nonzero(kernel))
    padded = np.pad(kernel, ((0, -len(kernel) % BLOCK), (0, 0)))
    return int(padded.reshape(-1, BLOCK, kernel.shape[1]).any(axis=1).sum())
