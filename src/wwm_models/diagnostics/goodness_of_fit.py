"""Goodness of fit of ordered answers in groups of predicted scores: residuals, Hosmer-Lemeshow and Lipsitz tests.

Groups (`score_groups`): the score of a pattern is the expected answer sum_k k p_k (k = 1..K in the declared order), or 1 - p(first answer)
where the order of the answers means nothing. Groups are runs of the sorted scores of about N / g respondents each: the first groups
hold round(N / g), the last one takes the remainder. Patterns with one score stay in one group (the one that holds their
middle). Splitting such a tie by the answers themselves, as some programs do, sorts respondents by what is being tested:
with categorical predictors, where ties are large, low answers fill one group and high answers the next and the statistic
explodes. `compare` has observed and expected answers per group (Fagerland and Hosmer 2013).

Residuals (`residual_covariance`), with the covariance that respondents' influence or replicates give them:
M_gm = sum_i w_i 1(i in g) (s_m(y_i) - E s_m), for scores s_m of the answers, has the influence
w_i [1(i in g) (s_m(y_i) - E s_m)] - (sum_{j in g} w_j dE_jm/d theta)' IF_i(theta), so the estimation of theta counts.

`hosmer_lemeshow`, for independent respondents: groups of the predicted score against K answers, X2 = sum (O - E)^2 / E with
(g - 2)(K - 1) + (K - 2) degrees of freedom; (g - 2)(K - 1) where the answers have no order (Fagerland, Hosmer and Bofin 2008). For sampling
weights or a design: M_g = sum_i w_i 1(i in g) (s(y_i) - E s), the residual of the answers' score in each group, has the covariance above. The sum
over all groups is (nearly) fixed by the fit; the other g - 1 contrasts are tested by a Wald test, with the F of
Archer and Lemeshow: F = (d - g + 2) / (d (g - 1)) W on (g - 1, d - g + 2). With two answers it is their mean residual test.

`lipsitz`: whether indicators of the groups add anything to the fit.

References
----------
Archer, K. J. and Lemeshow, S. (2006). Goodness-of-fit test for a logistic regression model fitted using survey sample data.
Stata Journal 6, 97-105. doi:10.1177/1536867X0600600106
Fagerland, M. W. and Hosmer, D. W. (2013). A goodness-of-fit test for the proportional odds regression model. Statistics in
Medicine 32, 2235-2249. doi:10.1002/sim.5645
Fagerland, M. W., Hosmer, D. W. and Bofin, A. M. (2008). Multinomial goodness-of-fit tests for logistic regression models.
Statistics in Medicine 27, 4238-4253. doi:10.1002/sim.3202
Lipsitz, S. R., Fitzmaurice, G. M. and Molenberghs, G. (1996). Goodness-of-fit tests for ordinal response regression models.
JRSS C 45, 175-190. doi:10.2307/2986153
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import pandas as pd
from scipy import stats

from wwm_models.arguments import MOST, whole_number
from wwm_models.diagnostics.hypothesis_tests import (
    Wald,
    chi_square,
    pseudo_likelihood,
    reference_note,
    refit,
    refuse_penalised,
    unusable_note,
    wald,
)
from wwm_models.errors import AdjustError
from wwm_models.estimates.contrasts import HypothesisTest
from wwm_models.estimates.standardise import refuse_unusable
from wwm_models.likelihood.covariance import covariance
from wwm_models.likelihood.fit import Fit
from wwm_models.likelihood.likelihood import CellLikelihood, cell_likelihood
from wwm_models.likelihood.maximum import replicate_counts
from wwm_models.likelihood.replicates import replicate_covariance
from wwm_models.messages import sentences
from wwm_models.models.cells import Influence
from wwm_models.models.design import Design
from wwm_models.models.linear_map import Dense
from wwm_models.numerics.arrays import Array, Codes
from wwm_models.numerics.newton import redundant_columns

TIE_DIGITS = 10  # scores closer than 1e-10 are one score: they differ by rounding only


@dataclass(frozen=True, eq=False)
class ObservedExpected:
    """Observed and expected answers of G groups.

    Attributes
    ----------
    observed, expected : (G, K) arrays
        Answers with respondents, in the declared order.
    """

    observed: Array
    expected: Array

    @property
    def pearson(self) -> Array:
        """(G,) array: each group's ``sum (O - E)^2 / E``."""
        return ((self.observed - self.expected) ** 2 / self.expected).sum(axis=1)

    @property
    def deviance(self) -> Array:
        """(G,) array: each group's ``2 sum O log(O / E)``."""
        ratio = np.where(self.observed > 0, self.observed, self.expected) / self.expected
        return 2.0 * (self.observed * np.log(ratio)).sum(axis=1)

    @property
    def sparse(self) -> str:
        """A sentence on small expected counts; empty where at least 80% are 5 or more and all 1 or more (Cochran 1954)."""
        low, tiny = float((self.expected < 5).mean()), float((self.expected < 1).mean())
        if low <= 0.2 and tiny == 0.0:
            return ""
        return (
            f" {low:.0%} of the {self.expected.size} expected counts are below 5 and {tiny:.0%} below 1: the chi-square law "
            "is doubtful."
        )


