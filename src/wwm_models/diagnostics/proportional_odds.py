"""Proportional odds: Brant's test, slopes per cut point, the size of a departure, and groups that differ in spread.

`brant`: whether the binary fits at every cut point share their slopes. For cut k = 1..K-1, z_k = 1(Y <= k) gets a binary fit F(a_k - x b_k) with
the link of the ordinal fit; under the cumulative model every one of them is consistent for the same slopes, whatever the link. With
h_k = f / (F (1 - F)) and A_k = sum n h_k f_k x x', the estimates of cuts k < l have covariance A_k^-1 C_kl A_l^-1,
C_kl = sum n h_k h_l F_k (1 - F_l) x x', because cov(z_k, z_l) = F_k (1 - F_l); the block (l, k) is the *transpose* of the
block (k, l). Under sampling weights or a design the covariance is that of the respondents' joint influence on all fits, or of their replicates
(Brant 1990; Long and Freese 2014).

`nominal_test`: each term in turn gets a slope per cut point (Peterson and Harrell 1990). With a likelihood: the ratio of the two fits, as
ordinal::nominal_test. With a pseudo-likelihood: a Wald test that the slopes of the relaxed fit do not differ between the cut points, F under a
design.

`po_size`: the size of a departure, in percentage points of adjusted probabilities. With many respondents a test rejects parallel slopes that
change no sentence of an article; with few it keeps slopes that do. So the same adjusted probabilities are computed from the fit, from the fit with a
slope per cut point for every term, and from the multinomial model, which assumes no order at all; their largest difference is what the
assumption can matter (Fullerton and Xu 2012).

`scale_test`: each term in turn enters the log standard deviation of the latent answer (McCullagh 1980). With a likelihood: the ratio of the two
fits, as ordinal::scale_test. With a pseudo-likelihood: a Wald test of the scale parameters.

References
----------
Brant, R. (1990). Assessing proportionality in the proportional odds model for ordinal logistic regression. Biometrics 46,
1171-1178. doi:10.2307/2532457
Christensen, R. H. B. (2022). ordinal: Regression Models for Ordinal Data, nominal_test and scale_test.
Fullerton, A. S. and Xu, J. (2012). The proportional odds with partial proportionality constraints model for ordinal response
variables. Social Science Research 41, 182-198. doi:10.1016/j.ssresearch.2011.09.003
Long, J. S. and Freese, J. (2014). Regression Models for Categorical Dependent Variables Using Stata, 3rd ed., section 7.16.
McCullagh, P. (1980). Regression models for ordinal data. JRSS B 42, 109-142, section 6.1.
Peterson, B. and Harrell, F. E. (1990). Partial proportional odds models for ordinal response variables. JRSS C 39, 205-217.
doi:10.2307/2347760
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.linalg import block_diag

from wwm_models.diagnostics.goodness_of_fit import TIE_DIGITS
from wwm_models.diagnostics.hypothesis_tests import (
    ROW,
    Wald,
    chi_square,
    joint_covariance,
    needs_influence,
    pseudo_likelihood,
    reference_note,
    refit,
    refuse_monotone,
    refuse_penalised,
    unusable_note,
    wald,
)
from wwm_models.errors import AdjustError
from wwm_models.estimates.adjusted import MOST_VALUES, model_groups
from wwm_models.estimates.contrasts import HypothesisTest
from wwm_models.estimates.standardise import intervened, margins, model_values, refuse_unusable
from wwm_models.estimates.target import target_population
from wwm_models.likelihood.fit import Fit
from wwm_models.likelihood.variants import FORMS, location_terms, refitted
from wwm_models.messages import number, say, sentences
from wwm_models.models.design import Design, cells_and_design
from wwm_models.models.linear_map import Dense
from wwm_models.numerics.arrays import Array, Codes


def brant(fit: Fit) -> HypothesisTest:
    """Brant's test that slopes do not differ between cut points: all together, per term and per column.

    Parameters
    ----------
    fit : Fit
        Of a family with ordered cut points, with three answers or more. Terms that the fit lets vary already are in the
        binary fits but are not tested.

    Returns
    -------
    HypothesisTest
        ``df = q (K - 2)`` for q parallel columns. The table has a row per term, then a row per column of terms with several
        columns or another name; ``part`` says which. Missing, with a note, where a binary fit is separated.

    Raises
    ------
    AdjustError
        If the model has no parallel slopes to compare.
    """
    refuse_unusable(fit)
    _refuse_without_cuts(fit)
    binary = [_binary_fit(fit, k) for k in range(len(fit.design.order) - 1)]
    parts = _parts(fit)
    separated = [k for k, one in enumerate(binary) if one.status != "ok"]
    if separated:
        return _missing(fit, binary, parts, separated[0])
    joint = _joint_covariance(fit, binary)
    slopes = np.concatenate([one.theta for one in binary])
    results = {
        name: _equal_slopes(binary, slopes, joint, columns, fit.design_df) for name, (_, columns) in parts.items()
    }
    every = np.arange(len(_parallel(fit)))
    omnibus = _equal_slopes(binary, slopes, joint, every, fit.design_df)
    rows = [{"part": part, **results[name].row()} for name, (part, _) in parts.items()]
    table = pd.DataFrame(rows, index=pd.Index(list(parts), name="term"))
    note = sentences(_note(fit), unusable_note(omnibus, fit.design_df))
    return HypothesisTest(
        "Brant test of parallel slopes", omnibus.statistic, omnibus.df, omnibus.p_value, table, note, omnibus.df2
    )


def _refuse_without_cuts(fit: Fit) -> None:
    if not fit.family.ordered_cuts:
        raise AdjustError(
            f"Brant's test compares the cut points of a cumulative model; the {fit.family.name} family has none. "
            "Use nominal_test."
        )
    if len(fit.design.order) < 3:
        raise AdjustError(
            f'"{fit.cells.outcome}" has {len(fit.design.order)} answers with respondents, so one cut point and 0 degrees of '
            "freedom: there is nothing to compare. Brant's test needs three answers or more."
        )
    if fit.design.scale is not None:
        raise AdjustError("Brant's test has no version for a model with a scale part. Use nominal_test.")
    if not len(_parallel(fit)):
        raise AdjustError(say("no_parallel_slopes", formula=fit.model.formula))


def _parallel(fit: Fit) -> Codes:
    """Parameters whose column enters every predictor."""
    everywhere = np.any(fit.design.array != 0, axis=0).all(axis=0)
    return np.flatnonzero(everywhere & ~fit.design.is_cut)


def _parts(fit: Fit) -> dict[str, tuple[str, Codes]]:
    """Rows of the table: positions among the parallel columns by term, then by column."""
    parallel = _parallel(fit)
    terms = np.array([fit.design.terms[j] for j in parallel])
    parts = {term: ("term", np.flatnonzero(terms == term)) for term in dict.fromkeys(terms.tolist())}
    for position, j in enumerate(parallel):
        parts.setdefault(fit.design.names[j], ("column", np.array([position])))
    return parts


def _binary_fit(fit: Fit, k: int) -> Fit:
    """The fit of ``Y <= k`` in the order in which the family reads the answers."""
    design, cells = fit.design, fit.cells
    below = np.zeros(len(cells.categories), dtype=bool)
    below[design.order[: k + 1]] = True
    answer = np.where(cells.row_category >= 0, np.where(below[cells.row_category], 0, 1), -1)

    def two(table: Array) -> Array:
        return np.column_stack([table[:, below].sum(axis=1), table[:, ~below].sum(axis=1)])

    binary = replace(
        cells, categories=("below", "above"), weights=two(cells.weights), counts=two(cells.counts), row_category=answer
    )
    parallel = _parallel(fit)
    own = np.setdiff1d(np.flatnonzero(np.any(design.array[:, k] != 0, axis=0) & ~design.is_cut), parallel)
    columns = np.concatenate([parallel, own])
    cuts = fit.family.cut_sign * _groups_of_cuts(fit)
    array = np.concatenate([cuts[:, None, :], design.array[:, k : k + 1, columns]], axis=2)
    return refit(fit, binary, _design_of(design, array, columns))


def _groups_of_cuts(fit: Fit) -> Array:
    """(P, G) indicators of the groups of patterns that have cut points of their own; one group unless declared."""
    nonzero = np.any(fit.design.array[:, :, fit.design.is_cut[: fit.design.array.shape[2]]] != 0, axis=1)
    group = np.unique(nonzero, axis=0, return_inverse=True)[1].reshape(-1)
    return np.eye(int(group.max()) + 1)[group]


def _design_of(design: Design, array: Array, columns: Codes) -> Design:
    cuts = array.shape[2] - len(columns)
    return Design(
        linear=Dense(array),
        names=(*(f"below|above:{group + 1}" for group in range(cuts)), *(design.names[j] for j in columns)),
        is_cut=np.arange(array.shape[2]) < cuts,
        terms=(*([""] * cuts), *(design.terms[j] for j in columns)),
        order=np.arange(2),
        build=design.build,
    )


def _joint_covariance(fit: Fit, binary: list[Fit]) -> Array:
    return joint_covariance(binary) if needs_influence(fit) else _model_covariance(fit, binary)


def _model_covariance(fit: Fit, binary: list[Fit]) -> Array:
    """Blocks A_k^-1 C_kl A_l^-1 from the probabilities of the binary fits."""
    size = fit.cells.weights[:, fit.design.order].sum(axis=1)
    columns = [one.design.array[:, 0] for one in binary]
    eta = [x @ one.theta for x, one in zip(columns, binary, strict=True)]
    below, above = [np.exp(fit.link.log_cdf(e)) for e in eta], [np.exp(fit.link.log_sf(e)) for e in eta]
    ratio = [np.exp(fit.link.log_pdf(e) - fit.link.log_cdf(e) - fit.link.log_sf(e)) for e in eta]

    def middle(k: int, later: int) -> Array:
        spread = size * ratio[k] * ratio[later] * below[k] * above[later]
        return (columns[k] * spread[:, None]).T @ columns[later]

    steps = range(len(binary))
    inner = [[middle(k, j) if k <= j else middle(j, k).T for j in steps] for k in steps]
    outer = block_diag(*(np.linalg.inv(inner[k][k]) for k in steps))
    return outer @ np.block(inner) @ outer


def _equal_slopes(binary: list[Fit], slopes: Array, joint: Array, columns: Codes, design_df: float) -> Wald:
    """Test b_k - b_1 = 0, k = 2..K-1, for these parallel columns; every fit has its cuts first, then the parallel ones."""
    cuts = int(binary[0].design.is_cut.sum())
    starts = np.cumsum([0, *(len(one.theta) for one in binary)])[:-1]
    contrast = np.zeros((len(columns) * (len(binary) - 1), len(slopes)))
    for k in range(1, len(binary)):
        rows = (k - 1) * len(columns) + np.arange(len(columns))
        contrast[rows, starts[k] + cuts + columns] = 1.0
        contrast[rows, starts[0] + cuts + columns] = -1.0
    return wald(contrast @ slopes, contrast @ joint @ contrast.T, design_df)


def _missing(fit: Fit, binary: list[Fit], parts: dict[str, tuple[str, Codes]], first: int) -> HypothesisTest:
    steps = len(binary) - 1
    rows = [{"part": part, **dict.fromkeys(ROW, np.nan), "df": len(where) * steps} for part, where in parts.values()]
    low, high = (fit.cells.categories[fit.design.order[first + step]] for step in (0, 1))
    note = say("cut_without_covariance", cut=f"{low}|{high}", status=binary[first].status)
    table = pd.DataFrame(rows, index=pd.Index(list(parts), name="term"))
    return HypothesisTest(
        "Brant test of parallel slopes", np.nan, float(len(_parallel(fit)) * steps), np.nan, table, note
    )


def _note(fit: Fit) -> str:
    if np.isfinite(fit.design_df):
        return say("brant_design", covariance=fit.vcov_kind, df=number(fit.design_df, "g"))
    return say("brant_robust" if needs_influence(fit) else "brant_model")


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
    note = _refit_note(fit, reason, {**relaxed, "all terms": every})
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


def _refit_note(fit: Fit, reason: str, tests: dict[str, _Relaxed]) -> str:
    note = f"A likelihood ratio is refused because {reason}. {reference_note(fit)}" if reason else ""
    wrong = {name: one.status for name, one in tests.items() if one.status != "ok"}
    for name, status in wrong.items():
        note += f" The fit with category-specific slopes of {name} is {_STATES.get(status, status)}"
        limit = status == "separated" and not reason
        note += (
            ": the ratio uses the limit of its log-likelihood, and its chi-square law is doubtful." if limit else "."
        )
    if "all terms" not in wrong:
        return sentences(note.strip(), unusable_note(tests["all terms"].result, fit.design_df))
    return note.strip()


POINTS = (0.1, 0.5, 0.9)  # of a continuous exposure: its tenths and median, so that no extrapolation decides
COLUMNS = ("percentage_points", "against", "group", "category", "proportional", "alternative")


def po_size(fit: Fit) -> pd.DataFrame:
    """Largest difference in adjusted probabilities between a fit and fits without parallel slopes, by exposure.

    Parameters
    ----------
    fit : Fit
        Of a family with parallel slopes.

    Returns
    -------
    DataFrame indexed by variable
        ``percentage_points`` (0 to 100), ``against`` (the alternative where the largest difference occurs), ``group`` and
        ``category`` (its cell), ``proportional`` and ``alternative`` (the two probabilities), and the largest difference
        ``against_nonproportional`` and ``against_multinomial`` in percentage points, missing where that fit could not be
        used; ``note`` says why. A largest difference of noisy estimates is above zero also where slopes are parallel.

    Raises
    ------
    AdjustError
        If the model has no parallel slopes.
    """
    refuse_unusable(fit)
    if not fit.family.parallel or len(fit.design.order) < 3 or not any(fit.design.terms):
        raise AdjustError(
            say("no_parallel_size", formula=fit.model.formula, family=fit.family.name, count=len(fit.design.order))
        )
    others = {form: refitted(fit, form) for form in FORMS}
    rows = {str(name): _row(fit, str(name), others) for name in fit.cells.patterns.columns}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("variable")


def _row(fit: Fit, variable: str, others: Mapping[str, Fit | str]) -> dict[str, object]:
    groups = _groups(fit, variable)
    own = _adjusted(fit, variable, groups)
    row: dict[str, object] = dict.fromkeys(COLUMNS, np.nan)
    problems = [f"{name}: {other}" for name, other in others.items() if isinstance(other, str)]
    largest = -1.0
    for name, other in others.items():
        row[f"against_{name}"] = np.nan
        if isinstance(other, str):
            continue
        try:
            alternative = _adjusted(other, variable, groups)
        except AdjustError as problem:
            problems.append(f"{name}: {problem}")
            continue
        apart = np.round(100.0 * np.abs(alternative - own), TIE_DIGITS)
        row[f"against_{name}"] = float(apart.max())
        if apart.max() > largest:
            largest = float(apart.max())
            group, category = np.unravel_index(int(apart.argmax()), apart.shape)
            values = (
                largest, name, f"{variable}={groups[variable].iloc[group]}", fit.cells.categories[category],
                float(own[group, category]), float(alternative[group, category]),
            )  # fmt: skip
            row.update(zip(COLUMNS, values, strict=True))
    return {**row, "note": " ".join(problems)}


def _groups(fit: Fit, variable: str) -> pd.DataFrame:
    """Levels of a variable; of a number with many values, its tenths and median."""
    values = model_values(fit, variable)
    if isinstance(values, pd.Categorical) or len(np.unique(values)) <= MOST_VALUES:
        return model_groups(fit, (variable,))
    order = np.argsort(values)
    reached = np.cumsum(fit.cells.weights.sum(axis=1)[order])
    at = np.searchsorted(reached, np.array(POINTS) * reached[-1])
    return pd.DataFrame({variable: np.asarray(values)[order][at]})


def _adjusted(fit: Fit, variable: str, groups: pd.DataFrame) -> Array:
    """(G, K) adjusted probabilities."""
    free = [str(name) for name in fit.cells.patterns.columns if name != variable]
    target = target_population(fit, "sample", free)
    return margins(fit, intervened(target, groups), target.weights, len(groups)).probabilities


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
