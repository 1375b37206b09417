"""Change within respondents: two answers of the same people, so the difference has a paired standard error.

With d_i = 1(wanted) - 1(before) for respondent i, the change of a group is the weighted mean of d_i, and its influence
w_i (d_i - mean) / W. Unweighted, its variance is McNemar's, (b + c - (b - c)^2 / n) / n^2 with b and c the two kinds of
changers, times n / (n - 1).

References
----------
McNemar, Q. (1947). Note on the sampling error of the difference between correlated proportions or percentages. Psychometrika
12, 153-157. doi:10.1007/BF02295996
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from wwm_models.adjust.compared.inference import inference
from wwm_models.adjust.compared.law import law_of
from wwm_models.adjust.raw import raw
from wwm_models.adjust.table import names_of
from wwm_models.errors import AdjustError, did_you_mean, listed
from wwm_models.records import Estimand, Estimates, Survey
from wwm_models.records.sampling import column_of


def change(
    survey: Survey, before: str, wanted: str, by: str | Sequence[str] | None = None, *, level: float = 0.95
) -> Estimates:
    """Share of an answer afterwards minus before, among respondents who gave both answers.

    Parameters
    ----------
    survey : Survey
    before, wanted : str
        Two outcomes with the same answers (then every answer has a row), or two declared collapses.
    by : str, sequence of str or None
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
    names = names_of(by)
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
    law = law_of([(second, plus), (first, minus)])
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
