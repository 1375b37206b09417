"""Several completed copies of a survey: multiple imputation by chained equations, every incomplete variable in turn for some rounds.

One variable of a chain (`fit_target`, `draw_answers`): fit it on the others where it is known, draw the parameters, draw the missing answers. Proper
imputation (Rubin 1987, section 4.3): theta* ~ N(theta, V), then an answer from P(Y | x, theta*) for every missing row.
theta maximises the weighted log-likelihood of the cells plus a normal(0, 2.5) prior on the slopes of standardised columns,
which keeps them finite where answers are separated (Gelman et al. 2008; White et al. 2010 augment the data for that). With H the
information, P the prior's precision and M the covariance of the total score under the survey's design (H itself where the
respondents are not weighted), V = (H + P)^-1 (M + P) (H + P)^-1. Chains fit thousands of models, so the arrays are built here from
codes, not from formulas; likelihood, derivatives and covariances are the engine's own.

`impute` runs the chains (van Buuren and Groothuis-Oudshoorn 2011; shifts as in Carpenter, Kenward and White 2007) and says what was completed and
how.

References
----------
Carpenter, J. R., Kenward, M. G. and White, I. R. (2007). Sensitivity analysis after multiple imputation under missing at
random: a weighting approach. Statistical Methods in Medical Research 16, 259-275 (on shifts).
Gelman, A., Jakulin, A., Pittau, M. G. and Su, Y.-S. (2008). A weakly informative default prior distribution for logistic and
other regression models. Annals of Applied Statistics 2, 1360-1383. doi:10.1214/08-AOAS191
Rubin, D. B. (1987). Multiple Imputation for Nonresponse in Surveys. Wiley. doi:10.1002/9780470316696
van Buuren, S. (2007). Multiple imputation of discrete and continuous data by fully conditional specification. Statistical
Methods in Medical Research 16, 219-242. doi:10.1177/0962280206074463
van Buuren, S. and Groothuis-Oudshoorn, K. (2011). mice: Multivariate Imputation by Chained Equations in R. Journal of
Statistical Software 45(3). doi:10.18637/jss.v045.i03
White, I. R., Daniel, R. and Royston, P. (2010). Avoiding bias due to perfect prediction in multiple imputation of incomplete
categorical variables. Computational Statistics and Data Analysis 54, 2267-2275. doi:10.1016/j.csda.2010.04.005
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.arguments import MOST, whole_number
from wwm_models.errors import FitError, ImputationError, expect
from wwm_models.imputation.plan import CodedColumn, IncompleteVariable, Plan, answers_of, plan_of, shifts_of
from wwm_models.likelihood.covariance import covariance
from wwm_models.likelihood.likelihood import CellLikelihood, Predictors
from wwm_models.messages import say, variable
from wwm_models.models.cells import Influence, unique_rows
from wwm_models.models.family import Family
from wwm_models.models.linear_map import Dense
from wwm_models.models.model import FAMILIES
from wwm_models.numerics.arrays import Array, Codes
from wwm_models.numerics.links import LINKS
from wwm_models.numerics.newton import Expansion, maximise
from wwm_models.survey.survey import Survey


@dataclass(frozen=True, eq=False)
class Imputations:
    """m surveys that differ only in the answers that were missing.

    Attributes
    ----------
    surveys : tuple of Survey
        The completed surveys, m of them.
    variables : tuple of str
        Those that were completed; empty where nothing was missing.
    counts : DataFrame
        ``variable``, ``reason``, ``rows``: missing answers of the domain that were drawn; reason "left missing" counts rows whose
        predictors are missing too.
    trace : DataFrame
        ``variable``, ``imputation``, ``round``, ``mean``: mean place of the drawn answers, to look for trends over the rounds.
    rounds, seed : int
        How often each variable was drawn anew, and of the random numbers.
    delta : mapping
        The shifts by which drawn answers depart from what is missing at random; empty for none.
    """

    surveys: tuple[Survey, ...]
    variables: tuple[str, ...]
    counts: pd.DataFrame
    trace: pd.DataFrame
    rounds: int
    seed: int
    delta: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def __len__(self) -> int:
        return len(self.surveys)

    def __iter__(self) -> Iterator[Survey]:
        return iter(self.surveys)


PRIOR_SD: Final = 2.5
_TRIES: Final = 200  # draws of the parameters until no cut points cross
_LINK: Final = LINKS["logit"]


@dataclass(frozen=True, eq=False)
class Conditional:
    """A fitted variable.

    Attributes
    ----------
    family : Family
    order : (J + 1,) int array
        Its levels that somebody has.
    theta : (p,) array
    root : (p, p) array
        Its product with its transpose is the covariance of theta.
    """

    family: Family
    order: Codes
    theta: Array
    root: Array


def fit_target(
    target: IncompleteVariable, columns: Mapping[str, CodedColumn], state: Mapping[str, Codes], survey: Survey
) -> Conditional:
    """Fit a variable on its predictors, with the survey's weights and design, on the rows where it was answered.

    Parameters
    ----------
    target : IncompleteVariable
    columns : mapping of name to CodedColumn
    state : mapping of name to codes
        Completed so far.
    survey : Survey

    Raises
    ------
    ImputationError
        If the likelihood has no maximum.
    """
    answer = columns[target.name].codes
    used = survey.domain & (answer >= 0) & (survey.weights > 0) & known(target, state)
    order = np.unique(answer[used])
    if len(order) < 2:
        rows = survey.respondents(used)
        raise ImputationError(say("incomplete_few", variable=variable(target.name), count=len(order), rows=rows))
    family = FAMILIES[target.family]
    codes = [state[name][used] for name in target.predictors]
    key, unique = unique_rows(codes, [len(columns[name].block) for name in target.predictors], int(used.sum()))
    patterns = design_of(target, columns, unique, len(unique[0]) if unique else 1)
    place = np.searchsorted(order, answer[used])
    weight = survey.weights[used]
    weight = weight * (survey.counts[used].sum() / weight.sum())
    shape = (len(patterns), len(order))
    counts = (
        np.bincount(key * shape[1] + place, weight, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
    )
    array = predictor_array(family, patterns, len(order) - 1)
    likelihood = CellLikelihood(family, _LINK, Predictors(Dense(array)), counts)
    precision = np.where(np.arange(array.shape[2]) < len(order) - 1, 0.0, PRIOR_SD**-2)
    theta, information = _mode(likelihood, precision, family, target)
    row_cell, row_weight = np.full(len(survey), -1, dtype=np.intp), np.zeros(len(survey))
    row_cell[used], row_weight[used] = key * shape[1] + place, weight
    middle = _score_covariance(likelihood, theta, row_cell, row_weight, survey, information)
    inverse = np.linalg.inv(information + np.diag(precision))
    return Conditional(family, order, theta, _square_root(inverse @ (middle + np.diag(precision)) @ inverse))


def known(target: IncompleteVariable, state: Mapping[str, Codes]) -> NDArray[np.bool_]:
    """Say in which rows all predictors of a target are known."""
    return np.logical_and.reduce(
        [np.ones(len(target.missing), dtype=bool), *(state[name] >= 0 for name in target.predictors)]
    )


def design_of(target: IncompleteVariable, columns: Mapping[str, CodedColumn], codes: list[Codes], rows: int) -> Array:
    """Give (rows, q) the columns of the predictors with these codes."""
    parts = [columns[name].block[code] for name, code in zip(target.predictors, codes, strict=True)]
    return np.hstack([np.zeros((rows, 0)), *parts])


def predictor_array(family: Family, columns: Array, steps: int) -> Array:
    """Give the (rows, J, p) array of cut points, then slopes: shared ones, or one set for each predictor."""
    rows, width = columns.shape
    cuts = np.broadcast_to(family.cut_sign * np.eye(steps), (rows, steps, steps))
    if family.parallel:
        slopes = np.broadcast_to(family.slope_sign * columns[:, None, :], (rows, steps, width))
    else:
        own = family.slope_sign * columns[:, None, :, None] * np.eye(steps)[None, :, None, :]
        slopes = own.reshape(rows, steps, width * steps)
    return np.concatenate([cuts, slopes], axis=2)


def draw_answers(
    found: Conditional, target: IncompleteVariable, columns: Mapping[str, CodedColumn], codes: list[Codes], rng: np.random.Generator,
    shift: Array | None,
) -> Codes:  # fmt: skip
    """Draw an answer for every row.

    Parameters
    ----------
    found : Conditional
    target : IncompleteVariable
    columns : mapping of name to CodedColumn
    codes : list of (rows,) int arrays
        Of the predictors, in the rows to complete.
    rng : Generator
    shift : (1,) or (levels,) array or None
        Departure from missing at random, on the log odds.

    Returns
    -------
    (rows,) int array
        Places among the target's levels.
    """
    rows = len(codes[0]) if codes else int(target.missing.sum())
    array = predictor_array(found.family, design_of(target, columns, codes, rows), len(found.order) - 1)
    probability = _probabilities(found, array, rng, shift)
    place = (rng.random(rows)[:, None] > np.cumsum(probability, axis=1)[:, :-1]).sum(axis=1)
    return found.order[place]


def _probabilities(found: Conditional, array: Array, rng: np.random.Generator, shift: Array | None) -> Array:
    """Probabilities of the answers at one draw of the parameters; a draw in which cut points cross is drawn again."""
    ordered = found.family.ordered_cuts
    log_p = np.full((len(array), len(found.order)), np.nan)
    for attempt in range(_TRIES + 1):
        theta = found.theta + found.root @ rng.standard_normal(len(found.theta)) * (attempt < _TRIES)
        eta = array @ theta - (shift[0] if shift is not None and ordered else 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            log_p = found.family.log_probabilities(eta, _LINK)
        if np.isfinite(log_p).all():
            break
    if shift is not None and not ordered:
        log_p = log_p + shift[found.order]
    weight = np.exp(log_p - log_p.max(axis=1, keepdims=True, initial=-np.inf))
    return weight / weight.sum(axis=1, keepdims=True)


def _mode(
    likelihood: CellLikelihood, precision: Array, family: Family, target: IncompleteVariable
) -> tuple[Array, Array]:
    """The maximum of likelihood and prior, and the information of the likelihood there."""
    shares = likelihood.counts.sum(axis=0) / likelihood.counts.sum()
    steps = len(shares) - 1
    start = np.zeros(len(precision))
    start[:steps] = family.cut_sign * family.start(shares, _LINK)

    def expand(theta: Array) -> Expansion:
        found = likelihood.expansion(theta)
        value = found.value - 0.5 * float(precision @ theta**2)
        return Expansion(value, found.gradient - precision * theta, found.information + np.diag(precision))

    maximum = maximise(expand, start)
    if not maximum.converged:
        raise ImputationError(
            say("incomplete_no_maximum", variable=variable(target.name), iterations=maximum.iterations)
        )
    return maximum.point, maximum.information - np.diag(precision)


def _score_covariance(
    likelihood: CellLikelihood, theta: Array, row_cell: Codes, row_weight: Array, survey: Survey, information: Array
) -> Array:
    """Covariance of the total score: by the design, robust for weights alone, else the information."""
    if survey.weight_kind != "sampling" and survey.design is None:
        return information
    scores = likelihood.cell_scores(theta).reshape(-1, len(theta))
    influence = Influence(
        np.where(np.isfinite(scores), scores, 0.0),
        row_cell,
        row_weight,
        survey.design,
        survey.tally,
    )
    try:
        return covariance(influence)
    except FitError:  # a stratum with one sampling unit: fall back on independent respondents
        return covariance(replace(influence, design=None))


def _square_root(matrix: Array) -> Array:
    """A matrix whose product with its transpose is the covariance, also where that has no full rank."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2.0)
    return vectors * np.sqrt(np.maximum(values, 0.0))


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
        The respondents, with their weights and design.
    m : int
        Number of completed surveys, from 2 to 1000.
    seed : int
        Of the random numbers: the same seed gives the same result; from 0.
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
        stands for several respondents each gets a row, and an answer, of their own.

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
    if survey.tally is not None and plan.targets:  # respondents who gave the same answers may get different answers
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
