"""What diagnostics.csv says of the items of a joint posterior beyond its chains: accuracy, answers given back, how items hang together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from wwm_models.checks import posterior_predictive_items
from wwm_models.engines.bayes import loo_items
from wwm_models.errors import WwmError
from wwm_models.records import JointPosterior
from wwm_models.study.diagnostics import Row
from wwm_models.study.posterior_checks import accuracy_row, shares_row, tail_status


def checks_of_items(post: JointPosterior, exposures: Sequence[str]) -> list[list[Row]]:
    """Rows for every item: accuracy of all items together, then its own predictive checks.

    Parameters
    ----------
    post : JointPosterior
        Healthy.
    exposures : sequence of str

    Returns
    -------
    list of list of (check, value, status, message)
        A check that cannot be made says why.
    """
    units = ["respondent"] if post.survey.design is None else ["respondent", "psu"]
    accuracy = [_accuracy(post, unit) for unit in units]
    found: list[list[Row]] = [[*accuracy] for _ in post.rows.items]
    for name in exposures:
        for rows, own in zip(found, _predicted(post, name, together=name == exposures[-1]), strict=True):
            rows += own
    return found


def _accuracy(post: JointPosterior, unit: str) -> Row:
    try:
        return accuracy_row(loo_items(post, unit=unit), "; of all answers of a respondent together")
    except WwmError as problem:
        return f"loo_{unit}", np.nan, "info", str(problem)


def _predicted(post: JointPosterior, name: str, *, together: bool) -> list[list[Row]]:
    """Per item the check of its shares by an exposure and, once, of its correlation with the others."""
    try:
        found = posterior_predictive_items(post, name)
    except WwmError as problem:
        return [[(f"predictive_p:{name}", np.nan, "info", str(problem))] for _ in post.rows.items]
    of_item = dict(iter(found.table.groupby("item", sort=False)))
    rows = [[shares_row(name, of_item[item], float(found.p_values[item]))] for item in post.rows.items]
    if together:
        for own, line in zip(rows, found.together.to_dict("records"), strict=True):
            own.append(_hanging_together(pd.Series(line)))
    return rows


def _hanging_together(line: pd.Series) -> Row:
    what = f"correlation with the mean of the other items: {line['observed']:.2f} observed, {line['lower']:.2f} to {line['upper']:.2f} drawn"
    return "together_p", float(line["p_value"]), tail_status(float(line["p_value"])), what
