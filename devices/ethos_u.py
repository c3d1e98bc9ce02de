"""What a network costs on an Arm Ethos-U beside a Cortex-M: Vela's figures, and the core's share by our own model.

What Vela leaves on the core runs there after or before the Ethos-U; both times
are added.  Vela's cycles are an estimate without the driver and without
contention for the memory.  Published measurements of single models lie 1.2
times (Renesas RA8P1, a network of 900 weights) to 2.7 times (OpenMV AE3, an
Alif Ensemble, FOMO) above Vela's figure, and Arm's CMSIS-Ethos-U integration
guide advises a margin of 30 %.  On the other side, Alif's own description of
its memories gives 0.52 to 1.0 times the cycles of Arm's generic one for the
MLPerf Tiny models.  Hence `NPU_INTERVAL`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from devices import vela
from devices.device import Accelerator, Device
from devices.footprint import Footprint, OperatorCost
from devices.graph import DType, Graph, Operator, Tensor
from devices.latency import Estimate, estimate, milliseconds, operator_costs
from devices.memory import plan_arena
from devices.planner import aligned
from devices.storage import runtime_flash_bytes, static_ram_bytes
from devices.vela import NPU_OPERATOR, Summary

NPU_INTERVAL = (0.5, 3.0)
"""Factors of the 90 % interval of Vela's time."""

# Code of the operator's kernel (1128), driver (1060) and device layer (601) on a Cortex-M55: tflite-micro@90b983c2b,
# ethos-u-core-driver of Zephyr's hal_ethos_u@03567073, GCC 12.2.1, kernel -O2, driver -Os, no logging, no PMU.
_NPU_FLASH_BYTES = 2789
# .bss of kernel and driver (32 + 13), and one driver instance (about 80).
_NPU_STATIC_BYTES = 128
# Arena of the kernel beside tensors (ethosu.cc): 12 bytes of state in 16, two scratch handles of 4, and for setting
# up two requests and two planned buffers; its scratch is an address of 8 bytes and a size of 4 for every tensor.
_NPU_STATE_BYTES = 16 + 2 * 4
_NPU_SETUP_BYTES = 16 + 2 * (12 + 24 + 40)

# Of the predicted file: Vela codes weights, and the fewest bytes of the shared models are a quarter (VWW, whose
# channels are dead for the most part).
_LEAST_FILE_SHARE = 1 / 8
# Up to here Vela never trades time for memory (arena_cache_size of its shared-SRAM mode), beyond it may.
_UNTRADED_BYTES = 4 * 1024 * 1024
_QUANTIZED = (DType.INT8, DType.UINT8, DType.INT16)
_WHOLE_MAPS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "MAX_POOL_2D"})
_STORED = _WHOLE_MAPS | {"ADD", "MUL", "SUB", "CONCATENATION", "FULLY_CONNECTED", "MEAN", "RELU", "RELU6"}


def compiled_cost(graph: Graph, content: bytes, device: Device) -> tuple[Footprint, tuple[OperatorCost, ...]]:
    """Cost of a ``.tflite`` compiled for the board's Ethos-U, and of each operator of the compiled file.

    `graph` is that of `content`, before it is compiled: its multiply-accumulates
    count, not Vela's, who adds those of poolings and element by element.  The
    model's bytes are those of the compiled file.  Operators of the Ethos-U
    stand as ``ethos-u``, with the memory that Vela plans as live bytes.

    Raises
    ------
    devices.vela.VelaError
        When Vela is missing or does not compile the model.
    devices.flatbuffer.ModelFileError
        When the bytes are not a model that can be read.
    """
    result = vela.compile(content, _accelerator(device))
    summary = replace(result.summary, macs=_macs(graph) - _macs(result.graph))
    part = _Part(graph=result.graph, summary=summary, model_bytes=len(result.content))
    cores = iter(operator_costs(part.on_core, device))
    costs = tuple(
        _npu_cost(part, index, operator, device) if operator.name == NPU_OPERATOR else replace(next(cores), index=index)
        for index, operator in enumerate(part.graph.operators)
    )
    return _footprint(part, device), costs


