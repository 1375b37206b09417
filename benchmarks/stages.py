"""``python -m benchmarks stages``: what the default study costs after its fits, stage by stage, and what `wwm bounds` costs.

The line is run as it is, by the likelihood, with a clock around the functions that it calls. Processor seconds are those of this
process; the bounds are computed in a process of their own beside the fits, and are timed again by themselves.
"""

from __future__ import annotations

import datetime
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

from wwm_models.claims.article import read_article
from wwm_models.demo.respondents import quota_respondents
from wwm_models.identification.bounds import bounds
from wwm_models.identification.joint_table import read_margins
from wwm_models.study import run as line
from wwm_models.study.model_files import bundled_study

RESULTS = Path(__file__).parent / "results"
BEFORE = {
    "read_study": "reading the declarations",
    "respondents": "reading the survey",
    "finished_models": "fits, adjusted probabilities, contrasts",
}
AFTER = {
    "withhold": "raw percentages withheld where few answered",
    "all_explained": "why it moved: Shapley parts",
    "study_tables": "comparison, claims, robustness, fragility, families",
    "with_bounds": "bounds joined",
    "write_table": "csv files",
    "write_report": "page, figures, tables",
    "write_manifest": "manifest",
}
Seconds = dict[str, tuple[float, float]]  # wall clock and processor


def clocked(name: str, function: Callable[..., Any], spent: Seconds) -> Callable[..., Any]:
    """The function with its seconds added to `spent`."""

    def run(*arguments: Any, **named: Any) -> Any:
        wall, processor = time.perf_counter(), time.process_time()
        try:
            return function(*arguments, **named)
        finally:
            before = spent.get(name, (0.0, 0.0))
            spent[name] = before[0] + time.perf_counter() - wall, before[1] + time.process_time() - processor

    return run


def run_seconds() -> tuple[Seconds, float, float]:
    """Seconds of every stage, and wall clock and processor seconds of the whole run."""
    spent: Seconds = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as patched:
        data = Path(folder) / "wwm21-synthetic.csv"
        quota_respondents(1).to_csv(data, index=False)
        for name in (*BEFORE, *AFTER):
            patched.enter_context(mock.patch.object(line, name, clocked(name, getattr(line, name), spent)))
        wall, processor = time.perf_counter(), time.process_time()
        line.run_study(bundled_study("wwm21"), data=data, out=Path(folder) / "results")
        return spent, time.perf_counter() - wall, time.process_time() - processor


def bounds_seconds() -> tuple[float, float]:
    """Wall clock and processor seconds of the bounds by themselves, from the files."""
    wall, processor = time.perf_counter(), time.process_time()
    study = bundled_study("wwm21")
    bounds(read_article(study / "article.toml"), read_margins(study / "margins.toml", study / "codebook.toml"))
    return time.perf_counter() - wall, time.process_time() - processor


def main(arguments: list[str]) -> None:  # noqa: ARG001 - this benchmark has no arguments
    """Measure, print and write results/stages.md."""
    spent, wall, processor = run_seconds()
    own = bounds_seconds()
    rows = [f"| {words} | {spent[name][1]:.2f} | {spent[name][0]:.2f} |" for name, words in {**BEFORE, **AFTER}.items()]
    after = [sum(spent[name][place] for name in AFTER) for place in (1, 0)]
    known = [sum(spent[name][place] for name in (*BEFORE, *AFTER)) for place in (1, 0)]
    lines = [
        f"# The default study, stage by stage, {datetime.date.today().isoformat()}, {os.cpu_count()} cores",
        "",
        f"`python -m benchmarks stages`: models/wwm21 by the likelihood, synthetic respondents; load of the machine {os.getloadavg()[0]:.1f}.",
        "",
        "| stage | processor seconds | wall clock |",
        "|---|---|---|",
        *rows,
        f"| between the stages (raw percentages, waiting for the bounds) | {processor - known[0]:.2f} | {wall - known[1]:.2f} |",
        f"| the whole run | {processor:.2f} | {wall:.2f} |",
        f"| **after the fits, without what lies between the stages** | **{after[0]:.2f}** | **{after[1]:.2f}** |",
        f"| the bounds by themselves, in one process | {own[1]:.2f} | {own[0]:.2f} |",
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    (RESULTS / "stages.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
