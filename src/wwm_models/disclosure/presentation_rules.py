"""What is presented: percentages too imprecise to lean on, and what two runs give away together.

`precision` is the rule of the National Center for Health Statistics, with Korn-Graubard limits at 95%: a proportion is not presented when its
base or its effective base is below 30, when the interval is at least 0.30 wide, or when it is more than 0.05 wide and wider than 130% of the
proportion. It is presented but reviewed when the design has fewer than 8 degrees of freedom, when nobody or everybody gave the answer, or when the
complement fails the relative rule.

Two runs against each other (`differencing`): what one suppresses and the other shows, groups that differ by a few respondents, and models. Two
percentages of the same group, on 1,530 and on 1,524 respondents, tell the answers of six by subtraction. So do the equations of two models
(see `disclosure.determined`): with the same level on a few respondents more, or with another adjuster whose level holds nearly the same
respondents. A run writes down the respondents of every level of every model it publishes; who they are it does not, so levels of other variables
that are as large but for a few are named too. Groups are compared by their names, so two runs with other cut points have to be compared by a person.

References
----------
Korn, E. L. and Graubard, B. I. (1998). Confidence intervals for proportions with small expected number of positive counts estimated from
survey data. Survey Methodology 24, 193-201.
Parker, J. D. et al. (2017). National Center for Health Statistics data presentation standards for proportions. Vital and Health Statistics,
series 2, no. 175.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Hashable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from wwm_models.estimates.estimates import Estimates
from wwm_models.messages import number, say
from wwm_models.numerics.intervals import clopper_pearson_limits

LEVEL = 0.95
BASE, WIDE, NARROW, RELATIVE, FREEDOM = 30.0, 0.30, 0.05, 1.30, 8.0
PRECISION_COLUMNS = ("outcome", "category", "n", "n_effective", "width", "relative_width", "status", "reason")


def precision(estimates: Estimates) -> pd.DataFrame:
    """Whether each raw percentage is precise enough to present.

    Parameters
    ----------
    estimates : Estimates
        Of `raw`.

    Returns
    -------
    DataFrame
        The by-variables, ``outcome``, ``category``, ``n``, ``n_effective``, ``width`` (of the 95% Korn-Graubard interval, 0..1), ``relative_width``
        (of the proportion), ``status`` ("present", "review", "imprecise", or "suppressed" where there is no percentage) and ``reason``.

    Examples
    --------
    >>> import wwm_models as wwm
    >>> answers = pd.Categorical(["no"] * 12 + ["yes"] * 8, ["no", "yes"], ordered=True)
    >>> precision(wwm.raw(wwm.Survey.from_frame(pd.DataFrame({"y": answers}), weight=None), "y"))["status"].tolist()
    ['imprecise', 'imprecise']
    """
    table = estimates.table
    share, n, effective = (table[name].to_numpy(dtype=float) for name in ("estimate", "n", "n_effective"))
    known = np.isfinite(share)
    lower, upper = np.full((2, len(table)), np.nan)
    held = known & (estimates.reasons == "")
    lower[held], upper[held] = clopper_pearson_limits(share[held], effective[held], LEVEL)
    width = upper - lower
    with np.errstate(divide="ignore", invalid="ignore"):
        relative, complement = width / share, width / (1.0 - share)
        rules = {
            "suppressed": (~known, "no percentage: too few respondents, or it would give another away"),
            "estimable": (estimates.reasons != "", ""),
            "base": (n < BASE, say("few_respondents", count=round(BASE))),
            "effective": (effective < BASE, say("few_effective", count=round(BASE))),
            "wide": (width >= WIDE, say("wide_points", width=number(100 * WIDE, ".0f"))),
            "relative": ((width > NARROW) & (relative > RELATIVE), say("wide_percent", share=number(100 * RELATIVE, ".0f"))),
            "freedom": (estimates.freedom.df < FREEDOM, say("few_freedom", count=round(FREEDOM))),
            "edge": ((share == 0.0) | (share == 1.0), "nobody or everybody gave this answer"),
            "complement": (
                (width > NARROW) & (complement > RELATIVE), say("wide_complement", share=number(100 * RELATIVE, ".0f"))
            ),
        }  # fmt: skip
    words = ["suppressed", *["imprecise"] * 5, *["review"] * 3]
    first = np.argmax(np.vstack([*(hit for hit, _ in rules.values()), np.ones(len(table), dtype=bool)]), axis=0)
    reasons = [*(reason for _, reason in rules.values()), ""]
    found = table[[*estimates.by, "outcome", "category", "n", "n_effective"]].copy()
    told = [estimates.reasons[row] or reasons[place] for row, place in enumerate(first)]
    return found.assign(
        width=width, relative_width=relative,
        status=[[*words, "present"][place] for place in first], reason=[text if known[row] else reasons[0] for row, text in enumerate(told)],
    )  # fmt: skip


Fits = Mapping[str, Mapping[str, Any]]
Equations = Mapping[str, Fits]
Named = tuple[str, Mapping[str, Any]]
KEYS = ("outcome", "by", "group", "category")


def differencing(here: pd.DataFrame, there: pd.DataFrame, below: int) -> list[str]:
    """What two published tables of raw percentages give away together; empty if nothing.

    Parameters
    ----------
    here, there : DataFrame
        raw.csv of two runs.
    below : int
        Unweighted respondents about whom nothing may be computed; 0 allows everything.

    Returns
    -------
    list of str
        One sentence per group.

    Examples
    --------
    >>> row = {"outcome": "wish", "by": "", "group": "", "category": "yes", "estimate": 0.6, "n": 1530.0}
    >>> differencing(pd.DataFrame([row]), pd.DataFrame([{**row, "n": 1524.0}]), 10)
    ['wish, everyone: 1530 respondents in one run and 1524 in the other, so that the answers of 6 can be computed']
    """
    both = _keyed(here).merge(_keyed(there), on=list(KEYS), suffixes=("_here", "_there"))
    both = both[(both["n_here"] > 0) & (both["n_there"] > 0)]
    shown_here, shown_there = both["estimate_here"].notna(), both["estimate_there"].notna()
    gap = (both["n_here"] - both["n_there"]).abs()
    few = both[shown_here & shown_there & (gap > 0) & (gap < below)]
    found = [
        f"{_group(row)}: {row['n_here']:.0f} respondents in one run and {row['n_there']:.0f} in the other, so that the answers of "
        f"{abs(row['n_here'] - row['n_there']):.0f} can be computed"
        for row in few.drop_duplicates(["outcome", "by", "group"]).to_dict("records")
    ]
    torn = both[(shown_here != shown_there) & (gap < below)]
    return found + [
        f"{_group(row)}: {row['category']} is suppressed in one run and shown in the other"
        for row in torn.to_dict("records")
    ]


def models_together(here: Equations, there: Equations, small: Mapping[str, Collection[str]], below: int) -> list[str]:
    """What the models of two runs give away together; empty if nothing.

    Parameters
    ----------
    here, there : mapping of outcome to mapping of fit to its respondents and those at every level of its terms
        As ``equations`` of a manifest.
    small : mapping of outcome to texts
        Groups that one of the two runs suppresses, such as ``"age = young"``.
    below : int
        Unweighted respondents about whom nothing may be computed; 0 allows everything.

    Returns
    -------
    list of str
        One sentence per group.

    Examples
    --------
    >>> one = {"wish": {"m (all)": {"respondents": 900, "levels": {"age = old": 52}}}}
    >>> two = {"wish": {"m (all)": {"respondents": 900, "levels": {"retired = yes": 49}}}}
    >>> models_together(one, two, {}, 10)
    ['wish: m (all) has age = old in one run (52) and m (all) has retired = yes in the other (49): if these are nearly the same respondents, \
the answers of fewer than 10 can be computed']
    """
    found: dict[str, None] = {}
    for run in (here, there):
        for outcome, fits in run.items():
            for name, fit in fits.items():
                for level, count in fit["levels"].items():
                    if count < below or level in small.get(outcome, ()):
                        found[
                            f"{outcome}: the equations of {name} tell the answers of {level}, which are too few or suppressed"
                        ] = None
    for outcome in set(here) & set(there):
        own = {level for fit in here[outcome].values() for level in fit["levels"]}
        other = {level for fit in there[outcome].values() for level in fit["levels"]}
        for one, two in itertools.product(here[outcome].items(), there[outcome].items()):
            found |= dict.fromkeys(_pair(outcome, one, two, (own, other), below))
    return list(found)


def _pair(outcome: str, one: Named, two: Named, levels: tuple[set[str], set[str]], below: int) -> Iterator[str]:
    """What one fit of either run gives away with one of the other."""
    (name, fit), (named, other) = one, two
    apart = abs(fit["respondents"] - other["respondents"])
    if 0 < apart < below:
        yield (
            f"{outcome}: {name} has {fit['respondents']} respondents in one run and {named} has {other['respondents']} in the other, so that the "
            f"answers of {apart} can be computed"
        )
    for level, count in fit["levels"].items():
        for again, size in other["levels"].items():
            same = level == again
            if same and 0 < abs(count - size) < below:
                yield (
                    f"{outcome}, {level}: {count} respondents of {name} in one run and {size} of {named} in the other, so that the answers of "
                    f"{abs(count - size)} can be computed"
                )
            elif not same and level not in levels[1] and again not in levels[0] and abs(count - size) < below:
                yield (
                    f"{outcome}: {name} has {level} in one run ({count}) and {named} has {again} in the other ({size}): if these are nearly the same "
                    f"respondents, the answers of fewer than {below} can be computed"
                )


def _keyed(table: pd.DataFrame) -> pd.DataFrame:
    found = table[[*KEYS, "estimate", "n"]].copy()
    return found.assign(by=found["by"].fillna(""), group=found["group"].fillna(""))


def _group(row: Mapping[Hashable, object]) -> str:
    return f"{row['outcome']}, {row['group'] or 'everyone'}"
