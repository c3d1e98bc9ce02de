"""The tensor arena that a network needs on a 32-bit core, to the byte where every operator is known.

TensorFlow Lite Micro splits the arena in two.  From the front: activations and
the scratch buffers of kernels, placed by the greedy planner of
`devices.planner`.  From the back: structures that live as long as the
interpreter, allocated one by one in the order that `_bookkeeping` replays.
No operator works in place: an output never shares memory with a live input.

Source: tflite-micro@90b983c2b, ``micro_allocator.cc``, ``micro_allocation_info.cc``,
``micro_interpreter.cc``; sizes of ``arm-none-eabi-gcc``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from devices.device import Kernels
from devices.graph import Graph, Operator, Tensor
from devices.kernels import Call, extension_of
from devices.lifetimes import activations, live_bytes
from devices.persistent import persistent
from devices.planner import ALIGNMENT, Buffer, aligned, place
from devices.scratch import scratch
from devices.structures import Structures, structures_of

# bytes of structures of the interpreter, in the order it allocates them
_FIXED = (36, 44, 36, 8, 8)  # arena allocator, planner, allocator, allocator of options, list of one subgraph
_EVAL_TENSOR = 12
_NODE = 32
_QUANTIZATION = 12  # and an int32 vector of zero points
_SCRATCH_HANDLE = 4
# bytes that only AllocateTensors needs, at the front of the arena
_SCRATCH_REQUEST = 12
_MOST_SCRATCH_REQUESTS = 12  # room kept for the requests of the operator being prepared
_ALLOCATION_INFO = 24
_PLANNED_BUFFER = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Arena:
    """Bytes of the tensor arena, its base and end aligned to 16.

    Attributes
    ----------
    activation_bytes
        High-water mark of activations and scratch buffers ("head").
    bookkeeping_bytes
        Persistent structures of the interpreter and its kernels ("tail").
    setup_bytes
        Smallest arena in which ``AllocateTensors`` finishes: while it plans,
        the planner's own tables take the place of the activations, which
        matters for networks of small activations and many tensors.
    live_bytes
        Activations and scratch alive while each operator runs, rounded up as
        the planner does.  The most of them is below `activation_bytes` where
        the planner leaves gaps.
    """

    activation_bytes: int
    bookkeeping_bytes: int
    setup_bytes: int
    live_bytes: tuple[int, ...]

    @property
    def total_bytes(self) -> int:
        """Arena in use once the network is ready: what ``arena_used_bytes()`` returns."""
        return self.activation_bytes + self.bookkeeping_bytes

    @property
    def minimal_bytes(self) -> int:
        """Smallest arena with which the network can be set up and run."""
        return max(self.total_bytes, self.setup_bytes)


def plan_arena(graph: Graph, core: str, kernels: Kernels = "cmsis-nn") -> Arena:
    """The arena of `graph` on `core`, such as ``cortex-m4``, with a kernel library of TensorFlow Lite Micro.

    With CMSIS-NN it equals measured arenas to the byte.  With ESP-NN, and with
    the portable kernels on any core, it is calculated from their sources and
    was not measured on a board (see `devices.kernels`).

    Raises
    ------
    ValueError
        A core for which the library has no kernels.
    """
    extension, structures = extension_of(core, kernels), structures_of(core, kernels)
    calls = tuple(Call(graph, operator, extension) for operator in graph.operators)
    requests = tuple(scratch(call) for call in calls)
    buffers = _buffers(graph, requests)
    offsets = place(buffers)
    activation_bytes = max((o + b.nbytes for o, b in zip(offsets, buffers, strict=True)), default=0)
    bookkeeping_bytes, setup_bytes = _bookkeeping(graph, calls, requests, len(buffers), structures)
    return Arena(
        activation_bytes=activation_bytes,
        bookkeeping_bytes=bookkeeping_bytes,
        setup_bytes=setup_bytes,
        live_bytes=live_bytes(buffers, len(graph.operators)),
    )


def _buffers(graph: Graph, requests: Sequence[Sequence[int]]) -> list[Buffer]:
    """Everything to be planned: tensors computed at run time, then scratch."""
    buffers = activations(graph, ALIGNMENT)
    for step, sizes in enumerate(requests, start=1):
        buffers += (Buffer(nbytes=aligned(nbytes), first=step, last=step) for nbytes in sizes)
    return buffers


class _Tail:
    """Memory taken from the end of the arena."""

    __slots__ = ("used",)

    def __init__(self) -> None:
        self.used = 0

    def take(self, nbytes: int, alignment: int = 4) -> None:
        self.used = aligned(self.used + nbytes, alignment)


def _bookkeeping(
    graph: Graph, calls: Sequence[Call], requests: Sequence[Sequence[int]], n_planned: int, structures: Structures
) -> tuple[int, int]:
    """Bytes of the persistent structures, and the smallest arena in which they can be set up."""
    tail = _Tail()
    _take_interpreter(tail, graph, structures)
    setup_bytes = _take_kernels(tail, calls, requests, structures)
    n_requests = sum(map(len, requests))
    tail.take(_SCRATCH_HANDLE * n_requests)
    for tensor in graph.tensors:
        if tensor.is_variable:
            tail.take(tensor.nbytes, ALIGNMENT)
    tables = _SCRATCH_REQUEST * (_MOST_SCRATCH_REQUESTS + n_requests) + 4
    tables += _ALLOCATION_INFO * (len(graph.tensors) + n_requests)
    setup_bytes = max(setup_bytes, aligned(tables) + _PLANNED_BUFFER * n_planned + aligned(tail.used))
    for ports in (graph.inputs, graph.outputs):
        tail.take(4 * len(ports), ALIGNMENT)
        for index in ports:
            _take_tensor(tail, graph.tensors[index], structures)
    return tail.used, setup_bytes


def _take_interpreter(tail: _Tail, graph: Graph, structures: Structures) -> None:
    """What is there before any kernel is prepared."""
    for nbytes in (*_FIXED, _EVAL_TENSOR * len(graph.tensors), _NODE * len(graph.operators)):
        tail.take(nbytes)
    for operator in graph.operators:
        if operator.name in structures.parameters:
            tail.take(*structures.parameters[operator.name])
    for operator in graph.operators:
        if operator.name in structures.state:
            tail.take(structures.state[operator.name], ALIGNMENT)


def _take_kernels(tail: _Tail, calls: Sequence[Call], requests: Sequence[Sequence[int]], structures: Structures) -> int:
    """What preparing the kernels takes; returns the arena that the hungriest of them needs meanwhile."""
    setup_bytes = n_requests = 0
    for call, sizes in zip(calls, requests, strict=True):
        for nbytes in persistent(call):
            tail.take(nbytes, ALIGNMENT)
        kept = _SCRATCH_REQUEST * (_MOST_SCRATCH_REQUESTS + n_requests)
        meanwhile = _temporary_bytes(call.graph, call.operator, structures.tensor)
        setup_bytes = max(setup_bytes, tail.used + kept + meanwhile)
        n_requests += len(sizes)
    return setup_bytes


def _take_tensor(tail: _Tail, tensor: Tensor, structures: Structures) -> None:
    tail.take(structures.tensor)
    if tensor.scales:
        tail.take(_QUANTIZATION)
        tail.take(4 + 4 * tensor.scales)


def _temporary_bytes(graph: Graph, operator: Operator, tensor_bytes: int) -> int:
    """Tensors that the kernel looks at while it is prepared; convolutions look at theirs twice."""
    seen = [graph.tensors[index] for index in (*operator.inputs, *operator.outputs) if index >= 0]
    once = sum(tensor_bytes + (_QUANTIZATION + 4 + 4 * tensor.scales if tensor.scales else 0) for tensor in seen)
    return 2 * once if operator.name in ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV") else once
