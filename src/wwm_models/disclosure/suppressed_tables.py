"""Suppressed numbers left out of everything a run writes, and what a model may say in their place.

`withhold`: the number of respondents of a group stays, since it is what a reader needs to see why a percentage is absent. A model's estimate for such
a group borrows from other groups and is marked as model-based; if the model reproduces the raw percentages of the group, as a saturated one does, or
its equations tell them, everything it says of the question is left out, by every engine.

`models_that_disclose` are those that would tell a suppressed percentage, though they say nothing of its group. The equations by which a likelihood
is maximised are linear in the counts and hold at the published coefficients: for every parameter the scores of the answers, weighted by the
respondents who gave them, sum to zero. Whoever knows the respondents of every combination of a model's predictors thus has as many equations as there
are parameters, for a saturated model one for every cell; and an adjusted percentage of a saturated model is a weighted mean of the cells that totals
leave open. The attacker of this package knows the respondents of every combination of the variables that numbers are reported by. So a model
of nothing but such variables says nothing beside a suppressed percentage of its question, by whatever engine; unless the raw
percentages by just its predictors are published in full, from which all of it could be computed anyway. Further predictors, whose
combinations are not published, keep the equations open.

References
----------
Reznek, A. P. (2003). Disclosure risks in cross-section regression models. Proceedings of the American Statistical Association,
Section on Government Statistics (models of dummies are tables).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from wwm_models.disclosure.suppression import PublishedShare, Raws, published, suppressed
from wwm_models.estimates.estimates import Estimates
from wwm_models.estimates.number_key import levels_written, written_group
from wwm_models.numerics.arrays import Flags
from wwm_models.survey.survey import Survey

HIDDEN = ("estimate", "std_error", "lower", "upper", "count", "n_effective")
TESTED = ("p_value", "p_adjusted", "lower_simultaneous", "upper_simultaneous", "p_max_t", "p_holm")
REASON = "reason"  # why a number has no interval
MODEL_BASED = "model-based: raw suppressed"
SILENT = "left out: it would tell a suppressed percentage"
_REPRODUCED = 1e-4  # a fit that comes this near to every raw percentage of a group gives them away
_PULLED = 0.005  # a posterior, which its prior pulls away a little
OF_SHARES = (
    "decomposition",
    "robustness",
    "agreement",
)  # tables that hold a multinomial refit, or raw percentages of a model's respondents
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


def without_withheld(
    tables: Mapping[str, pd.DataFrame], withheld: Withheld, told: Collection[str] = (), partly: Collection[str] = ()
) -> dict[str, pd.DataFrame]:
    """The tables of a run with nothing in them that leads back to a suppressed percentage.

    Parameters
    ----------
    tables : mapping of file stem to DataFrame
        With columns ``outcome``, ``group`` and ``category`` where numbers are of groups.
    withheld : Withheld
    told : collection of str
        Models that may say nothing; those that reproduce a suppressed percentage are added to them.
    partly : collection of str
        Models of which only what rests on observed shares is left out.
    """
    made = dict(tables)
    silent = {*told, *reproducing(made["adjusted"], withheld)}
    if not withheld.values and not silent and not partly:
        return made
    for name, rule in _RULES.items():
        if name in made:
            out = {*silent, *partly} if name in OF_SHARES else silent
            made[name] = rule(made[name], withheld, _of_models(made[name], out))
    return made


def _of_models(table: pd.DataFrame, models: Collection[str]) -> Flags:
    """Which rows are of one of these models; a row of two names both."""
    return np.array([bool({*str(name).split(";")} & {*models}) for name in table["model"]], dtype=bool)


def reproducing(adjusted: pd.DataFrame, withheld: Withheld) -> set[str]:
    """Models that reproduce the raw percentages of a group of which some are left out.

    Parameters
    ----------
    adjusted : DataFrame
        As adjusted.csv.
    withheld : Withheld
    """
    if not withheld.values:
        return set()
    raw = np.array([withheld.values.get(place, np.nan) for place in _places(adjusted)])
    near = np.abs(adjusted["estimate"].to_numpy(dtype=float) - raw)
    rows = adjusted.assign(_near=near)[np.isfinite(near)]
    worst = rows.groupby(["model", "outcome", "estimand", "method", "group"], sort=False)["_near"].max()
    return {
        str(model)
        for (model, _, _, method, _), gap in worst.items()
        if gap < (_PULLED if str(method).startswith("bayes") else _REPRODUCED)
    }


def _adjusted_rows(table: pd.DataFrame, withheld: Withheld, silent: Flags) -> pd.DataFrame:
    found = _blank(table, silent, [name for name in (*HIDDEN, REASON) if name in table])
    marked = np.array([place in withheld.values for place in _places(table)])
    notes = np.where(silent, f" ({SILENT})", np.where(marked, f" ({MODEL_BASED})", ""))
    return found.assign(method=[f"{word}{note}" for word, note in zip(table["method"], notes, strict=True)])


def _contrast_rows(table: pd.DataFrame, withheld: Withheld, silent: Flags) -> pd.DataFrame:
    del withheld
    return _blank(table, silent, [name for name in (*HIDDEN, *TESTED, REASON) if name in table])


def _comparison_rows(table: pd.DataFrame, withheld: Withheld, silent: Flags) -> pd.DataFrame:
    raw = [str(name) for name in table if str(name).startswith(("raw", "difference")) or name == "count"]
    shown = _blank(table, np.array([place in withheld.values for place in _places(table)]), raw)
    return _blank(shown, silent, [str(name) for name in table if str(name).startswith(("adjusted_", "difference"))])


def _change_rows(table: pd.DataFrame, withheld: Withheld, silent: Flags) -> pd.DataFrame:
    """Raw changes are of percentages that are shown both."""
    del withheld
    return _blank(table, silent, [str(name) for name in table if str(name).startswith("adjusted_")])


def _model_rows(table: pd.DataFrame, withheld: Withheld, silent: Flags) -> pd.DataFrame:
    del withheld
    return _blank(table, silent, [str(name) for name in table.select_dtypes("number").columns])


def _diagnostic_rows(table: pd.DataFrame, withheld: Withheld, silent: Flags) -> pd.DataFrame:
    """Statistics of a model are equations too, but for how many respondents it uses; its messages say at most why it is withheld."""
    del withheld
    said = table["check"].isin(("n", "disclosure")).to_numpy()
    return _blank(table, silent & ~said, ["value", "message"])


def _raw_rows(table: pd.DataFrame, withheld: Withheld, silent: Flags) -> pd.DataFrame:
    numbers = [name for name in table.select_dtypes("number").columns if name not in _KEPT]
    return _blank(table, silent | np.array([place in withheld.values for place in _places(table)], dtype=bool), numbers)


_RULES = {
    "adjusted": _adjusted_rows, "contrasts": _contrast_rows, "families": _contrast_rows, "comparison": _comparison_rows, "coefficients": _model_rows,
    "changes": _change_rows, "diagnostics": _diagnostic_rows, "decomposition": _raw_rows, "robustness": _raw_rows, "agreement": _raw_rows,
}  # fmt: skip


def _blank(table: pd.DataFrame, rows: Flags, columns: list[str]) -> pd.DataFrame:
    return table.assign(**{str(name): table[name].where(~rows) for name in columns})


def _places(table: pd.DataFrame) -> list[Place]:
    return list(
        zip(
            table["outcome"].astype(str),
            table["group"].fillna("").astype(str),
            table["category"].astype(str),
            strict=True,
        )
    )


def _place(item: PublishedShare, table: pd.DataFrame) -> Place:
    group = written_group(zip(item.by, item.group, strict=True))
    return item.outcome, group, str(table["category"].iloc[item.row])


def _without(estimates: Estimates, rows: list[int]) -> Estimates:
    table = estimates.table.copy()
    table.loc[table.index[rows], list(HIDDEN)] = np.nan
    return replace(estimates, table=table)


@dataclass(frozen=True)
class ModelOf:
    """A model: the question it is of, and the predictors of each of its fits."""

    name: str
    outcome: str
    fits: tuple[frozenset[str], ...]


def models_that_disclose(models: Iterable[ModelOf], raws: Raws, withheld: Withheld) -> set[str]:
    """Give the names of models whose equations are about suppressed percentages and nothing else that is hidden.

    Parameters
    ----------
    models : iterable of ModelOf
    raws : mapping of outcome to mapping of by-variables to Estimates
        Everything that raw percentages are reported by.
    withheld : Withheld
    """
    suppressed = _suppressed_tables(withheld)
    return {
        model.name
        for model in models
        if suppressed.get(model.outcome)
        and any(_open(fit, raws.get(model.outcome, {}), suppressed[model.outcome]) for fit in model.fits)
    }


def _suppressed_tables(withheld: Withheld) -> dict[str, set[frozenset[str]]]:
    """For each question the tables, as sets of variables, of which something is left out."""
    found: dict[str, set[frozenset[str]]] = {}
    for outcome, group, _ in withheld.values:
        names = frozenset(name for name, _ in levels_written(group))
        found.setdefault(outcome, set()).add(names)
    return found


def _open(
    fit: frozenset[str], reported: Mapping[tuple[str, ...], object], suppressed: Collection[frozenset[str]]
) -> bool:
    """Whether the attacker knows all combinations of a fit's predictors but not all percentages by them."""
    tables = [frozenset(by) for by in reported]
    return fit <= frozenset[str]().union(*tables) and (fit not in tables or fit in suppressed)
