"""``tinyfront check`` as text, and as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from devices.footprint import Budget, Footprint
from search import codec
from search.check import Check, SpaceFacts
from search.columns import aligned, clipped, printable, wrapped
from search.datasets.facts import DataFacts, SplitFacts
from search.metrics.catalog import find_metric
from search.settle import few_samples
from search.trial_time import TrialTime
from search.units import duration, kilobytes, measured, milliseconds

_MOST_CLASSES = 12
_IMBALANCE = 3.0
_LABEL_WIDTH = 32
_NAMES = {"train": "training", "validation": "validation", "test": "test"}


def check_text(found: Check) -> str:
    """All of it, a paragraph a subject; ends in a newline."""
    parts = (_data(found.data), _notes(found), _warnings(found), _searched(found), _time(found))
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def check_document(found: Check) -> dict[str, Any]:
    """The JSON document of ``check --json``."""
    document: dict[str, Any] = codec.unstructure(found)
    document["data"]["imbalance"] = found.data.imbalance
    document["warnings"] = list(warnings(found.data, found.job.metric))
    for space, row in zip(found.spaces, document["spaces"], strict=True):
        for end in ("smallest", "largest"):
            cost: Footprint = getattr(space, end)
            row[end] |= {name: getattr(cost, name) for name in ("flash_bytes", "ram_bytes", "arena_bytes")}
    return document | {"can_be_searched": not found.nothing_fits, "trials": found.trials, "seconds": found.seconds}


def warnings(data: DataFacts, metric: str = "") -> tuple[str, ...]:
    """What may spoil a search by this metric or its figures, a sentence each with what to do."""
    few = few_samples(data.task, data.splits["validation"].n, metric)
    return (*_leaks(data), *_labels(data), *([few] if few else []), *_columns(data))


def _leaks(data: DataFacts) -> list[str]:
    said = []
    for pair, count in data.shared.items():
        first, second = pair.split("-")
        if count:
            said.append(
                f"{count} of {data.splits[second].n} {_NAMES[second]} samples are in the {_NAMES[first]} split, too: "
                "figures will be better than on new samples, unless equal samples are usual; remove them from one"
            )
    repeated = sum(split.repeated for split in data.splits.values())
    if repeated:
        said.append(f"{repeated} samples repeat an earlier one of their split: they add weight, not knowledge")
    if data.contradictions:
        said.append(
            f"{data.contradictions} samples have the inputs of samples with another label or target: "
            "no network can tell these apart; check them"
        )
    return said


def _labels(data: DataFacts) -> list[str]:
    said, counts = [], data.splits["train"].counts
    if data.imbalance > _IMBALANCE:
        rarest = min((count, label) for count, label in zip(counts, data.labels, strict=True) if count)[1]
        said.append(
            f"class {_name(data.trivial)} has {data.imbalance:.1f} times the training samples of {_name(rarest)}: "
            "accuracy hardly counts the rare one; gather more of it, or judge by each class"
        )
    for name, split in data.splits.items():
        missing = [_name(label) for label, count in zip(data.labels, split.counts, strict=True) if not count]
        if data.task == "anomaly_detection":
            continue  # the training split has normal samples alone, and the others were checked to have both
        if missing:
            said.append(f"the {_NAMES[name]} split has no sample of class {', '.join(missing[:_MOST_CLASSES])}")
    return said


def _columns(data: DataFacts) -> list[str]:
    if not data.constant_inputs or len(data.input_shape) != 1:
        return []
    first = ", ".join(str(index + 1) for index in data.constant_inputs[:5])
    return [
        f"{len(data.constant_inputs)} of {_inputs(data)} columns never change in the training split "
        f"(such as number {first}): they cost flash and tell nothing; leave them out"
    ]


def _data(data: DataFacts) -> list[str]:
    shape = " x ".join(map(str, data.input_shape))
    per_class = "per class" if data.labels else ""
    rows: list[tuple[str, ...]] = [("", "samples", "share", "values", per_class, "repeated")]
    total = sum(split.n for split in data.splits.values())
    rows += [_split_row(_NAMES[name], split, total) for name, split in data.splits.items()]
    return [
        f"{printable(data.name)}: {total} samples of {shape} = {_inputs(data)} inputs, {_answers(data)}",
        *([f"  made by front-end {data.frontend} of {' x '.join(map(str, data.raw_shape))}"] if data.frontend else []),
        *(f"  {line}" for line in aligned(rows, left=(0,))),
        *(wrapped("  classes (training): ", _classes(data)) if data.labels else _targets(data)),
        *([f"  constant inputs: {len(data.constant_inputs)} of {_inputs(data)}"] if data.constant_inputs else []),
        *wrapped("  baseline: ", _baseline(data)),
    ]


def _baseline(data: DataFacts) -> str:
    figures = []
    for name, measurement in data.baseline.items():
        metric = find_metric(name)
        of = " of the classes' shares" if name == "log_loss" else ""
        figures.append(f"{metric.title}{of} {measured(metric, measurement)}{' %' if metric.percent else ''}")
    trivial = _name(data.trivial) if data.labels else data.trivial
    return (
        f"always answering {trivial}, on the validation split (n = {data.splits['validation'].n}, "
        f"95 % intervals): {', '.join(figures)}"
    )


def _split_row(name: str, split: SplitFacts, total: int) -> tuple[str, ...]:
    low, high = min(split.counts, default=0), max(split.counts, default=0)
    return (
        name,
        str(split.n),
        f"{100 * split.n / total:.0f} %",
        f"{split.lowest:.4g} to {split.highest:.4g}",
        "" if not split.counts else str(low) if low == high else f"{low} to {high}",
        str(split.repeated),
    )


def _classes(data: DataFacts) -> str:
    counted = [f"{_name(label)} {count}" for label, count in zip(data.labels, data.splits["train"].counts, strict=True)]
    more = len(counted) - _MOST_CLASSES
    return ", ".join([*counted[:_MOST_CLASSES], *([f"and {more} more"] if more > 0 else [])])


def _answers(data: DataFacts) -> str:
    if data.task == "anomaly_detection":
        return f"anomaly detection, trained on {_name(data.labels[0])} alone"
    if data.labels:
        return f"{data.task} into {len(data.labels)} classes"
    return f"{data.task} of {len(data.targets)} target{'' if len(data.targets) == 1 else 's'}"


def _targets(data: DataFacts) -> list[str]:
    said = (
        f"{_name(target.name)} {target.lowest:.4g} to {target.highest:.4g}, mean {target.mean:.4g}, "
        f"deviation {target.deviation:.4g}"
        for target in data.targets[:_MOST_CLASSES]
    )
    more = len(data.targets) - _MOST_CLASSES
    return wrapped("  targets (training): ", "; ".join([*said, *([f"and {more} more"] if more > 0 else [])]))


def _notes(found: Check) -> list[str]:
    return [line for note in found.data_notes for line in wrapped("- ", note)]


def _warnings(found: Check) -> list[str]:
    said = warnings(found.data, found.job.metric)
    return [line for warning in said for line in wrapped("! ", warning)]


def _searched(found: Check) -> list[str]:
    lines = [f"{found.device}: {_limits(found.budget)}"]
    if found.nothing_fits:
        lines += wrapped("  ", found.nothing_fits)
    if found.spaces:
        rows: list[tuple[str, ...]] = [
            ("space", "weights", "model kB", "flash kB", "RAM kB", "latency ms", "anchors that fit")
        ]
        rows += [_space_row(space) for space in found.spaces]
        lines += [f"  {line}" for line in aligned(rows, left=(0, 6))]
        least = "; the least they can cost, before the board's compiler has seen weights" if found.is_least else ""
        said = f"anchors, smallest to largest, as int8 without other compression; all but weights est.{least}"
        lines += wrapped("  ", said)
    lines += wrapped("  not searched: ", _left_out(found)) if found.left_out else []
    lines += wrapped("  techniques: ", ", ".join(found.techniques))
    lines += wrapped("  objectives: ", ", ".join(found.job.objectives) + f"; strategy {found.job.strategy}")
    return lines


def _space_row(space: SpaceFacts) -> tuple[str, ...]:
    small, large = space.smallest, space.largest
    return (
        space.name,
        f"{space.parameters[0]} to {space.parameters[1]}",
        _ends(small.model_bytes, large.model_bytes),
        _ends(small.flash_bytes, large.flash_bytes),
        _ends(small.ram_bytes, large.ram_bytes),
        f"{milliseconds(small.latency_ms)} to {milliseconds(large.latency_ms)}",
        f"{space.fitting} of {space.anchors}" + ("" if space.fits else ", nor compressed"),
    )


def _left_out(found: Check) -> str:
    """Names that share a reason stand together."""
    reasons = dict.fromkeys(found.left_out.values())
    return "; ".join(
        f"{', '.join(name for name, own in found.left_out.items() if own == reason)} ({reason})" for reason in reasons
    )


def _ends(low: float, high: float) -> str:
    return f"{kilobytes(low)} to {kilobytes(high)}"


def _limits(budget: Budget) -> str:
    latency = "none" if budget.latency_ms is None else f"{milliseconds(budget.latency_ms)} ms"
    flash, ram = kilobytes(budget.flash_bytes), kilobytes(budget.ram_bytes)
    return f"limits: flash {flash} kB, RAM {ram} kB, latency {latency}"


def _time(found: Check) -> list[str]:
    if found.time is None or found.seconds is None:
        return []
    return [*_trials(found, found.time, found.seconds), *_measured(found.time)]


def _trials(found: Check, time: TrialTime, seconds: float) -> Sequence[str]:
    workers = f"{found.workers} worker{'' if found.workers == 1 else 's'}"
    return wrapped(
        "time: ",
        f"about {duration(time.seconds)} a trained trial; with {workers} about {found.trials} trials in "
        f"{duration(seconds)} (est.; it may be half or twice as many)",
    )


def _measured(time: TrialTime) -> Sequence[str]:
    step = milliseconds(1000 * time.spent.step)
    return wrapped(
        "      ",
        f"from a {time.space} of {time.macs} multiply-accumulates that was thrown away: {step} ms a training step, "
        f"{time.steps} steps a training, on average {time.fine_tunes:.1f} fine-tunes of together "
        f"{100 * time.fine_tune_share:.0f} % of a training a plan",
    )


def _inputs(data: DataFacts) -> int:
    return math.prod(data.input_shape)


def _name(label: str) -> str:
    return repr(clipped(printable(label), _LABEL_WIDTH))
