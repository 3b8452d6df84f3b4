"""The command line: ``make soak``."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from soak.run import Soak


def plot(soak: Soak, path: Path) -> None:
    """Draw what the process held after each round."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    each = soak.calls // soak.rounds
    names = list(soak.samples[0])
    figure, axes = plt.subplots(
        len(names), sharex=True, figsize=(9, 2 * len(names)), layout="constrained"
    )
    for axis, name in zip(axes, names, strict=True):
        axis.plot(
            [each * (number + 1) for number in range(soak.rounds)],
            [sample[name] for sample in soak.samples],
        )
        axis.set_ylabel(name)
        axis.set_ylim(bottom=0)
    axes[-1].set_xlabel("calls")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def main() -> int:
    """Run, print the figures, draw the picture; 1 when anything went wrong."""
    parser = argparse.ArgumentParser(prog="soak", description="Make very many calls in all styles.")
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 200)
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw what the process holds")
    parser.add_argument("--switch-interval", type=float, metavar="SECONDS", help="shows races")
    options = parser.parse_args()
    if options.switch_interval is not None:
        sys.setswitchinterval(options.switch_interval)
    soak = Soak(options.calls - options.calls % options.rounds, options.rounds, options.seed)
    start = time.perf_counter()

    def progress(done: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{done} of {soak.rounds} rounds", end="", file=sys.stderr)

    wrong = soak.run(progress)
    seconds = time.perf_counter() - start
    ended = ", ".join(f"{count:,} {name}" for name, count in sorted(soak.ledger.outcomes.items()))
    print(f"seed {soak.seed}: {soak.calls:,} calls in {seconds:.0f} s: {ended}")
    for name in soak.samples[0]:
        held = [sample[name] for sample in soak.samples]
        print(
            f"{name}: {held[0]:,} after the first round, {max(held):,} at most, {held[-1]:,} at the end"
        )
    if options.plot:
        plot(soak, options.plot)
        print(f"wrote {options.plot}")
    for line in wrong[:50]:
        print(f"wrong: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
