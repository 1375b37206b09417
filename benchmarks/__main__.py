"""``python -m benchmarks`` runs the quick ones (speed, size, posterior, scale); ``python -m benchmarks size`` runs one by name."""

from __future__ import annotations

import importlib
import sys

QUICK = ("speed", "size", "posterior", "scale")
NAMES = (*QUICK, "stages", "coverage", "mutations")


def main(arguments: list[str]) -> None:
    """Run the benchmark named first with the arguments after it, or all quick ones."""
    if arguments and arguments[0] not in NAMES:
        sys.exit(f'"{arguments[0]}" is not a benchmark. There are: {", ".join(NAMES)}.')
    for name in arguments[:1] or QUICK:
        importlib.import_module(f"benchmarks.{name}" if name == "stages" else f"benchmarks.{name}.__main__").main(
            arguments[1:]
        )


if __name__ == "__main__":
    main(sys.argv[1:])
