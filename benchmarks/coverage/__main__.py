"""``python -m benchmarks coverage [replicates]``: simulate what is not simulated yet, then write the tables."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from joblib import Parallel, delayed

from benchmarks.coverage.conditions import CONDITIONS, simulated
from benchmarks.coverage.report import report
from benchmarks.coverage.sizes import SIZE_CONDITIONS, rejections

RESULTS = Path(__file__).parents[1] / "results"
PARTS = RESULTS / ".parts"  # one file per finished condition; delete the folder to start again
REPLICATES = 4000
PROCESSES = 2


def main(arguments: list[str]) -> None:
    """Simulate in two processes; an interrupted run goes on where it stopped."""
    replicates = int(arguments[0]) if arguments else REPLICATES
    PARTS.mkdir(parents=True, exist_ok=True)
    tasks: list[tuple[Callable[..., None], object]] = [(simulated, condition) for condition in CONDITIONS]
    tasks += [(rejections, condition) for condition in SIZE_CONDITIONS]
    done = Parallel(n_jobs=PROCESSES, return_as="generator_unordered")(
        delayed(_one)(task, condition, replicates) for task, condition in tasks
    )
    for number, condition in enumerate(done, start=1):
        print(f"{number} of {len(tasks)}: {condition}", file=sys.stderr, flush=True)
    tables = {
        kind: pd.concat([pd.read_csv(file) for file in sorted(PARTS.glob(f"*-{replicates}.{kind}.csv"))])
        for kind in ("coverage", "outcomes", "sizes")
    }
    text = report(tables["coverage"], tables["outcomes"], tables["sizes"], replicates)
    for kind, table in tables.items():
        table.round(6).to_csv(RESULTS / f"{kind}.csv", index=False)
    (RESULTS / "coverage.md").write_text(text, encoding="utf-8")
    print(text)


def _one(task: Callable[..., None], condition: object, replicates: int) -> str:
    task(condition, replicates, PARTS)
    return str(condition)


if __name__ == "__main__":
    main(sys.argv[1:])
