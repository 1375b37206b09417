"""Published, raw and adjusted in one row, with adjusted minus raw and its standard error."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.adjust.compared.law import law_of
from wwm_models.article.pool import key_of, keys_of
from wwm_models.article.reader import Article
from wwm_models.errors import ArticleError
from wwm_models.records import Estimates

Array = NDArray[np.float64]
NOT_ADJUSTED = "not adjusted"  # the estimand of a printed number that stands beside raw alone
COLUMNS = (
    "estimand", "outcome", "category", "by", "group", "published", "published_lower", "published_upper", "raw", "raw_lower", "raw_upper",
    "adjusted_likelihood", "adjusted_likelihood_lower", "adjusted_likelihood_upper",
    "adjusted_bayes", "adjusted_bayes_lower", "adjusted_bayes_upper", "difference", "difference_se", "count", "n",
)  # fmt: skip


def comparison_table(
    article: Article,
    estimand: str,
    raw: Estimates,
    likelihood: Estimates | None,
    bayes: Estimates | None = None,
    *,
    suppress_below: int = 0,
) -> pd.DataFrame:
    """One row per group and answer.

    Parameters
    ----------
    article : Article
    estimand : str
        Short name of the adjusted numbers' estimand.
    raw : Estimates
    likelihood, bayes : Estimates or None
        Adjusted, of the same outcome and by the same variables; one of the two at least.
    suppress_below : int
        Raw numbers on fewer respondents are left out, and with them the difference.

    Returns
    -------
    DataFrame
        With `COLUMNS`; probabilities in 0..1. The difference is that of the likelihood: a posterior has no joint law with raw.

    Raises
    ------
    ArticleError
        If there is neither a likelihood nor a posterior.
    """
    base = likelihood or bayes
    if base is None:
        raise ArticleError(
            "A comparison was asked for without adjusted numbers. Give those of a fit, of a posterior, or of both."
        )
    place = _rows_of(raw, base)
    own = {name: _taken(raw, name, place) for name in ("estimate", "lower", "upper", "count", "n")}
    shown = np.isfinite(own["estimate"]) & (own["n"] >= max(suppress_below, 1))
    columns: dict[str, object] = {
        "estimand": estimand,
        "outcome": base.table["outcome"],
        "category": base.table["category"].astype(str),
        "by": ";".join(base.by),
        "group": group_text(base.table, base.by),
        "n": own["n"],
    }
    for column, name in (("raw", "estimate"), ("raw_lower", "lower"), ("raw_upper", "upper"), ("count", "count")):
        columns[column] = np.where(shown, own[name], np.nan)
    for engine, found in (("likelihood", likelihood), ("bayes", bayes)):
        columns |= _of_engine(engine, found, base)
    if likelihood is not None:
        difference, difference_se = _difference(raw, likelihood, np.where(shown, place, 0), shown)
        columns |= {"difference": difference, "difference_se": difference_se}
    return _with_published(pd.DataFrame(columns), article, base).reindex(columns=list(COLUMNS))


def printed_beside_raw(article: Article, raw: Estimates, *, suppress_below: int = 0) -> pd.DataFrame:
    """One row per printed number that these raw percentages have, without adjusted numbers: raw needs no model.

    Parameters
    ----------
    article : Article
    raw : Estimates
    suppress_below : int
        Raw numbers on fewer respondents are left out.

    Returns
    -------
    DataFrame
        With `COLUMNS`; the estimand is `NOT_ADJUSTED`.
    """
    table = raw.table
    shown = np.isfinite(table["estimate"].to_numpy(dtype=float)) & (table["n"].to_numpy() >= max(suppress_below, 1))
    columns: dict[str, object] = {
        "estimand": NOT_ADJUSTED, "outcome": table["outcome"], "category": table["category"].astype(str), "by": ";".join(raw.by),
        "group": group_text(table, raw.by), "n": table["n"],
    }  # fmt: skip
    for column, name in (("raw", "estimate"), ("raw_lower", "lower"), ("raw_upper", "upper"), ("count", "count")):
        columns[column] = np.where(shown, table[name].to_numpy(dtype=float), np.nan)
    made = _with_published(pd.DataFrame(columns), article, raw).reindex(columns=list(COLUMNS))
    return made[made["published"].notna()].reset_index(drop=True)


def _rows_of(found: Estimates, base: Estimates) -> NDArray[np.intp]:
    """Where the group and answer of every row of `base` stand in other estimates; -1 for nowhere."""
    place = {key: row for row, key in enumerate(_keys(found.table, base.by))}
    return np.array([place.get(key, -1) for key in _keys(base.table, base.by)], dtype=np.intp)


def _taken(found: Estimates, name: str, rows: NDArray[np.intp]) -> Array:
    return np.where(rows >= 0, found.table[name].to_numpy(dtype=float)[rows], np.nan)


def _of_engine(engine: str, found: Estimates | None, base: Estimates) -> dict[str, Array]:
    """Estimate and limits of one engine in the rows of the comparison."""
    names = {"estimate": f"adjusted_{engine}", "lower": f"adjusted_{engine}_lower", "upper": f"adjusted_{engine}_upper"}
    if found is None:
        return {column: np.full(len(base.table), np.nan) for column in names.values()}
    rows = _rows_of(found, base)
    return {column: _taken(found, name, rows) for name, column in names.items()}


def _keys(table: pd.DataFrame, by: tuple[str, ...]) -> list[tuple[str, ...]]:
    return list(zip(*([str(value) for value in table[name].tolist()] for name in (*by, "category")), strict=True))


def group_text(table: pd.DataFrame, by: tuple[str, ...]) -> list[str]:
    """``age_group=18-34;household=single`` for every row; empty without by-variables."""
    columns = [[f"{name}={value}" for value in table[name].tolist()] for name in by]
    return [";".join(parts) for parts in zip(*columns, strict=True)] if by else [""] * len(table)


def _difference(
    raw: Estimates, adjusted: Estimates, raw_rows: NDArray[np.intp], shown: NDArray[np.bool_]
) -> tuple[Array, Array]:
    """Adjusted minus raw, and its standard error from the respondents' joint influence or the replicates."""
    rows = np.arange(len(adjusted.table))
    plus, minus = np.eye(len(rows)), np.zeros((len(rows), len(raw.table)))
    minus[rows, raw_rows] = -1.0
    value = adjusted.table["estimate"].to_numpy(dtype=float) - raw.table["estimate"].to_numpy(dtype=float)[raw_rows]
    law = law_of([(adjusted, plus), (raw, minus)])
    known = law.contributions is not None or law.replicated is not None
    std_error = law.std_error if known else np.full(len(rows), np.nan)
    return np.where(shown, value, np.nan), np.where(shown, std_error, np.nan)


def _with_published(table: pd.DataFrame, article: Article, base: Estimates) -> pd.DataFrame:
    printed = {key_of(at.outcome, at.category, at.group): number for at, number in article.slots().items()}
    values = np.full((len(table), 3), np.nan)
    for row, key in enumerate(keys_of(base.table, base.by)):
        number = printed.get(key)
        if number is not None and number.value is not None and number.limits is not None:
            values[row] = number.value / 100.0, *number.limits
    return table.assign(published=values[:, 0], published_lower=values[:, 1], published_upper=values[:, 2])
