"""Leaving suppressed numbers out of everything a run writes, and marking what a model says in their place.

The number of respondents of a group stays: it is what a reader needs to see why a percentage is absent. A model's estimate for such a group borrows from
other groups and is marked as model-based; if the model reproduces the raw percentages of the group, as a saturated one does, its estimates,
contrasts and coefficients are suppressed as well, those of every engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from wwm_models.disclosure.published import Item, Raws, published
from wwm_models.disclosure.suppress import suppressed
from wwm_models.records import Estimates, Survey

HIDDEN = ("estimate", "std_error", "lower", "upper", "count", "n_effective")
TESTED = ("p_value", "p_adjusted", "lower_simultaneous", "upper_simultaneous", "p_max_t", "p_holm")
MODEL_BASED = "model-based: raw suppressed"
_REPRODUCED = 1e-4  # a fit that comes this near to every raw percentage of a group gives them away
_PULLED = 0.005  # a posterior, which its prior pulls away a little
_WITH_RAW = (
    "comparison",
    "decomposition",
    "robustness",
    "agreement",
)  # tables whose rows hold a raw percentage, or lead back to one
_KEPT = ("n", "level", "published", "published_lower", "published_upper")
Place = tuple[str, str, str]  # outcome, group as text, category


@dataclass(frozen=True)
class Withheld:
    """What is left out.

    Attributes
    ----------
    values : mapping of place to the raw percentage
        Never written.
    primary : int
        How many are left out for their own sake; the rest protect these.
    below : int
        On fewer respondents than this nothing is published.
    """

    values: Mapping[Place, float]
    primary: int = 0
    below: int = 0

    @property
    def summary(self) -> dict[str, int]:
        """How much is left out, for the manifest."""
        return {"suppress_below": self.below, "primary": self.primary, "complementary": len(self.values) - self.primary}


def withhold(survey: Survey, raws: Raws) -> tuple[dict[str, dict[tuple[str, ...], Estimates]], Withheld]:
    """Raw percentages without those that may not be published, nor those from which these could be computed.

    Parameters
    ----------
    survey : Survey
        Its `suppress_below` and `suppress_counts` say what may not be published.
    raws : mapping of outcome to mapping of by-variables to Estimates
        Everything a run would publish.

    Returns
    -------
    dict, Withheld
    """
    kept = {outcome: dict(tables) for outcome, tables in raws.items()}
    values: dict[Place, float] = {}
    rows: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    primary = 0
    if survey.suppress_below <= 0:
        return kept, Withheld(values)
    for question in published(survey, raws):
        hidden = suppressed(question, survey.suppress_below, counts=survey.suppress_counts)
        for item, out in zip(question.items, hidden, strict=True):
            if out:
                table = raws[item.outcome][item.by].table
                values[_place(item, table)] = float(table["estimate"].iloc[item.row])
                rows.setdefault((item.outcome, item.by), []).append(item.row)
                primary += question.base(item) < survey.suppress_below or (
                    survey.suppress_counts and question.count(item) < survey.suppress_below
                )
    for (outcome, by), hidden in rows.items():
        kept[outcome][by] = _without(raws[outcome][by], hidden)
    return kept, Withheld(values, primary, survey.suppress_below)


def without_withheld(tables: Mapping[str, pd.DataFrame], withheld: Withheld) -> dict[str, pd.DataFrame]:
    """The tables of a run with nothing in them that leads back to a suppressed percentage.

    Parameters
    ----------
    tables : mapping of file stem to DataFrame
        With columns ``outcome``, ``group`` and ``category`` where numbers are of groups.
    withheld : Withheld
    """
    made = dict(tables)
    if not withheld.values:
        return made
    given_away = _given_away(made["adjusted"], withheld)
    for name in ("adjusted", "contrasts", "families", "comparison", "coefficients", *_WITH_RAW):
        if name in made:
            made[name] = _RULES.get(name, _raw_rows)(made[name], withheld, given_away)
    return made


def _given_away(adjusted: pd.DataFrame, withheld: Withheld) -> set[tuple[str, ...]]:
    """(model, outcome, group) of groups whose raw percentages a model reproduces."""
    raw = np.array([withheld.values.get(place, np.nan) for place in _places(adjusted)])
    near = np.abs(adjusted["estimate"].to_numpy(dtype=float) - raw)
    rows = adjusted.assign(_near=near)[np.isfinite(near)]
    worst = rows.groupby(["model", "outcome", "estimand", "method", "group"], sort=False)["_near"].max()
    return {
        (str(model), str(outcome), str(group))
        for (model, outcome, _, method, group), gap in worst.items()
        if gap < (_PULLED if str(method).startswith("bayes") else _REPRODUCED)
    }


def _adjusted_rows(table: pd.DataFrame, withheld: Withheld, given_away: set[tuple[str, ...]]) -> pd.DataFrame:
    found = _blank(table, _away(table, given_away), [name for name in HIDDEN if name in table])
    marked = np.array([place in withheld.values for place in _places(table)])
    method = [f"{word} ({MODEL_BASED})" if here else word for word, here in zip(table["method"], marked, strict=True)]
    return found.assign(method=method)


def _contrast_rows(table: pd.DataFrame, withheld: Withheld, given_away: set[tuple[str, ...]]) -> pd.DataFrame:
    """A contrast with a group that is given away would lead back to it, so none of that model and question remain."""
    del withheld
    models = {(model, outcome) for model, outcome, _ in given_away}
    rows = np.array([pair in models for pair in zip(table["model"], table["outcome"], strict=True)], dtype=bool)
    return _blank(table, rows, [name for name in (*HIDDEN, *TESTED) if name in table])


def _comparison_rows(table: pd.DataFrame, withheld: Withheld, given_away: set[tuple[str, ...]]) -> pd.DataFrame:
    raw = [str(name) for name in table if str(name).startswith(("raw", "difference")) or name == "count"]
    shown = _blank(table, np.array([place in withheld.values for place in _places(table)]), raw)
    return _blank(shown, _away(table, given_away), [str(name) for name in table if str(name).startswith("adjusted_")])


def _coefficient_rows(table: pd.DataFrame, withheld: Withheld, given_away: set[tuple[str, ...]]) -> pd.DataFrame:
    del withheld
    rows = table["model"].isin({model for model, _, _ in given_away}).to_numpy()
    return _blank(table, rows, ["estimate", "std_error", "lower", "upper"])


def _raw_rows(table: pd.DataFrame, withheld: Withheld, given_away: set[tuple[str, ...]]) -> pd.DataFrame:
    del given_away
    numbers = [name for name in table.select_dtypes("number").columns if name not in _KEPT]
    return _blank(table, np.array([place in withheld.values for place in _places(table)]), numbers)


_RULES = {
    "adjusted": _adjusted_rows, "contrasts": _contrast_rows, "families": _contrast_rows, "comparison": _comparison_rows, "coefficients": _coefficient_rows,
}  # fmt: skip


def _blank(table: pd.DataFrame, rows: np.ndarray, columns: list[str]) -> pd.DataFrame:
    return table.assign(**{str(name): table[name].where(~rows) for name in columns})


def _away(table: pd.DataFrame, given_away: set[tuple[str, ...]]) -> np.ndarray:
    keys = zip(table["model"], table["outcome"], table["group"], strict=True)
    return np.array([key in given_away for key in keys], dtype=bool)


def _places(table: pd.DataFrame) -> list[Place]:
    return list(
        zip(
            table["outcome"].astype(str),
            table["group"].fillna("").astype(str),
            table["category"].astype(str),
            strict=True,
        )
    )


def _place(item: Item, table: pd.DataFrame) -> Place:
    group = ";".join(f"{name}={level}" for name, level in zip(item.by, item.group, strict=True))
    return item.outcome, group, str(table["category"].iloc[item.row])


def _without(estimates: Estimates, rows: list[int]) -> Estimates:
    table = estimates.table.copy()
    table.loc[table.index[rows], list(HIDDEN)] = np.nan
    return replace(estimates, table=table)
