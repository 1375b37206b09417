"""``python -m benchmarks.campaign [--seed 1] [--share 1.0] [--parts data,declared,...] [--out FILE]``: look for faults nobody has thought of.

A whole campaign is 20,000 mutants, 5,000 pairs, 600 kills and writes that fail, and 300 hostile labels. The seed is in the committed table;
other seeds are other cases. The exit code is 1 where a column that must be zero is not.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.campaign import declared, hostile, kills, metamorphic, mutants
from benchmarks.campaign.judged import COLUMNS, ZERO, Judged

RESULTS = Path(__file__).parents[1] / "results" / "campaign.md"
PARTS: dict[str, tuple[int, Callable[[Judged, int, int, Path], None]]] = {
    "data": (10_500, mutants.run),
    "declared": (5_500, declared.run_files),
    "options": (500, declared.run_options),
    "calls": (3_500, lambda judged, count, seed, _: declared.run_calls(judged, count, seed)),
    "pairs": (5_000, lambda judged, count, seed, _: metamorphic.run(judged, count, seed)),
    "kills": (600, kills.run),
    "labels": (300, hostile.run),
}


def campaign(share: float, seed: int, parts: list[str]) -> Judged:
    """Judge a share of every part's cases."""
    judged = Judged()
    for name in parts:
        count, judge = PARTS[name]
        with tempfile.TemporaryDirectory() as folder:
            started = time.process_time()
            judge(judged, max(1, round(count * share)), seed, Path(folder))
        print(f"{name}: {time.process_time() - started:.0f} processor seconds", file=sys.stderr, flush=True)
    return judged


def table(judged: Judged) -> str:
    """Cases by part and how they ended."""
    lines = [
        "| | cases | " + " | ".join(f"**{name}**" if name in ZERO else name for name in COLUMNS) + " |",
        "|---" * (len(COLUMNS) + 2) + "|",
    ]
    for part in judged.parts():
        ends = " | ".join(f"{judged.total(part, column):,}" for column in COLUMNS)
        lines.append(f"| {part} | {judged.total(part):,} | {ends} |")
    return "\n".join(lines)


def by_kind(judged: Judged) -> str:
    """Cases by kind, for a reader who wants to know what was tried."""
    kinds = dict.fromkeys((part, kind) for part, kind, _ in judged.counts)
    rows = [(part, kind, [judged.counts[part, kind, column] for column in COLUMNS]) for part, kind in sorted(kinds)]
    lines = ["| part | kind | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 2) + "|"]
    return "\n".join([*lines, *(f"| {part} | {kind} | {' | '.join(map(str, ends))} |" for part, kind, ends in rows)])


def main(arguments: list[str]) -> int:
    """Run, print and write; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.campaign", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(arguments)
    judged = campaign(options.share, options.seed, options.parts.split(","))
    print(table(judged))
    for fault in judged.faults[:200]:
        print("\n".join(("", *fault)), file=sys.stderr)
    if options.out:
        head = f"`python -m benchmarks.campaign --seed {options.seed} --share {options.share:g}`. The three columns in bold must be zero."
        options.out.write_text(
            f"# Campaign\n\n{head}\n\n{table(judged)}\n\n## By kind\n\n{by_kind(judged)}\n", encoding="utf-8"
        )
    return int(bool(judged.faults))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
