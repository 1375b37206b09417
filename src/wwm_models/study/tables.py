"""The contract's tables, stacked from what the models gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from wwm_models.adjust.raw import with_suppressed
from wwm_models.article import Article, claims_table, comparison_table
from wwm_models.article.comparison import COLUMNS as COMPARISON_COLUMNS
from wwm_models.article.comparison import group_text
from wwm_models.article.pool import Pool, pool_of
from wwm_models.declared.models import ModelSpec
from wwm_models.disclosure import PRECISION_COLUMNS, precision
from wwm_models.records import ESTIMATE_COLUMNS, Estimates, Survey
from wwm_models.study.diagnostics import COLUMNS as DIAGNOSTIC_COLUMNS
from wwm_models.study.models import COEFFICIENT_COLUMNS, ModelResult

RawTables = Mapping[str, Mapping[tuple[str, ...], Estimates]]
FLAT = ("by", "group", *ESTIMATE_COLUMNS)
FLAT_CONTRASTS = (*FLAT, "contrast", "p_value", "p_adjusted")


def flat(estimates: Estimates, columns: Sequence[str] = FLAT) -> pd.DataFrame:
    """The by-variables folded into the text columns ``by`` and ``group``."""
    table = estimates.table
    return table.assign(by=";".join(estimates.by), group=group_text(table, estimates.by))[list(columns)]


def study_tables(
    survey: Survey,
    article: Article,
    specs: Sequence[ModelSpec],
    results: Sequence[ModelResult],
    raws: RawTables,
    lang: str,
    level: float,
) -> dict[str, pd.DataFrame]:
    """Every table of the contract, without the leading study columns; where a model is concerned ``model`` comes first.

    Parameters
    ----------
    survey : Survey
    article : Article
    specs, results : sequences of equal length
    raws : mapping of outcome to mapping of by-variables to Estimates
    lang : {"nl", "en"}
    level : float
    """
    hidden = survey.suppress_below
    return {
        "accounting": _accounting(survey, results),
        "raw": _stack([flat(with_suppressed(found, hidden)) for by in raws.values() for found in by.values()], FLAT),
        "adjusted": _by_model([(r.name, flat(found)) for r in results for _, found in r.estimates], FLAT),
        "contrasts": _by_model(
            [(r.name, flat(found, FLAT_CONTRASTS)) for r in results for _, found in r.contrasts], FLAT_CONTRASTS
        ),
        "comparison": _comparison(article, specs, results, raws, hidden),
        "claims": _claims(article, specs, results, raws, lang, level, hidden),
        "coefficients": _by_model([(r.name, r.coefficients) for r in results], COEFFICIENT_COLUMNS),
        "diagnostics": _by_model([(r.name, r.diagnostics) for r in results], DIAGNOSTIC_COLUMNS),
    }


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


def _comparison(
    article: Article, specs: Sequence[ModelSpec], results: Sequence[ModelResult], raws: RawTables, hidden: int
) -> pd.DataFrame:
    parts = [
        (result.name, comparison_table(article, label, raws[spec.outcome][found.by], found, suppress_below=hidden))
        for spec, result in zip(specs, results, strict=True)
        for label, found in result.estimates
    ]
    return _by_model(parts, COMPARISON_COLUMNS)


def _claims(
    article: Article,
    specs: Sequence[ModelSpec],
    results: Sequence[ModelResult],
    raws: RawTables,
    lang: str,
    level: float,
    hidden: int,
) -> pd.DataFrame:
    raw = pool_of(with_suppressed(found, hidden) for by in raws.values() for found in by.values())
    primary = [result for spec, result in zip(specs, results, strict=True) if spec.primary]
    adjusted: dict[str, Pool] = {
        "": pool_of(found for result in primary for label, found in result.estimates if label != "total"),
        "total": pool_of(
            found for result in primary for label, found in result.estimates if label in ("total", "overall")
        ),
    }
    names = {claim.estimand or article.estimand for claim in article.claims}
    return claims_table(
        article, raw, {name: adjusted["total" if name == "total" else ""] for name in names}, lang, level
    )


def _by_model(parts: Sequence[tuple[str, pd.DataFrame]], columns: Sequence[str]) -> pd.DataFrame:
    tables: list[pd.DataFrame] = []
    for name, table in parts:
        table = table[list(columns)].copy()
        table.insert(0, "model", name)
        tables.append(table)
    return _stack(tables, ["model", *columns])


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
