"""Published, raw and adjusted in one row, with adjusted minus raw and its standard error."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.article.reader import Article
from wwm_models.engines.covariance import covariance, joined
from wwm_models.records import Estimates

Array = NDArray[np.float64]
COLUMNS = (
    "estimand", "outcome", "category", "by", "group", "published", "published_lower", "published_upper", "raw", "raw_lower", "raw_upper",
    "adjusted_likelihood", "adjusted_likelihood_lower", "adjusted_likelihood_upper",
    "adjusted_bayes", "adjusted_bayes_lower", "adjusted_bayes_upper", "difference", "difference_se", "count", "n",
)  # fmt: skip


def comparison_table(
    article: Article, estimand: str, raw: Estimates, adjusted: Estimates, *, suppress_below: int = 0
) -> pd.DataFrame:
    """One row per group and answer.

    Parameters
    ----------
    article : Article
    estimand : str
        Short name of the adjusted number's estimand.
    raw, adjusted : Estimates
        Of the same outcome and by the same variables.
    suppress_below : int
        Raw numbers on fewer respondents are left out, and with them the difference.

    Returns
    -------
    DataFrame
        With `COLUMNS`; probabilities in 0..1.
    """
    right = adjusted.table.assign(_row=np.arange(len(adjusted.table)))
    left = raw.table.assign(_row=np.arange(len(raw.table)))
    keys = [*adjusted.by, "category"]
    for table in (left, right):
        for key in keys:
            table[key] = table[key].astype(str)
    merged = right.merge(left, on=keys, how="left", suffixes=("", "_raw"))
    rows, raw_rows = merged["_row"].to_numpy(dtype=np.intp), merged["_row_raw"].to_numpy(dtype=float)
    shown = np.isfinite(merged["estimate_raw"].to_numpy(dtype=float))
    shown &= merged["n_raw"].to_numpy(dtype=float) >= max(suppress_below, 1)
    difference, difference_se = _difference(raw, adjusted, rows, np.where(shown, raw_rows, 0).astype(np.intp))
    table = pd.DataFrame(
        {
            "estimand": estimand,
            "outcome": merged["outcome"],
            "category": merged["category"],
            "by": ";".join(adjusted.by),
            "group": group_text(merged, adjusted.by),
            "adjusted_likelihood": merged["estimate"],
            "adjusted_likelihood_lower": merged["lower"],
            "adjusted_likelihood_upper": merged["upper"],
            "difference": np.where(shown, difference, np.nan),
            "difference_se": np.where(shown, difference_se, np.nan),
            "n": merged["n_raw"],
        }
    )
    for column, source in {
        "raw": "estimate_raw",
        "raw_lower": "lower_raw",
        "raw_upper": "upper_raw",
        "count": "count_raw",
    }.items():
        table[column] = np.where(shown, merged[source].to_numpy(dtype=float), np.nan)
    return _with_published(table, article, merged, adjusted.by).reindex(columns=list(COLUMNS))


def group_text(table: pd.DataFrame, by: tuple[str, ...]) -> list[str]:
    """``age_group=18-34;household=single`` for every row; empty without by-variables."""
    return [
        ";".join(f"{name}={row[name]}" for name in by) for row in table[list(by)].astype(str).to_dict(orient="records")
    ]


def _difference(
    raw: Estimates, adjusted: Estimates, rows: NDArray[np.intp], raw_rows: NDArray[np.intp]
) -> tuple[Array, Array]:
    """Adjusted minus raw, and its standard error from the respondents' joint influence."""
    value = (
        adjusted.table["estimate"].to_numpy(dtype=float)[rows] - raw.table["estimate"].to_numpy(dtype=float)[raw_rows]
    )
    if raw.contributions is None or adjusted.contributions is None:
        return value, np.full(len(rows), np.nan)
    one = replace(adjusted.contributions, values=adjusted.contributions.values[:, rows])
    two = replace(raw.contributions, values=raw.contributions.values[:, raw_rows])
    together = joined(one, two)
    size = len(rows)
    gap = replace(together, values=together.values[:, :size] - together.values[:, size:])
    return value, np.sqrt(np.maximum(np.diag(covariance(gap)), 0.0))


def _with_published(table: pd.DataFrame, article: Article, merged: pd.DataFrame, by: tuple[str, ...]) -> pd.DataFrame:
    printed = {
        (n.at.outcome, n.at.category, frozenset(n.at.group)): n for n in article.published if n.value is not None
    }
    groups = merged[list(by)].astype(str).to_dict(orient="records")
    values = np.full((len(table), 3), np.nan)
    for row, (outcome, category, group) in enumerate(zip(merged["outcome"], merged["category"], groups, strict=True)):
        number = printed.get((str(outcome), str(category), frozenset((str(k), str(v)) for k, v in group.items())))
        if number is not None and number.value is not None and number.limits is not None:
            values[row] = number.value / 100.0, *number.limits
    return table.assign(published=values[:, 0], published_lower=values[:, 1], published_upper=values[:, 2])
