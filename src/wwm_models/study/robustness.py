"""How far the numbers of a run can be leaned on: robustness.csv, fragility.csv, families.csv, and numbers that no model adjusts.

robustness.csv has every reported number under other models and weights, fragility.csv how far claims are from flipping. families.csv has every
declared family of comparisons with simultaneous limits and adjusted p-values, which also stand in contrasts.csv. Printed numbers that no model
adjusts stand beside raw all the same, and are counted, so that none vanishes without a word (`not_adjusted`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from wwm_models.claims.article import Article
from wwm_models.claims.comparison import COMPARISON_COLUMNS, NOT_ADJUSTED, printed_beside_raw
from wwm_models.claims.fragility import FRAGILITY_COLUMNS, flip_map, ground
from wwm_models.claims.lookup import pool_of
from wwm_models.errors import WwmError, listed
from wwm_models.estimates.adjusted import adjusted
from wwm_models.estimates.causal_diagram import DESCRIPTIVE
from wwm_models.estimates.contrasts import SIMULTANEOUS, family_of_tests
from wwm_models.estimates.estimates import Estimates
from wwm_models.estimates.joint_distribution import joint_distribution
from wwm_models.estimates.number_key import NumberKey, group_text, keys_of, variables_of, written_group, written_keys
from wwm_models.estimates.sensitivity import Points, ReportedFit, Varied
from wwm_models.likelihood.fit import Fit
from wwm_models.likelihood.variants import FORMS
from wwm_models.parallel import begin
from wwm_models.study.fits import Decompositions, Fitted, ModelResult
from wwm_models.study.judging_models import Judges, judges_of
from wwm_models.study.model_files import ModelSpec
from wwm_models.survey.survey import Survey

VARIANTS = ("nonproportional", "multinomial", "unweighted", "exposure_only", "other_exposures", "bayes")
TIED = 1e-7  # points: gaps that differ by less are equal but for rounding, and the variant that comes first is named
ROBUSTNESS_COLUMNS = (
    "estimand", "by", "group", "outcome", "category", "declared", *VARIANTS, "largest_gap_points", "against",
    *(f"{form}_se" for form in FORMS), "df",
)  # fmt: skip


def robustness_table(one: Decompositions, result: ModelResult) -> pd.DataFrame:
    """Every adjusted number of a model beside its variants; a variant that does not apply, or has no maximum, is missing.

    Parameters
    ----------
    one : Decompositions
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
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=pd.Index(ROBUSTNESS_COLUMNS))


def errors_of_moves(fitted: Fitted, by: tuple[str, ...]) -> dict[str, dict[NumberKey, tuple[float, float]]]:
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


def _errors(moved: Estimates, own: Estimates) -> dict[NumberKey, tuple[float, float]]:
    law = joint_distribution([(moved, np.eye(len(moved.table))), (own, -np.eye(len(own.table)))])
    return dict(zip(keys_of(own.table, own.by), zip(law.std_error, law.freedom.df, strict=True), strict=True))


def _moves(
    errors: Mapping[str, Mapping[NumberKey, tuple[float, float]]], places: Sequence[NumberKey]
) -> dict[str, np.ndarray]:
    unknown = (np.nan, np.nan)
    found = {form: np.array([known.get(at, unknown) for at in places]) for form, known in errors.items()}
    df = np.fmin.reduce([one[:, 1] for one in found.values()])
    return {**{f"{form}_se": one[:, 0] for form, one in found.items()}, "df": df}


def fragility_table(
    article: Article,
    specs: Sequence[ModelSpec],
    results: Sequence[ModelResult],
    why: Sequence[Decompositions],
    level: float,
) -> pd.DataFrame:
    """The tipping-point analysis of the article's claims on the models that judge them, under each claim's own estimand.

    Parameters
    ----------
    article : Article
    specs, results, why : sequences of equal length
    level : float
        Of the intervals, above 0 and below 1.
    """
    parts: list[pd.DataFrame] = []
    for asked, judges in judges_of(article, specs).items():
        claims = [claim for claim in article.claims if article.asked_of(claim) == asked]
        if asked == DESCRIPTIVE:
            continue
        together = list(zip(specs, results, why, strict=True))
        made = [
            one
            for spec, _, apart in together
            for fitted in apart.fits
            if (one := _judging(fitted, spec, judges)) is not None
        ]
        every = [
            found
            for spec, result, _ in together
            for label, found in result.estimates
            if judges.chosen(spec, label, found.by)
        ]
        grounds = ground(made, pool_of(found for found in every if found.draws is None))
        drawn = [found for found in every if found.draws is not None]
        if drawn:
            log_priors = {origin: values for result in results for origin, values in result.log_priors.items()}
            grounds = replace(grounds, posterior=pool_of(drawn), log_priors=log_priors)
        parts.append(flip_map(claims, grounds, level))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=pd.Index(FRAGILITY_COLUMNS))


