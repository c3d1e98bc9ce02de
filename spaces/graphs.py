"""AutoKeras graphs without data and without ``fit``, built as Keras 3 models.

Importing this module does not import AutoKeras; calling it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Literal

from compressors.layers import Shape
from spaces.errors import SpaceError

if TYPE_CHECKING:
    import autokeras

    from spaces.hyperparameters import AnsweredHyperParameters

Head = Literal["softmax", "linear"]
"""What ends a network: probabilities of classes, or values as the last dense layer gives them."""


def build(
    blocks: Sequence[autokeras.Block],
    hyperparameters: AnsweredHyperParameters,
    input_shape: Shape,
    n_outputs: int,
    *,
    with_weights: bool = True,
    head: Head = "softmax",
) -> Any:
    """Keras 3 functional model: input, the blocks in order, a dense layer of `n_outputs` and perhaps a softmax.

    Parameters
    ----------
    blocks
        Blocks with fixed names, not used before; the last gives a flat vector.
    hyperparameters
        Answer what the blocks ask.
    input_shape
        (height, width, channels) or (features,), without the batch.
    n_outputs
        Number of classes, >= 2, where two classes also have two outputs; of values, >= 1, for a linear head.
    with_weights
        False leaves the weights out, which takes half the time; the model can
        then be looked at, not run.
    head
        What follows the blocks.

    Raises
    ------
    SpaceError
        When a number is not positive, or there are fewer than two classes.
    """
    import autokeras
    import keras

    _check(input_shape, n_outputs, head)
    # Keras numbers layers process-wide; freeing memory as well would collect garbage for most of a second.
    keras.utils.clear_session(free_memory=False)
    source = autokeras.ImageInput(name="image") if len(input_shape) == 3 else autokeras.Input(name="features")
    node: Any = source
    for block in blocks:
        node = block(node)
    last = _last(head)
    graph = _graph(source, last(node))
    # What `fit` would find out from data; Keras refuses numpy integers here.
    source.shape, source.dtype = tuple(int(size) for size in input_shape), "float32"
    last.shape = (int(n_outputs),)
    # In a stateless scope Keras defers the creation of variables.
    with nullcontext() if with_weights else keras.StatelessScope(initialize_variables=False):
        return graph.build(hyperparameters)


def _last(head: Head) -> Any:
    import autokeras

    if head == "linear":
        return autokeras.RegressionHead(dropout=0.0, name="head")
    return autokeras.ClassificationHead(dropout=0.0, loss="sparse_categorical_crossentropy", name="head")


def _graph(source: Any, outputs: Any) -> Any:
    """An AutoKeras graph that does not compile what it builds: it is never trained in Keras 3."""
    from autokeras.graph import Graph

    class UncompiledGraph(Graph):  # type: ignore[misc]  # autokeras carries no types
        def _compile_keras_model(self, hp: Any, model: Any) -> Any:  # noqa: ARG002  # AutoKeras' signature
            return model

    return UncompiledGraph(inputs=source, outputs=outputs)


def _check(input_shape: Shape, n_outputs: int, head: Head) -> None:
    if len(input_shape) not in (1, 3) or min(input_shape) < 1:
        raise SpaceError(f"input shape {input_shape} is neither (features,) nor (height, width, channels)")
    if n_outputs < 1:
        raise SpaceError(f"a network has at least 1 output, got {n_outputs}")
    if head == "softmax" and n_outputs < 2:
        raise SpaceError(f"a classifier has at least 2 outputs, got {n_outputs}")
