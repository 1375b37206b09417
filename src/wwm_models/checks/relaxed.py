"""Do parallel slopes suffice? Each term in turn gets a slope per cut point.

With a likelihood: the ratio of the two fits, as ordinal::nominal_test. With a pseudo-likelihood: a Wald test that the slopes of
the relaxed fit do not differ between the cut points, F under a design.

References
----------
Peterson, B. and Harrell, F. E. (1990). Partial proportional odds models for ordinal response variables. JRSS C 39, 205-217.
doi:10.2307/2347760
Christensen, R. H. B. (2022). ordinal: Regression Models for Ordinal Data, nominal_test.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.adjust.margins.joint import refuse_unusable
from wwm_models.cells.design import cells_and_design
from wwm_models.checks.ratio import pseudo_likelihood, refuse_monotone, refuse_penalised
from wwm_models.checks.refit import refit
from wwm_models.checks.wald import ROW, Wald, chi_square, reference_note, unusable_note, wald
from wwm_models.engines.variants import location_terms
from wwm_models.errors import AdjustError
from wwm_models.records import Fit
from wwm_models.records.tests import HypothesisTest

Array = NDArray[np.float64]
_STATES = {"crossing": "best where its cut points meet in some pattern, so it has no maximum inside"}


@dataclass(frozen=True)
class _Relaxed:
    """The test of one set of terms, and what is wrong with its relaxed fit."""

    result: Wald
    loglik: float
    status: str


def nominal_test(fit: Fit) -> HypothesisTest:
    """Test of parallel slopes, all terms together and term by term, against category-specific slopes.

    Parameters
    ----------
    fit : Fit
        Of any family with parallel slopes and three answers or more.

    Returns
    -------
    HypothesisTest
        The statistic relaxes all parallel terms at once; the table has a row for each of them and the log-likelihood of its
        relaxed fit. A separated relaxed fit has a likelihood ratio, from the limit of its log-likelihood, but no Wald test.

    Raises
    ------
    AdjustError
        If no term is parallel.
    """
    refuse_unusable(fit)
    refuse_penalised(fit, "nominal_test")
    refuse_monotone(fit, "nominal_test")
    terms = _parallel_terms(fit)
    reason = pseudo_likelihood(fit)
    relaxed = {term: _test(fit, [term], reason) for term in terms}
    every = _test(fit, terms, reason) if len(terms) > 1 else relaxed[terms[0]]
    rows = [{**one.result.row(), "loglik": one.loglik, "status": one.status} for one in relaxed.values()]
    table = pd.DataFrame(rows, index=pd.Index(list(relaxed), name="term"))
    kind = "Wald" if reason else "likelihood ratio"
    name = f"Test of parallel against category-specific slopes ({kind})"
    result = every.result
    note = _note(fit, reason, {**relaxed, "all terms": every})
    return HypothesisTest(name, result.statistic, result.df, result.p_value, table, note, result.df2)


def _parallel_terms(fit: Fit) -> list[str]:
    parallel = [term for term in location_terms(fit) if term not in fit.model.nonproportional]
    if not fit.family.parallel or not parallel or len(fit.design.order) < 3:
        raise AdjustError(
            f'"{fit.model.formula}" ({fit.family.name} family, {len(fit.design.order)} answers with respondents) has no parallel slopes '
            "that could differ. nominal_test needs a term that is not nonproportional, and three answers or more."
        )
    return parallel


def _test(fit: Fit, terms: list[str], reason: str) -> _Relaxed:
    model = replace(fit.model, nonproportional=(*fit.model.nonproportional, *terms))
    cells, design = cells_and_design(model, fit.survey, aliased="drop" if fit.design.dropped else "error")
    bigger = refit(replace(fit, model=model), cells, design)
    if reason:
        return _Relaxed(_differences(bigger, terms), bigger.loglik, bigger.status)
    df = float(len(bigger.theta) - len(fit.theta))
    if bigger.status not in ("ok", "separated"):
        return _Relaxed(Wald(np.nan, df, np.inf, np.nan), bigger.loglik, bigger.status)
    return _Relaxed(chi_square(max(2.0 * (bigger.loglik - fit.loglik), 0.0), df), bigger.loglik, bigger.status)


def _differences(relaxed: Fit, terms: list[str]) -> Wald:
    """Wald test that each column's slope is that of the first cut point; slopes of a column stand next to each other."""
    steps = relaxed.design.array.shape[1]
    slopes = np.array([j for j, term in enumerate(relaxed.design.terms) if term in terms])
    if relaxed.status != "ok":
        return Wald(**{**dict.fromkeys(ROW, np.nan), "df": float(len(slopes) // steps * (steps - 1))})
    later = np.column_stack([-np.ones(steps - 1), np.eye(steps - 1)])
    contrast = np.kron(np.eye(len(slopes) // steps), later)
    joint = contrast @ relaxed.theta_vcov[np.ix_(slopes, slopes)] @ contrast.T
    return wald(contrast @ relaxed.theta[slopes], joint, relaxed.design_df)


def _note(fit: Fit, reason: str, tests: dict[str, _Relaxed]) -> str:
    note = f"A likelihood ratio is refused because {reason}. {reference_note(fit)}" if reason else ""
    wrong = {name: one.status for name, one in tests.items() if one.status != "ok"}
    for name, status in wrong.items():
        note += f" The fit with category-specific slopes of {name} is {_STATES.get(status, status)}"
        limit = status == "separated" and not reason
        note += (
            ": the ratio uses the limit of its log-likelihood, and its chi-square law is doubtful." if limit else "."
        )
    if "all terms" not in wrong:
        note += unusable_note(tests["all terms"].result, fit.design_df)
    return note.strip()
