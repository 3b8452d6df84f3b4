"""The figures in pyperf's format, for ``pyperf compare_to`` and ``pyperf check`` between runs.

pyperf does not take the samples: it runs one benchmark to its end before the next, each in
processes of its own, and a ratio needs its two figures from the same moments. Its file format
and its tests of significance between two runs are what serves here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bench import peers
from bench.record import Record

# pyperf knows seconds and bytes.
SCALES: Final = {"us": ("second", 1e-6), "ms": ("second", 1e-3), "B": ("byte", 1.0)}


def save(record: Record, path: Path) -> None:
    """Write one pyperf benchmark for each row and contestant."""
    pyperf = peers.load("pyperf")
    benchmarks = []
    for row in record.rows:
        unit, scale = SCALES.get(row.unit, ("integer", 1.0))
        for name, values in row.values.items():
            metadata = {"name": f"{row.name}: {name}", "unit": unit}
            # pyperf refuses zero and less, which a difference of two figures may be.
            kept = [value * scale for value in values if value > 0]
            if unit == "byte":
                kept = [round(value) for value in kept]
            if kept:
                run = pyperf.Run(kept, metadata=metadata, collect_metadata=False)
                benchmarks.append(pyperf.Benchmark([run]))
    path.unlink(missing_ok=True)
    pyperf.BenchmarkSuite(benchmarks).dump(str(path))
