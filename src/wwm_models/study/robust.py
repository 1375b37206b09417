"""robustness.csv and fragility.csv: every reported number under other models and weights, and how far claims are from flipping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from wwm_models.adjust.adjusted import adjusted
from wwm_models.adjust.compared.law import law_of
from wwm_models.adjust.why.perturbed import Place, Points, Reported
from wwm_models.article import Article
from wwm_models.article.fragility import COLUMNS as FRAGILITY_COLUMNS
from wwm_models.article.fragility import flip_map, ground
from wwm_models.article.pool import keys_of, pool_of
from wwm_models.declared.models import ModelSpec
from wwm_models.engines.variants import FORMS
from wwm_models.errors import WwmError
from wwm_models.records import Estimates, Fit
from wwm_models.study.explained import Explained, Fitted
from wwm_models.study.models import ModelResult

VARIANTS = ("nonproportional", "multinomial", "unweighted", "exposure_only", "other_exposures", "bayes")
TIED = 1e-7  # points: gaps that differ by less are equal but for rounding, and the variant that comes first is named
COLUMNS = (
    "estimand", "by", "group", "outcome", "category", "declared", *VARIANTS, "largest_gap_points", "against",
    *(f"{form}_se" for form in FORMS), "df",
)  # fmt: skip


def robustness_table(one: Explained, result: ModelResult) -> pd.DataFrame:
    """Every adjusted number of a model beside its variants; a variant that does not apply, or has no maximum, is missing.

    Parameters
    ----------
    one : Explained
        With the model's fits and decompositions.
    result : ModelResult

    Returns
    -------
    DataFrame
        With `COLUMNS`: probabilities, the largest gap to the declared number in percentage points with its variant, the standard error of
        the move from the declared number to that in another form of the model, and its degrees of freedom.
    """
    declared = [fitted.varied.declared for fitted in one.fits]
    drawn = {(label, key): value for label, key, value in _drawn(result)}
    parts: list[pd.DataFrame] = []
    for number, fitted in enumerate(one.fits):
        others = [points for place, points in enumerate(declared) if place != number]
        variants = {
            "nonproportional": fitted.varied.nonproportional,
            "multinomial": fitted.varied.multinomial,
            "unweighted": fitted.varied.unweighted,
            "other_exposures": {key: value for points in others for key, value in points.items()},
        }
        for label, by in fitted.request.reported:
            rows = _places(fitted.varied.made, by)
            own = {
                **variants,
                "exposure_only": _exposure_only(one, label, by, declared[number]),
                "bayes": {key: drawn[label, key] for _, key in rows if (label, key) in drawn},
            }
            moves = _moves(errors_of_moves(fitted, by), [at for _, at in rows])
            parts.append(_rows(label, by, rows, declared[number], own).assign(**moves))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=pd.Index(COLUMNS))


def errors_of_moves(fitted: Fitted, by: tuple[str, ...]) -> dict[str, dict[Place, tuple[float, float]]]:
    """Standard error and degrees of freedom of the move of every number to every other form of the model.

    The same respondents give both numbers, so that the move has the variance of the difference of their influences (Mize, Doan and Long
    2019, doi:10.1177/0081175019852763); empty where there is no such fit.
    """
    forms = fitted.varied.forms
    own = _numbers_of(fitted.fit, fitted, by) if forms else None
    moved = {
        form: _numbers_of(forms[form], fitted, by) if own is not None and form in forms else None for form in FORMS
    }
    return {form: {} if own is None or other is None else _errors(other, own) for form, other in moved.items()}


def _numbers_of(fit: Fit, fitted: Fitted, by: tuple[str, ...]) -> Estimates | None:
    """What is reported of a fit by these variables; None where that cannot be had."""
    try:
        return adjusted(fit, by or None, over=fitted.population, collapses=fitted.collapses)
    except WwmError:
        return None


def _errors(moved: Estimates, own: Estimates) -> dict[Place, tuple[float, float]]:
    law = law_of([(moved, np.eye(len(moved.table))), (own, -np.eye(len(own.table)))])
    return dict(zip(keys_of(own.table, own.by), zip(law.std_error, law.freedom.df, strict=True), strict=True))


def _moves(errors: Mapping[str, Mapping[Place, tuple[float, float]]], places: Sequence[Place]) -> dict[str, np.ndarray]:
    unknown = (np.nan, np.nan)
    found = {form: np.array([known.get(at, unknown) for at in places]) for form, known in errors.items()}
    df = np.fmin.reduce([one[:, 1] for one in found.values()])
    return {**{f"{form}_se": one[:, 0] for form, one in found.items()}, "df": df}


def fragility_table(
    article: Article,
    specs: Sequence[ModelSpec],
    results: Sequence[ModelResult],
    why: Sequence[Explained],
    level: float,
) -> pd.DataFrame:
    """The flip map of the article's claims on the primary models, under each claim's own estimand.

    Parameters
    ----------
    article : Article
    specs, results, why : sequences of equal length
    level : float
        Of the intervals, above 0 and below 1.
    """
    primary = [(s, r, w) for s, r, w in zip(specs, results, why, strict=True) if s.primary]
    parts: list[pd.DataFrame] = []
    for estimand in dict.fromkeys(claim.estimand or article.estimand for claim in article.claims):
        claims = [claim for claim in article.claims if (claim.estimand or article.estimand) == estimand]
        made = [
            fitted.varied
            for _, _, one in primary
            for fitted in one.fits
            if fitted.request.label.startswith("total ") == (estimand == "total")
        ]
        labelled = [pair for _, result, _ in primary for pair in result.estimates]
        every = [found for label, found in labelled if label == "total" or estimand != "total"]
        grounds = ground(made, pool_of(found for found in every if found.draws is None))
        drawn = [found for found in every if found.draws is not None]
        if drawn:
            log_priors = {origin: values for _, result, _ in primary for origin, values in result.log_priors.items()}
            grounds = replace(grounds, posterior=pool_of(drawn), log_priors=log_priors)
        parts.append(flip_map(claims, grounds, level))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=pd.Index(FRAGILITY_COLUMNS))


def _places(made: Reported, by: tuple[str, ...]) -> list[tuple[str, Place]]:
    """Group text and place of every number by these variables."""
    groups = made.over[by].groups.astype(str).to_dict("records") if by else [{}]
    return [
        (
            ";".join(f"{name}={group[name]}" for name in by),
            (made.fit.cells.outcome, category, frozenset((str(k), str(v)) for k, v in group.items())),
        )
        for group in groups
        for category in made.names
    ]


def _exposure_only(one: Explained, label: str, by: tuple[str, ...], declared: Points) -> Points:
    """The number with the exposure alone in the model: the declared one without the parts of its adjusters."""
    found = Points()
    for own, table in one.tables:
        names = tuple(str(name) for name in table.columns[: list(table.columns).index("outcome")])
        if own != label or names != by:
            continue
        adjusters = ~table["part"].isin(["rows left out", "model form", "difference"])
        shift: dict[Place, float] = {}
        for key, points in zip(keys_of(table, by), np.where(adjusters, table["percentage_points"], 0.0), strict=True):
            shift[key] = shift.get(key, 0.0) + float(points) / 100.0
        found |= {key: declared[key] - value for key, value in shift.items() if key in declared}
    return found


def _drawn(result: ModelResult) -> list[tuple[str, Place, float]]:
    return [
        (label, key, float(value))
        for label, found in result.estimates
        if found.draws is not None
        for key, value in zip(keys_of(found.table, found.by), found.table["estimate"], strict=True)
    ]


def _rows(
    label: str, by: tuple[str, ...], rows: list[tuple[str, Place]], declared: Points, variants: Mapping[str, Points | None]
) -> pd.DataFrame:  # fmt: skip
    places = [place for _, place in rows]
    own = np.array([declared[place] for place in places])
    columns = {name: np.array([(variants[name] or {}).get(place, np.nan) for place in places]) for name in VARIANTS}
    gaps = 100.0 * np.abs(np.column_stack([columns[name] - own for name in VARIANTS]))
    gaps = np.where(np.isfinite(gaps), gaps, -1.0)
    largest = gaps.max(axis=1)
    known = largest >= 0.0
    against = np.array(VARIANTS, dtype=object)[np.argmax(gaps >= largest[:, None] - TIED, axis=1)]
    return pd.DataFrame(
        {
            "estimand": label, "by": ";".join(by), "group": [text for text, _ in rows], "outcome": [place[0] for place in places],
            "category": [place[1] for place in places], "declared": own, **columns, "largest_gap_points": np.where(known, largest, np.nan),
            "against": np.where(known, against, ""),
        }
    )  # fmt: skip