def least_footprint(graph: Graph, device: Device, model_bytes: int) -> Footprint:
    """The least that a network can cost once it is compiled, found without weights and without Vela.

    For screening before training: what is over a limit here is over it
    compiled.  Time is that of every multiplier busy in every cycle; memory is
    the input and output of the largest convolution or pooling, which Vela keeps
    whole; the file is an eighth of `model_bytes`; everything is on the Ethos-U,
    except that a network without quantised activations stays on the core.

    Raises
    ------
    devices.vela.VelaError
        For tensors below 8 bits, which Vela cannot take, and for an unknown
        system configuration.
    """
    vela.refuse_sub_byte(graph)
    accelerator = _accelerator(device)
    taken = any(tensor.dtype in _QUANTIZED for tensor in graph.tensors if tensor.constant_bytes is None)
    macs = _macs(graph) if taken else 0
    summary = Summary(
        cycles=-(-macs // _macs_per_cycle(accelerator)),
        clock_hz=vela.system_clock_hz(accelerator.system_config),
        sram_bytes=_least_activations(graph) if taken else 0,
        dram_bytes=0,
        on_chip_flash_bytes=0,
        off_chip_flash_bytes=0,
        macs=macs,
    )
    compiled = _one_operator(graph) if taken else graph
    part = _Part(graph=compiled, summary=summary, model_bytes=int(model_bytes * _LEAST_FILE_SHARE))
    return _footprint(part, device)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A compiled network: of a file, or the least one imaginable."""

    graph: Graph
    summary: Summary
    model_bytes: int

    @property
    def npu(self) -> tuple[Operator, ...]:
        return tuple(each for each in self.graph.operators if each.name == NPU_OPERATOR)

    @property
    def on_core(self) -> Graph:
        """What remains for the core; all tensors stay where they are."""
        return replace(self.graph, operators=tuple(each for each in self.graph.operators if each.name != NPU_OPERATOR))


def _footprint(part: _Part, device: Device) -> Footprint:
    core, summary = part.on_core, part.summary
    costs = operator_costs(core, device)
    time, npu_ms = estimate(core, device, costs), 1000 * summary.cycles / summary.clock_hz
    bookkeeping_bytes, setup_bytes = _bookkeeping(part, device)
    low, high = NPU_INTERVAL
    return Footprint(
        model_bytes=part.model_bytes,
        runtime_flash_bytes=runtime_flash_bytes(core, device) + (_NPU_FLASH_BYTES if part.npu else 0),
        activation_bytes=_activations(part, device),
        bookkeeping_bytes=bookkeeping_bytes,
        setup_bytes=setup_bytes,
        static_ram_bytes=static_ram_bytes(core, device) + (_NPU_STATIC_BYTES if part.npu else 0),
        macs=summary.macs + sum(cost.macs for cost in costs),
        instructions=_instructions(part, time),
        cycles=time.cycles + _core_cycles(summary.cycles, summary, device),
        latency_ms=round(time.latency_ms + npu_ms, 6),
        latency_low_ms=round(time.latency_low_ms + low * npu_ms, 6),
        latency_high_ms=round(time.latency_high_ms + high * npu_ms, 6),
    )


def _instructions(part: _Part, time: Estimate) -> int | None:
    """The core's, where it executes everything; the Ethos-U has none that could be counted."""
    return None if part.npu else time.instructions


def _activations(part: _Part, device: Device) -> int:
    """Vela's memory and the addresses its kernel hands over; or what the operators on the core need, if more."""
    vela_bytes = part.summary.sram_bytes + part.summary.dram_bytes
    addresses = sum(aligned(8 * n) + aligned(4 * n) for n in (len(o.inputs) + len(o.outputs) for o in part.npu))
    on_core = plan_arena(part.on_core, device.core, device.kernels).activation_bytes if part.on_core.operators else 0
    return max(aligned(vela_bytes) + addresses, on_core)


def _bookkeeping(part: _Part, device: Device) -> tuple[int, int]:
    """Bytes of the interpreter's structures, and the smallest arena in which they can be set up."""
    arena, n_npu = plan_arena(part.graph, device.core, device.kernels), len(part.npu)
    return arena.bookkeeping_bytes + _NPU_STATE_BYTES * n_npu, arena.setup_bytes + _NPU_SETUP_BYTES * n_npu


def _npu_cost(part: _Part, index: int, operator: Operator, device: Device) -> OperatorCost:
    """One operator of the Ethos-U; of several, each by the bytes of its commands, as Vela gives one sum."""
    commands = [part.graph.tensors[each.inputs[0]].nbytes for each in part.npu]
    share = part.graph.tensors[operator.inputs[0]].nbytes / max(1, sum(commands))
    cycles = part.summary.cycles * share
    return OperatorCost(
        index=index,
        op=operator.name,
        output_shape=part.graph.output(operator).shape,
        macs=round(part.summary.macs * share),
        instructions=None,
        cycles=_core_cycles(cycles, part.summary, device),
        latency_ms=milliseconds(cycles, part.summary.clock_hz),
        live_bytes=part.summary.sram_bytes,
    )


def _core_cycles(npu_cycles: float, summary: Summary, device: Device) -> int:
    """Cycles of the core's clock that pass meanwhile."""
    return round(npu_cycles * device.clock_hz / summary.clock_hz)


def _macs(graph: Graph) -> int:
    """Multiply-accumulates of all operators; 0 for those of an Ethos-U, whose inside is not seen."""
    return sum(graph.macs(operator) for operator in graph.operators if operator.outputs)


def _accelerator(device: Device) -> Accelerator:
    if device.accelerator is None:
        raise ValueError(f"device {device.name!r} has no accelerator")
    return device.accelerator


def _macs_per_cycle(accelerator: Accelerator) -> int:
    """The last number of its name, of 8-bit operands."""
    return int(accelerator.config.rsplit("-", 1)[1])


def _one_operator(graph: Graph) -> Graph:
    """A compiled network with everything in one operator: commands, weights, scratch, and the ports as they are."""
    ports = (*graph.inputs, *graph.outputs)
    constant, scratch = (_bytes(1, constant=True), _bytes(1, constant=False))
    tensors = (constant, constant, scratch, *(graph.tensors[index] for index in ports))
    inputs = tuple(range(3, 3 + len(graph.inputs)))
    outputs = tuple(range(3 + len(graph.inputs), len(tensors)))
    operator = Operator(name=NPU_OPERATOR, inputs=(0, 1, 2, *inputs), outputs=outputs, is_custom=True)
    return Graph(tensors=tensors, operators=(operator,), inputs=inputs, outputs=outputs)


def _bytes(nbytes: int, *, constant: bool) -> Tensor:
    return Tensor(shape=(nbytes,), dtype=DType.UINT8, constant_bytes=nbytes if constant else None)


def _least_activations(graph: Graph) -> int:
    """Input and output of the largest convolution or pooling: neither fused nor in place, both whole in memory.

    A padding before it is fused, so its own input counts.  An input that is
    not certainly stored (resized, converted) is left out.
    """
    made_by = {index: operator for operator in graph.operators for index in operator.outputs}
    most = 0
    for operator in graph.operators:
        if operator.name not in _WHOLE_MAPS:
            continue
        source = operator.inputs[0]
        while source in made_by and made_by[source].name in ("PAD", "RESHAPE"):
            source = made_by[source].inputs[0]
        stored = source not in made_by or made_by[source].name in _STORED
        most = max(most, graph.output(operator).nbytes + (graph.tensors[source].nbytes if stored else 0))
    return min(most, _UNTRADED_BYTES)
