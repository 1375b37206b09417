"""A second implementation's opinion of a fit: statsmodels, started half a standard error away, on one row per respondent.

statsmodels has OrderedModel (cumulative) and MNLogit (multinomial), both without survey weights; so only unweighted fits with the
plain structure can be compared. It is imported when asked, because importing it takes longer than most fits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wwm_models.arguments import shortened
from wwm_models.errors import AdjustError
from wwm_models.records import Fit

Array = NDArray[np.float64]
MOST = 100_000  # respondents: it then takes seconds


def second_opinion(fit: Fit) -> float | None:
    """Largest absolute difference between our parameters and those of statsmodels.

    Parameters
    ----------
    fit : Fit

    Returns
    -------
    float or None
        None where statsmodels has no such model: weights, other families or links, nonproportional terms, structured cut points,
        a scale part, a penalty, or no predictor; and where more than `MOST` respondents were counted together, whom it would
        need one by one.

    Raises
    ------
    AdjustError
        If statsmodels stops with an error of its own, such as one of a singular matrix.

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
        or fit.survey.weight_kind != "none"
        or fit.design.is_cut.all()
        or fit.status != "ok"
    ):
        return None
    rows = np.flatnonzero(fit.cells.row_pattern >= 0)
    if fit.survey.tally is not None:
        if fit.n > MOST:
            return None
        rows = np.repeat(rows, np.round(fit.survey.counts[rows]).astype(np.intp))
    position = np.full(len(fit.cells.categories), -1, dtype=np.intp)
    position[fit.design.order] = np.arange(len(fit.design.order))
    try:
        theirs = refitted(position[fit.cells.row_category[rows]], fit, fit.cells.row_pattern[rows])
    except MemoryError:
        raise
    except Exception as problem:  # whatever another library stops with
        raise AdjustError(
            f"statsmodels stopped with {type(problem).__name__} ({shortened(str(problem))}). Expected its estimates beside ours. This fit has no "
            "second opinion, so rely on its gradient and condition number."
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
