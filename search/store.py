"""A run as a folder: every path in it, whole files, one coordinator at a time.

Layout: see ``runs/README.md``.  Nothing here imports a framework.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from devices.device import Device
from devices.suggestion import suggestion
from search import codec
from search.choices import Choices
from search.errors import JobError, StorageError
from search.files import write_whole
from search.job import Job
from search.metrics.confusion import Confusion
from search.metrics.measurement import Measurement
from search.old_records import upgraded_front, upgraded_record
from search.record import TrialRecord

if TYPE_CHECKING:
    from search.teacher import Teacher


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontFile:
    """What is known only at the end of a run.

    Attributes
    ----------
    trials
        Trial numbers of the front when the test split was opened.
    test
        Trial number (as text) to every metric of the task on the test split.
    confusion
        Trial number (as text) to the confusion matrix on the test split, of classifiers.
    data_digest
        Identity of the data that was tested on.
    """

    trials: tuple[int, ...]
    test: Mapping[str, Mapping[str, Measurement]] = field(default_factory=dict)
    confusion: Mapping[str, Confusion] = field(default_factory=dict)
    data_digest: str


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of one run."""

    path: Path

    @property
    def name(self) -> str:
        """The run's name."""
        return self.path.name

    @property
    def study_file(self) -> Path:
        """The SQLite file of the Optuna study."""
        return self.path / "study.db"

    @property
    def data_file(self) -> Path:
        """The prepared data."""
        return self.path / "data.npz"

    def data_file_of(self, variant: int) -> Path:
        """The prepared data behind one of the front-ends that are searched (`search.frontends.variants_of`)."""
        return self.data_file if variant == 0 else self.path / f"data-{variant:03d}.npz"

    @property
    def network_file(self) -> Path:
        """The given network of a run that searches its compression alone; absent in others."""
        return self.path / "network.npz"

    @property
    def teacher_file(self) -> Path:
        """The network that distillation learns from; absent where no technique needs one."""
        return self.path / "teacher.npz"

    @property
    def teacher_record(self) -> Path:
        """What is known of the teacher."""
        return self.path / "teacher.json"

    def write_teacher(self, teacher: Teacher) -> None:
        """Write ``teacher.json``, when ``teacher.npz`` is there."""
        write_whole(self.teacher_record, codec.to_json(teacher).encode())

    def teacher(self) -> Teacher:
        """What ``teacher.json`` says."""
        from search.teacher import Teacher

        try:
            return codec.from_json(_read(self.teacher_record), Teacher)
        except codec.CodecError as error:
            raise StorageError(f"{self.teacher_record} is damaged: {error}") from error

    def cache_file(self, key: str) -> Path:
        """Trained float network of a key made by `search.worker.float_key`."""
        return self.path / "cache" / f"{key}.npz"

    def trial_folder(self, trial: int) -> Path:
        """Folder of one trial."""
        return self.path / "trials" / f"{trial:04d}"

    def artifact_file(self, trial: int) -> Path:
        """The ``.tflite`` of one trial."""
        return self.trial_folder(trial) / "model.tflite"

    def artifact(self, record: TrialRecord) -> bytes:
        """Bytes of a complete trial's model.

        Raises
        ------
        StorageError
            When the file is missing or is not the one the record names.
        """
        import hashlib

        file = self.artifact_file(record.trial)
        content = _read(file)
        if record.score is None or hashlib.sha256(content).hexdigest() != record.score.sha256:
            raise StorageError(f"{file} is not the model that trial {record.trial} recorded: its SHA-256 differs")
        return content

    def write_job(self, job: Job) -> None:
        """Write ``job.yaml``."""
        import yaml

        document = codec.unstructure(job)
        document["space"], document["compressors"] = list(job.space), list(job.compressors)
        document["objectives"] = list(job.objectives)
        document["frontend"] = {
            name: {key: list(given) if isinstance(given, tuple) else given for key, given in settings.items()}
            for name, settings in job.frontend.items()
        }
        write_whole(self.path / "job.yaml", yaml.safe_dump(document, sort_keys=False).encode())

    def job(self) -> Job:
        """The job this run was started with."""
        import yaml

        try:
            return codec.structure(yaml.safe_load(_read(self.path / "job.yaml")), Job)
        except (codec.CodecError, JobError, yaml.YAMLError) as error:
            raise StorageError(f"{self.path / 'job.yaml'} is damaged: {error}") from error

    def check_same(self, job: Job) -> None:
        """JobError when this run is another search than the job's."""
        before = self.job()
        key = before.first_difference(job)
        if key is not None:
            raise JobError(
                f"run {self.name!r} exists with another {key} ({getattr(before, key)!r}, not {getattr(job, key)!r}): "
                "choose another --name, or give the same job to continue it"
            )

    def keep_device(self, device: Device) -> None:
        """Write ``device.json`` when the run begins; JobError when the board's numbers have changed since."""
        if not (self.path / "device.json").exists():
            write_whole(self.path / "device.json", codec.to_json(device).encode())
        elif self.device() != device:
            raise JobError(
                f"the numbers of board {device.name!r} have changed since run {self.name!r} began: "
                "choose another --name"
            )

    def keep_baseline(self, baseline: Mapping[str, float]) -> None:
        """Write ``baseline.json`` when the run begins: what the trivial answer gets in every metric."""
        if not (self.path / "baseline.json").exists():
            write_whole(self.path / "baseline.json", codec.to_json(dict(baseline)).encode())

    def baseline(self) -> Mapping[str, float]:
        """What the trivial answer gets on the validation split; empty for runs of earlier versions."""
        file = self.path / "baseline.json"
        if not file.exists():
            return {}
        try:
            return codec.from_json(_read(file), dict[str, float])
        except codec.CodecError as error:
            raise StorageError(f"{file} is damaged: {error}") from error

    def device(self) -> Device | None:
        """The board as it was when the run began, whatever became of its file; None before that."""
        file = self.path / "device.json"
        if not file.exists():
            return None
        try:
            return codec.from_json(_read(file), Device)
        except codec.CodecError as error:
            raise StorageError(f"{file} is damaged: {error}") from error

    def keep_choices(self, choices: Choices) -> None:
        """Write ``choices.json`` when the run begins; JobError when it began with others, or before they were kept."""
        file = self.path / "choices.json"
        if file.exists():
            try:
                difference = codec.from_json(_read(file), Choices).difference(choices)
            except codec.CodecError as error:
                raise StorageError(f"{file} is damaged: {error}") from error
        else:
            difference = (
                "it was begun by an older version" if next(self.path.glob("trials/*/record.json"), None) else ""
            )
        if difference:
            raise JobError(f"run {self.name!r} cannot go on here: {difference}; choose another --name")
        if not file.exists():
            write_whole(file, codec.to_json(choices).encode())

    def write_trial(self, record: TrialRecord, content: bytes | None) -> None:
        """Write a trial's model, if any, and then its record: a record means the trial is whole."""
        folder = self.trial_folder(record.trial)
        folder.mkdir(parents=True, exist_ok=True)
        if content is not None:
            write_whole(folder / "model.tflite", content)
        write_whole(folder / "record.json", codec.to_json(record).encode())

    def record(self, trial: int) -> TrialRecord | None:
        """Record of one trial; None where it left none."""
        file = self.trial_folder(trial) / "record.json"
        if not file.exists():
            return None
        try:
            return codec.from_json(_read(file), TrialRecord, upgraded_record)
        except codec.CodecError as error:
            raise StorageError(f"{file} is damaged: {error}") from error

    def records(self) -> tuple[TrialRecord, ...]:
        """Records of all told trials in order."""
        numbers = sorted(
            int(file.parent.name) for file in self.path.glob("trials/*/record.json") if file.parent.name.isdigit()
        )
        found = (self.record(number) for number in numbers)
        return tuple(record for record in found if record is not None)

    def write_front(self, front: FrontFile) -> None:
        """Write ``front.json``."""
        write_whole(self.path / "front.json", codec.to_json(front).encode())

    def front(self) -> FrontFile | None:
        """What the test split said; None before the run's end."""
        file = self.path / "front.json"
        if not file.exists():
            return None
        try:
            return codec.from_json(_read(file), FrontFile, upgraded_front)
        except codec.CodecError as error:
            raise StorageError(f"{file} is damaged: {error}") from error

    def test_scores(self) -> dict[int, Mapping[str, Measurement]]:
        """Metrics on the test split by trial number; empty before the run's end."""
        front = self.front()
        return {} if front is None else {int(trial): score for trial, score in front.test.items()}

    def test_confusion(self, trial: int) -> Confusion | None:
        """A trial's confusion matrix on the test split; None where there is none."""
        front = self.front()
        return None if front is None else front.confusion.get(str(trial))

    def log(self, event: str, **facts: str | float | None) -> None:
        """Append one line to ``events.jsonl``."""
        line = json.dumps({"time": round(time.time(), 3), "event": event, **facts}, sort_keys=True) + "\n"
        try:
            with (self.path / "events.jsonl").open("ab+") as stream:
                if stream.tell():
                    stream.seek(-1, os.SEEK_END)
                    line = line if stream.read(1) == b"\n" else "\n" + line  # after a line torn by a kill
                stream.write(line.encode())
        except OSError as error:
            raise StorageError(f"{self.path / 'events.jsonl'} cannot be written: {error.strerror}") from error

    def events(self) -> Iterator[dict[str, object]]:
        """Events in order; a line torn by a kill is passed over."""
        file = self.path / "events.jsonl"
        if not file.exists():
            return
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                yield event

    def elapsed_seconds(self) -> float:
        """Seconds this run has searched so far, over all the times it was started."""
        elapsed = [event.get("elapsed") for event in self.events()]
        return max((float(value) for value in elapsed if isinstance(value, int | float)), default=0.0)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run: one coordinator at a time; the lock dies with its process.

        Raises
        ------
        StorageError
            When another process holds it.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=1)  # a passing `status` holds it for a moment
        except Timeout:
            raise StorageError(
                f"run {self.name!r} is being searched by another process: wait for it, or choose another --name"
            ) from None
        except OSError as error:
            raise StorageError(f"{self.path} cannot be written: {error.strerror}") from error
        try:
            yield
        finally:
            lock.release()

    def is_running(self) -> bool:
        """True while a coordinator holds the run."""
        from filelock import FileLock, Timeout

        if not (self.path / ".lock").exists():
            return False
        try:
            with FileLock(self.path / ".lock").acquire(timeout=0):
                return False
        except Timeout:
            return True
        except OSError:  # a folder that cannot be written is not being searched
            return False


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise StorageError(f"{file} cannot be read: {error.strerror}") from error


def create_run(runs: Path, job: Job) -> RunFolder:
    """The folder for a job: made, or found again when it holds the same search.

    Raises
    ------
    JobError
        When a run of that name exists and is another search.
    StorageError
        When the folder cannot be made, or another process searches it.
    """
    run = RunFolder(runs / job.run_name)
    try:
        run.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{run.path} cannot be made: {error.strerror}") from error
    with run.locked():
        if (run.path / "job.yaml").exists():
            run.check_same(job)
        run.write_job(job)
    return run


def find_run(runs: Path, name: str) -> RunFolder:
    """The folder of an existing run by its name.

    Raises
    ------
    JobError
        When there is none of that name.
    """
    known = sorted(file.parent.name for file in runs.glob("*/job.yaml"))
    if name not in known:
        hint = suggestion(name, known) if known else "there are no runs yet: start one with 'tinyfront search'"
        raise JobError(f"no run {name!r} in {runs}: {hint}")
    return RunFolder(runs / name)
