"""Trials in child processes, each with a limit on time and memory.

Pebble's pool ends a task that takes too long and replaces a worker that died,
without losing the others.  A dead worker's trial is given to a new one: a
trial is a pure function, so trying again cannot change a result.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pebble import ProcessExpired, ProcessPool

from search.job import Job, available_workers
from search.worker import import_frameworks, start_worker

# A worker grows by about 10 MB a trial; starting one anew costs the imports.
_TRIALS_A_WORKER = 50
_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A task that gave no result; `reason` is a sentence."""

    reason: str


class Pool:
    """Runs tasks by number in worker processes."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.workers = job.workers or available_workers()
        self._futures: dict[Future[Any], int] = {}
        self._calls: dict[int, tuple[Any, tuple[Any, ...]]] = {}
        self._deaths: dict[int, int] = {}
        self._pool = ProcessPool(
            max_workers=self.workers,
            max_tasks=_TRIALS_A_WORKER,
            initializer=start_worker,
            initargs=(job.trial_memory_bytes,),
            context=multiprocessing.get_context("spawn"),
        )

    @property
    def running(self) -> tuple[int, ...]:
        """Numbers of the tasks that have not ended, ascending."""
        return tuple(sorted(self._futures.values()))

    @property
    def free(self) -> int:
        """Workers with nothing to do."""
        return self.workers - len(self._futures)

    def warm(self) -> None:
        """Start the workers now, so that their imports overlap with the coordinator's."""
        for _ in range(self.workers):
            self._pool.schedule(import_frameworks)

    def submit(self, number: int, function: Any, *args: object) -> None:
        """Run ``function(*args)`` in a worker under a number that is free."""
        self._calls[number] = (function, args)
        future = self._pool.schedule(function, args=list(args), timeout=self._job.trial_seconds)
        self._futures[future] = number

    def next_results(self, timeout: float | None) -> Mapping[int, Any]:
        """Results or `Failure`s by number as soon as there is one; empty after `timeout` seconds."""
        done, _ = wait(self._futures, timeout=timeout, return_when=FIRST_COMPLETED)
        results: dict[int, Any] = {}
        for future in done:
            number = self._futures.pop(future)
            result = self._result(future, number)
            if result is not None:
                results[number] = result
        return dict(sorted(results.items()))

    def _result(self, future: Future[Any], number: int) -> Any:
        """The task's result, a Failure, or None where it was started again."""
        try:
            return future.result()
        except FutureTimeout:
            limit = self._job.trial_seconds
            return Failure(reason=f"took longer than {limit:g} s: raise it with --set trial_seconds={2 * limit:g}")
        except ProcessExpired as error:
            self._deaths[number] = self._deaths.get(number, 0) + 1
            if self._deaths[number] < _TRIES:
                function, args = self._calls[number]
                self.submit(number, function, *args)
                return None
            return Failure(reason=f"its process died {_TRIES} times (exit code {error.exitcode})")
        except MemoryError:
            return Failure(reason=f"needed more than trial_memory_bytes={self._job.trial_memory_bytes}")
        except Exception as error:  # a trial may fail in any way; the search goes on and says why
            return Failure(reason=f"{type(error).__name__}: {error}".splitlines()[0][:300])

    def cancel(self) -> None:
        """End the tasks that are running; their workers are replaced."""
        for future in self._futures:
            future.cancel()
        self._futures.clear()

    def stop(self) -> None:
        """End all workers at once."""
        self._pool.stop()
        self._pool.join()


@contextmanager
def pool_for(job: Job) -> Iterator[Pool]:
    """A pool whose workers are ended with the block, however it is left."""
    pool = Pool(job)
    try:
        yield pool
    finally:
        pool.stop()
