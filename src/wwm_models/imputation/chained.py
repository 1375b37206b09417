"""Multiple imputation by chained equations: every incomplete variable in turn, given the others, for some rounds.

References
----------
van Buuren, S. and Groothuis-Oudshoorn, K. (2011). mice: Multivariate Imputation by Chained Equations in R. Journal of
Statistical Software 45(3). doi:10.18637/jss.v045.i03
Carpenter, J. R., Kenward, M. G. and White, I. R. (2007). Sensitivity analysis after multiple imputation under missing at
random: a weighting approach. Statistical Methods in Medical Research 16, 259-275 (on shifts).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.arguments import MOST, whole_number
from wwm_models.errors import ImputationError, expect
from wwm_models.imputation.draw import Conditional, draw_answers, fit_target, known
from wwm_models.imputation.plan import Codes, Plan, answers_of, plan_of, shifts_of
from wwm_models.records import Survey
from wwm_models.records.imputations import Imputations

Shifts = Mapping[str, NDArray[np.float64]]


def impute(
    survey: Survey,
    m: int = 20,
    *,
    seed: int = 1,
    variables: Sequence[str] | None = None,
    predictors: Sequence[str] | None = None,
    rounds: int = 10,
    delta: Mapping[str, Any] | None = None,
) -> Imputations:
    """Complete the missing answers of a survey's domain m times.

    Parameters
    ----------
    survey : Survey
    m : int
        Number of completed surveys, from 2 to 1000.
    seed : int
    variables : sequence of str, optional
        What is completed; every variable with missing answers unless given. Leave out what is missing by design.
    predictors : sequence of str, optional
        What completes them, beside each other; every other variable unless given. Include the outcome of the model of interest.
    rounds : int
        Rounds of the chain; one is enough, and used, where one variable is incomplete.
    delta : mapping, optional
        Departures from missing at random: for an ordered variable a number (positive: missing answers are higher than those of
        alike respondents, in log odds), for a nominal one a table of levels with their shifts.

    Returns
    -------
    Imputations
        Make the estimates of each survey and join them with `pool`. Where nothing is missing, m times the survey itself. Of a row that
        stands for several respondents each gets a row, and an answer, of his own.

    Raises
    ------
    ImputationError

    Examples
    --------
    >>> y = pd.Categorical(["no", "yes", None, "yes", "no", "yes"] * 20, ["no", "yes"], ordered=True)
    >>> survey = Survey.from_frame(pd.DataFrame({"y": y, "x": [0.0, 1.0, 1.0, 1.0, 0.0, 0.0] * 20}), weight=None)
    >>> done = impute(survey, 3)
    >>> len(done), done.surveys[0].frame["y"].isna().sum(), done.counts["rows"].tolist()
    (3, np.int64(0), [20])
    """
    expect(survey, (Survey,), "The first argument of impute", ImputationError)
    _check_counts(m, rounds)
    survey.weights_known("wwm.impute")
    predictors = predictors if predictors is not None else answers_of(survey)
    plan = plan_of(survey, variables, predictors)
    if survey.tally is not None and plan.targets:  # respondents who answered alike may get different answers
        survey = survey.written_out(np.any([target.missing for target in plan.targets], axis=0))
        plan = plan_of(survey, variables, predictors)
    shifts = shifts_of(delta, plan)
    if not plan.targets:
        return Imputations((survey,) * m, (), _counts(survey, plan, []), _trace([]), 0, seed)
    state = {name: column.codes for name, column in plan.columns.items()}
    single = len(plan.targets) == 1
    kept = {plan.targets[0].name: fit_target(plan.targets[0], plan.columns, state, survey)} if single else {}
    used_rounds = 1 if single else rounds
    chains = [
        _chain(survey, plan, shifts, np.random.default_rng(one), used_rounds, kept)
        for one in np.random.SeedSequence(seed).spawn(m)
    ]
    surveys = tuple(_completed(survey, plan, done) for done, _ in chains)
    trace = [(name, place + 1, number, mean) for place, (_, rows) in enumerate(chains) for name, number, mean in rows]
    return Imputations(
        surveys, tuple(target.name for target in plan.targets), _counts(survey, plan, [chains[0][0]]), _trace(trace),
        used_rounds, seed, dict(delta or {}),
    )  # fmt: skip


def _check_counts(m: int, rounds: int) -> None:
    for name, value, least in (("m", m, 2), ("rounds", rounds, 1)):
        whole_number(value, name, ImputationError, least=least, most=MOST[name])


def _chain(
    survey: Survey, plan: Plan, shifts: Shifts, rng: np.random.Generator, rounds: int, kept: Mapping[str, Conditional]
) -> tuple[dict[str, Codes], list[tuple[str, int, float]]]:
    """One completed set of codes, and its trace."""
    state = {name: column.codes for name, column in plan.columns.items()}
    if not kept:
        state |= _started(survey, plan, rng)
    trace: list[tuple[str, int, float]] = []
    for number in range(1, rounds + 1):
        for target in plan.targets:
            found = kept.get(target.name) or fit_target(target, plan.columns, state, survey)
            rows = target.missing & known(target, state)
            codes = [state[name][rows] for name in target.predictors]
            drawn = draw_answers(found, target, plan.columns, codes, rng, shifts.get(target.name))
            state[target.name] = _with_answers(plan.columns[target.name].codes, rows, drawn)
            trace.append((target.name, number, float(drawn.mean()) if len(drawn) else float("nan")))
    return state, trace


def _started(survey: Survey, plan: Plan, rng: np.random.Generator) -> dict[str, Codes]:
    """Missing answers drawn from those given, whatever the other variables say."""
    made: dict[str, Codes] = {}
    for target in plan.targets:
        codes = plan.columns[target.name].codes
        given, people = codes[codes >= 0], survey.counts[codes >= 0]
        share = None if survey.tally is None else people / people.sum()
        drawn = rng.choice(given, size=int(target.missing.sum()), p=share)
        made[target.name] = _with_answers(codes, target.missing, drawn)
    return made


def _with_answers(codes: Codes, rows: NDArray[np.bool_], drawn: Codes) -> Codes:
    filled = codes.copy()
    filled[rows] = drawn
    return filled


def _completed(survey: Survey, plan: Plan, state: Mapping[str, Codes]) -> Survey:
    """The survey with drawn answers in the place of missing ones, and their reasons taken away."""
    columns: dict[str, Any] = {}
    missing = dict(survey.missing)
    for target in plan.targets:
        filled = state[target.name]
        drawn = (filled >= 0) & target.missing
        own = survey.frame[target.name]
        if isinstance(own.dtype, pd.CategoricalDtype):
            columns[target.name] = pd.Categorical.from_codes(
                filled.tolist(), categories=own.cat.categories, ordered=own.cat.ordered
            )
        else:
            columns[target.name] = own.mask(drawn, pd.Series(np.asarray(target.levels)[filled], index=own.index))
        if target.name in missing:
            missing[target.name] = np.where(drawn, "", missing[target.name]).astype(object)
    told = [
        f"{target.name}: {int(target.missing.sum())} missing answers of the domain are drawn (imputed)."
        for target in plan.targets
    ]
    return replace(survey, frame=survey.frame.assign(**columns), missing=missing, warnings=(*survey.warnings, *told))


def _counts(survey: Survey, plan: Plan, states: list[dict[str, Codes]]) -> pd.DataFrame:
    rows: list[tuple[str, str, int]] = []
    for target in plan.targets:
        left = target.missing & (states[0][target.name] < 0)
        drawn = target.missing & ~left
        reasons = (
            survey.missing[target.name][drawn].tolist()
            if target.name in survey.missing
            else ["missing"] * int(drawn.sum())
        )
        rows += [(target.name, reason or "missing", count) for reason, count in sorted(Counter(reasons).items())]
        rows += [(target.name, "left missing", int(left.sum()))] if left.any() else []
    return pd.DataFrame(rows, columns=["variable", "reason", "rows"])


def _trace(rows: list[Any]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["variable", "imputation", "round", "mean"])
