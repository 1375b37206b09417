"""Printed numbers that no model adjusts: beside raw all the same, and counted, so that none vanishes without a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from wwm_models.article import Article
from wwm_models.article.comparison import COLUMNS, NOT_ADJUSTED, printed_beside_raw
from wwm_models.article.pool import Key, key_of
from wwm_models.errors import listed
from wwm_models.records import Estimates, Survey

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
            rows.append(table[[place not in there for place in _places(table)]])
            there |= places_of(table)
    absent = [
        {
            "estimand": NOT_ADJUSTED, "outcome": at.outcome, "category": at.category, "by": ";".join(at.by),
            "group": ";".join(f"{name}={level}" for name, level in at.group), "published": number.value / 100.0,
            "published_lower": number.limits[0], "published_upper": number.limits[1],
        }
        for at, number in article.slots().items()
        if number.value is not None and number.limits is not None and key_of(at.outcome, at.category, at.group) not in there
    ]  # fmt: skip
    kept = [table for table in (*rows, pd.DataFrame(absent).reindex(columns=list(COLUMNS))) if len(table)]
    return pd.concat(kept, ignore_index=True) if kept else pd.DataFrame(columns=pd.Index(COLUMNS))


def places_of(table: pd.DataFrame) -> set[Key]:
    """What the rows of a comparison are of."""
    return set(_places(table))


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
        if key_of(at.outcome, at.category, at.group) in there:
            continue
        why = f"no model of {at.outcome} that could be fitted reports it by {listed(at.by) or 'everyone'}"
        reasons.setdefault(why if at.outcome in outcomes else f"no model of {at.outcome}", []).append(number.id)
    left = sum(len(names) for names in reasons.values())
    told = "".join(f"; {why}: {listed(names, 10)}" for why, names in reasons.items())
    return f"printed numbers: {len(slots)}, of which {len(slots) - left} are beside adjusted ones{told}"


def _places(table: pd.DataFrame) -> list[Key]:
    groups = [
        tuple((name, level) for name, _, level in (part.partition("=") for part in str(group).split(";") if part))
        for group in table["group"].tolist()
    ]
    pairs = zip(table["outcome"].tolist(), table["category"].tolist(), groups, strict=True)
    return [key_of(str(outcome), str(category), group) for outcome, category, group in pairs]
