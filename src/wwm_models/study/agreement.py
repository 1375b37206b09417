"""agreement.csv: how far likelihood and posterior are apart on every reported number, and what makes them so.

The posterior's pull on a number is the number at the mode of the posterior minus that at the maximum of the likelihood. Beyond
the limit, one thing is swapped at a time: the prior for none (which takes the whole pull away), the family for the
multinomial, the survey's weights for none. The cause is the swap that takes away most of the gap, when that is half of it or
more; else the gap is due to the skewness of the posterior, whose mean is not its mode, or to the draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from wwm_models.adjust.table import Collapses
from wwm_models.adjust.why.perturbed import Points, Reported, declared_points, points_at, reported
from wwm_models.article.comparison import group_text
from wwm_models.article.pool import keys_of
from wwm_models.declared.models import ModelSpec
from wwm_models.engines import fit
from wwm_models.engines.variants import multinomial_of
from wwm_models.errors import WwmError
from wwm_models.families import Model
from wwm_models.records import Estimates, Fit, Survey
from wwm_models.study.explained import Explained, Fitted
from wwm_models.study.models import ModelResult

LIMIT_POINTS, LIMIT_SDS = (
    1.0,
    0.5,
)  # either makes a gap worth a cause: a digit that is printed, or half a standard deviation
COLUMNS = (
    "estimand", "by", "group", "outcome", "category", "likelihood", "bayes", "gap_points", "gap_sds", "limit_points", "limit_sds",
    "status", "cause", "prior_points", "family_points", "weights_points",
)  # fmt: skip
OTHERWISE = "skewness or draws"


def agreement_table(spec: ModelSpec, one: Explained, result: ModelResult) -> pd.DataFrame:
    """One row per number that has both engines; empty for a model without a posterior.

    Parameters
    ----------
    spec : ModelSpec
    one : Explained
    result : ModelResult

    Returns
    -------
    DataFrame
        With `COLUMNS`: probabilities, gaps (posterior mean minus likelihood) in percentage points and in the posterior's
        standard deviations, status "agree" or "differ", the cause, and the pull of the posterior as declared
        (``prior_points``), under the multinomial family and without weights.
    """
    both: dict[tuple[str, tuple[str, ...]], dict[bool, Estimates]] = {}
    for label, found in result.estimates:
        both.setdefault((label, found.by), {})[found.draws is not None] = found
    parts = [
        gaps(label, pair[False], pair[True]) for (label, _), pair in both.items() if len(pair) == 2
    ]  # fmt: skip
    if not parts:
        return pd.DataFrame(columns=pd.Index(COLUMNS))
    table = pd.concat(parts, ignore_index=True)
    fitted = next((each for each in one.fits if each.request.label == "all exposures"), None)
    if fitted is None or not (table["status"] == "differ").any():
        return table.drop(columns="place")[list(COLUMNS)]
    return with_causes(table, pulls_of(spec, fitted))[list(COLUMNS)]


def gaps(label: str, likelihood: Estimates, bayes: Estimates) -> pd.DataFrame:
    """Gap and status of every number of two tables of the same places."""
    own = dict(zip(keys_of(bayes.table, bayes.by), bayes.table.to_dict("records"), strict=True))
    table = likelihood.table.reset_index(drop=True)
    places = keys_of(table, likelihood.by)
    mean = np.array([own[place]["estimate"] if place in own else np.nan for place in places], dtype=float)
    spread = np.array([own[place]["std_error"] if place in own else np.nan for place in places], dtype=float)
    gap = mean - table["estimate"].to_numpy(dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        sds = np.where(spread > 0, gap / spread, np.nan)
    beyond = (100.0 * np.abs(gap) > LIMIT_POINTS) | (np.abs(sds) > LIMIT_SDS)
    return pd.DataFrame(
        {
            "estimand": label, "by": ";".join(likelihood.by), "group": group_text(table, likelihood.by), "outcome": table["outcome"],
            "category": table["category"], "likelihood": table["estimate"], "bayes": mean, "gap_points": 100.0 * gap, "gap_sds": sds,
            "limit_points": LIMIT_POINTS, "limit_sds": LIMIT_SDS, "status": np.where(beyond, "differ", "agree"), "cause": "",
            "prior_points": np.nan, "family_points": np.nan, "weights_points": np.nan, "place": places,
        }
    )  # fmt: skip


def with_causes(table: pd.DataFrame, pulls: Mapping[str, Points]) -> pd.DataFrame:
    """Name what makes the engines differ.

    Parameters
    ----------
    table : DataFrame
        As `gaps` gives it.
    pulls : mapping of "prior", "family" and "weights" to pulls by place
        In 0..1: as declared, under the multinomial family, and without weights; a swap that cannot be made is left out.
    """
    rows = table.to_dict("records")
    for row in rows:
        found = {name: 100.0 * points[row["place"]] for name, points in pulls.items() if row["place"] in points}
        for name, value in found.items():
            row[f"{name}_points"] = value
        if row["status"] == "differ":
            row["cause"] = cause_of(float(row["gap_points"]), found)
    return pd.DataFrame(rows).drop(columns="place")


def cause_of(gap: float, pulls: Mapping[str, float]) -> str:
    """The swap that takes away most of a gap, if half of it or more.

    Examples
    --------
    >>> cause_of(2.0, {"prior": 1.9, "family": 1.8, "weights": 1.9})
    'prior'
    >>> cause_of(2.0, {"prior": 0.1})
    'skewness or draws'
    """
    if "prior" not in pulls:
        return "not known"
    closed = {"prior": abs(gap) - abs(gap - pulls["prior"])}
    closed |= {name: abs(pulls["prior"]) - abs(pulls[name]) for name in ("family", "weights") if name in pulls}
    best = max(closed, key=lambda name: closed[name])
    return best if closed[best] >= abs(gap) / 2.0 else OTHERWISE


def pulls_of(spec: ModelSpec, fitted: Fitted) -> dict[str, Points]:
    """The posterior's pull on every number: as declared, with the multinomial family, without weights."""
    made, collapses = fitted.varied.made, fitted.collapses
    slopes = {name: value for name, value in spec.priors.items() if name == "slopes"}
    swaps: dict[str, tuple[Reported | None, Mapping[str, Any]]] = {
        "prior": (made, spec.priors),
        "family": (_again(made, multinomial_of(fitted.fit), made.fit.survey, collapses), slopes),
    }
    survey = made.fit.survey
    if survey.weight_kind == "sampling":
        plain = survey.unweighted()
        plain = replace(plain, weights=np.where(survey.weights > 0, plain.weights, 0.0))
        swaps["weights"] = (_again(made, fitted.fit.model, plain, collapses), spec.priors)
    pulls = {name: _pull(one, priors) for name, (one, priors) in swaps.items() if one is not None}
    return {name: points for name, points in pulls.items() if points is not None}


def _again(made: Reported, model: Model, survey: Survey, collapses: Collapses) -> Reported | None:
    try:
        other: Fit = fit(model, survey, vcov="model")
    except WwmError:
        return None
    return reported(other, made.over, collapses, made.population) if other.status == "ok" else None


def _pull(made: Reported, priors: Mapping[str, Any]) -> Points | None:
    """Numbers at the posterior's mode minus numbers at the likelihood's maximum."""
    from wwm_models.engines.bayes.sample import posterior_problem
    from wwm_models.engines.bayes.target import whitened

    try:
        problem = posterior_problem(made.fit.model, made.fit.survey, priors=priors)
        space = whitened(problem.density, problem.density.start(made.fit.theta))
    except WwmError:
        return None
    mode = points_at(made, problem.density.parameters(space.mode[None, :])[0][0])
    own = declared_points(made)
    return {place: mode[place] - value for place, value in own.items()}
