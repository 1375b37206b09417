"""``python -m benchmarks``: a cumulative logit with 19 parameters on 1,530 respondents, against its peers in the same run."""

from __future__ import annotations

import datetime
import os
import shutil
import statistics
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import wwm_models as wwm

HERE = Path(__file__).parent
N, REPEATS = 1530, 15
LEVELS = {"age_group": 3, "household": 4, "gender": 2, "education": 4, "employment": 3, "sector": 5}
FORMULA = "y ~ " + " + ".join(LEVELS)


def respondents(n: int = N, seed: int = 7) -> pd.DataFrame:
    """Independent predictors with 15 slopes in all, and five answers: 19 parameters."""
    rng = np.random.default_rng(seed)
    codes = {name: rng.integers(0, size, n) for name, size in LEVELS.items()}
    latent = 0.4 * codes["age_group"] - 0.3 * codes["household"] + 0.2 * codes["education"] + rng.logistic(size=n)
    answer = np.digitize(latent, [-1.5, -0.3, 0.6, 2.0])
    frame = {
        name: pd.Categorical.from_codes(code, [f"{name[0]}{i}" for i in range(LEVELS[name])])
        for name, code in codes.items()
    }
    return pd.DataFrame({**frame, "y": pd.Categorical.from_codes(answer, [1, 2, 3, 4, 5], ordered=True)})


def median_seconds(task: Callable[[], object], repeats: int = REPEATS) -> float:
    """Median of the repeats after one run that does not count."""
    task()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        task()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def statsmodels_seconds(frame: pd.DataFrame) -> float:
    """OrderedModel by BFGS on the same rows."""
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    columns = pd.get_dummies(frame.drop(columns="y"), drop_first=True).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return median_seconds(
            lambda: OrderedModel(frame["y"], columns, distr="logit").fit(method="bfgs", disp=False), 3
        )


def r_seconds(frame: pd.DataFrame) -> dict[str, float]:
    """Own fitting times of the R peers; empty where R is not installed."""
    if shutil.which("Rscript") is None:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        frame.to_csv(path, index=False)
        done = subprocess.run(
            ["Rscript", str(HERE / "peers.R"), str(path), str(REPEATS)], capture_output=True, text=True, check=True
        )
    return {name: float(value) for name, value in (line.split(",") for line in done.stdout.splitlines() if line)}


def main() -> None:
    """Measure, print and write results/speed.md."""
    frame = respondents()
    survey = wwm.Survey.from_frame(frame, weight=None)
    model = wwm.Model(FORMULA)
    fitted = wwm.fit(model, survey)
    own = median_seconds(lambda: wwm.fit(model, survey))
    every = median_seconds(lambda: [wwm.adjusted(fitted, name) for name in LEVELS])
    peers = {**r_seconds(frame), "statsmodels OrderedModel(bfgs)": statsmodels_seconds(frame)}
    lines = [
        f"# Speed, {datetime.date.today().isoformat()}, {os.cpu_count()} cores",
        "",
        f"`python -m benchmarks`: cumulative logit, {len(fitted.theta)} parameters, {N} respondents, medians of one run.",
        "",
        "| what | milliseconds | ratio to ours |",
        "|---|---|---|",
        f"| wwm.fit, from Survey to Fit with standard errors and tripwires | {1000 * own:.1f} | 1 |",
        *(f"| {name} | {1000 * seconds:.1f} | {seconds / own:.1f} |" for name, seconds in peers.items()),
        f"| adjusted probabilities of all groups of all {len(LEVELS)} variables | {1000 * every:.1f} | |",
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    (HERE / "results" / "speed.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
