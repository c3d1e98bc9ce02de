"""SIGKILL at ten moments, then the same command: nothing lost, nothing repeated, the same front.

    python -m tests.benchmarks.kill [--trials 11] [--moments 10] [--epochs 2]

The moments are spread evenly over an undisturbed run, which ends with a
branch from the cache of trained networks; at odd moments a worker is killed
instead of the coordinator.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil


def command(runs: Path, options: argparse.Namespace) -> list[str]:
    job = ["--data", "digits", "--device", "nucleo-l432kc", "--trials", str(options.trials), "--seed", "1"]
    more = [
        "--workers",
        "1",
        "--set",
        f"epochs={options.epochs}",
        "--set",
        "space=ds_cnn,mlp",
        "--name",
        "run",
        "--runs-dir",
        str(runs),
        "--json",
    ]
    return [sys.executable, "-m", "search", "search", *job, *more]


def finish(runs: Path, options: argparse.Namespace) -> str:
    done = subprocess.run(command(runs, options), capture_output=True, text=True, check=True)
    return json.dumps(json.loads(done.stdout)["front"], sort_keys=True)


def models(runs: Path) -> dict[str, str]:
    files = sorted(runs.glob("run/trials/*/model.tflite"))
    return {file.parent.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def told(runs: Path) -> list[int]:
    file = runs / "run" / "events.jsonl"
    lines = file.read_text().splitlines() if file.exists() else []
    events = [json.loads(line) for line in lines if line.endswith("}")]
    return [event["trial"] for event in events if event["event"] == "told"]


def disturb(runs: Path, options: argparse.Namespace, after: float, worker: bool) -> str:
    """Start the search, kill after so many seconds, and say what was hit."""
    with subprocess.Popen(
        command(runs, options), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        time.sleep(after)
        children = [
            child for child in psutil.Process(process.pid).children() if "spawn_main" in " ".join(child.cmdline())
        ]
        if worker and children:
            children[-1].kill()
            process.wait()
            return "worker"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    return "coordinator"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=11)
    parser.add_argument("--moments", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        front = finish(Path(folder) / "whole", options)
        seconds = time.monotonic() - began
        expected = models(Path(folder) / "whole")
        print(f"undisturbed: {seconds:.0f} s, {len(expected)} models")
        wrong = 0
        for moment in range(options.moments):
            runs = Path(folder) / f"moment{moment}"
            after = seconds * (moment + 0.5) / options.moments
            hit = disturb(runs, options, after, worker=moment % 2 == 1)
            before = told(runs)
            again = finish(runs, options)
            same = again == front and models(runs) == expected
            once = sorted(told(runs)) == sorted(set(told(runs))) and set(before) <= set(told(runs))
            wrong += not (same and once)
            print(
                f"{hit:<12} killed at {after:4.0f} s, {len(before)} told: front {'the same' if same else 'DIFFERS'}, "
                f"{'none lost or repeated' if once else 'LOST OR REPEATED'}",
                flush=True,
            )
    return min(wrong, 1)


if __name__ == "__main__":
    raise SystemExit(main())
