"""``python -m benchmarks.campaign [--seed 1] [--share 1.0] [--parts data,declared,...] [--out FILE]``: look for faults nobody has thought of.

A whole campaign is 20,000 mutants, 5,000 pairs, 600 kills and writes that fail, and 300 hostile labels. The seed is in the committed table;
other seeds are other cases. The exit code is 1 where a column that must be zero is not.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.campaign import declared, hostile, kills, metamorphic, mutants
from benchmarks.campaign.judged import COLUMNS, ZERO, Judged

FIELDS = ("run", "seed", "share", "date", "seconds", "part", "kind", "ended", "cases")
PARTS: dict[str, tuple[int, Callable[[Judged, int, int, Path], None]]] = {
    "data": (10_700, mutants.run),  # some of which a format cannot hold
    "declared": (5_500, declared.run_files),
    "options": (500, declared.run_options),
    "calls": (3_500, lambda judged, count, seed, _: declared.run_calls(judged, count, seed)),
    "pairs": (5_000, lambda judged, count, seed, _: metamorphic.run(judged, count, seed)),
    "kills": (600, kills.run),
    "labels": (300, hostile.run),
}


@dataclass(frozen=True)
class Run:
    """One part with one seed: what share of its cases, when, in how many processor seconds, and how they ended."""

    name: str
    seed: int
    share: float
    date: str
    seconds: int
    judged: Judged


def campaign(share: float, seed: int, parts: list[str]) -> list[Run]:
    """Judge a share of every part's cases."""
    return [run_of(name, share, seed) for name in parts]


def run_of(name: str, share: float, seed: int) -> Run:
    """Judge a share of one part's cases."""
    count, judge = PARTS[name]
    judged, started = Judged(), seconds()
    with tempfile.TemporaryDirectory() as folder:
        judge(judged, max(1, round(count * share)), seed, Path(folder))
    made = Run(name, seed, share, datetime.now(UTC).date().isoformat(), round(seconds() - started), judged)
    print(f"{name}: {made.seconds} processor seconds", file=sys.stderr, flush=True)
    return made


def seconds() -> float:
    """Processor seconds of this process and of those that it waited for."""
    return sum(os.times()[:4])


def counted(runs: list[Run]) -> list[dict[str, str]]:
    """The counts of runs as rows of a file."""
    return [
        dict(zip(FIELDS, map(str, (one.name, one.seed, one.share, one.date, one.seconds, *key, cases)), strict=True))
        for one in runs
        for key, cases in sorted(one.judged.counts.items())
    ]


def joined(former: list[dict[str, str]], runs: list[Run]) -> list[dict[str, str]]:
    """Rows of runs with those of former ones that were not of the same part and seed; parts in their order."""
    again = {(one.name, str(one.seed)) for one in runs}
    rows = [row for row in former if (row["run"], row["seed"]) not in again] + counted(runs)
    return sorted(rows, key=lambda row: (list(PARTS).index(row["run"]), int(row["seed"])))


def listed(heads: list[str], rows: list[list[object]]) -> str:
    """A table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(
        f"| {' | '.join(f'{one:,}' if isinstance(one, int) else str(one) for one in line)} |" for line in lines
    )


def ends(rows: list[dict[str, str]], *by: str) -> list[list[object]]:
    """How cases ended, by some fields: those, how many, and how many in each column."""
    found: dict[tuple[str, ...], list[int]] = {}
    for row in rows:
        counts = found.setdefault(tuple(row[name] for name in by), [0] * len(COLUMNS))
        counts[COLUMNS.index(row["ended"])] += int(row["cases"])
    return [[*key, sum(counts), *counts] for key, counts in found.items()]


def page(rows: list[dict[str, str]]) -> str:
    """The committed file: every number is counted from the rows."""
    columns = [f"**{name}**" if name in ZERO else name for name in COLUMNS]
    told = [
        [
            f"`python -m benchmarks.campaign --parts {name} --seed {seed} --share {float(share):g}`",
            date,
            int(spent),
            cases,
        ]
        for name, seed, share, date, spent, cases, *_ in ends(rows, "run", "seed", "share", "date", "seconds")
    ]
    return (
        "# Campaign\n\nThe three columns in bold must be zero.\n\n"
        f"{listed(['', 'cases', *columns], [*ends(rows, 'part'), *_all(rows)])}\n\n## Runs\n\n"
        f"{listed(['command', 'date', 'processor seconds', 'cases'], told)}\n\n## By kind\n\n"
        f"{listed(['part', 'kind', 'cases', *COLUMNS], ends(rows, 'part', 'kind'))}\n"
    )


def _all(rows: list[dict[str, str]]) -> list[list[object]]:
    return [["all", *line] for line in ends(rows)]


def main(arguments: list[str]) -> int:
    """Run, print and write; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.campaign", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument(
        "--out", type=Path, help="a .md file; its counts are kept beside it as .csv, where other parts and seeds stay"
    )
    options = parser.parse_args(arguments)
    runs = campaign(options.share, options.seed, options.parts.split(","))
    print(listed(["", "cases", *COLUMNS], ends(counted(runs), "part")))
    faults = [fault for one in runs for fault in one.judged.faults]
    for fault in faults[:200]:
        print("\n".join(("", *fault)), file=sys.stderr)
    if options.out:
        write(options.out, runs)
    return int(bool(faults))


def write(out: Path, runs: list[Run]) -> None:
    """Join the counts that are kept, and write the page that they make."""
    kept = out.with_suffix(".csv")
    former = kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []
    rows = joined(list(csv.DictReader(former)), runs)
    with kept.open("w", encoding="utf-8", newline="") as sink:
        lines = csv.DictWriter(sink, FIELDS, lineterminator="\n")
        lines.writeheader()
        lines.writerows(rows)
    out.write_text(page(rows), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
