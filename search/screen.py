"""Draw a candidate and cost it before any training."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import SQLAlchemyError

from compressors.coded_size import least_package_bytes, least_table_bytes
from compressors.compressor import CompressionError
from compressors.huffman_coding import is_coded
from compressors.layers import TopologyError
from compressors.lookup_tables import LookUpTables
from compressors.lower import lower
from compressors.topology import Topology
from devices.coding.stored import UnpackError, coded
from devices.device import Device
from devices.footprint import Footprint
from devices.graph import Graph, Operator
from devices.measure import footprint
from devices.operators import DECODE
from devices.slim import predicted_bytes
from devices.storage import runtime_flash_bytes
from devices.support import unsupported
from devices.vela import VelaError
from search.codec import canonical
from search.frontends import searched, variant_of, variants_of
from search.problem import Problem
from spaces.candidate import Candidate, TrainingRecipe, candidate_key
from spaces.compression import draw_plan
from spaces.errors import SpaceError
from spaces.given import tuning_recipe
from spaces.recipe import draw_recipe
from spaces.trial import suggest_unordered

if TYPE_CHECKING:
    from compressors.plan import CompressionPlan
    from devices.frontend.intake import Intake
    from search.datasets.dataset import Dataset
    from spaces.trial import Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """A candidate with its predicted cost, untrained.

    Attributes
    ----------
    key
        Equal keys are equal candidates.
    excess
        Figure above its limit by how much; above zero breaks it.
    variant
        Which of the problem's data sets it is for.
    """

    candidate: Candidate
    key: str
    footprint: Footprint
    excess: Mapping[str, float]
    draw_seconds: float
    screen_seconds: float
    variant: int = 0

    @property
    def fits(self) -> bool:
        """True when no limit is broken."""
        return all(value <= 0 for value in self.excess.values())


class CandidateError(ValueError):
    """What was drawn is no network that can be built or costed; the message says why."""


def predict(topology: Topology, plan: CompressionPlan, device: Device, intake: Intake | None = None) -> Footprint:
    """Footprint of the artifact that a plan will make of a network, found without weights.

    File bytes and operators are predicted from the lowered graph; the rest is
    computed as for a file.  On a board with an accelerator it is the least the
    artifact can cost (`devices.ethos_u.least_footprint`).  How small a coded
    artifact gets is known only with the weights: it is taken to be as small as
    any can get (`compressors.coded_size`), with the code that decodes it, so
    that nothing is rejected that fits by its coding alone; with look-up tables
    the arena is that of the file without, and the file itself where that takes
    less flash.

    Parameters
    ----------
    intake
        What makes the network's input on the device; its cost is added.

    Raises
    ------
    CandidateError
        When the device's runtime cannot run the artifact.
    devices.coding.stored.UnpackError
        When the device cannot unpack a Huffman-coded one.
    """
    graph = lower(plan.outline(topology), plan.quantization)
    reasons = unsupported(graph, device)
    if reasons:
        raise CandidateError(f"{device.name} cannot run it: {reasons[0]}")
    cost = _network_cost(graph, plan, device)
    return cost if intake is None else intake.added_to(cost, device)


def _network_cost(graph: Graph, plan: CompressionPlan, device: Device) -> Footprint:
    cost = footprint(graph, device, predicted_bytes(graph))
    if is_coded(plan.as_mapping()):
        return coded(cost, least_package_bytes(cost.model_bytes), device)
    if any(isinstance(step, LookUpTables) for step in plan.steps):
        tables = _with_tables(cost, graph, device)
        return min(cost, tables, key=lambda each: each.flash_bytes)  # tables that save nothing are left out
    return cost


def _with_tables(cost: Footprint, graph: Graph, device: Device) -> Footprint:
    """The cost with as few bytes as tables can leave, and DECODE's code."""
    decoding = replace(graph, operators=(*graph.operators, Operator(name=DECODE, inputs=(), outputs=())))
    return replace(
        cost,
        model_bytes=least_table_bytes(graph, cost.model_bytes),
        runtime_flash_bytes=runtime_flash_bytes(decoding, device),
    )


def _variant(trial: Trial, problem: Problem) -> int:
    """Draw the front-end's settings that are searched; which of the problem's data sets they mean."""
    choice = problem.job.frontend
    drawn = {name: suggest_unordered(trial, name, values) for name, values in searched(choice).items()}
    return variant_of(choice, drawn)


def _recipe(trial: Trial, problem: Problem, data: Dataset) -> TrainingRecipe:
    """How the network is trained; a given one is trained already, and is tuned in one way."""
    epochs = problem.job.epochs
    if problem.given is not None:
        return tuning_recipe(len(data.train), epochs)
    return draw_recipe(trial, len(data.train), data.input_shape, epochs)


def draw(trial: Trial, problem: Problem) -> Screened:
    """Draw front-end, space, architecture, compression and recipe from a trial, and cost the result.

    Replaying a trial's parameters gives the equal candidate.

    Raises
    ------
    CandidateError
        When what was drawn cannot be built.
    """
    started = time.perf_counter()
    spaces = {space.name: space for space in problem.spaces}
    name = trial.suggest_categorical("space", list(spaces)) if len(spaces) > 1 else next(iter(spaces))
    variant = _variant(trial, problem)
    data = problem.datasets[variant]
    try:
        drawn = spaces[str(name)].draw(trial, data.input_shape, data.n_outputs, head=data.head)
        plan = draw_plan(trial, problem.compressors)
        recipe = _recipe(trial, problem, data)
        drawn_at = time.perf_counter()
        cost = predict(drawn.topology, plan, problem.device, data.intake)
    except (SpaceError, TopologyError, CompressionError, VelaError, UnpackError) as error:
        raise CandidateError(str(error)) from error
    except (CandidateError, StorageInternalError, SQLAlchemyError):
        raise  # said already; or the study, not the candidate
    except Exception as error:  # a framework may fail on one candidate in any way; the search goes on and says why
        raise CandidateError(f"{type(error).__name__}: {error}".splitlines()[0]) from error
    return Screened(
        candidate=Candidate(architecture=drawn.architecture, plan=plan, recipe=recipe),
        key=candidate_key(
            drawn.topology,
            plan.as_mapping(),
            recipe,
            teacher=problem.teacher if plan.learns else "",
            frontend="" if not problem.variants else canonical(variants_of(problem.job.frontend)[variant]),
        ),
        footprint=cost,
        excess=dict(cost.excess_over(problem.budget)),
        draw_seconds=drawn_at - started,
        screen_seconds=time.perf_counter() - drawn_at,
        variant=variant,
    )
