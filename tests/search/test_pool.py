"""A trial that misbehaves ends its own process, is explained, and the others go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from search.job import Job
from search.pool import Failure, Pool, pool_for
from tests.search import pool_tasks

ROOT = Path(__file__).parents[2]


def job(**changes: Any) -> Job:
    return Job(data="digits", device="x", trials=1, workers=changes.pop("workers", 1), **changes)


def drain(pool: Pool) -> dict[int, Any]:
    results: dict[int, Any] = {}
    while pool.running:
        results.update(pool.next_results(60))
    return results


def test_results_come_back_by_number() -> None:
    """Each task's result stands under its own number."""
    with pool_for(job(workers=2)) as pool:
        pool.submit(4, pool_tasks.double, 2)
        pool.submit(9, pool_tasks.double, 3)
        assert (pool.free, pool.running) == (0, (4, 9))
        assert drain(pool) == {4: 4, 9: 6}


def test_an_error_is_a_reason() -> None:
    """The exception's type and words become the reason, on one line."""
    with pool_for(job()) as pool:
        pool.submit(0, pool_tasks.fail, "loss is NaN\nmore")
        assert drain(pool) == {0: Failure(reason="ValueError: loss is NaN")}


def test_an_endless_task_is_ended() -> None:
    """A task over its time is ended with the remedy, and the next one runs."""
    with pool_for(job(trial_seconds=1.0)) as pool:
        pool.submit(0, pool_tasks.sleep, 600.0)
        (failure,) = drain(pool).values()
        assert failure.reason == "took longer than 1 s: raise it with --set trial_seconds=2"
        pool.submit(1, pool_tasks.double, 1)
        assert drain(pool) == {1: 2}


def test_a_killed_worker_loses_nothing() -> None:
    """A worker killed once is replaced and its task run again; one that always dies is recorded."""
    with pool_for(job()) as pool:
        pool.submit(0, pool_tasks.die)
        (failure,) = drain(pool).values()
        assert failure.reason == "its process was killed 3 times"


def test_a_task_killed_once_is_run_again(tmp_path: Path) -> None:
    """The second try gives the result as if nothing had happened."""
    with pool_for(job()) as pool:
        pool.submit(0, pool_tasks.die_once, str(tmp_path / "marker"))
        assert drain(pool) == {0: "alive"}


def test_a_worker_killed_while_idle_is_replaced() -> None:
    """Pebble gives a pool up whose idle worker was killed; the next task runs all the same."""
    with pool_for(job()) as pool:
        pool.submit(0, pool_tasks.pid)
        (worker,) = drain(pool).values()
        os.kill(worker, signal.SIGKILL)
        time.sleep(1)
        pool.submit(1, pool_tasks.double, 4)
        assert drain(pool) == {1: 8}


def test_a_worker_killed_while_it_starts_is_replaced() -> None:
    """A worker killed before it has taken its task loses nothing."""
    with pool_for(job()) as pool:
        pool.submit(0, pool_tasks.double, 5)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not (started := psutil.Process().children(recursive=True)):
            time.sleep(0.01)
        for child in started:
            if "spawn_main" in " ".join(child.cmdline()):
                child.kill()
        assert drain(pool) == {0: 10}


@pytest.mark.skipif(sys.platform != "linux", reason="the memory limit is the kernel's RLIMIT_DATA")
def test_a_greedy_task_is_stopped() -> None:
    """More memory than the job allows is refused to the task, not taken from the machine."""
    with pool_for(job(trial_memory_bytes=1 << 30)) as pool:
        pool.submit(0, pool_tasks.allocate, 4 << 30)
        (failure,) = drain(pool).values()
        assert "trial_memory_bytes=1073741824" in failure.reason


def test_workers_end_with_a_killed_coordinator(tmp_path: Path) -> None:
    """SIGKILL of the coordinator leaves no worker behind."""
    script = (
        "import sys; from pathlib import Path\n"
        "from search.job import Job; from search.pool import Pool\n"
        "from tests.search import pool_tasks\n"
        "if __name__ == '__main__':\n"
        "    pool = Pool(Job(data='d', device='x', trials=1, workers=1))\n"
        "    pool.submit(0, pool_tasks.pid)\n"
        "    (worker,) = pool.next_results(60).values()\n"
        "    pool.submit(1, pool_tasks.sleep, 600.0)\n"
        "    print(worker, flush=True)\n"
        "    import time; time.sleep(600)\n"
    )
    file = tmp_path / "coordinator.py"
    file.write_text(script)
    with subprocess.Popen(
        [sys.executable, str(file)], stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(ROOT)}
    ) as process:
        assert process.stdout is not None
        worker = int(process.stdout.readline())
        process.kill()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not Path(f"/proc/{worker}").exists()
