"""A fit against another fit of the same model: without the sampling weights, and by a second implementation.

Do the weights matter (`weights_matter`)? If they carry no information about the answers given the predictors, the weighted and the unweighted fit
estimate the same parameters. The difference d of the two has covariance V from the respondents' joint influence, and d' V^-1 d is chi-square.

`second_opinion` is that of statsmodels, started half a standard error away, on one row per respondent. It has OrderedModel (cumulative) and MNLogit
(multinomial), both without survey weights; so only unweighted fits with the plain structure can be compared. It is imported when asked, because
importing it takes longer than most fits.

References
----------
DuMouchel, W. H. and Duncan, G. J. (1983). Using sample survey weights in multiple regression analyses of stratified samples.
JASA 78, 535-543. doi:10.1080/01621459.1983.10478006
Pfeffermann, D. (1993). The role of sampling weights when modeling survey data. International Statistical Review 61, 317-337.
doi:10.2307/1403631
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.arguments import short_repr
from wwm_models.diagnostics.hypothesis_tests import reference_note, refuse_monotone, wald
from wwm_models.errors import AdjustError
from wwm_models.estimates.contrasts import HypothesisTest
from wwm_models.estimates.standardise import refuse_unusable
from wwm_models.likelihood.covariance import covariance, joined
from wwm_models.likelihood.fit import Fit
from wwm_models.likelihood.fit import fit as refitted
from wwm_models.messages import say
from wwm_models.numerics.arrays import Array


def weights_matter(fit: Fit) -> HypothesisTest:
    """Test that weighted and unweighted estimates of the slopes agree.

    Parameters
    ----------
    fit : Fit
        With sampling weights.

    Returns
    -------
    HypothesisTest
        Over all slopes (not the cut points, which follow the shares of the answers); the table has a row per parameter with
        both estimates.

    Raises
    ------
    AdjustError
        If there are no sampling weights or no slopes.
    """
    refuse_unusable(fit)
    refuse_monotone(fit, "weights_matter")
    slopes = np.flatnonzero(~fit.design.is_cut)
    if fit.survey.weight_kind != "sampling" or not len(slopes):
        raise AdjustError(
            "weights_matter compares weighted with unweighted slopes; this fit has no sampling weights or no slopes."
        )
    once = fit.survey.unweighted()
    once = replace(once, weights=np.where(fit.survey.weights > 0, once.weights, 0.0), weight_kind="sampling")
    plain = refitted(fit.model, once, vcov="robust", aliased="drop")
    own = np.eye(len(fit.theta))
    gap = joined(fit.theta_influence, plain.theta_influence).mapped(np.hstack([own, -own]))
    difference = (fit.theta - plain.theta)[slopes]
    joint = covariance(gap)[np.ix_(slopes, slopes)]
    table = pd.DataFrame([wald(difference[[i]], joint[[i]][:, [i]], fit.design_df).row() for i in range(len(slopes))])
    table.index = pd.Index([fit.design.names[j] for j in slopes], name="term")
    table = table.assign(weighted=fit.theta[slopes], unweighted=plain.theta[slopes])
    result = wald(difference, joint, fit.design_df)
    return HypothesisTest(
        "Weighted against unweighted slopes",
        result.statistic,
        result.df,
        result.p_value,
        table,
        reference_note(fit),
        result.df2,
    )


MOST = 100_000  # respondents: it then takes seconds
MOST_WORK = 20_000_000  # respondents times squared parameters of an ordered model, whose gradient it takes by differences: half a minute


def second_opinion(fit: Fit) -> float | None:
    """Largest absolute difference between our parameters and those of statsmodels.

    Parameters
    ----------
    fit : Fit

    Returns
    -------
    float or None
        None where statsmodels has no such model: sampling weights, other families or links, nonproportional terms, structured cut
        points, a scale part, a penalty, or no predictor. A frequency is as many respondents, each with a row of its own.

    Raises
    ------
    AdjustError
        If statsmodels stops with an error of its own, such as one of a singular matrix, or if more than `MOST` respondents are
        counted together, whom it would need one by one, or if it would take minutes (`MOST_WORK`).

    References
    ----------
    Seabold, S. and Perktold, J. (2010). statsmodels: Econometric and statistical modeling with Python. Proceedings of the 9th
    Python in Science Conference.
    """
    model = fit.model
    structured = model.thresholds != "flexible" or model.thresholds_by is not None
    plain = not (model.nonproportional or model.scale or fit.penalty or structured)
    refitted = _MODELS.get((fit.family.name, fit.link.name))
    if (
        refitted is None
        or not plain
        or fit.survey.weight_kind == "sampling"
        or fit.design.is_cut.all()
        or fit.status != "ok"
    ):
        return None
    rows = np.flatnonzero(fit.cells.row_pattern >= 0)
    if fit.survey.tally is not None:
        if fit.n > MOST:
            raise AdjustError(say("statsmodels_many", people=fit.n, most=MOST))
        rows = np.repeat(rows, np.round(fit.survey.counts[rows]).astype(np.intp))
    if refitted is _ordered and len(rows) * len(fit.theta) ** 2 > MOST_WORK:
        raise AdjustError(say("statsmodels_slow", people=len(rows), parameters=len(fit.theta)))
    position = np.full(len(fit.cells.categories), -1, dtype=np.intp)
    position[fit.design.order] = np.arange(len(fit.design.order))
    try:
        theirs = refitted(position[fit.cells.row_category[rows]], fit, fit.cells.row_pattern[rows])
    except MemoryError:
        raise
    except Exception as problem:  # whatever another library stops with
        raise AdjustError(
            say("statsmodels_stopped", error=f"{type(problem).__name__} ({short_repr(str(problem))})")
        ) from None
    return float(np.max(np.abs(theirs - fit.theta)))


def _ordered(answer: NDArray[np.intp], fit: Fit, pattern: NDArray[np.intp]) -> Array:
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    cuts = int(fit.design.is_cut.sum())
    columns = fit.family.slope_sign * fit.design.array[:, 0, cuts:]
    away = _away(fit)
    start = np.concatenate([away[cuts:], fit.theta[:1], np.log(np.diff(fit.theta[:cuts]))])
    model: Any = OrderedModel(answer, columns[pattern], distr=fit.link.name)
    found = model.fit(start_params=start, method="bfgs", gtol=1e-8, maxiter=500, disp=False, skip_hessian=True)
    slopes, thresholds = np.split(np.asarray(found.params), [columns.shape[1]])
    return np.concatenate([np.cumsum(np.concatenate([thresholds[:1], np.exp(thresholds[1:])])), slopes])


def _nominal(answer: NDArray[np.intp], fit: Fit, pattern: NDArray[np.intp]) -> Array:
    from statsmodels.discrete.discrete_model import MNLogit

    steps = int(fit.design.is_cut.sum())
    columns = np.column_stack([np.ones(len(fit.design.array)), fit.design.array[:, 0, steps::steps]])
    model: Any = MNLogit(answer, columns[pattern])
    found = model.fit(
        start_params=_away(fit).reshape(-1, steps).ravel(order="F"), method="newton", disp=False, warn_convergence=False
    )
    return np.asarray(found.params).ravel()


def _away(fit: Fit) -> Array:
    """Parameters that are not the maximum, so that the other program has to find it."""
    return fit.theta + 0.5 * np.sqrt(np.diag(fit.theta_vcov)) * (-1.0) ** np.arange(len(fit.theta))


_MODELS: dict[tuple[str, str], Callable[[NDArray[np.intp], Fit, NDArray[np.intp]], Array]] = {
    ("cumulative", "logit"): _ordered,
    ("cumulative", "probit"): _ordered,
    ("multinomial", "logit"): _nominal,
}
