"""Every technique alone and every pair of neighbouring stages on MLPerf Tiny's networks: a table.

``python -m tests.benchmarks.mlperf_conformance [network ...]``, from half an hour on.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from compressors.catalog import COMPRESSORS
from compressors.compressor import CompressionError
from tests.compressors.mlperf import NAMES, context_of, network_of
from tests.compressors.promises import Pair, check, neighbours

ROOT = Path(__file__).parents[2]


def row(model: str, names: Pair, shared: Path) -> str:
    """What became of one combination: the file's error, the reason of a refusal, or the promise broken."""
    started, network = time.perf_counter(), network_of(model, shared)
    try:
        context = context_of(model, network)
        error = check(names, network, context)
        result = f"holds, error {error:.3f} of a deviation"
    except CompressionError as refusal:
        result = f"refused: {str(refusal)[:150]}"
    except AssertionError as broken:
        result = f"BROKEN: {str(broken)[:300]!r}"
    return f"{model:12} {' + '.join(names):52} {time.perf_counter() - started:5.1f} s  {result}"


def main() -> None:
    """Print the table as it grows."""
    shared = Path(os.environ.get("TINYFRONT_SHARED", ROOT.parent / "shared"))
    combinations = [*((technique.name,) for technique in COMPRESSORS), *neighbours()]
    for model in sys.argv[1:] or NAMES:
        for names in combinations:
            print(row(model, names, shared), flush=True)


if __name__ == "__main__":
    main()
