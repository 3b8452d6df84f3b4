"""Benchmarks: what a hop costs, next to the least that Python's own pieces cost.

Run ``python -m bench --help`` from the root of the source tree.
"""

from __future__ import annotations