def _judging(fitted: Fitted, spec: ModelSpec, judges: Judges) -> Varied | None:
    """What is reported of a fit, without the numbers that judge no claim; None where none does."""
    kept = {by for label, by in fitted.request.reported if judges.chosen(spec, label, by)}
    made = fitted.varied.made
    if not kept:
        return None
    return fitted.varied if kept == set(made.over) else Varied(replace(made, over={by: made.over[by] for by in kept}))


def _places(made: ReportedFit, by: tuple[str, ...]) -> list[tuple[str, NumberKey]]:
    """Group text and place of every number by these variables."""
    groups = made.over[by].groups.astype(str).to_dict("records") if by else [{}]
    return [
        (
            written_group((name, group[name]) for name in by),
            NumberKey.of(made.fit.cells.outcome, category, ((str(k), str(v)) for k, v in group.items())),
        )
        for group in groups
        for category in made.names
    ]


def _exposure_only(one: Decompositions, label: str, by: tuple[str, ...], declared: Points) -> Points:
    """The number with the exposure alone in the model: the declared one without the parts of its adjusters."""
    found = Points()
    for own, table in one.tables:
        names = variables_of(table)
        if own != label or names != by:
            continue
        adjusters = ~table["part"].isin(["rows left out", "model form", "difference"])
        shift: dict[NumberKey, float] = {}
        for key, points in zip(keys_of(table, by), np.where(adjusters, table["percentage_points"], 0.0), strict=True):
            shift[key] = shift.get(key, 0.0) + float(points) / 100.0
        found |= {key: declared[key] - value for key, value in shift.items() if key in declared}
    return found


def _drawn(result: ModelResult) -> list[tuple[str, NumberKey, float]]:
    return [
        (label, key, float(value))
        for label, found in result.estimates
        if found.draws is not None
        for key, value in zip(keys_of(found.table, found.by), found.table["estimate"], strict=True)
    ]


