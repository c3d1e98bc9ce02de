"""A network on its way through the converter: steps that are rewritten until they are operators.

Shapes here have the batch of 1 in front, as the file has them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from compressors.layers import Shape
from devices.graph import FusedActivation, Options, Padding


@dataclass(frozen=True, slots=True)
class Integers:
    """An int32 constant operand: axes, a target shape, paddings."""

    shape: Shape
    values: tuple[int, ...]


class Weights:
    """A constant operand of trained values, known by its identity: steps that hold the same one share a tensor.

    Attributes
    ----------
    shape
        As the file has it: (out, height, width, in), (1, height, width, out), (out, in) or (channels,).
    channels
        Number of output channels, each with its own scale where granularity is per channel; 1 for one scale.
    """

    __slots__ = ("channels", "shape")

    def __init__(self, shape: Shape, channels: int = 1) -> None:
        self.shape = shape
        self.channels = channels

    def rescaled(self) -> Weights:
        """Weights of the same shape with other values."""
        return Weights(self.shape, self.channels)


@dataclass(slots=True, eq=False, kw_only=True)
class Step:
    """One operator to be.  Steps are equal only to themselves.

    Attributes
    ----------
    name
        Builtin operator name; ``INPUT`` for the network's input, ``IDENTITY`` for none.
    shape
        Shape of the output.
    reads
        Steps whose outputs it reads; constants are not among them.
    options
        What the operator's builtin options will say.
    weights, integers
        Its constant operand; not both.
    layer
        The layer whose weights a step of `fusion.WEIGHTED` has; "" for others.
    gives
        What of the network its output is, as `part_name` has it; "" for what
        only the file has.
    bias
        True when a fully connected step adds a constant.  A convolution in a
        file has a bias always, so that of a convolution is not told.
    """

    name: str
    shape: Shape
    reads: tuple[Step, ...] = ()
    options: Options = field(default_factory=Options)
    weights: Weights | None = None
    integers: Integers | None = None
    bias: bool = False
    layer: str = ""
    gives: str = ""

    @property
    def scaling(self) -> Weights | None:
        """The constant by channel of x + constant or x * constant; None for other steps."""
        return self.weights if self.name in ("ADD", "MUL") else None

    @property
    def is_convolution(self) -> bool:
        """True for both kinds of convolution."""
        return self.name in ("CONV_2D", "DEPTHWISE_CONV_2D")

    def reading(self, *reads: Step) -> Step:
        """A new step, the same on other inputs."""
        return replace(self, reads=reads)

    def padded(self, padding: Padding) -> Step:
        """A new step, the same with another padding."""
        return replace(self, options=replace(self.options, padding=padding))

    def activated(self, activation: FusedActivation) -> Step:
        """A new step, the same with a fused activation."""
        return replace(self, options=replace(self.options, activation=activation))


def part_name(layer: str, part: int, parts: int) -> str:
    """What a layer of `parts` steps has computed after the one numbered `part` from 0: the last gives its output."""
    return layer if part == parts - 1 else f"{layer}/{part}"


class Program:
    """Steps in execution order, the input first, and the one whose output is the network's."""

    def __init__(self, steps: list[Step], output: Step) -> None:
        self.steps = steps
        self.output = output
        self._users: dict[Step, list[Step]] = {}
        for step in steps:
            self._enter(step)

    def users(self, step: Step) -> list[Step]:
        """Steps that read `step`, one entry a read, those that nobody needs but are still there included."""
        return self._users[step]

    def uses(self, step: Step) -> int:
        """Number of reads of `step`; being the network's output counts as one."""
        return len(self._users[step]) + (step is self.output)

    def replace(self, old: Step, new: tuple[Step, ...]) -> None:
        """Put `new` where `old` stands, the last of them in its role."""
        new[-1].gives = old.gives
        place = self.steps.index(old)
        self.steps[place : place + 1] = new
        self._leave(old)
        for step in new:
            self._enter(step)
        self._redirect(old, new[-1])

    def insert_behind(self, step: Step, new: Step) -> None:
        """Put `new`, which reads `step`, between it and all that used it."""
        self.steps.insert(self.steps.index(step) + 1, new)
        self._redirect(step, new)
        self._enter(new)

    def remove(self, step: Step) -> None:
        """Drop `step`, which nobody uses."""
        self.steps.remove(step)
        self._leave(step)

    def _enter(self, step: Step) -> None:
        self._users.setdefault(step, [])
        for read in step.reads:
            self._users[read].append(step)

    def _leave(self, step: Step) -> None:
        for read in step.reads:
            self._users[read].remove(step)

    def _redirect(self, old: Step, new: Step) -> None:
        users, self._users[old] = self._users[old], []
        for user in dict.fromkeys(users):
            user.reads = tuple(new if read is old else read for read in user.reads)
        self._users.setdefault(new, []).extend(users)
        if self.output is old:
            self.output = new
