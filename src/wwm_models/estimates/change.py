"""Change within respondents, and whether a difference is small enough to be called none.

`change`: two answers of the same people, so the difference has a paired standard error. With d_i = 1(wanted) - 1(before) for respondent i, the
change of a group is the weighted mean of d_i, and its influence w_i (d_i - mean) / W. Unweighted, its variance is McNemar's,
(b + c - (b - c)^2 / n) / n^2 with b and c the two kinds of changers, times n / (n - 1).

`equivalence`: "no difference" is not what a large p-value says. With a declared margin, the difference is equivalent to none when its
interval at level 1 - 2 alpha lies within the margin, which is two one-sided tests at alpha each (Schuirmann 1987); several differences are
all equivalent when each is (intersection-union). Draws give the share of the posterior inside the region instead (Kruschke 2018).

References
----------
Kruschke, J. K. (2018). Rejecting or accepting parameter values in Bayesian estimation. Advances in Methods and Practices in
Psychological Science 1, 270-280. doi:10.1177/2515245918771304
McNemar, Q. (1947). Note on the sampling error of the difference between correlated proportions or percentages. Psychometrika
12, 153-157. doi:10.1007/BF02295996
Schuirmann, D. J. (1987). A comparison of the two one-sided tests procedure and the power approach. Journal of
Pharmacokinetics and Biopharmaceutics 15, 657-680. doi:10.1007/BF01068419
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from wwm_models.arguments import confidence_level
from wwm_models.errors import AdjustError, did_you_mean, expect, listed
from wwm_models.estimates.contrasts import HypothesisTest
from wwm_models.estimates.estimates import Estimand, Estimates, names_of
from wwm_models.estimates.joint_distribution import inference, joint_distribution
from wwm_models.estimates.raw import raw
from wwm_models.numerics.arrays import Array
from wwm_models.numerics.intervals import central_limits, critical_values, p_values
from wwm_models.survey.sampling_design import column_of
from wwm_models.survey.survey import Survey


def change(
    survey: Survey, before: str, wanted: str, by: str | Sequence[str] | None = None, *, level: float = 0.95
) -> Estimates:
    """Share of an answer afterwards minus before, among respondents who gave both answers.

    Parameters
    ----------
    survey : Survey
        The respondents, with their weights and design.
    before, wanted : str
        Two outcomes with the same answers (then every answer has a row), or two declared collapses.
    by : str, sequence of str or None
        Variables whose groups get numbers of their own; None for everyone together.
    level : float
        Of the intervals, above 0 and below 1.

    Returns
    -------
    Estimates
        Differences in -1..1 with paired standard errors, Wald intervals and the columns ``contrast``, ``p_value``,
        ``p_adjusted``.

    Raises
    ------
    AdjustError
        If the two have no answer in common.

    Examples
    --------
    >>> import pandas as pd
    >>> answers = lambda codes: pd.Categorical.from_codes(codes, ["no", "yes"], ordered=True)
    >>> frame = pd.DataFrame({"before": answers([0, 0, 0, 1]), "wanted": answers([0, 1, 1, 1])})
    >>> change(Survey.from_frame(frame, weight=None), "before", "wanted").table["estimate"].to_list()
    [-0.5, 0.5]
    """
    names = names_of(by, of=[before, wanted])
    one, two = _outcome(survey, before), _outcome(survey, wanted)
    both = survey.domain & column_of(survey.frame, one[0]).notna().to_numpy() & column_of(survey.frame, two[0]).notna().to_numpy()  # fmt: skip
    same = replace(survey, domain=both)
    return change_between(
        raw(same, one[0], names or None, level=level, collapses=one[1]),
        raw(same, two[0], names or None, level=level, collapses=two[1]),
        (before, wanted),
        level=level,
    )


def change_between(
    first: Estimates, second: Estimates, categories: tuple[str, str] | None = None, *, level: float = 0.95
) -> Estimates:
    """Second minus first estimates, group by group, answer by answer.

    Of the same respondents the difference is paired; estimates of two surveys are independent samples, however many rows these have.

    Parameters
    ----------
    first, second : Estimates
        By the same variables; raw, or adjusted.
    categories : (str, str), optional
        Which row of each to compare; where they name no rows, answers of the same name are.
    level : float
        Of the intervals, above 0 and below 1.

    Raises
    ------
    AdjustError
        If the two have no row in common.
    """
    pairs = _pairs(first, second, categories)
    left, right = (np.array(column, dtype=np.intp) for column in zip(*pairs, strict=True))
    size = len(pairs)
    minus, plus = np.zeros((size, len(first.table))), np.zeros((size, len(second.table)))
    minus[np.arange(size), left], plus[np.arange(size), right] = -1.0, 1.0
    law = joint_distribution([(second, plus), (first, minus)])
    table = second.table.iloc[right].reset_index(drop=True)
    outcomes = first.table["outcome"].iloc[left].reset_index(drop=True), table["outcome"]
    texts = [replace(own, quantity=f"difference of {own.quantity}".removesuffix(" of ")).text for own in map(Estimand.parse, table["estimand"])]  # fmt: skip
    gap = table["estimate"].to_numpy(dtype=float) - first.table["estimate"].to_numpy(dtype=float)[left]
    label = [f"{b} - {a}" for a, b in zip(*outcomes, strict=True)]
    table = table.assign(
        outcome=label, count=np.nan, n=np.minimum(table["n"].to_numpy(), first.table["n"].to_numpy()[left]), estimand=texts, contrast=label
    )  # fmt: skip
    columns = inference(gap, law, "difference", level)
    return law.estimates(table.assign(**columns), second.by)


def _outcome(survey: Survey, name: str) -> tuple[str, Mapping[str, Sequence[str]] | None]:
    """The outcome a name means, and the collapse if it is one."""
    if name in survey.frame.columns:
        return name, None
    for key, collapse in survey.collapses.items():
        if name in (key, collapse.id):
            return collapse.variable, {name: collapse.levels}
    known = [*map(str, survey.frame.columns), *survey.collapses]
    raise AdjustError(
        f'"{name}" is neither an outcome nor a declared collapse of this survey. Known: {listed(known, 30)}.{did_you_mean(name, known)}'
    )


def _pairs(first: Estimates, second: Estimates, categories: tuple[str, str] | None) -> list[tuple[int, int]]:
    if first.by != second.by:
        raise AdjustError(
            f"The first estimates are by {listed(first.by) or 'nothing'}, the second by {listed(second.by) or 'nothing'}. "
            "Make both by the same variables."
        )

    def rows(estimates: Estimates) -> dict[tuple[object, ...], int]:
        keys = estimates.table[[*estimates.by, "category"]].astype(str).itertuples(index=False, name=None)
        return {key: row for row, key in enumerate(keys)}

    one, two = rows(first), rows(second)
    here = categories is not None and any(key[-1] == categories[0] for key in one)
    there = categories is not None and any(key[-1] == categories[1] for key in two)
    if categories is not None and here and there:
        found = [(one[(*key[:-1], categories[0])], row) for key, row in two.items() if key[-1] == categories[1]]
    else:
        found = [(one[key], row) for key, row in two.items() if key in one]
    if not found:
        answers = (list(dict.fromkeys(e.table["category"])) for e in (first, second))
        raise AdjustError(
            f"The two have no answer in common: {'; '.join(listed(names, 30) for names in answers)}. "
            "Compare outcomes with the same answers, or two declared collapses."
        )
    return found


def equivalence(contrasted: Estimates, margin: float = 0.05, *, level: float = 0.95) -> HypothesisTest:
    """Test that every difference of a table lies within plus and minus the margin.

    Parameters
    ----------
    contrasted : Estimates
        Differences, as `contrasts` gives them.
    margin : float
        Largest difference that still counts as none, in the unit of the differences: 0.05 is 5 percentage points.
    level : float
        Each one-sided test has size ``1 - level``; the interval shown has level ``2 level - 1``.

    Returns
    -------
    HypothesisTest
        Indexed by contrast and answer: ``estimate``, ``lower``, ``upper``, ``statistic`` (the smaller of the two one-sided t),
        ``p_value`` and ``verdict`` ("equivalent", "different" or "undecided"); with draws ``p_value`` is the posterior
        probability outside the margin. The overall p-value is the largest: all differences are within the margin.

    Raises
    ------
    AdjustError
        If the margin is not positive, `level` is not between 0.5 and 1, or the table does not hold differences.
    """
    expect(contrasted, (Estimates,), "The first argument of equivalence", AdjustError)
    level = confidence_level(level, least=0.5)
    if not 0 < margin < np.inf:
        raise AdjustError(
            f"margin={margin}. Expected the largest difference that counts as none, above 0, such as 0.05."
        )
    if "contrast" not in contrasted.table or any("difference" not in e.quantity for e in contrasted.estimands):
        raise AdjustError(
            "equivalence() needs differences. Give it contrasts(..., kind='difference'), not probabilities or ratios."
        )
    table = _rows(contrasted, margin, level)
    known = table["p_value"].notna()
    worst = table.loc[known, "p_value"].max() if known.all() else np.nan
    statistic = float(table["statistic"].min()) if known.all() else np.nan
    kind = "two one-sided tests" if contrasted.draws is None else "posterior probability outside the margin"
    name = f"Equivalence within {100 * margin:g} percentage points ({kind})"
    inside = int((table["verdict"] == "equivalent").sum())
    note = f"{inside} of {len(table)} differences are equivalent to none; all are when the largest p-value is below {1 - level:.3g}."
    return HypothesisTest(name, statistic, 1.0, float(worst), table, note, contrasted.df)


def one_sided_limits(estimate: Array, std_error: Array, df: Array, level: float) -> tuple[Array, Array]:
    """Limits whose ends are one-sided limits at `level` each."""
    half = critical_values(2.0 * level - 1.0, df) * std_error
    return estimate - half, estimate + half


def _rows(contrasted: Estimates, margin: float, level: float) -> pd.DataFrame:
    source = contrasted.table
    estimate, std_error = source["estimate"].to_numpy(dtype=float), source["std_error"].to_numpy(dtype=float)
    index = pd.MultiIndex.from_arrays(
        [source["contrast"].astype(str), source["category"].astype(str)], names=["contrast", "category"]
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = (margin - np.abs(estimate)) / std_error
    if contrasted.draws is None:
        lower, upper = one_sided_limits(estimate, std_error, contrasted.freedom.df, level)
        half = p_values(statistic, contrasted.freedom.df) / 2.0
        p_value = np.where(statistic >= 0.0, half, 1.0 - half)
    else:
        lower, upper = central_limits(contrasted.draws, 2.0 * level - 1.0)
        p_value = (np.abs(contrasted.draws) > margin).mean(axis=0)
    verdict = np.where((lower >= -margin) & (upper <= margin), "equivalent", "undecided")
    verdict = np.where((lower > margin) | (upper < -margin), "different", verdict)
    columns = {
        "estimate": estimate, "lower": lower, "upper": upper, "margin": margin, "statistic": statistic, "df": 1.0, "df2": contrasted.freedom.df,
        "p_value": p_value, "verdict": verdict,
    }  # fmt: skip
    return pd.DataFrame(columns, index=index)