def _rows(
    label: str, by: tuple[str, ...], rows: list[tuple[str, NumberKey]], declared: Points, variants: Mapping[str, Points | None]
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


SIMULTANEOUS_COLUMNS = (
    "family", "estimand", "by", "group", "outcome", "category", "contrast", "estimate", "std_error", "level", *SIMULTANEOUS,
)  # fmt: skip
Member = tuple[str, str, Estimates]  # model, estimand, differences
Members = dict[tuple[str, str, str], list[Member]]


def begin_families(
    specs: Sequence[ModelSpec], results: Sequence[ModelResult], level: float
) -> Callable[[], pd.DataFrame]:
    """Start on `families_table` in a process of its own, and give the function that waits for it.

    Parameters
    ----------
    specs, results : sequences of equal length
    level : float
        Of the intervals, above 0 and below 1.
    """
    members: Members = {}
    for spec, result in zip(specs, results, strict=True):
        for label, found in result.contrasts:
            if spec.family_of_tests and found.draws is None:
                key = (spec.family_of_tests, label, compared_variable(found))
                members.setdefault(key, []).append((result.name, label, found))
    return begin(families_table, members, level) if members else lambda: families_table({}, level)


def no_families() -> pd.DataFrame:
    """families.csv of a study that declares none."""
    return families_table({}, 0.95)


def families_table(members: Members, level: float) -> pd.DataFrame:
    """One row per comparison of a declared family; a family holds one variable's comparisons under one estimand.

    Parameters
    ----------
    members : mapping of (family, estimand, variable) to its members
    level : float
        Of the intervals, above 0 and below 1.
    """
    parts = [part for (family, _, _), group in members.items() for part in _family(family, group, level)]
    columns = pd.Index(["model", *SIMULTANEOUS_COLUMNS])
    return pd.concat(parts, ignore_index=True)[list(columns)] if parts else pd.DataFrame(columns=columns)


def adjusted_in_families(contrasts: pd.DataFrame, families: pd.DataFrame) -> pd.DataFrame:
    """The rows of contrasts.csv with the adjusted p-values of their family, by the largest |t|, where a family is declared.

    Parameters
    ----------
    contrasts : DataFrame
        As contrasts.csv, its ``p_adjusted`` by Holm within each table.
    families : DataFrame
        Of `families_table`.
    """
    if not len(families):
        return contrasts
    keys = ["model", "label", "by", "group", "category", "contrast"]
    own = families.assign(label=families["estimand"])
    known = dict(zip(own[keys].itertuples(index=False, name=None), own["p_max_t"], strict=True))
    rows = contrasts.assign(label=[str(estimand).partition(": ")[0] for estimand in contrasts["estimand"]])
    places = rows[keys].itertuples(index=False, name=None)
    drawn = rows["p_value"].isna()
    adjusted = [
        plain if blank else known.get(place, plain)
        for place, plain, blank in zip(places, rows["p_adjusted"], drawn, strict=True)
    ]
    return contrasts.assign(p_adjusted=adjusted)


def compared_variable(found: Estimates) -> str:
    """The variable whose levels the rows compare."""
    row = found.table.iloc[0]
    return next((name for name in found.by if row[name] == row["contrast"]), "")


def _family(name: str, group: Sequence[Member], level: float) -> list[pd.DataFrame]:
    tables = family_of_tests([found for _, _, found in group], level=level)
    return [
        table.assign(
            model=model, family=name, estimand=label, by=";".join(found.by), group=group_text(table, found.by), level=level
        )
        for (model, label, found), table in zip(group, tables, strict=True)
    ]  # fmt: skip


RawTables = Mapping[str, Mapping[tuple[str, ...], Estimates]]


def printed_groupings(article: Article, survey: Survey) -> dict[str, list[tuple[str, ...]]]:
    """By which variables an article prints each outcome, as far as the respondents have outcome and variables as answers."""
    known = {name for name, variable in survey.variables.items() if variable.levels and name in survey.frame.columns}
    found: dict[str, list[tuple[str, ...]]] = {}
    for at in article.slots():
        own = found.setdefault(at.outcome, []) if {at.outcome, *at.by} <= known else []
        if at.by not in own:
            own.append(at.by)
    return found


def not_adjusted(article: Article, compared: pd.DataFrame, raws: RawTables, hidden: int) -> pd.DataFrame:
    """Rows of the comparison for printed numbers that it lacks: beside raw where there is a raw number.

    Parameters
    ----------
    article : Article
    compared : DataFrame
        The comparison of the models.
    raws : mapping of outcome to mapping of by-variables to Estimates
    hidden : int
        Raw numbers on fewer respondents are not shown.
    """
    there = places_of(compared)
    rows: list[pd.DataFrame] = []
    for every in raws.values():
        for found in every.values():
            table = printed_beside_raw(article, found, suppress_below=hidden)
            rows.append(table[[place not in there for place in written_keys(table)]])
            there |= places_of(table)
    absent = [
        {
            "estimand": NOT_ADJUSTED, "outcome": at.outcome, "category": at.category, "by": ";".join(at.by),
            "group": written_group(at.group), "published": number.value / 100.0,
            "published_lower": number.limits[0], "published_upper": number.limits[1],
        }
        for at, number in article.slots().items()
        if number.value is not None and number.limits is not None and at.key not in there
    ]  # fmt: skip
    kept = [table for table in (*rows, pd.DataFrame(absent).reindex(columns=list(COMPARISON_COLUMNS))) if len(table)]
    return pd.concat(kept, ignore_index=True) if kept else pd.DataFrame(columns=pd.Index(COMPARISON_COLUMNS))


def places_of(table: pd.DataFrame) -> set[NumberKey]:
    """What the rows of a comparison are of."""
    return set(written_keys(table))


def printed_note(article: Article, comparison: pd.DataFrame, outcomes: Sequence[str]) -> str:
    """How many printed numbers there are, how many a model adjusts, and why not the others; empty for an article without numbers.

    Parameters
    ----------
    article : Article
    comparison : DataFrame
        With ``model``, empty where none is concerned.
    outcomes : sequence of str
        Of the models.
    """
    slots = article.slots()
    if not slots:
        return ""
    there = places_of(comparison[comparison["model"].astype(str) != ""])
    reasons: dict[str, list[str]] = {}
    for at, number in slots.items():
        if at.key in there:
            continue
        why = f"no model of {at.outcome} that could be fitted reports it by {listed(at.by) or 'everyone'}"
        reasons.setdefault(why if at.outcome in outcomes else f"no model of {at.outcome}", []).append(number.id)
    left = sum(len(names) for names in reasons.values())
    told = "".join(f"; {why}: {listed(names, 10)}" for why, names in reasons.items())
    return f"printed numbers: {len(slots)}, of which {len(slots) - left} are beside adjusted ones{told}"
