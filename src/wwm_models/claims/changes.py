"""changes.csv: from one outcome to another, group by group, raw and adjusted, for every figure that draws two outcomes beside each other.

The change of a group is its percentage of the second outcome minus that of the first, each of those who answered it. Its error comes from the
respondents' joint contributions to both, so that raw it is the paired one where everybody answered both (McNemar's, times n / (n - 1)), and
adjusted that of two models of the same respondents. The posterior's is made draw by draw where both numbers are of one posterior.

References
----------
Mize, T. D., Doan, L. and Long, J. S. (2019). A general framework for comparing predictions and marginal effects across models. Sociological
Methodology 49, 152-189. doi:10.1177/0081175019852763
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pandas as pd

from wwm_models.claims.article import Article, Claim, Reference
from wwm_models.claims.claimed_quantities import Quantity, quantities
from wwm_models.claims.declared_figures import DeclaredFigure
from wwm_models.claims.lookup import EstimateIndex
from wwm_models.claims.verdicts import Sources
from wwm_models.estimates.number_key import written_group

ENGINES: Final = ("raw", "adjusted_likelihood", "adjusted_bayes")
CHANGE_COLUMNS: Final = (
    "figure", "estimand", "before", "before_category", "after", "after_category", "by", "group",
    *(f"{name}{end}" for name in ENGINES for end in ("", "_lower", "_upper")), "level", "n",
)  # fmt: skip


def changes_table(
    article: Article, sources: Mapping[str, Sources], models: Mapping[str, str], level: float
) -> pd.DataFrame:
    """One row per paired figure of two outcomes and group, everyone first.

    Parameters
    ----------
    article : Article
    sources : mapping of estimand to Sources
        The changes are of the article's own estimand, or of the default of their exposure.
    models : mapping of outcome to the name of its model
    level : float
        Of the intervals, above 0 and below 1.

    Returns
    -------
    DataFrame
        With ``model`` (both, with a semicolon between) and `CHANGE_COLUMNS`; differences of probabilities in -1..1.
    """
    rows: list[dict[str, object]] = []
    held = sources.get(article.estimand)
    for figure in article.figures:
        if figure.kind == "paired" and len(figure.outcomes) == 2 and held is not None:
            names = dict.fromkeys(models.get(outcome, "") for outcome in figure.outcomes)
            about = {"model": ";".join(names), "figure": figure.id, "level": level}
            rows += [about | row for row in _rows(figure, article, held, level)]
    return pd.DataFrame(rows, columns=pd.Index(["model", *CHANGE_COLUMNS]))


def _rows(figure: DeclaredFigure, article: Article, sources: Sources, level: float) -> list[dict[str, object]]:
    (before, after), (one, two) = figure.outcomes, figure.categories
    rows: list[dict[str, object]] = []
    for group in _groups(figure, sources.raw):
        order = Claim(
            "", "order", references={"greater": Reference(after, two, group), "lesser": Reference(before, one, group)}
        )
        row: dict[str, object] = {
            "estimand": article.estimands_of(order), "before": before, "before_category": one, "after": after, "after_category": two,
            "by": ";".join(name for name, _ in group), "group": written_group(group),
        }  # fmt: skip
        for name, pool in zip(ENGINES, (sources.raw, sources.likelihood, sources.bayes), strict=True):
            found = None if pool is None else _change(order, pool, level)
            if found is not None:
                numbers = (found.estimate, found.lower, found.upper)
                row |= {
                    f"{name}{end}": value / 100.0 for end, value in zip(("", "_lower", "_upper"), numbers, strict=True)
                }
            if found is not None and name == "raw":
                row["n"] = found.parts[0].n
        rows += [row] if "raw" in row or "adjusted_likelihood" in row or "adjusted_bayes" in row else []
    return rows


def _groups(figure: DeclaredFigure, raw: EstimateIndex) -> list[tuple[tuple[str, str], ...]]:
    """Everyone, and every group of the figure that both outcomes have."""
    (before, after), (one, two) = figure.outcomes, figure.categories
    by = figure.by
    found = [key.group for key in raw.places if (key.outcome, key.category) == (after, two) and key.group]
    named = [dict(group) for group in found if {name for name, _ in group} == set(by)]
    groups = [tuple((name, levels[name]) for name in by) for levels in named]
    return [(), *(group for group in groups if Reference(before, one, group).key in raw.places)]


def _change(order: Claim, pool: EstimateIndex, level: float) -> Quantity | None:
    """Second minus first with an interval on both sides: that of an order at half the distance from 1, whose ends are limits on one side.

    Where nothing is held equal there is no adjusted change.
    """
    found = quantities(order, pool, (1.0 + level) / 2.0)
    return found[0] if found and not all(part.unadjusted for part in found[0].parts) else None
