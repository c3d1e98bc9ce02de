"""What a job means on this machine: its names looked up, its data loaded, its limits set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from compressors.compressor import Stage
from devices.artifact import Normalization
from devices.device import Device
from devices.footprint import Budget
from devices.suggestion import suggestion
from devices.vela import VelaError, system_clock_hz
from search.boards import budget_of, find_device
from search.columns import printable
from search.datasets.class_weights import balanced_weights
from search.datasets.dataset import Dataset
from search.datasets.frontend import behind
from search.datasets.load import inspect
from search.datasets.rescale import normalization_of, rescaled
from search.errors import JobError, ToolchainError
from search.frontends import searched, takes_sound, variants_of
from search.job import Job
from search.settle import check_names, settled
from search.techniques import check_teacher, techniques_of

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
        Its data, split and normalised, behind the first front-end where several are searched.
    device, budget
        What candidates are costed on, and the limits they must keep.
    spaces, compressors
        What candidates are drawn from, in catalogue order.
    given
        The one network whose compression is searched; None where networks are drawn.
    teacher
        Identity of the network that distillation learns from; empty where none was made yet.
    data_notes
        How the data were split, and what was done to them, a sentence each.
    variants
        The data behind each front-end that is searched (`search.frontends.variants_of`);
        empty where there is one or none.
    """

    job: Job
    data: Dataset
    device: Device
    budget: Budget
    spaces: tuple[SearchSpace, ...]
    compressors: Techniques
    given: GivenNetwork | None = None
    teacher: str = ""
    data_notes: tuple[str, ...] = ()
    variants: tuple[Dataset, ...] = ()

    @property
    def class_weights(self) -> tuple[float, ...]:
        """Weight of each class in the loss of training; empty where samples weigh alike."""
        return balanced_weights(self.data) if self.job.class_weights == "balanced" else ()

    @property
    def learns(self) -> bool:
        """True where a technique learns from a teacher."""
        return any(technique.stage is Stage.DISTILLATION for technique in self.compressors)

    @property
    def datasets(self) -> tuple[Dataset, ...]:
        """All that a trial may be trained on; one, unless front-ends are searched."""
        return self.variants or (self.data,)


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
    check_teacher(job)
    compressors = techniques_of(job, device)
    _check_spaces(job)
    _check_given(job, is_given=read_given is not None)
    normalization = normalization_of(job.normalization)
    found = inspect(job.data, job.data_options, job.task, job.normal)
    variants = _behind_frontends(job, found.data, normalization)
    data = variants[0]
    job = settled(job, data)
    given = None if read_given is None else read_given(data)
    return Problem(
        job=job,
        data=data,
        device=device,
        budget=budget_of(job, device),
        spaces=_spaces(job, variants) if given is None else _given_space(given, data),
        compressors=compressors,
        given=given,
        data_notes=tuple(map(printable, (found.split.text(), *_augmented(job), *found.notes))),
        variants=variants if len(variants) > 1 else (),
    )


def _behind_frontends(job: Job, data: Dataset, normalization: Normalization | None) -> tuple[Dataset, ...]:
    """The data behind each front-end that the job may mean; alone where it means none."""
    choices = variants_of(job.frontend)
    names = ", ".join(name.removeprefix("frontend/") for name in searched(job.frontend))
    if len(choices) > 1 and (job.network or "distillation" in job.compressors):
        reason = "a given network takes inputs of one shape" if job.network else "a teacher knows inputs of one shape"
        raise JobError(f"the job lists values of the front-end's {names} to search, and {reason}: give one value each")
    _check_augment(job, data)
    standardised = normalization is None
    made = (behind(data, choice, standardised=standardised, copies=job.augment) for choice in choices)
    return tuple(rescaled(each, normalization) for each in made)


def _check_augment(job: Job, data: Dataset) -> None:
    """Only of a sound is it known what may be changed without its class; and a copy is made before the front-end."""
    if job.augment and not (takes_sound(job.frontend) and data.task == "classification"):
        raise JobError(
            f"augment is {job.augment}: copies are made of sounds behind a front-end for sounds, for classification; "
            f"data {data.name!r} has front-end {next(iter(job.frontend), 'none')}, task {data.task}: leave it out"
        )


def _augmented(job: Job) -> tuple[str, ...]:
    return (f"trained on with {job.augment} varied copies of each training sound",) if job.augment else ()


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
    True: "gives no input back, which anomalies are found by",
    False: "gives its input back, and predicts nothing",
}


def _spaces(job: Job, variants: tuple[Dataset, ...]) -> tuple[SearchSpace, ...]:
    """The spaces that the job names, each of which must take the data; those that suit them where it names none.

    Where several front-ends are searched, behind every one of them.
    """
    from spaces.catalog import SPACES, spaces_for

    gives_back, shapes = variants[0].task == "anomaly_detection", tuple({data.input_shape: None for data in variants})
    if job.space:
        return _named_spaces(job, shapes, gives_back=gives_back)
    wanted = [space for space in SPACES if space.reconstructs is gives_back]
    refusals: list[str] = []
    for shape in shapes:
        reasons = {space.name: space.accepts(shape) for space in wanted}
        refusals += [f"of shape {shape}: {name}: {reason}" for name, reason in reasons.items() if reason is not None]
        suiting = spaces_for(shape, reconstructs=gives_back)
        wanted = [space for space in wanted if reasons[space.name] is None and space in suiting]
    if not wanted:
        reason = refusals[0] if refusals else "behind every front-end of the job: list fewer values of its settings"
        raise JobError(f"no space takes inputs {reason}")
    return tuple(wanted)


def _named_spaces(job: Job, shapes: tuple[tuple[int, ...], ...], *, gives_back: bool) -> tuple[SearchSpace, ...]:
    """Those that the job names; JobError for one that cannot be drawn from, which was named to be."""
    from spaces.catalog import SPACES

    named = tuple(space for space in SPACES if space.name in job.space)
    for space in named:
        if space.reconstructs is not gives_back:
            raise JobError(f"space {space.name!r} {_OTHER_TASK[gives_back]}: name another, or leave it out")
        for shape in shapes:
            reason = space.accepts(shape)
            if reason is not None:
                raise JobError(f"space {space.name!r} takes no inputs of shape {shape}: {reason}; leave it out")
    return named
