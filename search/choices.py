"""What the candidates of a run are drawn from and judged by, so that a run goes on as it began or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from compressors.compressor import Value
from search.record import InterpreterName

if TYPE_CHECKING:
    from search.problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a run chooses from.

    Attributes
    ----------
    spaces
        Names of the search spaces; what each draws is not kept.
    techniques
        By technique what is drawn for each field, in order: recorded
        parameters of ordered values are indexes into these.
    interpreter
        What runs the artifacts: two of them do not give equal accuracies.
    encodes
        Whether the encoding of a table is part of what candidates cost, as it
        was not in earlier versions; False where the data is no table.
    """

    spaces: tuple[str, ...]
    techniques: Mapping[str, Mapping[str, tuple[Value, ...]]]
    interpreter: InterpreterName
    encodes: bool = False

    @classmethod
    def of(cls, problem: Problem, interpreter: InterpreterName) -> Choices:
        """The choices of a job on this machine, by this version."""
        return cls(
            spaces=tuple(space.name for space in problem.spaces),
            techniques={
                technique.name: {wish.name: wish.values for wish in technique.hyperparameters}
                for technique in problem.compressors
            },
            interpreter=interpreter,
            encodes=problem.data.table is not None,
        )

    def difference(self, now: Choices) -> str:
        """What is different `now`, as the end of a sentence; empty where nothing is."""
        if self.interpreter != now.interpreter:
            return f"its models were run by {self.interpreter}, here they are by {now.interpreter}"
        if self.encodes is not now.encodes:
            return "what its candidates cost does not hold the encoding of the table, as it would now"
        if self.spaces != now.spaces:
            return f"it draws from spaces {', '.join(self.spaces)}, now there are {', '.join(now.spaces)}"
        if self.techniques.keys() != now.techniques.keys():
            return f"it draws from {', '.join(self.techniques)}, now there are {', '.join(now.techniques)}"
        changed = [name for name, values in self.techniques.items() if dict(values) != dict(now.techniques[name])]
        return f"the values that are drawn for {', '.join(changed)} have changed" if changed else ""
