"""``python -m benchmarks scale``: tables of one, ten and a hundred million rows; with ``--all`` through Spark, and replicates on Dask too.

Tables are made with DuckDB in a temporary folder that is removed afterwards. Every measurement is a process of its own, so that its peak memory is
its own. The committed figure is of ``--all``.
"""

from __future__ import annotations

import datetime
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

import wwm_models as wwm
from benchmarks.scale.tables import STRATA, write, write_codebook
from benchmarks.timing import FORMULA, respondents

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"
SIZES = (1_000_000, 10_000_000, 100_000_000)
SPARK_ROWS, REPLICATES = 10_000_000, 2000


def measured(data: str, codebook: Path) -> dict[str, Any]:
    """Run `benchmarks.scale.one` on a table."""
    command = [sys.executable, "-m", "benchmarks.scale.one", data, str(codebook)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def sizes(folder: Path, rows: tuple[int, ...]) -> list[tuple[int, float, dict[str, Any]]]:
    """Rows, megabytes of the file and what was measured, of every size; only the file for Spark is kept."""
    made: list[tuple[int, float, dict[str, Any]]] = []
    for count in rows:
        path = folder / f"rows-{count}.parquet"
        write(path, count)
        made.append((count, path.stat().st_size / 1e6, measured(str(path), folder / "codebook.toml")))
        print(f"{count:,} rows: {made[-1][2]['scan']:.1f} s", file=sys.stderr, flush=True)
        if count != SPARK_ROWS:
            path.unlink()
    return made


def largest_gap(one: dict[str, Any], two: dict[str, Any], name: str) -> float:
    """Largest relative difference of a column of sums over groups."""
    first, second = np.array(one[name]), np.array(two[name])
    return float(np.max(np.abs(second - first) / np.maximum(np.abs(first), 1e-300)))


def spark_lines(folder: Path, here: dict[str, Any]) -> list[str]:
    """The same ten million rows by Spark on this machine."""
    if shutil.which("java") is None:
        return ["", "Spark was not measured: there is no Java here."]
    there = measured(
        f"spark://local?spark.ui.enabled=false#{folder}/rows-{SPARK_ROWS}.parquet", folder / "codebook.toml"
    )
    same = there["keys"] == here["keys"] and there["counts"] == here["counts"]
    gaps = {name: largest_gap(here, there, name) for name in ("weights", "squares", "estimate", "std_error")}
    return [
        "",
        f"The {SPARK_ROWS:,} rows through Spark on this machine: {there['scan']:.0f} s; the same {there['groups']:,} groups with the same numbers of "
        f"respondents: {'yes' if same else 'NO'}; largest relative difference of a sum of weights {gaps['weights']:.1e}, of squared weights "
        f"{gaps['squares']:.1e}, of an adjusted probability {gaps['estimate']:.1e}, of a standard error {gaps['std_error']:.1e}.",
    ]


def dask_lines() -> list[str]:
    """Bootstrap replicates on a cluster of two workers beside those of this process."""
    from dask.distributed import LocalCluster

    frame = respondents(1530)
    survey = wwm.replicates(wwm.Survey.from_frame(frame, weight=None), "bootstrap", draws=REPLICATES, seed=1)
    start = time.perf_counter()
    here = wwm.fit(wwm.Model(FORMULA), survey, vcov="replicates")
    middle = time.perf_counter()
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        started = time.perf_counter()
        there = wwm.fit(wwm.Model(FORMULA), survey, vcov="replicates", scheduler=cluster.scheduler_address)
        done = time.perf_counter()
    assert here.replicate_theta is not None
    assert there.replicate_theta is not None
    gap = float(np.max(np.abs(here.replicate_theta - there.replicate_theta)))
    return [
        "",
        f"{len(here.replicate_theta):,} bootstrap replicates of a cumulative logit with {len(here.theta)} parameters on 1,530 respondents: "
        f"{middle - start:.1f} s here, {done - started:.1f} s on a Dask LocalCluster of two workers (first use: they import the package); largest "
        f"difference of an estimate {gap:.1e}.",
    ]


def main(arguments: list[str]) -> None:
    """Measure, print and, with --all, write results/scale.md."""
    everything = "--all" in arguments
    with tempfile.TemporaryDirectory(prefix="wwm-scale-") as name:
        folder = Path(name)
        write_codebook(folder / "codebook.toml")
        made = sizes(folder, SIZES)
        more = spark_lines(folder, made[1][2]) if everything else []
    more += dask_lines() if everything else []
    text = "\n".join([*table_of(made), *more]) + "\n"
    print(text)
    if everything:
        (RESULTS / "scale.md").write_text(text, encoding="utf-8")


def table_of(made: list[tuple[int, float, dict[str, Any]]]) -> list[str]:
    """The figure as Markdown."""
    first = made[0][2]
    return [
        f"# Tables larger than memory, {datetime.date.today().isoformat()}, {os.cpu_count()} cores",
        "",
        f"`python -m benchmarks scale --all`: parquet files of invented respondents ({len(first['levels'])} categorical predictors, five answers, weights, "
        f"{STRATA} strata), counted by the embedded DuckDB, then a cumulative logit with {first['parameters']} parameters and its adjusted probabilities by "
        "age. Seconds by the clock, each size in a process of its own.",
        "",
        "| rows | file (MB) | cells (s) | groups | fit (s) | adjusted (s) | in all (s) | peak memory (GB) |",
        "|---|---|---|---|---|---|---|---|",
        *(
            f"| {rows:,} | {size:,.0f} | {one['scan']:.1f} | {one['groups']:,} | {one['fit']:.3f} | {one['adjusted']:.3f} | "
            f"{one['scan'] + one['fit'] + one['adjusted']:.1f} | {one['gigabytes']:.2f} |"
            for rows, size, one in made
        ),
        "",
        "Seconds for each further million rows: "
        + "; ".join(
            f"{(two['scan'] - one['scan']) * 1e6 / (more - rows):.2f} from {rows / 1e6:g} to {more / 1e6:g} million"
            for (rows, _, one), (more, _, two) in pairwise(made)
        )
        + ". The rest is the writing of the question, which is the same for every size, as the fit is.",
    ]


if __name__ == "__main__":
    main(sys.argv[1:])