def probabilities(fit: Fit) -> Array:
    """(P, K) predicted probabilities of the patterns: answers with respondents, in the declared order."""
    log_p = cell_likelihood(fit.family, fit.link, fit.cells, fit.design).log_probabilities(fit.theta)
    return np.exp(log_p)[:, np.argsort(fit.design.order)]


def answers(fit: Fit) -> Codes:
    """Positions in the categories of the columns of `probabilities`."""
    return np.sort(fit.design.order)


def answer_scores(fit: Fit) -> Array:
    """(K,) scores of the answers: 1..K, or 0 for the reference answer and 1 for the others without an order."""
    count = len(fit.design.order)
    if fit.family.ordered_answers:
        return np.arange(1.0, count + 1.0)
    return (answers(fit) != fit.design.order[0]).astype(np.float64)


def score_groups(fit: Fit, groups: int) -> Codes:
    """Group of each pattern by its expected score, numbered from 0 without gaps.

    Parameters
    ----------
    fit : Fit
    groups : int
        Groups asked for; ties can leave fewer.

    Returns
    -------
    (P,) int array
        -1 for patterns without weight.

    Raises
    ------
    AdjustError
        If fewer than three groups are asked for or can be made.
    """
    whole_number(groups, "groups", AdjustError, least=3, most=MOST["groups"])
    weight = fit.cells.weights.sum(axis=1)
    score = np.round(probabilities(fit) @ answer_scores(fit), TIE_DIGITS)
    distinct, tied = np.unique(score, return_inverse=True)
    size = np.bincount(tied, weight, minlength=len(distinct))
    middle = np.cumsum(size) - size / 2.0
    place = np.minimum(np.floor(middle / group_size(float(weight.sum()), groups)), groups - 1).astype(np.intp)[tied]
    used = weight > 0
    kept, number = np.unique(place[used], return_inverse=True)
    if len(kept) < 3:
        raise AdjustError(
            f'"{fit.model.formula}" predicts {len(np.unique(score[used]))} different scores, which make {len(kept)} groups; '
            "3 or more are needed. Use pearson(fit), which compares patterns."
        )
    result = np.full(len(weight), -1, dtype=np.intp)
    result[used] = number
    return result


def group_size(total: float, groups: int) -> float:
    """Respondents in all groups but the last.

    Examples
    --------
    >>> group_size(613.0, 10)
    61.0
    """
    size = round(total / groups)
    return (
        float(size)
        if size > 0 and np.ceil(total / size) >= groups
        else max(np.floor(total / groups), total / groups / 2.0)
    )


def compare(fit: Fit, group: Codes) -> ObservedExpected:
    """Observed and expected answers by group of patterns; patterns in group -1 are left out."""
    inside = group >= 0
    total = int(group.max()) + 1
    observed, expected = np.zeros((2, total, len(fit.design.order)))
    np.add.at(observed, group[inside], fit.cells.weights[:, answers(fit)][inside])
    np.add.at(expected, group[inside], (probabilities(fit) * fit.cells.weights.sum(axis=1)[:, None])[inside])
    return ObservedExpected(observed, expected)


