"""How long it takes to read many small files, the first time and from the cache.

    python -m tests.benchmarks.loading_speed ../shared/data FOLDER

3,000 sounds (fsdd) and 31,000 images (cifar10), unpacked below FOLDER; the
promise is less than 60 s for 3,000 sounds or 20,000 images on 2 cores.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

from search.datasets.load import inspect
from search.job import read_data_options
from tests.benchmarks.real_data import SETS, made

_MOST_S = 60.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    print("| set | samples | first time in s | again in s | peak memory in MB |\n|---|---|---|---|---|")
    slow = False
    for name in ("fsdd", "cifar10"):
        reference = str(made(name, options.shared, options.folder))
        given = read_data_options(SETS[name].arguments()[1::2])
        seconds, n = [], 0
        with tempfile.TemporaryDirectory() as cache:
            os.environ["TINYFRONT_CACHE_DIR"] = cache
            for _ in range(2):
                began = time.perf_counter()
                n = sum(part.n for part in inspect(reference, given).split.parts)
                seconds.append(time.perf_counter() - began)
        slow |= seconds[0] > _MOST_S
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        print(f"| {name} | {n} | {seconds[0]:.1f} | {seconds[1]:.1f} | {peak:.0f} |", flush=True)
    return int(slow)


if __name__ == "__main__":
    raise SystemExit(main())
