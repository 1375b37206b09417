"""Comparisons of groups, with their joint law: differences and ratios of one table, and families over several tables and models.

`HypothesisTest` is the outcome of a test, also of a model's assumptions. `contrasts` has p-values (adjusted by Holm 1979) and simultaneous
intervals; `family_of_tests` simultaneous limits and adjusted p-values from the joint law of all its tables.

References
----------
Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6, 65-70.
Hothorn, T., Bretz, F. and Westfall, P. (2008). Simultaneous inference in general parametric models. Biometrical Journal
50, 346-363. doi:10.1002/bimj.200810425
Pipper, C. B., Ritz, C. and Bisgaard, H. (2012). A versatile method for confirmatory evaluation of the effects of a covariate in
multiple models. JRSS C 61, 315-326. doi:10.1111/j.1467-9876.2011.01005.x
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.arguments import confidence_level
from wwm_models.bayes.posterior import Fitted, Posterior
from wwm_models.errors import AdjustError, did_you_mean, expect
from wwm_models.estimates.adjusted import adjusted
from wwm_models.estimates.estimates import Estimand, Estimates, Pairs, names_of
from wwm_models.estimates.joint_distribution import (
    JointDistribution,
    compared_rows,
    correlation,
    covariance_of_draws,
    inference,
    law_of_pairs,
    refuse_too_many,
    stacked,
)
from wwm_models.likelihood.fit import Fit
from wwm_models.numerics.arrays import Array, Codes
from wwm_models.numerics.intervals import p_values
from wwm_models.numerics.multiplicity import holm, max_t
from wwm_models.survey.frames import ESTIMATE_COLUMNS


@dataclass(frozen=True, eq=False)
class HypothesisTest:
    """A test with the rows it is made of.

    Attributes
    ----------
    name : str
        What was tested and how, in a phrase.
    statistic : float
        Chi-square, or F where `df2` is finite; missing where it cannot be computed.
    df : float
        Degrees of freedom; of the numerator for an F.
    p_value : float
        Between 0 and 1.
    table : DataFrame indexed by term
        At least ``statistic``, ``df``, ``df2`` and ``p_value`` of each part.
    note : str
        Which reference law was used and why; what could not be computed. May be empty.
    df2 : float
        Degrees of freedom of the denominator; infinite for a chi-square.
    """

    name: str
    statistic: float
    df: float
    p_value: float
    table: pd.DataFrame
    note: str = ""
    df2: float = float("inf")

    @property
    def law(self) -> str:
        """The reference law in words.

        Examples
        --------
        >>> HypothesisTest("Wald", 2.5, 3, 0.07, pd.DataFrame(), df2=41.0).law
        'F(3, 41)'
        """
        return f"chi2({self.df:g})" if math.isinf(self.df2) else f"F({self.df:g}, {self.df2:g})"

    @property
    def sentence(self) -> str:
        """The test in one line.

        Examples
        --------
        >>> HypothesisTest("Brant", 10.38801, 4, 0.03436, pd.DataFrame()).sentence
        'Brant: chi2(4) = 10.388, p = 0.0344'
        """
        return f"{self.name}: {self.law} = {self.statistic:.3f}, p = {self.p_value:.3g}"

    def __repr__(self) -> str:
        rows = self.table.to_string(float_format=lambda value: f"{value:.4g}", na_rep="-") if len(self.table) else ""
        return "\n".join(part for part in (self.sentence, rows, self.note) if part)

    def _repr_html_(self) -> str:
        note = f"<p>{_escaped(self.note)}</p>" if self.note else ""
        return f"<p>{_escaped(self.sentence)}</p>{self.table.to_html(float_format='{:.4g}'.format, na_rep='-')}{note}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


KINDS = {"difference": " - ", "ratio": " / "}


def contrasts(
    source: Fitted | Estimates,
    variable: str | Sequence[str],
    *,
    kind: str = "difference",
    reference: str | None = None,
    pairwise: bool = False,
    simultaneous: bool = False,
    level: float = 0.95,
) -> Estimates:
    """Compare the groups of one variable, answer by answer.

    Parameters
    ----------
    source : Fit, Posterior or Estimates
        A fit (its adjusted probabilities are used), or estimates by `variable` and perhaps others, which stay fixed.
    variable : str or sequence of str
        Several: the difference in differences, variable by variable (with two: how much the gap between levels of the first
        changes between levels of the second).
    kind : {"difference", "ratio"}
        First minus second probability, or first over second.
    reference : str, optional
        Level of the (first) variable to compare the others with; the first level unless given.
    pairwise : bool
        Every level with every earlier one, instead of with the reference.
    simultaneous : bool
        Intervals and adjusted p-values by the largest absolute t over the whole table; else Holm's adjusted p-values.
    level : float
        Of the intervals, above 0 and below 1.

    Returns
    -------
    Estimates
        With the columns ``contrast``, ``p_value`` and ``p_adjusted`` added.

    Raises
    ------
    AdjustError
    """
    expect(source, (Fit, Posterior, Estimates), "The first argument of contrasts", AdjustError)
    names = names_of(variable)
    if not names:
        raise AdjustError("contrasts() was given no variable. Name one, or several for a difference in differences.")
    *others, final = names
    estimates = source if isinstance(source, Estimates) else adjusted(source, names, level=level)
    for name in others:
        estimates = _compared(estimates, name, "difference", reference, level, pairwise=pairwise, simultaneous=False)
    if others and kind == "ratio":
        raise AdjustError(
            'kind="ratio" of differences has no meaning, since a difference may be zero. Use kind="difference", or one variable.'
        )
    return _compared(
        estimates, final, kind, None if others else reference, level, pairwise=pairwise, simultaneous=simultaneous
    )


def _compared(
    estimates: Estimates, variable: str, kind: str, reference: str | None, level: float, *, pairwise: bool, simultaneous: bool,
) -> Estimates:  # fmt: skip
    """Contrasts of one variable of estimates, which may themselves be contrasts of another."""
    if kind not in KINDS:
        raise AdjustError(
            f'kind="{kind}" is not known. Expected one of: {", ".join(KINDS)}.{did_you_mean(kind, KINDS)}'
        )
    first, second = compared_rows(estimates.table, estimates.by, variable, reference, pairwise=pairwise)
    return compared(Pairs(estimates, variable, kind, first, second, level, simultaneous))


def compared(pairs: Pairs) -> Estimates:
    """The comparisons of a table's rows, with their law.

    Parameters
    ----------
    pairs : Pairs
    """
    estimates, kind, first, second = pairs.source, pairs.kind, pairs.first, pairs.second
    values = estimates.table["estimate"].to_numpy(dtype=float)
    law = law_of_pairs(estimates, first, second, _gradient(values, first, second, kind))
    one, two = values[first], values[second]
    with np.errstate(divide="ignore", invalid="ignore"):
        result = one - two if kind == "difference" else one / two
    if estimates.draws is not None and kind == "ratio":
        draws = estimates.draws[:, first] / estimates.draws[:, second]
        joint = partial(covariance_of_draws, draws)
        law = JointDistribution(joint, None, None, draws, law.freedom, variances=draws.var(axis=0, ddof=1))
    columns = inference(result, law, kind, pairs.level, simultaneous=pairs.simultaneous)
    table = _described(estimates, pairs.variable, kind, first, second).assign(**columns)
    return law.estimates(table, estimates.by, estimates.origin, pairs)


def _gradient(values: Array, first: Codes, second: Codes, kind: str) -> Array:
    """Of each comparison by its two numbers, (m, 2)."""
    if kind == "difference":
        return np.tile([1.0, -1.0], (len(first), 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(np.column_stack([1.0 / values[second], -values[first] / values[second] ** 2]))


def _described(
    estimates: Estimates, variable: str, kind: str, first: NDArray[np.intp], second: NDArray[np.intp]
) -> pd.DataFrame:
    source = estimates.table
    one, two = source.iloc[first].reset_index(drop=True), source.iloc[second].reset_index(drop=True)
    label = [f"{a}{KINDS[kind]}{b}" for a, b in zip(one[variable], two[variable], strict=True)]
    table = one[[*estimates.by, *ESTIMATE_COLUMNS]].copy()
    table[variable] = label
    table["count"] = np.nan
    table["n"] = one["n"].to_numpy() + two["n"].to_numpy()
    table["n_effective"] = one["n_effective"].to_numpy() + two["n_effective"].to_numpy()
    already = one["contrast"].astype(str) if "contrast" in one else None
    table["estimand"] = one["estimand"].map({text: _estimand(text, kind) for text in one["estimand"].unique()})
    table["contrast"] = label if already is None else [f"({a}) at {b}" for a, b in zip(already, label, strict=True)]
    return table


def _estimand(text: str, kind: str) -> str:
    """The estimand of a contrast: that of what is compared, with the kind in front of it."""
    made = Estimand.parse(text)
    return replace(made, quantity=" ".join(part for part in (f"{kind} of", made.quantity) if part)).text


SIMULTANEOUS = ("lower_simultaneous", "upper_simultaneous", "p_value", "p_max_t", "p_holm", "critical", "comparisons")


def family_of_tests(tables: Sequence[Estimates], *, level: float = 0.95) -> list[pd.DataFrame]:
    """Simultaneous inference over all differences of several tables, also of different models and outcomes.

    Parameters
    ----------
    tables : sequence of Estimates
        Differences of one survey, as `contrasts` gives them; their joint law comes from the respondents' influence.
    level : float
        That all intervals hold their differences at once.

    Returns
    -------
    list of DataFrame
        The tables with ``lower_simultaneous`` and ``upper_simultaneous`` (by the largest absolute t of the family), ``p_value``,
        ``p_max_t``, ``p_holm``, the ``critical`` value and the number of ``comparisons``. Differences without a standard error
        do not count.

    Raises
    ------
    AdjustError
        If a table does not hold differences.
    """
    confidence_level(level)
    if not len(tables):
        raise AdjustError(
            "family_of_tests was given no tables. Expected one or more of contrasts(..., kind='difference'). Give them in a list."
        )
    for one in tables:
        expect(one, (Estimates,), "A table of family_of_tests", AdjustError)
        if "contrast" not in one.table or any("difference" not in own.quantity for own in one.estimands):
            raise AdjustError(
                "A family of tests is made of differences. Give tables of contrasts(..., kind='difference'), not probabilities or ratios."
            )
    refuse_too_many(sum(len(one.table) for one in tables))
    law = stacked(tables)
    estimate = np.concatenate([one.table["estimate"].to_numpy(dtype=float) for one in tables])
    std_error = law.std_error
    known = np.isfinite(estimate) & (std_error > 0)
    t = np.where(known, np.abs(estimate) / np.where(known, std_error, 1.0), np.nan)
    p_value = p_values(t, law.freedom.df)
    critical, p_max = float("nan"), np.full(len(t), np.nan)
    if known.any():
        joint = law.covariance[np.ix_(known, known)]
        critical, beyond = max_t(correlation(joint), t[known], law.df, level)
        p_max[known] = np.maximum(beyond, p_value[known])  # where t lies beyond all quasi-random points
    half = np.where(known, critical * std_error, np.nan)
    columns = dict(
        zip(SIMULTANEOUS[:5], (estimate - half, estimate + half, p_value, p_max, holm(p_value)), strict=True)
    )
    ends = np.cumsum([len(one.table) for one in tables])
    return [
        one.table.assign(
            **{name: values[end - len(one.table) : end] for name, values in columns.items()},
            critical=critical,
            comparisons=int(known.sum()),
        )
        for one, end in zip(tables, ends, strict=True)
    ]
