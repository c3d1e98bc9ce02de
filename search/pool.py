"""Trials in child processes, each with a limit on time and memory.

Pebble's pool ends a task that takes too long and replaces a worker that died
at work.  What it gives up on, a worker killed while none is busy, is mended
here by a new pool.  A killed worker's trial is run again: a trial is a pure
function, so trying again cannot change a result.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures import TimeoutError as FutureTimeout
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pebble import ProcessExpired, ProcessPool

from search.child_process import import_frameworks, start_worker
from search.errors import ToolchainError
from search.job import Job, available_workers

# A worker grows by about 10 MB a trial; starting one anew costs the imports.
_TRIALS_A_WORKER = 50
_TRIES = 3
# Signals by which a machine or a person ends a process; a crash of its own would only repeat itself.
_KILLED = frozenset({-signal.SIGKILL, -signal.SIGTERM})
# A task this much over its time was lost together with its worker's answer.
_GRACE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A task that gave no result; `reason` is a sentence."""

    reason: str


@dataclass(slots=True, kw_only=True)
class _Call:
    """A task under way: what to run, how often its worker died, when it was last started."""

    function: Any
    arguments: tuple[Any, ...]
    deaths: int = 0
    started: float = 0.0


class Pool:
    """Runs tasks by number in worker processes."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.workers = job.workers or available_workers()
        self._futures: dict[Future[Any], int] = {}
        self._calls: dict[int, _Call] = {}
        self._warming: list[Future[None]] = []
        self._pool = self._new_pool()

    def _new_pool(self) -> ProcessPool:
        return ProcessPool(
            max_workers=self.workers,
            max_tasks=_TRIALS_A_WORKER,
            initializer=start_worker,
            initargs=(self._job.trial_memory_bytes, os.getpid()),
            context=multiprocessing.get_context("spawn"),
        )

    @property
    def running(self) -> tuple[int, ...]:
        """Numbers of the tasks that have not ended, ascending."""
        return tuple(sorted(self._calls))

    @property
    def free(self) -> int:
        """Workers with nothing to do."""
        return self.workers - len(self._calls)

    def warm(self) -> None:
        """Start the workers now, so that their imports overlap with the coordinator's work."""
        self._warming = [self._schedule(import_frameworks, ()) for _ in range(self.workers)]

    def submit(self, number: int, function: Any, *arguments: object) -> None:
        """Run ``function(*arguments)`` in a worker under a number that is free."""
        self._calls[number] = _Call(function=function, arguments=arguments)
        self._start(number)

    def next_results(self, timeout: float | None) -> Mapping[int, Any]:
        """Results or `Failure`s by number as soon as there is one; empty after `timeout` seconds.

        Raises
        ------
        ToolchainError
            When the workers cannot import what trials need.
        """
        patience = self._job.trial_seconds + _GRACE_S
        done, _ = wait(self._futures, timeout=min(timeout, patience) if timeout is not None else patience,
                       return_when=FIRST_COMPLETED)  # fmt: skip
        self._check_warmed()
        results: dict[int, Any] = {}
        for future in done:
            number = self._futures.pop(future)
            result = self._result(future, number)
            if result is not None:
                del self._calls[number]
                results[number] = result
        self._revive_lost()
        return dict(sorted(results.items()))

    def cancel(self) -> None:
        """End the tasks that are running; their workers are replaced."""
        for future in self._futures:
            future.cancel()
        self._futures.clear()
        self._calls.clear()

    def stop(self) -> None:
        """End all workers at once."""
        self._pool.stop()
        self._pool.join()

    def _start(self, number: int) -> None:
        call = self._calls[number]
        call.started = time.monotonic()
        self._futures[self._schedule(call.function, call.arguments, self._job.trial_seconds)] = number

    def _schedule(self, function: Any, arguments: tuple[Any, ...], timeout: float | None = None) -> Future[Any]:
        try:
            with _sigint_blocked():
                future: Future[Any] = self._pool.schedule(function, args=list(arguments), timeout=timeout)
        except RuntimeError:  # pebble gives the pool up when a worker dies while none is busy
            self._renew()
            future = self._pool.schedule(function, args=list(arguments), timeout=timeout)
        return future

    def _renew(self) -> None:
        """A new pool; the old one's unfinished futures fail, and their tasks are started again."""
        self.stop()
        with _sigint_blocked():
            self._pool = self._new_pool()

    def _result(self, future: Future[Any], number: int) -> Any:
        """The task's result, a Failure, or None where it was started again."""
        try:
            return future.result()
        except FutureTimeout:
            limit = self._job.trial_seconds
            return Failure(reason=f"took longer than {limit:g} s: raise it with --set trial_seconds={2 * limit:g}")
        except (ProcessExpired, BrokenProcessPool) as error:
            return self._after_death(number, getattr(error, "exitcode", None))
        except MemoryError:
            return Failure(reason=f"needed more than trial_memory_bytes={self._job.trial_memory_bytes}")
        except Exception as error:  # a trial may fail in any way; the search goes on and says why
            # A trial sends its errors as words in a RuntimeError; anything else names its type.
            words = str(error) if type(error) is RuntimeError else f"{type(error).__name__}: {error}"
            return Failure(reason=(words.splitlines() or [type(error).__name__])[0][:300])

    def _after_death(self, number: int, exitcode: int | None) -> Failure | None:
        call = self._calls[number]
        call.deaths += 1
        if exitcode is not None and exitcode not in _KILLED:
            limit = self._job.trial_memory_bytes
            return Failure(
                reason=f"its process crashed (exit code {exitcode}), such as for want of memory: it may take "
                f"trial_memory_bytes={limit}; log.txt in the trial's folder has its last words"
            )
        if call.deaths >= _TRIES:
            return Failure(reason=f"its process was killed {_TRIES} times")
        self._start(number)
        return None

    def _revive_lost(self) -> None:
        """Start tasks again whose answer was lost with a worker that was killed while it sent it."""
        limit = time.monotonic() - self._job.trial_seconds - _GRACE_S
        lost = [number for number in self._futures.values() if self._calls[number].started < limit]
        if lost:
            self._futures = {future: number for future, number in self._futures.items() if number not in lost}
            self._renew()
            for number in lost:
                self._start(number)

    def _check_warmed(self) -> None:
        for future in [future for future in self._warming if future.done()]:
            self._warming.remove(future)
            error = future.exception()
            if error is not None and not isinstance(error, ProcessExpired | BrokenProcessPool):
                raise ToolchainError(f"a worker cannot import what a trial needs: {error}") from error


@contextmanager
def _sigint_blocked() -> Iterator[None]:
    """Threads and processes started inside never see Ctrl-C, not even before they can ignore it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def pool_for(job: Job) -> Iterator[Pool]:
    """A pool whose workers are ended with the block, however it is left."""
    pool = Pool(job)
    try:
        yield pool
    finally:
        pool.stop()