def summary(comparison: ObservedExpected, df: float, names: list[str]) -> pd.DataFrame:
    """Rows Pearson and deviance with their p-values; missing without degrees of freedom."""
    values = [float(comparison.pearson.sum()), float(comparison.deviance.sum())]
    p_values = [float(stats.chi2.sf(value, df)) if df > 0 else np.nan for value in values]
    columns = {"statistic": values, "df": df, "df2": np.inf, "p_value": p_values}
    return pd.DataFrame(columns, index=pd.Index(names, name="term"))


def residual_covariance(fit: Fit, group: Codes, scores: Array) -> Array:
    """Covariance of the residuals of every group and score.

    Parameters
    ----------
    fit : Fit
    group : (P,) int array
        Group of each pattern; -1 for none.
    scores : (K, m) array
        Of the answers with respondents, in the declared order.

    Returns
    -------
    (G * m, G * m) array
        Groups outermost.
    """
    own_order = scores[np.argsort(np.argsort(fit.design.order))]
    if fit.survey.replicates is None or fit.replicate_theta is None:
        return covariance(_influence(fit, group, own_order))
    likelihood = cell_likelihood(fit.family, fit.link, fit.cells, fit.design)
    every = chain.from_iterable(replicate_counts(fit.cells, fit.design, fit.survey.replicates))
    again = [
        _residuals(group, own_order, replace(likelihood, counts=counts), theta)
        for counts, theta in zip(every, fit.replicate_theta, strict=True)
    ]
    full = _residuals(group, own_order, likelihood, fit.theta)
    return replicate_covariance(np.array(again), full, fit.survey.replicates)


def _residuals(group: Codes, scores: Array, likelihood: CellLikelihood, theta: Array) -> Array:
    """(G * m,) sums of ``s(y) - E s`` by group."""
    expected = np.exp(likelihood.log_probabilities(theta)) @ scores
    own = likelihood.counts @ scores - likelihood.counts.sum(axis=1)[:, None] * expected
    return (_inside(group).T @ own).ravel()


def _influence(fit: Fit, group: Codes, scores: Array) -> Influence:
    """Influence of every respondent on the residuals."""
    likelihood = cell_likelihood(fit.family, fit.link, fit.cells, fit.design)
    p = np.exp(likelihood.log_probabilities(fit.theta))
    slopes = np.einsum("rk,km,rkp->rmp", p, scores, np.nan_to_num(likelihood.cell_scores(fit.theta)), optimize=True)
    inside = _inside(group)
    size, count = inside.shape[1], scores.shape[1]
    moved = np.tensordot(inside * likelihood.counts.sum(axis=1)[:, None], slopes, axes=(0, 0)).reshape(size * count, -1)
    gaps = scores[None, :, :] - (p @ scores)[:, None, :]
    own = (inside[:, None, :, None] * gaps[:, :, None, :]).reshape(-1, size * count)
    influence = fit.theta_influence
    return replace(influence, values=own - influence.values @ moved.T)


def _inside(group: Codes) -> Array:
    return (group[:, None] == np.arange(group.max() + 1)).astype(np.float64)


def hosmer_lemeshow(fit: Fit, groups: int = 10) -> HypothesisTest:
    """Test of fit by observed and expected answers in groups of the predicted score.

    Parameters
    ----------
    fit : Fit
        Of any family.
    groups : int
        Groups asked for, 3 or more; respondents with equal predictions stay together, which can leave fewer.

    Returns
    -------
    HypothesisTest
        The table has observed and expected counts of every answer and the contribution of every group.

    Raises
    ------
    AdjustError
        If fewer than three groups can be made.
    """
    refuse_unusable(fit)
    group = score_groups(fit, groups)
    return _design_based(fit, group) if pseudo_likelihood(fit) else _independent(fit, group, groups)


