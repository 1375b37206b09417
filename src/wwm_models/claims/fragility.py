"""The tipping-point analysis: for every claim, the smallest change along each declared axis that moves its estimates across the boundary.

Axes: unmeasured confounding (E-value, point and confidence limit), trimmed weights, slopes that are not parallel, the power of
the prior, answers not missing at random, and the population the claim is about (one level of an adjuster, or one stratum,
left out); those that need no refit come first. A claim flips when its estimates move from where it puts them to elsewhere, or back; no test is
involved, except that the E-value of the limit looks at the interval.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from wwm_models.arguments import confidence_level
from wwm_models.bayes.posterior import Posterior
from wwm_models.claims.article import Article, Claim
from wwm_models.claims.claim_kinds import SIGNS
from wwm_models.claims.claimed_quantities import NOBODY, Quantity, leaves, quantities, unanimous
from wwm_models.claims.lookup import EstimateIndex, error_of, pool_of
from wwm_models.diagnostics.prior_sensitivity import log_prior, power_weights
from wwm_models.estimates.adjusted import adjusted
from wwm_models.estimates.confounding import e_value
from wwm_models.estimates.estimates import Collapses
from wwm_models.estimates.number_key import NumberKey
from wwm_models.estimates.sensitivity import (
    COUNTED,
    By,
    Points,
    Scenario,
    Varied,
    absent_shares,
    counted_together,
    declared_together,
    domains,
    families,
    reported,
    trims,
)
from wwm_models.likelihood.fit import Fit
from wwm_models.messages import number, say
from wwm_models.numerics.arrays import Array
from wwm_models.numerics.intervals import critical_value

POWERS = (
    (1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 4.0),
    (1.0, 0.9, 0.75, 0.5, 0.25, 0.0),
)  # of the prior, sharper and weaker; 0 is none
STEPS = 60  # halvings of a bracket: to the last digit


@dataclass(frozen=True)
class TippingPoint:
    """The smallest change along one axis that reverses a claim.

    Attributes
    ----------
    axis : str
    change : float
        In the unit of the axis; missing where nothing on the axis reverses the claim, or the axis does not apply.
    unit : str
    status : {"flips", "does not flip", "does not apply"}
    detail : str
    """

    axis: str
    change: float
    unit: str
    status: str
    detail: str = ""


def satisfies(claim: Claim, points: Mapping[NumberKey, float]) -> bool | None:
    """Whether the estimates themselves lie where the claim puts them; None where some number is not there."""
    found = [_leaf_stands(leaf, points) for leaf in leaves(claim)]
    if not found or any(one is None for one in found):
        return None
    return all(found)


def values_of(claim: Claim, points: Mapping[NumberKey, float]) -> list[float] | None:
    """The claim's quantities (percentages, percentage points or ratios) from probabilities by place."""
    found: list[float] = []
    if claim.about.judged == "counted":
        return None
    for roles in claim.roles:
        numbers = [points.get(claim.references[role].key) for role in roles]
        known = [number for number in numbers if number is not None and np.isfinite(number)]
        if len(known) < len(numbers) or _without_value(claim, known):
            return None
        found.append(claim.about.arithmetic.value(known))
    return found


def _without_value(claim: Claim, shares: Sequence[float]) -> bool:
    """Whether two sides cannot be compared: nobody, or everybody, gave the answer; of a ratio, nobody on one side."""
    return len(shares) > 1 and (unanimous(shares) or (claim.about.arithmetic.ratio and min(shares) <= NOBODY))


def confounding(claim: Claim, pool: EstimateIndex, level: float) -> list[TippingPoint]:
    """E-values of the point and of the confidence limit nearest to the boundary of the region.

    The risk ratio of an order is moved to the ratio at its margin, or at its nearer end where it has two; of a conjunction
    the weakest order counts, or, where it
    does not stand, all orders that fail have to be moved.
    """
    every = [leaf for leaf in leaves(claim) if leaf.about.confounded and _apart(leaf)]
    found = [pair for leaf in every if (pair := _e_values(leaf, pool, level)) is not None]
    if not found or len(found) < len(leaves(claim)):
        return [
            TippingPoint(
                "unmeasured confounding", float("nan"), "E-value", "does not apply", "not a comparison of groups"
            )
        ]
    standing = [pair for pair in found if pair[2]]
    chosen = min(standing) if len(standing) == len(found) else max(pair for pair in found if not pair[2])
    detail = say("risk_ratio_moved", before=number(chosen[3], ".3g"), after=number(chosen[4], ".3g"))
    return [
        TippingPoint("unmeasured confounding", chosen[0], "E-value", "flips", detail),
        TippingPoint("unmeasured confounding (limit)", chosen[1], "E-value", "flips", "of the confidence limit"),
    ]


