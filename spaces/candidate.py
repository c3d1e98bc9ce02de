"""What a search tries: an architecture, a compression plan and a training recipe.

Plain records without any framework: hashable, comparable, JSON both ways.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from compressors.compressor import Value
from compressors.plan import CompressionPlan
from compressors.topology import Topology
from spaces.errors import SpaceError


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A point of a search space: what was drawn, by name.

    Attributes
    ----------
    space
        Name of the space, see `spaces.catalog`.
    values
        (name, value) pairs, sorted by name, each name once; make them from a
        mapping with `Architecture.of`.

    Raises
    ------
    SpaceError
        When the space has no name, or names repeat or are not sorted, or a
        value is not a finite number, a text or a truth value.
    """

    space: str
    values: tuple[tuple[str, Value], ...]

    def __post_init__(self) -> None:
        if not self.space:
            raise SpaceError("an architecture names its space; the name is empty")
        names = [name for name, _ in self.values]
        if names != sorted(set(names)):
            raise SpaceError("values of an architecture are sorted by name, each once: use Architecture.of")
        for name, value in self.values:
            if not isinstance(value, bool | int | float | str) or (
                isinstance(value, float) and not math.isfinite(value)
            ):
                raise SpaceError(f"{name!r} is {value!r}: only finite numbers, texts and truth values can be recorded")

    @classmethod
    def of(cls, space: str, values: Mapping[str, Value]) -> Architecture:
        """Make the architecture with these values by name."""
        return cls(space=space, values=tuple(sorted(values.items())))

    def as_mapping(self) -> dict[str, Value]:
        """Values by name."""
        return dict(self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecipe:
    """How a network is trained.

    Attributes
    ----------
    epochs
        Passes over the training split, >= 1.
    batch_size
        Samples a step, >= 1.
    learning_rate
        Of the optimiser at its highest, in (0, 1].
    shift
        Augmentation: images are moved by up to this many pixels in height and
        width, at random; 0 leaves them.

    Raises
    ------
    SpaceError
        When a number is out of its range.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    shift: int = 0

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch_size", 1), ("shift", 0)):
            if getattr(self, name) < least:
                raise SpaceError(f"{name} is {getattr(self, name)}, it must be at least {least}")
        if not 0 < self.learning_rate <= 1:
            raise SpaceError(f"learning_rate is {self.learning_rate}, it must be above 0 and at most 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """All that decides what one trial makes; the same candidate, data and seed give the same artifact."""

    architecture: Architecture
    plan: CompressionPlan
    recipe: TrainingRecipe


def candidate_key(
    topology: Topology, plan: Mapping[str, object], recipe: TrainingRecipe, teacher: str = "", frontend: str = ""
) -> str:
    """SHA-256 of what a candidate makes, so that candidates which differ in name only are equal.

    Parameters
    ----------
    topology
        The network before compression; two spaces may draw the same one.
    plan
        The compression plan as plain data, in any key order.
    recipe
        How it is trained.
    teacher
        Identity of the network that the plan learns from; empty where it learns from none.
    frontend
        Identity of the front-end that makes its inputs; empty where all candidates have the same.
    """
    parts: dict[str, object] = {"topology": topology.digest(), "plan": plan, "recipe": asdict(recipe)}
    if teacher:
        parts["teacher"] = teacher
    if frontend:
        parts["frontend"] = frontend
    return hashlib.sha256(json.dumps(parts, sort_keys=True, allow_nan=False).encode()).hexdigest()
