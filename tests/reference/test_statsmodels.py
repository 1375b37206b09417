"""A second opinion at run time: statsmodels on the same rows, without weights, by the same maximum likelihood."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.discrete.discrete_model import MNLogit
from statsmodels.miscmodels.ordinal_model import OrderedModel
from statsmodels.tools.numdiff import approx_hess3

import wwm_models as wwm

FORMULAS = {
    "ucla_polr_logit": "apply ~ pared + public + gpa",
    "wine_clm_po": "rating ~ temp + contact",
    "womenlf_polr": "partic ~ log(hincome) + children",
    "anes96_mlogit_stata": "PID ~ logpopul + selfLR + age + educ + income",
}
TOLERANCE = (
    1e-5  # relative; statsmodels stops its optimiser on the gradient and differentiates numerically for the Hessian
)


def fitted(case, name, **options):
    survey = case(name).survey
    fit = wwm.fit(wwm.Model(FORMULAS[name], **options), wwm.Survey.from_frame(survey.frame, weight=None))
    design = wwm.fit(wwm.Model(FORMULAS[name]), survey).design
    return (
        fit,
        -design.build(survey.frame).array[:, 0, len(fit.cells.categories) - 1 :],
        survey.frame[fit.model.outcome],
    )


def _hessian(loglike, point):
    """Of statsmodels' log-likelihood, by central differences at two steps so that the error in the step's square cancels.

    Its own step is so small that rounding moves a standard error by 1e-5 between two starting values.
    """
    return (4.0 * approx_hess3(point, loglike, epsilon=1e-3) - approx_hess3(point, loglike, epsilon=2e-3)) / 3.0


@pytest.mark.parametrize("name", ["ucla_polr_logit", "wine_clm_po", "womenlf_polr"])
@pytest.mark.parametrize("link", ["logit", "probit"])
def test_ordered_model(name, link, case):
    """OrderedModel's later cut points are logs of distances, so its covariance goes through their derivatives."""
    fit, columns, outcome = fitted(case, name, link=link)
    model = OrderedModel(outcome.reset_index(drop=True), pd.DataFrame(columns), distr=link)
    ours = fit.params.to_numpy()
    cuts, slopes = ours[: len(fit.cells.categories) - 1], ours[len(fit.cells.categories) - 1 :]
    start = np.concatenate([slopes + 0.01, [cuts[0]], np.log(np.diff(cuts))])
    theirs = model.fit(start_params=start, method="bfgs", gtol=1e-8, maxiter=500, disp=False)
    count = len(slopes)
    there = theirs.params.to_numpy()
    steps = np.concatenate([[1.0], np.exp(there[count + 1 :])])
    jacobian = np.zeros((len(there), len(there)))
    jacobian[: len(cuts), count:] = np.tril(np.ones((len(cuts), len(cuts)))) * steps
    jacobian[len(cuts) :, :count] = np.eye(count)
    params = np.concatenate([np.cumsum(np.concatenate([[there[count]], steps[1:]])), there[:count]])
    covariance = jacobian @ np.linalg.inv(-_hessian(model.loglike, there)) @ jacobian.T
    np.testing.assert_allclose(ours, params, rtol=TOLERANCE)
    np.testing.assert_allclose(fit.std_errors, np.sqrt(np.diag(covariance)), rtol=TOLERANCE / 10)
    np.testing.assert_allclose(fit.loglik, theirs.llf, rtol=1e-9)


def _hessian(loglike, point):
    """Of statsmodels' log-likelihood, by central differences at two steps so that the error in the step's square cancels.

    Its own step is so small that rounding moves a standard error by 1e-5 between two starting values.
    """
    return (4.0 * approx_hess3(point, loglike, epsilon=1e-3) - approx_hess3(point, loglike, epsilon=2e-3)) / 3.0


@pytest.mark.parametrize("name", ["ucla_polr_logit", "anes96_mlogit_stata", "womenlf_polr"])
def test_multinomial_logit(name, case):
    fit, columns, outcome = fitted(case, name, family="multinomial")
    exog = np.column_stack([np.ones(len(columns)), columns])
    theirs = MNLogit(outcome.cat.codes.to_numpy(), exog).fit(method="newton", tol=1e-12, disp=False)
    ours = np.stack([fit.params.to_numpy(), fit.std_errors.to_numpy()])
    answers = len(fit.cells.categories) - 1
    for row, there in zip(ours, (theirs.params, theirs.bse), strict=True):
        np.testing.assert_allclose(row.reshape(-1, answers), np.asarray(there), rtol=TOLERANCE)
    np.testing.assert_allclose(fit.loglik, theirs.llf, rtol=1e-10)
