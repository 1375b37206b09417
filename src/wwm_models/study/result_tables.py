"""The contract's tables, stacked from what the models gave; among them agreement.csv and estimands.csv.

agreement.csv says how far likelihood and posterior are apart on every reported number, and what makes them so. The posterior's pull on a number
is the number at the mode of the posterior minus that at the maximum of the likelihood. Beyond the limit, one thing is swapped at a time: the
prior for none (which takes the whole pull away), the family for the multinomial, the survey's weights for none. The cause is the swap that takes
away most of the gap, when that is half of it or more; else the gap is due to the skewness of the posterior, whose mean is not its mode, or to the
draws.

estimands.csv says what every adjusted number is of, for machines and in a sentence of every language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from wwm_models.claims.article import Article, Reference
from wwm_models.claims.changes import changes_table
from wwm_models.claims.comparison import COMPARISON_COLUMNS, claims_table, comparison_table
from wwm_models.claims.fragility import FRAGILITY_COLUMNS
from wwm_models.claims.lookup import descriptive, pool_of, with_everyone
from wwm_models.claims.reasons import CANNOT, parts_of
from wwm_models.claims.verdicts import Sources
from wwm_models.disclosure.presentation_rules import PRECISION_COLUMNS, precision
from wwm_models.errors import WwmError
from wwm_models.estimates.causal_diagram import DESCRIPTIVE
from wwm_models.estimates.estimates import Collapses, Estimates
from wwm_models.estimates.number_key import group_text, keys_of, variables_of
from wwm_models.estimates.raw import with_suppressed
from wwm_models.estimates.sensitivity import Points, ReportedFit, declared_points, points_at, reported
from wwm_models.likelihood.fit import Fit, fit
from wwm_models.likelihood.variants import multinomial_of
from wwm_models.messages import say
from wwm_models.models.model import Model
from wwm_models.stages import Stages
from wwm_models.study.diagnostics import DIAGNOSTIC_COLUMNS
from wwm_models.study.fits import COEFFICIENT_COLUMNS, DECOMPOSITION_COLUMNS, Decompositions, Fitted, ModelResult
from wwm_models.study.judging_models import judges_of
from wwm_models.study.model_files import ModelSpec
from wwm_models.study.robustness import (
    ROBUSTNESS_COLUMNS,
    adjusted_in_families,
    fragility_table,
    not_adjusted,
    robustness_table,
)
from wwm_models.survey.frames import ESTIMATE_COLUMNS
from wwm_models.survey.survey import Survey

LIMIT_POINTS, LIMIT_SDS = (
    1.0,
    0.5,
)  # either makes a gap worth a cause: a digit that is printed, or half a standard deviation
AGREEMENT_COLUMNS = (
    "estimand", "by", "group", "outcome", "category", "likelihood", "bayes", "gap_points", "gap_sds", "limit_points", "limit_sds",
    "status", "cause", "prior_points", "family_points", "weights_points",
)  # fmt: skip
OTHERWISE = "skewness or draws"


def agreement_table(spec: ModelSpec, one: Decompositions, result: ModelResult) -> pd.DataFrame:
    """One row per number that has both engines; empty for a model without a posterior.

    Parameters
    ----------
    spec : ModelSpec
    one : Decompositions
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
        return pd.DataFrame(columns=pd.Index(AGREEMENT_COLUMNS))
    table = pd.concat(parts, ignore_index=True)
    fit_of = {(label, ";".join(by)): fitted for fitted in one.fits for label, by in fitted.request.reported}
    owners = [fit_of.get(place) for place in zip(table["estimand"], table["by"], strict=True)]
    made: list[pd.DataFrame] = []
    for fitted in dict.fromkeys(owners):
        rows = table[[owner is fitted for owner in owners]]
        differ = fitted is not None and (rows["status"] == "differ").any()
        made.append(with_causes(rows, pulls_of(spec, fitted)) if fitted is not None and differ else rows)
    return pd.concat([part.reindex(columns=list(AGREEMENT_COLUMNS)) for part in made], ignore_index=True)


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
    swaps: dict[str, tuple[ReportedFit | None, Mapping[str, Any]]] = {
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


def _again(made: ReportedFit, model: Model, survey: Survey, collapses: Collapses) -> ReportedFit | None:
    try:
        other: Fit = fit(model, survey, vcov="model")
    except WwmError:
        return None
    return reported(other, made.over, collapses, made.population) if other.status == "ok" else None


def _pull(made: ReportedFit, priors: Mapping[str, Any]) -> Points | None:
    """Numbers at the posterior's mode minus numbers at the likelihood's maximum."""
    from wwm_models.bayes.density import whitened
    from wwm_models.bayes.sample import posterior_problem

    try:
        problem = posterior_problem(made.fit.model, made.fit.survey, priors=priors)
        space = whitened(problem.density, problem.density.start(made.fit.theta))
    except WwmError:
        return None
    mode = points_at(made, problem.density.parameters(space.mode[None, :])[0][0])
    own = declared_points(made)
    return {place: mode[place] - value for place, value in own.items()}


ESTIMAND_COLUMNS = ("estimand", "by", "exposure", "adjusters", "population", "averaging", "text", "nl", "en")


def estimands_table(survey: Survey, results: Sequence[ModelResult]) -> pd.DataFrame:
    """One row per model, estimand and set of by-variables.

    Parameters
    ----------
    survey : Survey
        Gives the labels of the variables.
    results : sequence of ModelResult
    """
    labels = {lang: _labels(survey, lang) for lang in ("nl", "en")}
    rows: list[dict[str, str]] = []
    for result in results:
        for label, found in result.estimates:
            for own in found.estimands:
                row = {
                    "model": result.name, "estimand": label, "by": ";".join(found.by), "exposure": ";".join(own.exposure),
                    "adjusters": ";".join(own.adjusters), "population": own.population, "averaging": own.averaging, "text": own.text,
                    **{lang: own.sentence(lang, names) for lang, names in labels.items()},
                }  # fmt: skip
                if row not in rows:
                    rows.append(row)
    return pd.DataFrame(rows, columns=pd.Index(["model", *ESTIMAND_COLUMNS]))


def _labels(survey: Survey, lang: str) -> Mapping[str, str]:
    found = {name: variable.label(lang) for name, variable in survey.variables.items()}
    return {name: label for name, label in found.items() if label}


T = TypeVar("T")
RawTables = Mapping[str, Mapping[tuple[str, ...], Estimates]]
_NUMBERS = ("by", "group", *ESTIMATE_COLUMNS)
FLAT = (*_NUMBERS, "reason")
FLAT_CONTRASTS = (*_NUMBERS, "contrast", "p_value", "p_adjusted", "reason")


def flat(estimates: Estimates, columns: Sequence[str] = FLAT) -> pd.DataFrame:
    """The by-variables folded into the text columns ``by`` and ``group``; ``reason`` says why a number has no interval, or nothing."""
    table = estimates.table
    reasons = [reason and say(CANNOT[str(reason)]) for reason in estimates.reasons]
    return table.assign(by=";".join(estimates.by), group=group_text(table, estimates.by), reason=reasons)[list(columns)]


def _raw_rows(estimates: Estimates, hidden: int) -> pd.DataFrame:
    """Rows of raw.csv: of a group that is too small to be published nothing is said but its size."""
    table = flat(with_suppressed(estimates, hidden))
    few = table["n"].between(1, hidden - 1) | (table["estimate"].isna() & (table["n"] > 0))
    return table.assign(reason=table["reason"].mask(few, ""))


def study_tables(
    survey: Survey,
    article: Article,
    specs: Sequence[ModelSpec],
    results: Sequence[ModelResult],
    why: Sequence[Decompositions],
    raws: RawTables,
    families: pd.DataFrame,
    lang: str,
    level: float,
    stages: Stages,
) -> dict[str, pd.DataFrame]:
    """Every table of the contract, without the leading study columns; where a model is concerned ``model`` comes first.

    Parameters
    ----------
    survey : Survey
    article : Article
    specs, results, why : sequences of equal length
    raws : mapping of outcome to mapping of by-variables to Estimates
    families : DataFrame
        Of `families_table`.
    lang : str
    level : float
        Of the intervals, above 0 and below 1.
    stages : Stages
        Every table of what the numbers depend on is one, per model; so is every claim.
    """
    hidden = survey.suppress_below
    compared = [(r.name, flat(found, FLAT_CONTRASTS)) for r in results for _, found in r.contrasts]
    sources = {
        asked: replace(one, unanswered=unanswered_in(survey))
        for asked, one in claim_sources(article, specs, results, why, raws, lang, level, hidden).items()
    }
    models = {spec.outcome: spec.name for spec in specs if spec.primary}
    return {
        "accounting": _accounting(survey, results),
        "raw": _stack([_raw_rows(found, hidden) for by in raws.values() for found in by.values()], FLAT),
        "adjusted": adjusted_of(results),
        "contrasts": adjusted_in_families(_by_model(compared, FLAT_CONTRASTS), families),
        "comparison": _comparison(article, specs, results, raws, hidden),
        "claims": claims_table(article, sources, lang, stages),
        "changes": changes_table(article, sources, models, level),
        "decomposition": _by_model([(one.name, one.flat()) for one in why], DECOMPOSITION_COLUMNS),
        "estimands": estimands_table(survey, results),
        "families": families,
        **_sensitivity(article, specs, results, why, level, stages),
        "coefficients": _by_model([(r.name, r.coefficients) for r in results], COEFFICIENT_COLUMNS),
        "diagnostics": _by_model([(r.name, r.diagnostics) for r in results], DIAGNOSTIC_COLUMNS),
    }


def adjusted_of(results: Sequence[ModelResult]) -> pd.DataFrame:
    """Every adjusted number of every model, as adjusted.csv without the study's columns."""
    return _by_model([(r.name, flat(found)) for r in results for _, found in r.estimates], FLAT)


def precision_table(raws: RawTables) -> pd.DataFrame:
    """Which raw percentages are precise enough to present; no model is concerned."""
    columns = ("by", "group", *PRECISION_COLUMNS)
    tables = [
        precision(found).assign(by=";".join(by), group=group_text(found.table, by))
        for every in raws.values()
        for by, found in every.items()
    ]
    table = _stack(tables, columns)
    table.insert(0, "model", "")
    return table


def _sensitivity(
    article: Article, specs: Sequence[ModelSpec], results: Sequence[ModelResult], why: Sequence[Decompositions], level: float,
    stages: Stages,
) -> dict[str, pd.DataFrame]:  # fmt: skip
    """What the numbers and claims depend on."""
    robust: list[tuple[str, pd.DataFrame]] = []
    agreed: list[tuple[str, pd.DataFrame]] = []
    for spec, result, one in zip(specs, results, why, strict=True):
        table = stages.attempt(
            say("check_of", stage=result.name, check="robustness"),
            partial(robustness_table, one, result),
            otherwise=None,
        )
        robust += [(result.name, table)] if table is not None else []
        table = stages.attempt(
            say("check_of", stage=result.name, check="agreement"),
            partial(agreement_table, spec, one, result),
            otherwise=None,
        )
        agreed += [(result.name, table)] if table is not None else []
    flips = partial(fragility_table, article, specs, results, why, level)
    return {
        "robustness": _by_model(robust, ROBUSTNESS_COLUMNS),
        "agreement": _by_model(agreed, AGREEMENT_COLUMNS),
        "fragility": stages.attempt("fragility", flips, otherwise=pd.DataFrame(columns=pd.Index(FRAGILITY_COLUMNS))),
    }


def with_study(table: pd.DataFrame, study: str, data: str) -> pd.DataFrame:
    """Put the study's name and the kind of data (SYNTHETIC or real) in front."""
    table = table.copy()
    table.insert(0, "study", study)
    table.insert(1, "data", data)
    return table


def _accounting(survey: Survey, results: Sequence[ModelResult]) -> pd.DataFrame:
    rows = [
        ("", str(reason), int(count))
        for reason, count in zip(survey.accounting["reason"], survey.accounting["rows"], strict=True)
    ]
    for result in results:
        rows += [(result.name, reason, count) for reason, count in result.excluded.items()]
        if len(result.diagnostics):
            used = result.diagnostics.loc[result.diagnostics["check"] == "n", "value"]
            rows += [(result.name, "rows used", int(used.iloc[0]))] if len(used) else []
    return pd.DataFrame(rows, columns=pd.Index(["model", "reason", "rows"]))


def engines_of(result: ModelResult) -> dict[tuple[str, tuple[str, ...]], dict[str, Estimates]]:
    """A model's estimates by estimand and by-variables, those of the likelihood beside those of the posterior."""
    found: dict[tuple[str, tuple[str, ...]], dict[str, Estimates]] = {}
    for label, estimates in result.estimates:
        engine = "likelihood" if estimates.draws is None else "bayes"
        found.setdefault((label, estimates.by), {})[engine] = estimates
    return found


def _comparison(
    article: Article, specs: Sequence[ModelSpec], results: Sequence[ModelResult], raws: RawTables, hidden: int
) -> pd.DataFrame:
    parts = [
        (
            result.name,
            comparison_table(
                article, label, raws[spec.outcome][by], pair.get("likelihood"), pair.get("bayes"), suppress_below=hidden
            ),
        )
        for spec, result in zip(specs, results, strict=True)
        for (label, by), pair in engines_of(result).items()
    ]
    compared = _by_model(parts, COMPARISON_COLUMNS)
    return _by_model([*parts, ("", not_adjusted(article, compared, raws, hidden))], COMPARISON_COLUMNS)


def unanswered_in(survey: Survey) -> Callable[[Reference], float]:
    """Give the function that counts the respondents of a group, in the domain, who gave no answer to a question."""

    def unanswered(of: Reference) -> float:
        rows = survey.domain & survey.frame[of.outcome].isna().to_numpy()
        for name, levels in of.levels.items():
            rows &= survey.frame[name].astype(object).isin(levels).to_numpy()
        return survey.respondents(rows)

    return unanswered


def claim_sources(
    article: Article, specs: Sequence[ModelSpec], results: Sequence[ModelResult], why: Sequence[Decompositions], raws: RawTables,
    lang: str, level: float, hidden: int,
) -> dict[str, Sources]:  # fmt: skip
    """What the claims of every estimand are held against: the numbers of the models that judge them.

    Parameters
    ----------
    article : Article
    specs, results, why : sequences of equal length
    raws : mapping of outcome to mapping of by-variables to Estimates
    lang, level
    hidden : int
        Raw numbers on fewer respondents are not shown.
    """
    raw = pool_of(with_suppressed(found, hidden) for by in raws.values() for found in by.values())
    sources: dict[str, Sources] = {}
    for asked, judges in judges_of(article, specs).items():
        if asked == DESCRIPTIVE:
            sources[asked] = Sources(raw, descriptive(raw), level=level, lang=lang)
            continue
        estimates = [
            found
            for spec, result in zip(specs, results, strict=True)
            for label, found in result.estimates
            if judges.chosen(spec, label, found.by)
        ]
        tables = [
            table
            for spec, one in zip(specs, why, strict=True)
            for label, table in one.tables
            if judges.chosen(spec, label, variables_of(table))
        ]
        likelihood = [found for found in estimates if found.draws is None]
        bayes = [found for found in estimates if found.draws is not None]
        sources[asked] = Sources(
            raw, with_everyone(pool_of(likelihood, raw), raw) if likelihood else None, pool_of(bayes, raw) if bayes else None, parts_of(tables), level, lang,
            judges.uncrossed,
        )  # fmt: skip
    return sources


def _by_model(parts: Sequence[tuple[str, pd.DataFrame]], columns: Sequence[str]) -> pd.DataFrame:
    table = _stack([table for _, table in parts], columns)
    names = [name for name, one in parts for _ in range(len(one))]
    table.insert(0, "model", np.array(names, dtype=object))
    return table


def _stack(parts: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """Concatenate by column, so that an all-missing column of one part does not change the type of the others."""
    kept = [part for part in parts if len(part)]
    if not kept:
        return pd.DataFrame(columns=pd.Index(columns))
    types = {name: _type(kept, name) for name in columns}
    return pd.DataFrame(
        {name: np.concatenate([part[name].to_numpy(dtype=types[name]) for part in kept]) for name in columns}
    )


def _type(parts: Sequence[pd.DataFrame], name: str) -> type:
    return float if all(pd.api.types.is_numeric_dtype(part[name].dtype) for part in parts) else object
