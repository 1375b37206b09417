"""The contract's tables, stacked from what the models gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TypeVar

import numpy as np
import pandas as pd

from wwm_models.adjust.raw import with_suppressed
from wwm_models.article import Article, Sources, claims_table, comparison_table
from wwm_models.article.comparison import COLUMNS as COMPARISON_COLUMNS
from wwm_models.article.comparison import group_text
from wwm_models.article.fragility import COLUMNS as FRAGILITY_COLUMNS
from wwm_models.article.pool import pool_of
from wwm_models.article.reasons import WORDS, parts_of
from wwm_models.declared.models import ModelSpec
from wwm_models.disclosure import PRECISION_COLUMNS, precision
from wwm_models.records import ESTIMATE_COLUMNS, Estimates, Survey
from wwm_models.stages import Stages
from wwm_models.study.agreement import COLUMNS as AGREEMENT_COLUMNS
from wwm_models.study.agreement import agreement_table
from wwm_models.study.diagnostics import COLUMNS as DIAGNOSTIC_COLUMNS
from wwm_models.study.estimands import estimands_table
from wwm_models.study.explained import FLAT as DECOMPOSITION_COLUMNS
from wwm_models.study.explained import Explained
from wwm_models.study.models import COEFFICIENT_COLUMNS, ModelResult
from wwm_models.study.printed import not_adjusted
from wwm_models.study.robust import COLUMNS as ROBUSTNESS_COLUMNS
from wwm_models.study.robust import fragility_table, robustness_table
from wwm_models.study.simultaneous import adjusted_in_families

T = TypeVar("T")
RawTables = Mapping[str, Mapping[tuple[str, ...], Estimates]]
_NUMBERS = ("by", "group", *ESTIMATE_COLUMNS)
FLAT = (*_NUMBERS, "reason")
FLAT_CONTRASTS = (*_NUMBERS, "contrast", "p_value", "p_adjusted", "reason")


def flat(estimates: Estimates, columns: Sequence[str] = FLAT) -> pd.DataFrame:
    """The by-variables folded into the text columns ``by`` and ``group``; ``reason`` says why a number has no interval, or nothing."""
    table = estimates.table
    reasons = [reason and WORDS["en"][str(reason)] for reason in estimates.reasons]
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
    why: Sequence[Explained],
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
    lang : {"nl", "en"}
    level : float
        Of the intervals, above 0 and below 1.
    stages : Stages
        Every table of what the numbers depend on is one, per model; so is every claim.
    """
    hidden = survey.suppress_below
    compared = [(r.name, flat(found, FLAT_CONTRASTS)) for r in results for _, found in r.contrasts]
    return {
        "accounting": _accounting(survey, results),
        "raw": _stack([_raw_rows(found, hidden) for by in raws.values() for found in by.values()], FLAT),
        "adjusted": adjusted_of(results),
        "contrasts": adjusted_in_families(_by_model(compared, FLAT_CONTRASTS), families),
        "comparison": _comparison(article, specs, results, raws, hidden),
        "claims": claims_table(
            article, claim_sources(article, specs, results, why, raws, lang, level, hidden), lang, stages
        ),
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
    article: Article, specs: Sequence[ModelSpec], results: Sequence[ModelResult], why: Sequence[Explained], level: float,
    stages: Stages,
) -> dict[str, pd.DataFrame]:  # fmt: skip
    """What the numbers and claims depend on."""
    robust: list[tuple[str, pd.DataFrame]] = []
    agreed: list[tuple[str, pd.DataFrame]] = []
    for spec, result, one in zip(specs, results, why, strict=True):
        table = stages.attempt(f"{result.name}, robustness", partial(robustness_table, one, result), otherwise=None)
        robust += [(result.name, table)] if table is not None else []
        table = stages.attempt(f"{result.name}, agreement", partial(agreement_table, spec, one, result), otherwise=None)
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


def claim_sources(
    article: Article, specs: Sequence[ModelSpec], results: Sequence[ModelResult], why: Sequence[Explained], raws: RawTables,
    lang: str, level: float, hidden: int,
) -> dict[str, Sources]:  # fmt: skip
    """What the claims of every estimand are held against: the outcomes' primary models.

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
    primary = [(result, one) for spec, result, one in zip(specs, results, why, strict=True) if spec.primary]
    sources: dict[str, Sources] = {}
    for estimand in {claim.estimand or article.estimand for claim in article.claims}:
        labelled = [(label, found) for result, _ in primary for label, found in result.estimates]
        estimates = _under(estimand, labelled)
        by_engine = {
            engine: [one for one in estimates if (one.draws is not None) == (engine == "bayes")]
            for engine in ("likelihood", "bayes")
        }
        pools = {engine: pool_of(found) if found else None for engine, found in by_engine.items()}
        parts = parts_of(_under(estimand, [pair for _, one in primary for pair in one.tables]))
        sources[estimand] = Sources(raw, pools["likelihood"], pools["bayes"], parts, level, lang)
    return sources


def _under(estimand: str, labelled: Sequence[tuple[str, T]]) -> list[T]:
    """What answers claims of this estimand; where none is declared, adjusted numbers come last and so replace totals."""
    if estimand == "total":
        return [found for label, found in labelled if label in ("total", "overall")]
    adjusted = [found for label, found in labelled if label != "total"]
    return adjusted if estimand else [*(found for label, found in labelled if label == "total"), *adjusted]


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
