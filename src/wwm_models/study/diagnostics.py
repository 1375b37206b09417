"""What diagnostics.csv says: of a fit, of a posterior beyond its chains, and of the items of a joint posterior.

Of a fit (`diagnostics`): its numbers, its assumptions with the size of their violation, and a second opinion. Of a posterior (`checks_of`):
predictive accuracy, answers given back, sensitivity to the prior. Of items (`checks_of_items`): accuracy, answers given back, how items are
correlated.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd

from wwm_models.bayes.joint_data import JointPosterior
from wwm_models.bayes.leave_one_out import Loo, loo, loo_items
from wwm_models.bayes.posterior import Posterior
from wwm_models.diagnostics.predictive_checks import posterior_predictive, posterior_predictive_items
from wwm_models.diagnostics.prior_sensitivity import power_scaled
from wwm_models.diagnostics.proportional_odds import brant, po_size
from wwm_models.diagnostics.specification import second_opinion, weights_matter
from wwm_models.errors import WwmError
from wwm_models.estimates.contrasts import HypothesisTest
from wwm_models.likelihood.degrees_of_freedom import fit_freedom
from wwm_models.likelihood.fit import Fit
from wwm_models.messages import category, level, number, say, together
from wwm_models.stages import AllOrNothing, Stages

DIAGNOSTIC_COLUMNS = ("estimand", "check", "value", "status", "message")
AGREES = 1e-5  # of statsmodels' estimates, whose optimiser stops at a gradient of 1e-8
Row = tuple[str, float, str, str]


def diagnostics(fit: Fit, estimand: str, name: str = "", stages: Stages | None = None) -> pd.DataFrame:
    """Rows of diagnostics.csv for one fit.

    Parameters
    ----------
    fit : Fit
    estimand : str
        Which of the model's fits this is.
    name : str
        Of the model, for what is wrong with a check.
    stages : Stages, optional
        Every check is one. Without it none may fail.

    Returns
    -------
    DataFrame
        With `COLUMNS`; status is "ok", "look" (something to read), "info", or what is wrong.
    """
    rows = _numbers(fit)
    if fit.status == "ok":
        each = stages or AllOrNothing()
        for check, made in (
            ("weights", _weights),
            ("proportional odds", _proportional_odds),
            ("second opinion", _second_opinion),
        ):
            rows += each.attempt(
                say("check_of", stage=say("fit_of", model=name, estimand=estimand), check=check),
                partial(made, fit),
                otherwise=[],
            )
    rows += [("warning", np.nan, "look", text) for text in fit.warnings]
    return pd.DataFrame([(estimand, *row) for row in rows], columns=pd.Index(DIAGNOSTIC_COLUMNS))


def failure(estimand: str, status: str, message: str) -> pd.DataFrame:
    """The single row of a fit that does not exist."""
    return pd.DataFrame([(estimand, "convergence", np.nan, status, message)], columns=pd.Index(DIAGNOSTIC_COLUMNS))


def _numbers(fit: Fit) -> list[Row]:
    free = fit_freedom(fit.vcov_kind, fit.survey, fit.cells, 1)
    return [
        ("convergence", float(fit.iterations), fit.status, fit.message),
        ("gradient_norm", fit.gradient_norm, "ok" if fit.gradient_norm < 1e-4 else "look", ""),
        ("condition_number", fit.condition_number, "ok" if fit.condition_number < 1e8 else "look", ""),
        (
            "loglik",
            fit.loglik,
            "info",
            _covariance(fit),
        ),
        ("n", float(fit.n), "info", ""),
        ("n_effective", fit.n_effective, "info", "Kish"),
        ("design_df", fit.design_df, "info" if fit.design_df > 0 else "look", str(free.reasons[0])),
    ]


def _covariance(fit: Fit) -> str:
    kind = f"{fit.vcov_kind} covariance"
    return say("penalised", covariance=kind, penalty=fit.penalty) if fit.penalty else kind


def _test(test: HypothesisTest) -> str:
    return say("test_value", law=test.law, value=number(test.statistic, ".2f"))


def _weights(fit: Fit) -> list[Row]:
    if fit.survey.weight_kind != "sampling":
        return []
    deff = fit.n / fit.n_effective
    rows: list[Row] = [("design_effect_of_weights", deff, "ok" if deff <= 3 else "look", "Kish: n over effective n")]
    try:
        test = weights_matter(fit)
    except WwmError:
        return rows
    return [
        *rows,
        (
            "weights_matter_p",
            test.p_value,
            "info",
            say("weights_test", test=_test(test)),
        ),
    ]


def _proportional_odds(fit: Fit) -> list[Row]:
    """Brant's test, and always beside it how many percentage points the assumption costs."""
    parallel = (
        fit.family.ordered_cuts and fit.family.parallel and len(fit.design.order) > 2 and not fit.design.is_cut.all()
    )
    if not parallel or fit.penalty or fit.model.scale is not None:
        return []
    try:
        test, size = brant(fit), po_size(fit)
    except WwmError as problem:
        return [("proportional_odds_p", np.nan, "info", str(problem))]
    if size["percentage_points"].isna().all():
        return [("proportional_odds_p", test.p_value, "info", test.note)]
    worst = size.iloc[int(np.nanargmax(size["percentage_points"].to_numpy(dtype=float)))]
    name, _, value = str(worst["group"]).partition("=")
    where = say(
        "largest_change", group=level(name, value, "="), category=category(fit.cells.outcome, str(worst["category"])),
        against=str(worst["against"]),
    )  # fmt: skip
    return [
        ("proportional_odds_p", test.p_value, "info", say("brant_test", test=_test(test))),
        (
            "proportional_odds_points",
            float(worst["percentage_points"]),
            "ok" if worst["percentage_points"] < 3 else "look",
            where,
        ),
    ]


