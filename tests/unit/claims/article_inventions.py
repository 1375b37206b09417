"""Invented estimates for claims: shares with independent errors, or posterior draws."""

from __future__ import annotations

import numpy as np
import pandas as pd

from wwm_models.claims.article import Claim, Reference
from wwm_models.claims.lookup import EstimateIndex, pool_of
from wwm_models.estimates.estimates import Estimand, Estimates


def shares(
    values: dict[str, float], std_error: float = 0.01, outcome: str = "y", draws=None, origin: str = ""
) -> Estimates:
    """Estimates of one answer "yes" by group; percentages in, probabilities inside."""
    names = list(values)
    p = np.array(list(values.values())) / 100.0
    se = np.full(len(p), std_error) if draws is None else draws.std(axis=0)
    table = pd.DataFrame({"g": names, "outcome": outcome, "category": "yes", "estimate": p, "std_error": se}).assign(
        lower=p - 1.96 * se, upper=p + 1.96 * se, level=0.95, count=np.nan, n=100, n_effective=100,
        method="invented", estimand=Estimand(("g",), (), "sample").text,
    )  # fmt: skip
    return Estimates(table, ("g",), np.diag(se**2), None, draws, np.inf, None, origin)


def pool(values: dict[str, float], **options) -> EstimateIndex:
    return pool_of([shares(values, **options)])


def at(group: str, outcome: str = "y") -> Reference:
    return Reference(outcome, "yes", (("g", group),))


def order(greater: str, lesser: str, margin: float = 0.0) -> Claim:
    return Claim("C", "order", references={"greater": at(greater), "lesser": at(lesser)}, numbers={"margin": margin})