def missing_answers(claim: Claim, points: Points, absent: Mapping[NumberKey, float]) -> TippingPoint:
    """Smallest shift, on the log odds of those who did not answer, that moves the estimates across the boundary.

    Parameters
    ----------
    claim : Claim
    points : mapping of place to probability
    absent : mapping of place (of any answer) to the share of its group that did not answer
    """
    axis, unit = "answers not missing at random", "log odds"
    before = satisfies(claim, points)
    every = leaves(claim)
    if before is None or not any(absent.get(at.key, 0.0) > 0 for leaf in every for at in leaf.references.values()):
        return TippingPoint(axis, float("nan"), unit, "does not apply", "nobody of these groups is missing")
    needed = [_shift(leaf, points, absent) for leaf in every if before or not _leaf_stands(leaf, points)]
    delta = min(needed) if before else max(needed)
    if not np.isfinite(delta):
        return TippingPoint(axis, float("nan"), unit, "does not flip", "not even if all who are missing answered alike")
    return TippingPoint(
        axis, float(delta), unit, "flips", "those missing against those who answered, groups in opposite directions"
    )


def prior_power(claim: Claim, pool: EstimateIndex, log_priors: Mapping[str, Array], level: float) -> TippingPoint:
    """Power of the prior nearest to 1 under which the posterior means lie on the other side.

    Parameters
    ----------
    claim : Claim
    pool : EstimateIndex
        Of a posterior.
    log_priors : mapping of origin to (s,) array
        Log prior density of every draw.
    level : float
        Of the intervals, above 0 and below 1.
    """
    axis, unit = "power of the prior", "power"
    found = [quantity for leaf in leaves(claim) for quantity in quantities(leaf, pool, level)]
    origins = {part.origin for one in found for part in one.parts}
    if not found or not origins <= log_priors.keys() or any(one.draws is None for one in found):
        return TippingPoint(axis, float("nan"), unit, "does not apply", "no posterior with a known prior")

    def held(power: float) -> bool | None:
        weights = {origin: made for origin in origins if (made := power_weights(log_priors[origin], power)) is not None}
        if len(weights) < len(origins):
            return None
        means = [_mean(one, weights) for one in found]
        return all(one.region.has(mean) for one, mean in zip(found, means, strict=True))

    reached = [_powers_with_draws(held, side) for side in POWERS]
    flips = [flip for tried in reached if (flip := _first_flip(held, tried)) is not None]
    if flips:
        nearest = min(flips, key=lambda power: abs(np.log(power)) if power > 0 else float("inf"))
        return TippingPoint(axis, nearest, unit, "flips", "0 is no prior, 1 the declared one")
    detail = say("for_powers", lowest=number(reached[1][-1], "g"), highest=number(reached[0][-1], "g"))
    return TippingPoint(axis, float("nan"), unit, "does not flip", detail)


def _mean(quantity: Quantity, weights: Mapping[str, Array]) -> float:
    """Posterior mean of a quantity with weighted draws; over two posteriors that of each number goes into it, to first order."""
    if quantity.origin:
        return float(weights[quantity.origin] @ np.asarray(quantity.draws))
    moved = [
        100.0 * slope * (float(weights[part.origin] @ np.asarray(part.draws)) - part.estimate)
        for part, slope in zip(quantity.parts, quantity.gradient, strict=True)
    ]
    return quantity.estimate + sum(moved)


def _powers_with_draws(held: Callable[[float], bool | None], side: Sequence[float]) -> list[float]:
    """Powers on one side of 1, as far as enough effective draws carry them."""
    return list(itertools.takewhile(lambda power: held(power) is not None, side))


def _first_flip(held: Callable[[float], bool | None], tried: Sequence[float]) -> float | None:
    """Where on one side of 1 the claim first stands otherwise, to three digits; None if nowhere."""
    for near, far in itertools.pairwise(tried):
        if held(far) != held(1.0):
            low, high = near, far
            while abs(high - low) > 1e-3:
                middle = (low + high) / 2.0
                low, high = (middle, high) if held(middle) == held(1.0) else (low, middle)
            return round(high, 3)
    return None


def _leaf_stands(claim: Claim, points: Mapping[NumberKey, float]) -> bool | None:
    if not claim.references:
        return None
    values = values_of(claim, points)
    region = claim.region
    return None if values is None else all(region.has(value) for value in values)


def _apart(claim: Claim) -> bool:
    """Whether the two numbers of an order are one answer in two groups: a risk ratio of an exposure."""
    one, two = claim.references["greater"], claim.references["lesser"]
    return (one.outcome, one.category) == (two.outcome, two.category) and one.group != two.group


def _e_values(claim: Claim, pool: EstimateIndex, level: float) -> tuple[float, float, bool, float, float] | None:
    parts = [pool.find(claim.references[role]) for role in ("greater", "lesser")]
    known = [part for part in parts if part is not None and part.estimate > 0]
    if len(known) < 2:
        return None
    one, two = known
    ratio = one.estimate / two.estimate
    ends = [end for end in (claim.region.lower, claim.region.upper) if np.isfinite(end)]
    ratios = [(two.estimate + end / 100.0) / two.estimate for end in ends]
    boundary = min((end for end in ratios if end > 0), key=lambda end: abs(np.log(ratio / end)), default=0.0)
    if boundary <= 0:
        return None
    gradient = np.array([1.0 / one.estimate, -1.0 / two.estimate])
    std_error, df = error_of(known, gradient)
    half = critical_value(level, df) * std_error
    made = e_value(ratio, ratio * float(np.exp(-half)), ratio * float(np.exp(half)), true=boundary)
    stands = replace(claim.region, strict=False).has(claim.about.arithmetic.value([one.estimate, two.estimate]))
    return made.point, made.limit, stands, ratio, boundary


