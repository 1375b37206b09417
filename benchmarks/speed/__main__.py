"""``python -m benchmarks speed``: a cumulative logit with 19 parameters on 1,530 respondents, against its peers in the same run."""

from __future__ import annotations

import datetime
import os
import sys
import warnings
from pathlib import Path

import pandas as pd

import wwm_models as wwm
from benchmarks.timing import FORMULA, LEVELS, ORDINAL_PEERS, peer_seconds, respondents, seconds_of

RESULTS = Path(__file__).parents[1] / "results"
N, REPEATS = 1530, 15


def statsmodels_seconds(frame: pd.DataFrame) -> float:
    """OrderedModel by BFGS on the same rows."""
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    columns = pd.get_dummies(frame.drop(columns="y"), drop_first=True).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return seconds_of(lambda: OrderedModel(frame["y"], columns, distr="logit").fit(method="bfgs", disp=False), 3)


def main(arguments: list[str]) -> None:  # noqa: ARG001 - this benchmark has no arguments
    """Measure, print and write results/speed.md."""
    frame = respondents(N)
    survey = wwm.Survey.from_frame(frame, weight=None)
    model = wwm.Model(FORMULA)
    fitted = wwm.fit(model, survey)
    own = seconds_of(lambda: wwm.fit(model, survey), REPEATS)
    every = seconds_of(lambda: [wwm.adjusted(fitted, name) for name in LEVELS], REPEATS)
    peers = peer_seconds(frame, ORDINAL_PEERS, REPEATS, limit=120.0)
    peers["statsmodels OrderedModel(bfgs)"] = statsmodels_seconds(frame)
    lines = [
        f"# Speed, {datetime.date.today().isoformat()}, {os.cpu_count()} cores",
        "",
        f"`python -m benchmarks speed`: cumulative logit, {len(fitted.theta)} parameters, {N} respondents; processor time, means of one run.",
        "",
        "| what | milliseconds | ratio to ours |",
        "|---|---|---|",
        f"| wwm.fit, from Survey to Fit with standard errors and tripwires | {1000 * own:.1f} | 1 |",
        *(f"| {name} | {1000 * seconds:.1f} | {seconds / own:.1f} |" for name, seconds in peers.items()),
        f"| adjusted probabilities of all groups of all {len(LEVELS)} variables | {1000 * every:.1f} | |",
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    (RESULTS / "speed.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
