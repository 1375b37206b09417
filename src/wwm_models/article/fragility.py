"""The flip map: for every claim, the smallest change along each declared axis that moves its estimates across the border.

Axes: unmeasured confounding (E-value, point and confidence limit), trimmed weights, slopes that are not parallel, the power of
the prior, answers not missing at random, and the population the claim is about (one level of an adjuster, or one stratum,
left out). A claim flips when its estimates move from where it puts them to elsewhere, or back; no test is involved, except
that the E-value of the limit looks at the interval.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from wwm_models.adjust.adjusted import adjusted
from wwm_models.adjust.table import Collapses
from wwm_models.adjust.why.perturbed import By, Place, Points, reported
from wwm_models.adjust.why.prior_power import log_prior
from wwm_models.arguments import confidence_level
from wwm_models.article.axes import Flip, confounding, missing_answers, place_of, prior_power, stands
from wwm_models.article.pool import Pool, pool_of
from wwm_models.article.quantities import leaves
from wwm_models.article.reader import Article, Claim
from wwm_models.article.scenarios import (
    COUNTED,
    Scenario,
    Varied,
    absent_shares,
    counted_together,
    declared_together,
    domains,
    families,
    trims,
)
from wwm_models.records import Fit, Posterior

NOTHING = "nothing to change"
RELAXED = "parallel slopes relaxed"  # the axis of other forms of the model
COLUMNS = ("id", "axis", "change", "unit", "status", "detail", "stands")


@dataclass(frozen=True, eq=False)
class Ground:
    """What the flip map of a study stands on.

    Attributes
    ----------
    declared : dict of place to probability
    trims, families, domains : tuple of Scenario
        From the smallest change to the largest.
    absent : dict of place to share
        Of the group that did not answer.
    pool : Pool
        The likelihood's estimates, with their joint law.
    posterior : Pool or None
    log_priors : mapping of origin to log prior of every draw
    untrimmed : str
        Why weights are not trimmed, where they are not.
    """

    declared: Points
    trims: tuple[Scenario, ...]
    families: tuple[Scenario, ...]
    domains: tuple[Scenario, ...]
    absent: dict[Place, float]
    pool: Pool
    posterior: Pool | None = None
    log_priors: Mapping[str, np.ndarray] = field(default_factory=dict)
    untrimmed: str = NOTHING


def fragility(
    article: Article,
    fits: Fit | Sequence[Fit],
    *,
    collapses: Mapping[str, Collapses] | None = None,
    posteriors: Sequence[Posterior] = (),
    level: float = 0.95,
) -> pd.DataFrame:
    """The flip map of an article's claims.

    Parameters
    ----------
    article : Article
    fits : Fit or sequence of Fit
        One per outcome the claims speak about.
    collapses : mapping of outcome to collapses, optional
        Declared unions of answers.
    posteriors : sequence of Posterior, optional
        One per outcome, for the power of the prior.
    level : float
        Of the limit whose E-value is given.

    Returns
    -------
    DataFrame
        One row per claim that the fits can test and axis: ``id``, ``axis``, ``change`` (smallest that flips the claim),
        ``unit``, ``status`` ("flips", "does not flip", "does not apply"), ``detail``, and ``stands``: whether the estimates
        lie where the claim puts them.
    """
    confidence_level(level)
    every = [fits] if isinstance(fits, Fit) else list(fits)
    given = collapses or {}
    sets = {one.cells.outcome: sets_of(article, one.cells.outcome) for one in every}
    made = [Varied(reported(one, sets[one.cells.outcome], given.get(one.cells.outcome))) for one in every]
    estimates = [
        adjusted(one, by or None, level=level, collapses=given.get(one.cells.outcome))
        for one in [*every, *posteriors]
        for by in sets_of(article, one.cells.outcome)
        if set(by) <= set(one.cells.columns)
    ]
    drawn = [one for one in estimates if one.draws is not None]
    grounds = ground(made, pool_of(one for one in estimates if one.draws is None))
    if drawn:
        priors = {post.origin: log_prior(post) for post in posteriors}
        grounds = replace(grounds, posterior=pool_of(drawn), log_priors=priors)
    return flip_map(article.claims, grounds, level)


def sets_of(article: Article, outcome: str) -> list[By]:
    """The sets of variables by which an article speaks about an outcome, always in one order."""
    found = [tuple(sorted(at.by)) for at in article.references() if at.outcome == outcome]
    return list(dict.fromkeys(found))


def ground(made: Sequence[Varied], pool: Pool) -> Ground:
    """Every scenario on these fits."""
    why = COUNTED if counted_together(made) else NOTHING
    return Ground(
        declared_together(made), trims(made), families(made), domains(made), absent_shares(made), pool, untrimmed=why
    )


def flip_map(claims: Iterable[Claim], grounds: Ground, level: float) -> pd.DataFrame:
    """One row per testable claim and axis; see `fragility`."""
    rows: list[tuple[object, ...]] = []
    for claim in claims:
        before = None if claim.missing else stands(claim, grounds.declared)
        if before is None:
            continue
        flips = [
            *confounding(claim, grounds.pool, level),
            _first(
                "trimmed weights", "times the mean weight", claim, before, grounds, grounds.trims, grounds.untrimmed
            ),
            _first(RELAXED, "step", claim, before, grounds, grounds.families),
            _first("part of the population left out", "share of respondents", claim, before, grounds, grounds.domains),
            missing_answers(claim, grounds.declared, grounds.absent),
        ]
        if grounds.posterior is not None:
            flips.append(prior_power(claim, grounds.posterior, grounds.log_priors, level))
        rows += [(claim.id, one.axis, one.change, one.unit, one.status, one.detail, before) for one in flips]
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS))


def _first(
    axis: str, unit: str, claim: Claim, before: bool, grounds: Ground, scenarios: Sequence[Scenario], nothing: str = NOTHING
) -> Flip:  # fmt: skip
    """The first scenario under which the claim does not stand as it did."""
    places = {place_of(at) for leaf in leaves(claim) for at in leaf.references.values()}
    usable = [one for one in scenarios if places & one.points.keys()]
    if not usable:
        return Flip(axis, float("nan"), unit, "does not apply", nothing)
    for one in usable:
        if stands(claim, {**grounds.declared, **one.points}) != before:
            return Flip(axis, one.change, unit, "flips", one.detail)
    return Flip(axis, float("nan"), unit, "does not flip", f"{len(usable)} changes tried")