def _independent(fit: Fit, group: Codes, asked: int) -> HypothesisTest:
    comparison = compare(fit, group)
    made, count = comparison.observed.shape
    df = (made - 2) * (count - 1) + (count - 2 if fit.family.ordered_answers else 0)
    result = chi_square(float(comparison.pearson.sum()), float(df))
    table = _counts(fit, group).assign(statistic=comparison.pearson)
    fewer = " Equal predictions left fewer groups than asked for, which makes the test conservative; see pearson(fit)."
    note = (
        f"{made} groups of predicted scores; df = {_df_formula(fit)}.{fewer if made < asked else ''}{comparison.sparse}"
    )
    return HypothesisTest("Hosmer-Lemeshow test of fit", result.statistic, result.df, result.p_value, table, note)


def _df_formula(fit: Fit) -> str:
    return "(g - 2)(K - 1) + (K - 2)" if fit.family.ordered_answers else "(g - 2)(K - 1)"


def _design_based(fit: Fit, group: Codes) -> HypothesisTest:
    joint = residual_covariance(fit, group, answer_scores(fit)[:, None])
    comparison = compare(fit, group)
    residual = (comparison.observed - comparison.expected) @ answer_scores(fit)
    share = comparison.observed.sum(axis=1) / comparison.observed.sum()
    contrast = (np.eye(len(residual)) - share[:, None])[:-1]
    result = wald(contrast @ residual, contrast @ joint @ contrast.T, fit.design_df)
    mean = residual / comparison.observed.sum(axis=1)
    error = np.sqrt(np.maximum(np.diag(joint), 0.0)) / comparison.observed.sum(axis=1)
    table = _counts(fit, group).assign(mean_residual=mean, std_error=error)
    note = (
        f"{len(residual)} groups; mean residuals of the answers' score after Archer and Lemeshow (2006), with the estimation "
        f"of the parameters in their covariance, because {pseudo_likelihood(fit)}. {reference_note(fit)}"
    )
    note = sentences(note, unusable_note(result, fit.design_df))
    name = "Hosmer-Lemeshow test of fit (design-based)"
    return HypothesisTest(name, result.statistic, result.df, result.p_value, table, note, result.df2)


def _counts(fit: Fit, group: Codes) -> pd.DataFrame:
    comparison = compare(fit, group)
    score = probabilities(fit) @ answer_scores(fit)
    weight = fit.cells.weights.sum(axis=1)
    inside = group >= 0
    total = np.bincount(group[inside], weight[inside])
    columns = {
        "n": np.bincount(group[inside], fit.cells.counts.sum(axis=1)[inside]),
        "score": np.bincount(group[inside], (weight * score)[inside]) / total,
    }
    for position, category in enumerate(answers(fit)):
        columns[f"observed:{fit.cells.categories[category]}"] = comparison.observed[:, position]
        columns[f"expected:{fit.cells.categories[category]}"] = comparison.expected[:, position]
    index = pd.Index([f"group {g + 1}" for g in range(len(total))], name="term")
    return pd.DataFrame(columns, index=index)


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
        note += f" Wald test of the indicators, because {reason}. {reference_note(fit)}"
        note = sentences(note, unusable_note(result, fit.design_df))
    elif again.status == "separated":
        note += " The fit with indicators is separated: the ratio uses the limit of its log-likelihood."
    kind = "Wald" if reason else "likelihood ratio"
    name = f"Lipsitz test of fit ({kind})"
    return HypothesisTest(name, result.statistic, result.df, result.p_value, _table(again, added), note, result.df2)


def _with_indicators(fit: Fit, group: Codes) -> tuple[Design, Codes]:
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


def _tested(again: Fit, added: Codes) -> Wald:
    return wald(again.theta[added], again.theta_vcov[np.ix_(added, added)], again.design_df)


def _table(again: Fit, added: Codes) -> pd.DataFrame:
    rows = [{"coefficient": again.theta[j], **_tested(again, np.array([j])).row()} for j in added]
    return pd.DataFrame(rows, index=pd.Index([again.design.names[j] for j in added], name="term"))
