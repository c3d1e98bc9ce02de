"""Puts a front-end in front of a data set: its inputs become the features that the device will compute."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from devices.artifact import Normalization
from devices.frontend.frontend import FrontendError
from devices.frontend.pipeline import Pipeline
from devices.frontend.standardise import Standardisation
from search.datasets.dataset import Dataset, Split
from search.datasets.parts import check_bytes
from search.datasets.varied_sounds import varied
from search.errors import DataError
from search.frontends import frontend_of, pipeline_from_json, pipeline_to_json

if TYPE_CHECKING:
    import numpy.typing as npt

    from compressors.compressor import Value
    from devices.frontend.frontend import Floats
    from search.datasets.raw import Array

KEYS = ("frontend", "raw", "sample_rate_hz", "copies")  # of the prepared data's file, where the data set has them

_BLOCK_VALUES = 1 << 22  # worked on at a time: 16 MiB
_MOST_BYTES = 1 << 30  # of training features with copies: a quarter of what a trial may take by default
_RAW_SAMPLES = 3  # that are kept for the check of the exported source
_STEPS = (1.0, 1.0 / 32768)  # of integers, and of 16-bit sound as shares of full scale
_NEAR = 0.05  # of a step, at most
# Of a normalised value: its three roundings to single precision, and their slack.
_RELATIVE_ERROR = 4 * float(np.finfo(np.float32).eps)
_INTEGER_SOUND = 32768.0
_MOST_SHARE = 8.0  # of full scale: resampling and floating point exceed 1 a little, 16-bit integers by far


def behind(data: Dataset, choice: Mapping[str, Mapping[str, Value]], *, standardised: bool, copies: int = 0) -> Dataset:
    """The data set as the front-end of a job's choice gives it; itself where the choice is empty.

    Raw values are found back from the normalised ones: those that lie on the
    steps of integers or of 16-bit sound exactly, others to about 1e-7 of their range.

    Parameters
    ----------
    standardised
        Whether features get mean 0 and deviation 1, by the training split.
    copies
        Varied copies of each training sound that are trained on as well
        (`search.datasets.varied_sounds`).  Like the split they are a function of the
        data, not of a job's seed.

    Raises
    ------
    JobError
        When the front-end's settings cannot be.
    DataError
        When it does not take inputs of that shape, or makes features that are not finite.
    """
    if not choice:
        return data
    raw = _RawValues(data)
    frontend = frontend_of(choice, data.sample_rate_hz, raw.full_scale())
    assert frontend is not None
    try:
        plain = Pipeline(input_shape=data.input_shape, frontend=frontend)
        _check_copies(data, plain, copies)
        variations = [raw.copies(plain, data.train, copy) for copy in range(copies)]
        train = np.concatenate([raw.through(plain, data.train), *variations])
        fitted = Standardisation.fitted(train, plain.row_elements) if standardised else None
        pipeline = replace(plain, standardisation=fitted)
        splits = {name: raw.through(pipeline, split) for name, split in (("v", data.validation), ("t", data.test))}
    except FrontendError as error:
        raise DataError(f"data {data.name!r}: {error}") from error
    return replace(
        data,
        train=Split(x=train if fitted is None else fitted.apply(train), y=np.tile(data.train.y, 1 + copies)),
        validation=Split(x=splits["v"], y=data.validation.y),
        test=Split(x=splits["t"], y=data.test.y),
        normalization=Normalization(offset=0.0, factor=1.0),
        frontend=pipeline,
        raw=raw.of(data.validation.x[:_RAW_SAMPLES]),
        copies=copies,
    )


def _check_copies(data: Dataset, pipeline: Pipeline, copies: int) -> None:
    """Before any is made: while it trains, a worker holds the features several times over."""
    if copies:
        remedy = "lower augment, or have the front-end make fewer features"
        check_bytes(data.name, len(data.train) * (1 + copies), math.prod(pipeline.output_shape), 4, remedy, _MOST_BYTES)


class _RawValues:
    """Undoes the normalisation of one data set."""

    def __init__(self, data: Dataset) -> None:
        self._data = data
        self._step = next((step for step in _STEPS if self._lies_on(step)), None)
        self._rounded = np.array(False) if self._step is None else self._channels_on(self._step)
        ends = np.array([(x.min(), x.max()) for x in map(self.of, _blocks(data.train.x))])
        self._least, self._most = float(ends[:, 0].min()), float(ends[:, 1].max())

    def of(self, x: Floats) -> Floats:
        """Raw values float32 of normalised ones, exact where they lie on steps."""
        values = self._undone(x)
        if self._step is not None:
            values = np.where(self._rounded, np.round(values / self._step) * self._step, values)
        return values.astype(np.float32)

    def full_scale(self) -> float:
        """What sound of this data is 1 at: 32768 for integers and whatever lies far beyond -1..1, else 1."""
        return _INTEGER_SOUND if self._largest > (1 if self._step == 1 else _MOST_SHARE) else 1.0

    @property
    def _largest(self) -> float:
        return max(-self._least, self._most)

    def through(self, pipeline: Pipeline, split: Split) -> Floats:
        """What the pipeline makes of a split's raw values."""
        return np.concatenate([pipeline.apply(self.of(block)) for block in _blocks(split.x)])

    def copies(self, pipeline: Pipeline, split: Split, copy: int) -> Floats:
        """What the pipeline makes of one varied copy of each sound of a split; every `copy` is another."""
        blocks = enumerate(_blocks(split.x))
        return np.concatenate(
            [pipeline.apply(self._recorded(varied(self.of(block), (copy, number)))) for number, block in blocks]
        )

    def _recorded(self, sounds: npt.NDArray[np.float64]) -> Floats:
        """Raw values float32 as what recorded the data would have made them: on its steps, cut off at its ends."""
        if self._step is not None:
            sounds = np.round(sounds / self._step) * self._step
        return np.clip(sounds, *self._ends()).astype(np.float32)

    def _ends(self) -> tuple[float, float]:
        """Least and most that a converter of this data gives: of the bits that the training split shows it to have."""
        step = self._step or 0.0
        if self._least >= 0:
            return 0.0, _power_of_two(self._most + step) - step
        limit = self.full_scale()
        limit = limit if self._largest <= limit else _power_of_two(self._largest)
        return -limit, limit - step

    def _undone(self, x: Floats) -> npt.NDArray[np.float64]:
        normalization = self._data.normalization
        values: npt.NDArray[np.float64] = x.astype(np.float64) / normalization.factor + normalization.offset
        return values

    def _lies_on(self, step: float) -> bool:
        """Whether every value is a multiple of the step, but for what single precision took from it.

        A share of the step alone would not do: all values that are small
        against it would be multiples, of 0.
        """
        data = self._data
        return all(
            self._on_steps(block, step)
            for split in (data.train, data.validation, data.test)
            for block in _blocks(split.x)
        )

    def _on_steps(self, x: Floats, step: float) -> bool:
        steps = self._undone(x) / step
        error = np.abs(x.astype(np.float64) / (self._data.normalization.factor * step)) * _RELATIVE_ERROR
        return bool((np.abs(steps - np.round(steps)) <= np.minimum(error, _NEAR)).all())

    def _channels_on(self, step: float) -> npt.NDArray[np.bool_]:
        """Which channels (of the last axis, where there are several axes) hold multiples of the step, not 0 alone.

        What varies and would be 0 everywhere is small beside a large channel:
        rounding would end it, single precision has left something of it.
        """
        data = self._data
        axes = tuple(range(data.train.x.ndim - 1)) if data.train.x.ndim > 2 else None
        found = [
            (np.round(self._undone(block) / step).any(axis=axes), block.min(axis=axes), block.max(axis=axes))
            for split in (data.train, data.validation, data.test)
            for block in _blocks(split.x)
        ]
        held, least, most = (np.stack(each) for each in zip(*found, strict=True))
        channels: npt.NDArray[np.bool_] = held.any(axis=0) | (least.min(axis=0) == most.max(axis=0))
        return channels


