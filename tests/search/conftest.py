"""Runs that never ran, and what they amount to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings

from devices.footprint import Budget
from search.metrics.measurement import Measurement
from search.record import TrialRecord
from search.summary import Summary, summarize
from tests.search.given import InlinePool, save_given
from tests.search.records import BUDGET, MakeRecord, a_run, make_record

# Equal examples in every run, and no limit on a first example that pays for imports.
settings.register_profile("tinyfront", deadline=None, derandomize=True)
settings.load_profile("tinyfront")


@pytest.fixture(scope="session")
def record() -> MakeRecord:
    return make_record


@pytest.fixture(scope="session")
def budget() -> Budget:
    return BUDGET


@pytest.fixture(scope="session")
def run() -> list[TrialRecord]:
    return a_run()


@pytest.fixture(scope="session")
def summary() -> Summary:
    """The run's summary; the test split was opened for the front."""
    test = {
        0: {"accuracy": Measurement.share(280, 350)},
        1: {"accuracy": Measurement.share(331, 350)},
        2: {"accuracy": Measurement.share(330, 350)},
    }
    return _summary(a_run(), test)


@pytest.fixture(scope="session")
def unopened() -> Summary:
    """The same run before the test split was opened."""
    return _summary(a_run(), {})


@pytest.fixture(scope="session")
def barren() -> Summary:
    """A run in which nothing fits."""
    return _summary([make_record(0, model_bytes=80_000), make_record(1, model_bytes=71_000)], {})


@pytest.fixture(scope="session")
def empty() -> Summary:
    """A run without a trial."""
    return _summary([], {})


def _summary(records: list[TrialRecord], test: Mapping[int, Mapping[str, Measurement]]) -> Summary:
    return summarize(
        run="digits-1",
        device="nucleo-l432kc",
        objectives=("accuracy", "flash_bytes", "ram_bytes", "latency_ms"),
        budget=BUDGET,
        records=records,
        test=test,
    )


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data and with networks trained on them, on 0..1 and on 0..255."""
    folder = tmp_path_factory.mktemp("given")
    save_given(folder)
    return folder


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> Callable[[InlinePool], None]:
    """Have every command work in this process with the pool that is given."""

    def use(pool: InlinePool) -> None:
        @contextmanager
        def opened(_job: object) -> Iterator[InlinePool]:
            yield pool

        from search import compress, compress_sensitivity, run

        for module in (compress, compress_sensitivity, run):
            monkeypatch.setattr(module, "pool_for", opened)

    for module in ("search.child_process", "search.worker"):
        monkeypatch.setattr(f"{module}.import_frameworks", lambda: None)
    use(InlinePool())
    return use
