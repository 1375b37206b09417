"""Lipsitz' test: whether indicators of the groups of predicted scores add anything to the fit.

References
----------
Lipsitz, S. R., Fitzmaurice, G. M. and Molenberghs, G. (1996). Goodness-of-fit tests for ordinal response regression models.
JRSS C 45, 175-190. doi:10.2307/2986153
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.adjust.margins.joint import refuse_unusable
from wwm_models.checks.groups import score_groups
from wwm_models.checks.ratio import pseudo_likelihood, refuse_penalised
from wwm_models.checks.refit import refit
from wwm_models.checks.wald import Wald, chi_square, reference_note, unusable_note, wald
from wwm_models.errors import AdjustError
from wwm_models.numerics.linear import redundant_columns
from wwm_models.records import Dense, Design, Fit
from wwm_models.records.tests import HypothesisTest

Array = NDArray[np.float64]
Places = NDArray[np.intp]


def lipsitz(fit: Fit, groups: int = 10) -> HypothesisTest:
    """Test of fit by indicators of the groups of predicted scores, added to the model.

    Parameters
    ----------
    fit : Fit
        Of any family; without parallel slopes every indicator has a slope per predictor.
    groups : int
        Groups asked for, 3 or more. Lipsitz et al. advise at least 6 and fewer than n / (5 K).

    Returns
    -------
    HypothesisTest
        Likelihood ratio with ``groups - 1`` degrees of freedom (fewer where the model determines some indicator); a Wald test
        of the indicators under sampling weights or a design. The table has the coefficient of every indicator.

    Raises
    ------
    AdjustError
        If fewer than three groups can be made, or the model already determines all of them.
    """
    refuse_unusable(fit)
    refuse_penalised(fit, "Lipsitz' test")
    group = score_groups(fit, groups)
    bigger, added = _with_indicators(fit, group)
    again = refit(fit, fit.cells, bigger)
    reason = pseudo_likelihood(fit)
    result = _tested(again, added) if reason else _ratio(fit, again, len(added))
    note = f"{int(group.max()) + 1} groups of predicted scores."
    if reason:
        note += f" Wald test of the indicators, because {reason}. {reference_note(fit)}" + unusable_note(
            result, fit.design_df
        )
    elif again.status == "separated":
        note += " The fit with indicators is separated: the ratio uses the limit of its log-likelihood."
    kind = "Wald" if reason else "likelihood ratio"
    name = f"Lipsitz test of fit ({kind})"
    return HypothesisTest(name, result.statistic, result.df, result.p_value, _table(again, added), note, result.df2)


def _with_indicators(fit: Fit, group: Places) -> tuple[Design, Places]:
    """The design with indicators of all groups but the first, and the positions of those that are not redundant."""
    design, steps = fit.design, fit.design.array.shape[1]
    dummies = (group[:, None] == np.arange(1, group.max() + 1)).astype(np.float64)
    own = np.ones((steps, 1)) if fit.family.parallel else np.eye(steps)
    columns = fit.family.slope_sign * np.einsum("rg,sk->rsgk", dummies, own).reshape(len(group), steps, -1)
    p, seen = design.array.shape[2], fit.cells.weights.sum(axis=1) > 0
    both = np.concatenate([design.array, columns], axis=2)
    redundant = redundant_columns(both[seen].reshape(-1, both.shape[2]))
    kept = np.setdiff1d(np.arange(columns.shape[2]), np.array(redundant, dtype=np.intp) - p)
    if not len(kept):
        raise AdjustError(
            f'"{fit.model.formula}" determines every group of predicted scores already, so the indicators can add nothing. '
            "Use pearson(fit), which compares patterns."
        )
    labels = [f"group {g + 1}" for g in range(1, int(group.max()) + 1) for _ in range(own.shape[1])]
    names = [labels[j] for j in kept]
    bigger = replace(
        design,
        linear=Dense(np.concatenate([design.array, columns[:, :, kept]], axis=2)),
        names=(*design.names[:p], *names, *design.names[p:]),
        terms=(*design.terms[:p], *names, *design.terms[p:]),
        is_cut=np.insert(design.is_cut, p, np.zeros(len(kept), dtype=bool)),
    )
    return bigger, p + np.arange(len(kept))


def _ratio(fit: Fit, again: Fit, df: int) -> Wald:
    return chi_square(max(2.0 * (again.loglik - fit.loglik), 0.0), float(df))


def _tested(again: Fit, added: Places) -> Wald:
    return wald(again.theta[added], again.theta_vcov[np.ix_(added, added)], again.design_df)


def _table(again: Fit, added: Places) -> pd.DataFrame:
    rows = [{"coefficient": again.theta[j], **_tested(again, np.array([j])).row()} for j in added]
    return pd.DataFrame(rows, index=pd.Index([again.design.names[j] for j in added], name="term"))