def _power_of_two(value: float) -> float:
    """The least that is no less than a value; of 0 it is 1."""
    return 2.0 ** math.ceil(math.log2(value)) if value > 0 else 1.0


def _blocks(x: Floats) -> Iterator[Floats]:
    size = max(1, _BLOCK_VALUES // max(1, math.prod(x.shape[1:])))
    return (x[start : start + size] for start in range(0, len(x), size))


def to_arrays(data: Dataset) -> dict[str, Array]:
    """What the file of prepared data holds of the front-end, by the names of `KEYS`."""
    arrays: dict[str, Array] = {}
    if data.frontend is not None:
        arrays["frontend"] = np.array(pipeline_to_json(data.frontend))
    if data.raw is not None:
        arrays["raw"] = data.raw
    if data.sample_rate_hz is not None:
        arrays["sample_rate_hz"] = np.array(data.sample_rate_hz)
    if data.copies:
        arrays["copies"] = np.array(data.copies)
    return arrays


def from_arrays(data: Dataset, arrays: Mapping[str, Array]) -> Dataset:
    """The data set with what `to_arrays` wrote of it.

    Raises
    ------
    ValueError
        When it cannot have been written so.
    """
    if "frontend" in arrays:
        data = replace(data, frontend=pipeline_from_json(str(arrays["frontend"])))
    if "raw" in arrays:
        data = replace(data, raw=arrays["raw"])
    if "sample_rate_hz" in arrays:
        data = replace(data, sample_rate_hz=int(arrays["sample_rate_hz"]))
    if "copies" in arrays:
        data = replace(data, copies=int(arrays["copies"]))
    return data