def _shift(claim: Claim, points: Points, absent: Mapping[NumberKey, float]) -> float:
    """Smallest shift that takes some quantity of a standing claim out, or every one of a failing claim in."""
    region, needed = claim.region, list[float]()
    standing = _leaf_stands(claim, points)
    for roles in claim.roles:
        places = [claim.references[role].key for role in roles]
        inside = region.has(claim.about.arithmetic.value([points[place] for place in places]))
        if not standing and inside:
            continue
        needed.append(min(_bisected(claim, places, points, absent, side, inside) for side in (1.0, -1.0)))
    return min(needed) if standing else max(needed)


def _bisected(
    claim: Claim, places: list[NumberKey], points: Points, absent: Mapping[NumberKey, float], side: float, inside: bool
) -> float:  # fmt: skip
    region = claim.region

    def crossed(delta: float) -> bool:
        shifted = [
            _with_absent(points[place], absent.get(place, 0.0), delta * side * sign)
            for place, sign in zip(places, SIGNS[len(places)], strict=True)
        ]
        return region.has(claim.about.arithmetic.value(shifted)) != inside

    low, high = 0.0, 1.0
    while not crossed(high):
        low, high = high, 2.0 * high
        if high > 64.0:
            return float("inf")
    for _ in range(STEPS):
        middle = (low + high) / 2.0
        low, high = (low, middle) if crossed(middle) else (middle, high)
    return high


def _with_absent(share: float, absent: float, delta: float) -> float:
    """The share if those absent answered with their log odds shifted by delta."""
    if share <= 0.0 or share >= 1.0:
        return share
    odds = np.log(share) - np.log1p(-share) + delta
    return (1.0 - absent) * share + absent * float(np.exp(-np.logaddexp(0.0, -odds)))


NOTHING = "nothing to change"
RELAXED = "parallel slopes relaxed"  # the axis of other forms of the model
FRAGILITY_COLUMNS = ("id", "axis", "change", "unit", "status", "detail", "stands")


@dataclass(frozen=True, eq=False)
class TippingInputs:
    """What the tipping-point analysis of a study rests on.

    Attributes
    ----------
    declared : dict of place to probability
    trims, families, domains : tuple of Scenario
        From the smallest change to the largest.
    absent : dict of place to share
        Of the group that did not answer.
    pool : EstimateIndex
        The likelihood's estimates, with their joint law.
    posterior : EstimateIndex or None
    log_priors : mapping of origin to log prior of every draw
    untrimmed : str
        Why weights are not trimmed, where they are not.
    """

    declared: Points
    trims: tuple[Scenario, ...]
    families: tuple[Scenario, ...]
    domains: tuple[Scenario, ...]
    absent: dict[NumberKey, float]
    pool: EstimateIndex
    posterior: EstimateIndex | None = None
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
    """The tipping-point analysis of an article's claims.

    Parameters
    ----------
    article : Article
        Its printed numbers and claims.
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
    """The sets of variables by which an article speaks about an outcome."""
    return list(dict.fromkeys(at.by for at in article.references() if at.outcome == outcome))


def ground(made: Sequence[Varied], pool: EstimateIndex) -> TippingInputs:
    """Every scenario on these fits."""
    why = COUNTED if counted_together(made) else NOTHING
    return TippingInputs(
        declared_together(made), trims(made), families(made), domains(made), absent_shares(made), pool, untrimmed=why
    )


def flip_map(claims: Iterable[Claim], grounds: TippingInputs, level: float) -> pd.DataFrame:
    """One row per testable claim and axis; see `fragility`."""
    rows: list[tuple[object, ...]] = []
    for claim in claims:
        before = None if claim.missing else satisfies(claim, grounds.declared)
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
    return pd.DataFrame(rows, columns=pd.Index(FRAGILITY_COLUMNS))


def _first(
    axis: str, unit: str, claim: Claim, before: bool, grounds: TippingInputs, scenarios: Sequence[Scenario], nothing: str = NOTHING
) -> TippingPoint:  # fmt: skip
    """The first scenario under which the claim does not stand as it did."""
    places = {at.key for leaf in leaves(claim) for at in leaf.references.values()}
    usable = [one for one in scenarios if places & one.points.keys()]
    if not usable:
        return TippingPoint(axis, float("nan"), unit, "does not apply", nothing)
    for one in usable:
        if satisfies(claim, {**grounds.declared, **one.points}) != before:
            return TippingPoint(axis, one.change, unit, "flips", one.detail)
    return TippingPoint(axis, float("nan"), unit, "does not flip", say("changes_tried", count=len(usable)))
