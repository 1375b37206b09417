"""Fits on a cluster of two workers beside the same fits in this process; prints how far apart: dask_cluster.py FOLDER REPLICATES."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from dask.distributed import LocalCluster

import wwm_models as wwm
from wwm_models.demo.respondents import quota_respondents
from wwm_models.results.folder import Checkpoints
from wwm_models.study.fits import Work
from wwm_models.study.model_files import read_model
from wwm_models.study.run import finished_models

STUDY = Path(__file__).parents[3] / "models" / "wwm21"
MODEL = wwm.Model("y ~ g + x")


def survey(rows: int) -> wwm.Survey:
    """Invented respondents in 4 strata of 6 units."""
    rng = np.random.default_rng(5)
    g, x, unit = rng.integers(0, 3, rows), rng.integers(-2, 3, rows) / 2.0, rng.integers(0, 24, rows)
    y = np.digitize(0.5 * g - 0.4 * x + rng.logistic(size=rows), [-1.0, 0.3, 1.5])
    frame = pd.DataFrame({"g": pd.Categorical(g), "x": x, "w": rng.gamma(4.0, 0.25, rows), "s": unit // 6, "u": unit})
    return wwm.Survey.from_frame(frame.assign(y=pd.Categorical(y, ordered=True)), weight="w", strata="s", psu="u")


def drawn(survey: wwm.Survey, seed: int) -> np.ndarray:
    """A bootstrap of respondents: a simulation with a seed of its own."""
    rows = np.random.default_rng(seed).integers(0, len(survey), len(survey))
    again = wwm.Survey.from_frame(survey.frame.iloc[rows].reset_index(drop=True), weight="w")
    return wwm.adjusted(wwm.fit(MODEL, again), "g").table["estimate"].to_numpy()


def estimates_of_a_study(folder: Path, scheduler: str) -> list[np.ndarray]:
    """Two outcomes, and one whose missing answers are completed twice, on the workers or here."""
    declared = [read_model(STUDY / f"{name}.toml") for name in ("autonomy", "promotion")]
    imputed = read_model(STUDY / "variants" / "desired_by_age_and_household_imputed.toml")
    few = replace(imputed, imputation={**imputed.imputation, "m": 2}, interactions=(), estimands=("total",))
    people = wwm.read_survey(folder / "data.csv", STUDY / "codebook.toml")
    kept = Checkpoints(folder / ((scheduler and "there") or "here"), "key")
    work = Work(people, wwm.read_article(STUDY / "article.toml"), {}, ("likelihood",), 1, 0.95, kept, scheduler)
    made = finished_models([*declared, few], work, lambda what, done, total: None)
    return [found.table["estimate"].to_numpy() for result in made for _, found in result.estimates]


def apart(one: object, two: object) -> float:
    return float(np.max(np.abs(np.asarray(one) - np.asarray(two))))


def main(folder: Path, replicates: int) -> dict[str, float]:
    people, seeds = survey(600), list(range(6))
    weighted = wwm.replicates(people, "bootstrap", draws=replicates, seed=3)
    here = wwm.fit(MODEL, weighted)
    quota_respondents(1).to_csv(folder / "data.csv", index=False)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        there = wwm.fit(MODEL, weighted, scheduler=address)
        simulated = wwm.run_many(partial(drawn, people), seeds, scheduler=address)
        study = estimates_of_a_study(folder, address)
    return {
        "replicates": apart(here.replicate_theta, there.replicate_theta),
        "standard errors": apart(here.std_errors, there.std_errors),
        "simulations": apart([drawn(people, seed) for seed in seeds], simulated),
        "study": apart(np.concatenate(estimates_of_a_study(folder, "")), np.concatenate(study)),
        "rows": float(sum(map(len, study))),
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