def _second_opinion(fit: Fit) -> list[Row]:
    try:
        difference = second_opinion(fit)
    except WwmError as problem:
        return [("second_opinion", np.nan, "info", str(problem))]
    if difference is None:
        return []
    status = "ok" if difference < AGREES else "look"
    return [("second_opinion", difference, status, "largest difference from statsmodels' estimates")]


TAIL = 0.025  # of the Bayesian p-value of a discrepancy, on either side
GRID = 200  # draws of the predictive check: its p-value is then within 0.035 of what all draws give


def checks_of(post: Posterior, exposures: Sequence[str]) -> list[Row]:
    """Rows of leave-one-out accuracy, and per exposure of the predictive check and of power-scaling.

    Parameters
    ----------
    post : Posterior
        Healthy.
    exposures : sequence of str

    Returns
    -------
    list of (check, value, status, message)
        A check that cannot be made says why.
    """
    units = ["respondent"] if post.survey.design is None else ["respondent", "psu"]
    rows = [_accuracy(post, unit) for unit in units]
    return [*rows, *(_predicted(post, name) for name in exposures), *_sensitivity(post, exposures)]


def _accuracy(post: Posterior, unit: str) -> Row:
    try:
        return accuracy_row(loo(post, unit=unit))
    except WwmError as problem:
        return f"loo_{unit}", np.nan, "info", str(problem)


def accuracy_row(found: Loo, more: str = "") -> Row:
    """The row of a leave-one-out accuracy, with `more` after its message."""
    error = say("accuracy_error", error=number(found.std_error, ".1f"), p_loo=number(found.p_loo, ".1f"))
    what = together(say("left_out_by", unit=found.unit), error, more)
    return f"loo_{found.unit}", found.elpd, "look" if found.message else "ok", found.message or what


def _predicted(post: Posterior, name: str) -> Row:
    try:
        found = posterior_predictive(post, name, draws=GRID)
    except WwmError as problem:
        return f"predictive_p:{name}", np.nan, "info", str(problem)
    return shares_row(name, found.table, found.p_value)


def shares_row(name: str, table: pd.DataFrame, p_value: float) -> Row:
    """The row of a predictive check of shares by an exposure."""
    outside = int((table["status"] != "ok").sum())
    limits = say("outside_limits", count=outside, all=len(table), level=95)
    what = together("shares of drawn answers against those observed", limits)
    return f"predictive_p:{name}", p_value, tail_status(p_value), what


def tail_status(p_value: float) -> str:
    """Whether a tail probability asks for attention."""
    return "ok" if TAIL <= p_value <= 1.0 - TAIL else "look"


def _sensitivity(post: Posterior, exposures: Sequence[str]) -> list[Row]:
    try:
        tables = power_scaled(post, exposures)
    except WwmError as problem:
        return [(f"prior_sensitivity:{name}", np.nan, "info", str(problem)) for name in exposures]
    return [_worst(name, table, post.cells.outcome) for name, table in zip(exposures, tables, strict=True)]


def _worst(name: str, table: pd.DataFrame, outcome: str) -> Row:
    worst = table.iloc[int(np.argmax(table["prior"].to_numpy()))]
    distance = say(
        "prior_distance", level=level(name, str(worst[name]), " "), category=category(outcome, str(worst["category"])),
        share=number(worst["likelihood"], ".3f"),
    )  # fmt: skip
    where = together(distance, str(worst["diagnosis"]))
    return f"prior_sensitivity:{name}", float(worst["prior"]), "ok" if worst["diagnosis"] == "ok" else "look", where


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
    accuracy = [_joint_accuracy(post, unit) for unit in units]
    found: list[list[Row]] = [[*accuracy] for _ in post.rows.items]
    for name in exposures:
        for rows, own in zip(found, _joint_predicted(post, name, together=name == exposures[-1]), strict=True):
            rows += own
    return found


def _joint_accuracy(post: JointPosterior, unit: str) -> Row:
    try:
        return accuracy_row(loo_items(post, unit=unit), "of all answers of a respondent together")
    except WwmError as problem:
        return f"loo_{unit}", np.nan, "info", str(problem)


def _joint_predicted(post: JointPosterior, name: str, *, together: bool) -> list[list[Row]]:
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
    what = say("item_rest", **{name: number(line[name], ".2f") for name in ("observed", "lower", "upper")})
    return "together_p", float(line["p_value"]), tail_status(float(line["p_value"])), what
