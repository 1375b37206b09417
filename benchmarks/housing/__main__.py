"""``python -m benchmarks.housing``: the cumulative logit of the Copenhagen tenants by likelihood and posterior, as name, mean, sd.

with_brms.R and with_bambi.py beside this file print the same of their programs; docs/comparison.md sets the figures side by side.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd

import wwm_models as wwm

DATA = Path(__file__).parents[2] / "tests" / "reference" / "housing_polr_logit" / "data.csv"
ORDER = {
    "Sat": ["Low", "Medium", "High"], "Infl": ["Low", "Medium", "High"], "Cont": ["Low", "High"],
    "Type": ["Tower", "Apartment", "Atrium", "Terrace"],
}  # fmt: skip
SLOPES = ("Infl[Medium]", "Infl[High]", "Cont[High]", "Low|Medium", "Medium|High")


def main() -> None:
    """Fit, sample and print."""
    cells = pd.read_csv(DATA)
    for name, levels in ORDER.items():
        cells[name] = pd.Categorical(cells[name], levels, ordered=name == "Sat")
    survey = wwm.Survey.from_frame(cells, weight="Freq", weight_kind="frequency")
    model = wwm.Model("Sat ~ Infl + Type + Cont", family="cumulative")
    started = time.perf_counter()
    post = wwm.sample(model, survey, seed=1)
    seconds = time.perf_counter() - started
    draws = post.draws
    print("name,mean,sd")
    for name in SLOPES:
        values = draws[:, list(post.design.names).index(name)]
        print(f'"{name}",{values.mean():.4f},{values.std(ddof=1):.4f}')
    for name, values in _low(post).items():
        print(f'"{name}",{values.mean():.4f},{values.std(ddof=1):.4f}')
    print(f"seconds to sample,{seconds:.1f},")
    fit = wwm.fit(model, survey)
    for name in SLOPES:
        print(f'"{name}, likelihood",{fit.params[name]:.4f},{fit.std_errors[name]:.4f}')
    for by in ("Infl", "Type"):
        made = wwm.contrasts(wwm.adjusted(fit, by, covariates="fixed"), by, pairwise=True).table
        for row in made[made["category"] == "Low"].to_dict("records"):
            print(f'"P(Low), {row["contrast"]}, likelihood",{row["estimate"]:.4f},{row["std_error"]:.4f}')
    whole = wwm.adjusted(fit, covariates="fixed").table.iloc[0]
    print(f'"P(Low), likelihood",{whole["estimate"]:.4f},{whole["std_error"]:.4f}')


def _low(post: wwm.Posterior) -> dict[str, np.ndarray]:
    """Draws of the probability of the lowest answer: for everyone, and in two contrasts."""
    fixed = {"covariates": "fixed"}

    def of(by: str | None, level: str = "") -> np.ndarray:
        found = wwm.adjusted(post, by=by, **fixed)
        row = (found.table["category"] == "Low") & (True if by is None else found.table[by].astype(str) == level)
        return found.draws[:, int(np.flatnonzero(row)[0])]

    return {
        "P(Low)": of(None),
        "P(Low), influence high minus low": of("Infl", "High") - of("Infl", "Low"),
        "P(Low), terrace minus tower": of("Type", "Terrace") - of("Type", "Tower"),
    }


if __name__ == "__main__":
    main()
