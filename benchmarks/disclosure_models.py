"""What the numbers of models tell an attacker: equations in the amounts of every cell and answer, for `benchmarks.disclosure`.

Three models of each survey, by both engines: saturated in what is reported, main effects of it, and main effects with a further predictor whose
combinations are not published. Of the first two the attacker writes down the likelihood equations at the published coefficients, and of the first
that its adjusted percentages are weighted means of the cells; its posterior means are near them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import wwm_models as wwm
from wwm_models.disclosure.suppressed_tables import ModelOf
from wwm_models.errors import WwmError
from wwm_models.likelihood.likelihood import cell_likelihood
from wwm_models.study.result_tables import flat

Array = NDArray[np.float64]
NEAR = 0.005  # of a posterior mean to the percentage it follows
MODELS = {
    "saturated": wwm.Model("y ~ a * h", family="multinomial"),
    "main effects": wwm.Model("y ~ a + h", family="cumulative"),
    "further": wwm.Model("y ~ a + h + g", family="cumulative"),
}
OF = tuple(ModelOf(name, "y", (frozenset("ahg" if name == "further" else "ah"),)) for name in MODELS)
SETS = ((), ("a",), ("h",), ("a", "h"))


@dataclass(frozen=True, eq=False)
class Modelled:
    """What a run would write of the models of one survey.

    Attributes
    ----------
    fits : mapping of model to Fit
    tables : mapping of file stem to DataFrame
    """

    fits: dict[str, wwm.Fit]
    tables: dict[str, pd.DataFrame]


def modelled(survey: wwm.Survey, seed: int, *, engines: tuple[str, ...]) -> Modelled:
    """Fit and, where that works, sample; a model that cannot be fitted or trusted writes nothing, as in a run."""
    fits: dict[str, wwm.Fit] = {}
    parts: list[pd.DataFrame] = []
    for name, model in MODELS.items():
        for engine in engines:
            if engine == "bayes" and name not in fits:
                continue
            try:
                found = wwm.fit(model, survey) if engine == "likelihood" else wwm.sample(model, survey, seed=seed)
                parts += [flat(wwm.adjusted(found, by or None)).assign(model=name) for by in SETS]
            except WwmError:
                continue
            if engine == "likelihood":
                fits[name] = found
    columns = ["model", "by", "group", "outcome", "category", "estimate", "method", "estimand"]
    adjusted = pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)
    coefficients = pd.DataFrame(
        [(name, term, value) for name, fit in fits.items() for term, value in fit.params.items()],
        columns=["model", "term", "estimate"],
    )
    return Modelled(fits, {"adjusted": adjusted, "coefficients": coefficients})


@dataclass(frozen=True, eq=False)
class Equations:
    """Rows of amounts (cells x answers) with the least and the largest value of their sum."""

    rows: Array
    low: Array
    high: Array


def equations(made: Modelled, shown: dict[str, pd.DataFrame], keys: pd.DataFrame, weights: Array) -> Equations:
    """What an attacker writes down of the tables that are still there.

    Parameters
    ----------
    made : Modelled
    shown : mapping of file stem to DataFrame
        As it is published: what is left out is missing.
    keys : DataFrame
        Levels of every cell, "?" where one is not known.
    weights : (cells,) array
    """
    rows: list[Array] = []
    values: list[tuple[float, float]] = []
    coefficients = shown["coefficients"]
    for name in ("saturated", "main effects"):
        if name in made.fits and coefficients.loc[coefficients["model"] == name, "estimate"].notna().all():
            own = likelihood_equations(made.fits[name], keys)
            rows += list(own)
            values += [(0.0, 0.0)] * len(own)
    adjusted = shown["adjusted"]
    for row in adjusted[(adjusted["model"] == "saturated") & adjusted["estimate"].notna()].to_dict("records"):
        gap = NEAR if str(row["method"]).startswith("bayes") else 0.0
        rows.append(mean_of_cells(row, made.fits["saturated"], keys, weights))
        values.append((row["estimate"] - gap, row["estimate"] + gap))
    ends = np.array(values).reshape(-1, 2)
    return Equations(np.array(rows), ends[:, 0], ends[:, 1])


def likelihood_equations(fit: wwm.Fit, keys: pd.DataFrame) -> Array:
    """(parameters, cells x answers): scores of the answers, which sum to zero over respondents at the maximum."""
    scores = cell_likelihood(fit.family, fit.link, fit.cells, fit.design).cell_scores(fit.theta)
    scores = scores.reshape(len(fit.cells.weights), len(fit.design.order), -1)
    made = np.zeros((len(keys), len(fit.cells.categories), scores.shape[2]))
    for pattern, place in enumerate(places_of(fit, keys)):
        made[place, fit.design.order] = scores[pattern]
    return made.reshape(-1, scores.shape[2]).T


def places_of(fit: wwm.Fit, keys: pd.DataFrame) -> list[int]:
    """The cell of every pattern of a fit by a and h."""
    place = {(row["a"], row["h"]): number for number, row in enumerate(keys.to_dict("records"))}
    return [place[a, h] for a, h in fit.cells.patterns[["a", "h"]].astype(str).itertuples(index=False, name=None)]


def mean_of_cells(row: dict, fit: wwm.Fit, keys: pd.DataFrame, weights: Array) -> Array:
    """An adjusted percentage of the saturated model: cells of the group, weighted as the sample is over the other variable."""
    levels = dict(part.split("=") for part in str(row["group"]).split(";") if part)
    free = [name for name in ("a", "h") if name not in levels]
    known = (keys[["a", "h"]] != "?").all(axis=1).to_numpy()
    own = known & np.logical_and.reduce([(keys[name] == level).to_numpy() for name, level in levels.items()] or [known])
    made = np.zeros((len(keys), len(fit.cells.categories)))
    answer = fit.cells.categories.index(str(row["category"]))
    total = weights[known].sum()
    for cell in np.flatnonzero(own):
        alike = known & np.logical_and.reduce([(keys[name] == keys[name][cell]).to_numpy() for name in free] or [known])
        made[cell, answer] = weights[alike].sum() / total / weights[cell] if weights[cell] > 0 else 0.0
    return made.ravel()
