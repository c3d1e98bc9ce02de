"""What a job means on this machine: its names looked up, its data loaded, its limits set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devices.device import Device
from devices.footprint import Budget
from devices.suggestion import suggestion
from devices.vela import VelaError, system_clock_hz
from search.boards import budget_of, find_device
from search.datasets.class_weights import balanced_weights
from search.datasets.dataset import Dataset
from search.datasets.load import load
from search.datasets.rescale import normalization_of, rescaled
from search.errors import JobError, ToolchainError
from search.job import Job
from search.settle import check_names, settled
from search.techniques import techniques_of

if TYPE_CHECKING:
    from spaces.catalog import SearchSpace
    from spaces.compression import Techniques
    from spaces.given import GivenNetwork


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A job whose every name was found.

    Attributes
    ----------
    job
        As given, with task, metric and objectives filled in.
    data
        Its data, split and normalised.
    device, budget
        What candidates are costed on, and the limits they must keep.
    spaces, compressors
        What candidates are drawn from, in catalogue order.
    given
        The one network whose compression is searched; None where networks are drawn.
    teacher
        Identity of the network that distillation learns from; empty where none was made yet.
    """

    job: Job
    data: Dataset
    device: Device
    budget: Budget
    spaces: tuple[SearchSpace, ...]
    compressors: Techniques
    given: GivenNetwork | None = None
    teacher: str = ""

    @property
    def class_weights(self) -> tuple[float, ...]:
        """Weight of each class in the loss of training; empty where samples weigh alike."""
        return balanced_weights(self.data) if self.job.class_weights == "balanced" else ()


def resolve(job: Job, read_given: Callable[[Dataset], GivenNetwork] | None = None) -> Problem:
    """Look everything up, cheapest first, before anything is written or trained.

    Parameters
    ----------
    read_given
        Gives the network of ``job.network`` that goes with the data; None where the job names none.

    Raises
    ------
    JobError
        For an unknown device, objective, strategy, space or technique, where
        no space takes the data's shape, or where the job names a network that
        was not given, or a space beside it.
    DataError
        When the data, or the given network, cannot be used.
    ToolchainError
        When the board has an Ethos-U, and Vela is not installed or does not know its system.
    """
    from search.sampler import STRATEGIES

    device = find_device(job.device)
    _check_compiler(device)
    check_names(job)
    strategies = [name for name, _ in STRATEGIES]
    if job.strategy not in strategies:
        raise JobError(f"unknown strategy {job.strategy!r}: {suggestion(job.strategy, strategies)}")
    compressors = techniques_of(job, device)
    _check_spaces(job)
    _check_given(job, is_given=read_given is not None)
    normalization = normalization_of(job.normalization)
    data = rescaled(load(job.data, job.task, job.normal), normalization)
    job = settled(job, data)
    given = None if read_given is None else read_given(data)
    return Problem(
        job=job,
        data=data,
        device=device,
        budget=budget_of(job, device),
        spaces=_spaces(job, data) if given is None else _given_space(given, data),
        compressors=compressors,
        given=given,
    )


def _check_compiler(device: Device) -> None:
    """Every trial on a board with an accelerator is costed by its compiler: better missed now than after training."""
    if device.accelerator is None:
        return
    try:
        system_clock_hz(device.accelerator.system_config)
    except VelaError as error:
        raise ToolchainError(f"device {device.name!r}: {error}") from error


def _check_given(job: Job, *, is_given: bool) -> None:
    if job.network and not is_given:
        raise JobError(f"network is {job.network!r}: give it to 'tinyfront compress', or leave it out")
    if job.network and job.space:
        raise JobError(f"the job names network {job.network!r} and space {job.space[0]!r}: leave one out")


def _given_space(given: GivenNetwork, data: Dataset) -> tuple[SearchSpace, ...]:
    from spaces.given import GivenSpace

    space = GivenSpace(network=given)
    reason = space.accepts(data.input_shape)
    if reason:
        raise JobError(f"data {data.name!r} has inputs of shape {data.input_shape}: {reason}")
    return (space,)


def _check_spaces(job: Job) -> None:
    from spaces.catalog import SPACES

    names = [space.name for space in SPACES]
    for name in job.space:
        if name not in names:
            raise JobError(f"unknown space {name!r}: {suggestion(name, names)}")


_OTHER_TASK = {
    True: "it gives no input back, which anomalies are found by",
    False: "it gives its input back, and tells no classes or values",
}


def _spaces(job: Job, data: Dataset) -> tuple[SearchSpace, ...]:
    """The spaces that the job names and that take the inputs; those that suit them where it names none."""
    from spaces.catalog import SPACES, spaces_for

    input_shape, gives_back = data.input_shape, data.task == "anomaly_detection"
    wanted = [
        space for space in SPACES if space.reconstructs is gives_back and (not job.space or space.name in job.space)
    ]
    refusals = {space.name: space.accepts(input_shape) for space in wanted}
    fitting = tuple(space for space in wanted if refusals[space.name] is None)
    if not job.space:
        fitting = spaces_for(input_shape, reconstructs=gives_back)
    if not fitting:
        name, reason = next(iter(refusals.items()), (job.space[0] if job.space else "none", _OTHER_TASK[gives_back]))
        raise JobError(f"no space takes inputs of shape {input_shape}: {name}: {reason}")
    return fitting
