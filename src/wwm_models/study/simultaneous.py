"""families.csv: every declared family of comparisons with simultaneous limits and adjusted p-values; and these in contrasts.csv."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from wwm_models.adjust.compared.families import SIMULTANEOUS, family_of_tests
from wwm_models.article.comparison import group_text
from wwm_models.declared.models import ModelSpec
from wwm_models.many import begin
from wwm_models.records import Estimates
from wwm_models.study.models import ModelResult

COLUMNS = (
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
    columns = pd.Index(["model", *COLUMNS])
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
