"""Prints, as JSON, numbers that must not depend on the Python: likelihood estimates of every family, and posterior means with their errors."""

from __future__ import annotations

import json
from importlib.metadata import version

import wwm_models as wwm
from wwm_models.demo.respondents import random_answers
from wwm_models.models.model import FAMILIES

MODEL = "desired ~ age_group + household + gender + education + employment"


def main() -> None:
    """Fit every family, and sample one posterior of each."""
    survey = wwm.Survey.from_frame(random_answers(seed=1), weight="weight")
    likelihood, posterior = {}, {}
    for family in FAMILIES:
        fit = wwm.fit(wwm.Model(MODEL, family=family), survey)
        table = wwm.adjusted(fit, by="age_group").table
        for column in ("estimate", "std_error", "lower", "upper"):
            likelihood |= {f"{family} {column} {row}": float(value) for row, value in enumerate(table[column])}
        drawn = wwm.sample(wwm.Model("desired ~ age_group + gender", family=family), survey, seed=1, draws=500)
        assert drawn.healthy, drawn.message
        rows = drawn.health[["quantity", "mean", "mcse"]].itertuples(index=False)
        posterior |= {f"{family} {name}": (float(mean), float(error)) for name, mean, error in rows}
    versions = {name: version(name) for name in ("numpy", "pymc", "arviz", "nutpie")}
    print(json.dumps({"likelihood": likelihood, "posterior": posterior, "versions": versions}))


if __name__ == "__main__":
    main()
