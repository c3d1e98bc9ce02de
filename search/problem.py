"""What a job means on this machine: its names looked up, its data loaded, its limits set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from compressors.catalog import COMPRESSORS
from compressors.compressor import Compressor, Stage
from devices.device import Device
from devices.footprint import Budget
from devices.suggestion import suggestion
from devices.vela import VelaError, system_clock_hz
from search.boards import budget_of, find_device
from search.datasets.dataset import Dataset
from search.datasets.load import load
from search.errors import JobError, ToolchainError
from search.front import named_objectives
from search.job import Job

if TYPE_CHECKING:
    from spaces.catalog import SearchSpace


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A job whose every name was found.

    Attributes
    ----------
    job
        As given.
    data
        Its data, split and normalised.
    device, budget
        What candidates are costed on, and the limits they must keep.
    spaces, compressors
        What candidates are drawn from, in catalogue order.
    """

    job: Job
    data: Dataset
    device: Device
    budget: Budget
    spaces: tuple[SearchSpace, ...]
    compressors: tuple[Compressor[Any], ...]


def resolve(job: Job) -> Problem:
    """Look everything up, cheapest first, before anything is written or trained.

    Raises
    ------
    JobError
        For an unknown device, objective, strategy, space or technique, or
        where no space takes the data's shape.
    DataError
        When the data cannot be used.
    ToolchainError
        When the board has an Ethos-U, and Vela is not installed or does not know its system.
    """
    from search.sampler import STRATEGIES

    device = find_device(job.device)
    _check_compiler(device)
    named_objectives(job.objectives)
    strategies = [name for name, _ in STRATEGIES]
    if job.strategy not in strategies:
        raise JobError(f"unknown strategy {job.strategy!r}: {suggestion(job.strategy, strategies)}")
    compressors = _compressors(job)
    _check_spaces(job)
    data = load(job.data)
    return Problem(
        job=job,
        data=data,
        device=device,
        budget=budget_of(job, device),
        spaces=_spaces(job, data.input_shape),
        compressors=compressors,
    )


def _check_compiler(device: Device) -> None:
    """Every trial on a board with an accelerator is costed by its compiler: better missed now than after training."""
    if device.accelerator is None:
        return
    try:
        system_clock_hz(device.accelerator.system_config)
    except VelaError as error:
        raise ToolchainError(f"device {device.name!r}: {error}") from error


def _compressors(job: Job) -> tuple[Compressor[Any], ...]:
    names = [technique.name for technique in COMPRESSORS]
    for name in job.compressors:
        if name not in names:
            raise JobError(f"unknown compressor {name!r}: {suggestion(name, names)}")
    chosen = tuple(each for each in COMPRESSORS if not job.compressors or each.name in job.compressors)
    if not any(technique.stage is Stage.QUANTIZATION for technique in chosen):
        raise JobError("compressors name no quantization: an artifact needs exactly one, add 'quantization'")
    return chosen


def _check_spaces(job: Job) -> None:
    from spaces.catalog import SPACES

    names = [space.name for space in SPACES]
    for name in job.space:
        if name not in names:
            raise JobError(f"unknown space {name!r}: {suggestion(name, names)}")


def _spaces(job: Job, input_shape: tuple[int, ...]) -> tuple[SearchSpace, ...]:
    from spaces.catalog import SPACES

    wanted = [space for space in SPACES if not job.space or space.name in job.space]
    refusals = {space.name: space.accepts(input_shape) for space in wanted}
    fitting = tuple(space for space in wanted if refusals[space.name] is None)
    if not fitting:
        name, reason = next(iter(refusals.items()))
        raise JobError(f"no space takes inputs of shape {input_shape}: {name}: {reason}")
    return fitting
