"""Do groups differ in spread? Each term in turn enters the log standard deviation of the latent answer.

With a likelihood: the ratio of the two fits, as ordinal::scale_test. With a pseudo-likelihood: a Wald test of the scale parameters.

References
----------
McCullagh, P. (1980). Regression models for ordinal data. JRSS B 42, 109-142, section 6.1.
Christensen, R. H. B. (2022). ordinal: Regression Models for Ordinal Data, scale_test.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from wwm_models.adjust.margins.joint import refuse_unusable
from wwm_models.cells.design import cells_and_design
from wwm_models.checks.ratio import pseudo_likelihood, refuse_monotone, refuse_penalised
from wwm_models.checks.refit import refit
from wwm_models.checks.wald import Wald, chi_square, reference_note, wald
from wwm_models.errors import AdjustError
from wwm_models.records import Fit
from wwm_models.records.tests import HypothesisTest


def scale_test(fit: Fit) -> HypothesisTest:
    """Test of equal spread, all terms together and term by term, against a scale part.

    Parameters
    ----------
    fit : Fit
        Of the cumulative family, without a scale part, with three answers or more.

    Returns
    -------
    HypothesisTest
        The statistic lets all terms enter the scale at once; the table has a row for each of them.

    Raises
    ------
    AdjustError
        If the fit has no latent spread to test, or has a scale part already.
    """
    refuse_unusable(fit)
    refuse_penalised(fit, "scale_test")
    refuse_monotone(fit, "scale_test")
    terms = [term for term in dict.fromkeys(fit.design.terms) if term]
    if not fit.family.ordered_cuts or fit.model.scale is not None or not terms or len(fit.design.order) < 3:
        raise AdjustError(
            f'"{fit.model.formula}" ({fit.family.name} family) has no equal spread to test. scale_test needs a cumulative fit with a '
            "predictor, three answers or more, and no scale part yet."
        )
    reason = pseudo_likelihood(fit)
    rows = {term: _tested(fit, [term], reason) for term in terms}
    every = _tested(fit, terms, reason) if len(terms) > 1 else rows[terms[0]]
    table = pd.DataFrame([row.row() for row in rows.values()], index=pd.Index(list(rows), name="term"))
    note = f"A likelihood ratio is refused because {reason}. {reference_note(fit)}" if reason else ""
    name = f"Test of equal spread against a scale part ({'Wald' if reason else 'likelihood ratio'})"
    return HypothesisTest(name, every.statistic, every.df, every.p_value, table, note, every.df2)


def _tested(fit: Fit, terms: list[str], reason: str) -> Wald:
    model = replace(fit.model, scale=f"~ {' + '.join(terms)}")
    cells, design = cells_and_design(model, fit.survey, aliased="drop" if fit.design.dropped else "error")
    bigger = refit(replace(fit, model=model), cells, design)
    df = float(len(bigger.theta) - len(fit.theta))
    if bigger.status != "ok":
        return Wald(np.nan, df, np.inf, np.nan)
    if reason:
        where = np.arange(design.linear.shape[2], len(design.names))
        return wald(bigger.theta[where], bigger.theta_vcov[np.ix_(where, where)], fit.design_df)
    return chi_square(max(2.0 * (bigger.loglik - fit.loglik), 0.0), df)
