"""Verdicts: whether a claim holds on the printed numbers, on the raw ones, and still after adjustment.

All quantities of a claim are tested at once (`tested`), so that a true claim of many parts is contradicted no more often than one of one part. A
claim is contradicted when some quantity lies outside its region. If each is tested by itself, a true claim of m quantities is contradicted up to m
times as often as the test's level. So the largest excess over the regions, in standard errors, is held against the law of that maximum when every
true value lies at an end of its region (single-step max-t; Hothorn, Bretz and Westfall 2008). That a claim holds needs no such care: all of its
quantities have to lie inside (intersection-union; Berger and Hsu 1996).

`judge`: a claim defines a region R for its quantity. The interval inside R: holds; disjoint from R: reverses; otherwise weaker if
adjustment moved it significantly away from R, else undecided. Orders use one-sided 5%; equivalence two one-sided 5% tests
(a 90% interval inside the margin); a conjunction holds when all its parts do (intersection-union) and reverses when one
does. A claim of several quantities reverses when one is disjoint at the level that holds for all of them at once. Values and
ranges are judged on the raw number with its rounding interval, counts on the respondents it rests on. A posterior has no
joint law with the raw number, so it never says weaker.

"More than" is strict: sides that are equal without uncertainty decide nothing, nor does an answer that nobody gave, nor a number
whose uncertainty cannot be estimated. Such a claim is undecided, and its reason says which it is.

`printed_verdict` holds a claim against the printed numbers alone: each may be anything that rounds to it.

References
----------
Berger, R. L. and Hsu, J. C. (1996). Bioequivalence trials, intersection-union tests and equivalence confidence sets.
Statistical Science 11, 283-319. doi:10.1214/ss/1032280304
Hothorn, T., Bretz, F. and Westfall, P. (2008). Simultaneous inference in general parametric models. Biometrical Journal 50,
346-363. doi:10.1002/bimj.200810425
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag

from wwm_models.claims.article import Article, Claim, Published, Reference
from wwm_models.claims.claimed_quantities import UNTESTABLE, Quantity, leaves, quantities
from wwm_models.claims.lookup import EstimateIndex, error_of, joint_covariance
from wwm_models.claims.reasons import ShiftParts, cause_text, numbers_text, smallest_margin_text, undecidable
from wwm_models.claims.rounding import TOLERANCE, Interval, unrounded
from wwm_models.errors import group_in_words
from wwm_models.estimates.joint_distribution import correlation
from wwm_models.messages import group, listed_as, number, say, together, variable
from wwm_models.numerics.intervals import critical_value
from wwm_models.numerics.multiplicity import largest_excess


@dataclass(frozen=True, eq=False)
class Tested:
    """The quantities of a claim on one kind of estimates.

    Attributes
    ----------
    places : sequence of (Claim, list of Quantity)
        Every claim that is not a conjunction, and its quantities; an empty list where some number is not there.
    """

    places: Sequence[tuple[Claim, list[Quantity]]]

    def of(self, claim: Claim) -> list[Quantity]:
        """The quantities of one of the claims."""
        return next(found for own, found in self.places if own is claim)

    @cached_property
    def together(self) -> list[Quantity]:
        """All that are tested: values and ranges are not, nor what cannot be estimated."""
        tests = (found for claim, found in self.places if claim.about.judged != "printed")
        return [one for found in tests for one in found if one.estimable]

    def verdict(self, claim: Claim) -> str:
        """Whether one of the claims "holds", "reverses" or is "undecided"."""
        own = self.of(claim)
        if all(quantity.inside for quantity in own):
            return "holds"
        return "reverses" if any(self.contradicts(quantity) for quantity in own) else "undecided"

    def contradicts(self, quantity: Quantity) -> bool:
        """Whether a quantity lies further outside its region than the furthest of a true claim would by chance."""
        if not quantity.disjoint or len(self.together) < 2:
            return quantity.disjoint
        return quantity.excess > self.critical[quantity.tail]

    @cached_property
    def critical(self) -> dict[float, float]:
        """Critical value of the largest excess, in standard errors, by the probability beyond it."""
        parts = [part for quantity in self.together for part in quantity.parts]
        gradient = block_diag(*(np.array([quantity.gradient]) for quantity in self.together))
        law = correlation(gradient @ joint_covariance(parts) @ gradient.T)
        widths = np.array([quantity.width for quantity in self.together])
        df = min(quantity.df for quantity in self.together)
        tails = {quantity.tail for quantity in self.together}
        return {tail: largest_excess(law, widths, df, 1.0 - tail) for tail in tails}


def tested(claim: Claim, pool: EstimateIndex | None, level: float) -> Tested:
    """The quantities of a claim and of its parts.

    Parameters
    ----------
    claim : Claim
    pool : EstimateIndex or None
        Without one there are no quantities.
    level : float
        Of two-sided intervals.
    """
    return Tested([(leaf, [] if pool is None else quantities(leaf, pool, level)) for leaf in leaves(claim)])


NOT_APPLICABLE = (
    "not applicable"  # the adjusted verdict where nothing is held equal: of everyone, or of a descriptive claim
)
SMALL_BASE = 100  # respondents: a percentage of 50 has a 95% interval of about 10 points either way
WORST_FIRST = ("reverses", "not reproduced", UNTESTABLE, "weaker", "undecided", "holds", "reproduced")


@dataclass(frozen=True, eq=False)
class Sources:
    """What a claim is held against.

    Attributes
    ----------
    raw : EstimateIndex
    likelihood, bayes : EstimateIndex or None
        Adjusted under the claim's estimand.
    parts : ShiftParts
        Why the likelihood's numbers moved.
    level : float
        Of two-sided intervals; orders and equivalences use one-sided tests at ``1 - level``.
    lang : str
        Of the reasons.
    uncrossed : frozenset of (outcome, variables)
        Groups that cross variables, of which the adjusted numbers are of a model without their interaction: there is none with it.
    unanswered : function of a Reference, or None
        How many respondents of its group gave no answer to its question.
    """

    raw: EstimateIndex
    likelihood: EstimateIndex | None = None
    bayes: EstimateIndex | None = None
    parts: ShiftParts = field(default_factory=ShiftParts)
    level: float = 0.95
    lang: str = "en"
    uncrossed: frozenset[tuple[str, tuple[str, ...]]] = frozenset()
    unanswered: Callable[[Reference], float] | None = None


def warnings_of(claim: Claim, sources: Sources) -> list[str]:
    """What is to be known of the groups of a claim: few respondents, and groups that cross variables without a model that does."""
    references = list(claim.every_reference())
    sizes = {at.group: found.n for at in references if (found := sources.raw.find(at)) is not None}
    small = [
        say("respondents_of", sources.lang, group=group(group_in_words(of), of), n=number(n, "g"))
        for of, n in sizes.items()
        if of and n < SMALL_BASE
    ]
    crossed = dict.fromkeys(at.by for at in references if (at.outcome, at.by) in sources.uncrossed)
    told = [say("small_base", sources.lang, groups=listed_as(small, "; "))] if small else []
    return told + [
        say("not_crossed", sources.lang, variables=listed_as((variable(name) for name in by), " × ")) for by in crossed
    ]


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the data say of one claim.

    Attributes
    ----------
    raw, likelihood, bayes : str
        Verdicts; empty where there is no such number.
    verdict : str
        The likelihood's, or the posterior's where there is no likelihood.
    reason : str
        The numbers behind it, and what changed it where adjustment did.
    probability : float
        Posterior probability that the claim holds; missing without a posterior.
    held : tuple of (origin, (s,) booleans)
        Draws in which each quantity lies in its region.
    """

    raw: str
    likelihood: str
    verdict: str
    reason: str
    bayes: str = ""
    probability: float = float("nan")
    held: tuple[tuple[str, NDArray[np.bool_]], ...] = ()


def judge(claim: Claim, sources: Sources) -> Evidence:
    """Judge one claim.

    Parameters
    ----------
    claim : Claim
    sources : Sources

    Returns
    -------
    Evidence
    """
    found = _Quantities(
        *(tested(claim, pool, sources.level) for pool in (sources.raw, sources.likelihood, sources.bayes))
    )
    return _judged(claim, sources, found)


@dataclass(frozen=True, eq=False)
class _Quantities:
    """Of a whole claim, for each kind of number."""

    raw: Tested
    likelihood: Tested
    bayes: Tested


def _judged(claim: Claim, sources: Sources, found: _Quantities) -> Evidence:
    if claim.missing:
        return Evidence("", "", UNTESTABLE, claim.missing)
    if claim.about.judged == "parts":
        return _conjunction([_judged(part, sources, found) for part in claim.parts], sources.lang)
    if claim.about.judged == "counted":
        return _count(claim, sources)
    before = found.raw.of(claim)
    if not before:
        absent = listed_as((at.named for at in claim.references.values() if sources.raw.find(at) is None), "; ")
        return Evidence("", "", UNTESTABLE, say("no_raw", sources.lang, absent=absent))
    likelihood, bayes = _by_likelihood(claim, found, sources), _by_posterior(claim, found, sources)
    return _together(claim, found.raw, likelihood, bayes, sources)


def _count(claim: Claim, sources: Sources) -> Evidence:
    """How many respondents the numbers rest on, without weights, against the printed number of them."""
    known = {at: part for at in claim.references.values() if (part := sources.raw.find(at)) is not None}
    if len(known) < len(claim.references):
        absent = listed_as((at.named for at in claim.references.values() if at not in known), "; ")
        return Evidence("", "", UNTESTABLE, say("no_raw", sources.lang, absent=absent))
    n = sum(part.n for part in known.values())
    verdict = "reproduced" if n == claim.numbers["n"] else "not reproduced"
    printed = number(claim.numbers["n"], "g")
    reason = say("respondents", sources.lang, n=number(n, "g"), printed=printed)
    missing = 0.0 if sources.unanswered is None else sum(map(sources.unanswered, known))
    if missing and verdict != "reproduced":
        more = say("without_answer", sources.lang, missing=number(missing, "g"), all=number(n + missing, "g"))
        reason = together(reason, more)
    return Evidence(verdict, "", verdict, reason)


@dataclass(frozen=True, eq=False)
class _Verdict:
    """Verdict of one engine with its reason."""

    verdict: str
    reason: str
    held: tuple[tuple[str, NDArray[np.bool_]], ...] = ()


def _by_likelihood(claim: Claim, found: _Quantities, sources: Sources) -> _Verdict | None:
    before, after = found.raw.of(claim), found.likelihood.of(claim)
    if not after:
        return None
    shown = _shown(after)
    one, other = before[shown], after[shown]
    if all(part.unadjusted for quantity in after for part in quantity.parts):
        numbers = numbers_text(one, None, sources.level, sources.lang)
        return _Verdict(NOT_APPLICABLE, together(numbers, say("nothing_held_equal", sources.lang)))
    margin = smallest_margin_text(claim, after, sources.lang)
    reason = together(numbers_text(one, other, sources.level, sources.lang), margin)
    cause = cause_text(claim, shown, one, other, sources.parts, sources.lang)
    if claim.about.judged == "printed":
        changed = one.stands != other.stands
        return _Verdict(_shift(claim, one, other), together(reason, cause if changed else ""))
    verdict = found.likelihood.verdict(claim)
    moved = any(_moved_away(b, a, sources.level) for b, a in zip(before, after, strict=True))
    verdict = "weaker" if verdict == "undecided" and moved else verdict
    return _Verdict(verdict, together(reason, cause if verdict != found.raw.verdict(claim) else ""))


def _shift(claim: Claim, before: Quantity, after: Quantity) -> str:
    """Adjusted minus raw of a printed number, in percentage points, or of a ratio in times; empty where one has no value."""
    moved = after.estimate - before.estimate
    if np.isnan(moved):
        return ""
    return f"shift {moved:+.2f} times" if claim.about.arithmetic.ratio else f"shift {moved:+.1f}"


def _shown(found: Sequence[Quantity]) -> int:
    """Which quantity of a claim its reason is about: one that can decide nothing, else the one furthest out of its region."""
    return max(range(len(found)), key=lambda n: (bool(undecidable(found[n])), np.nan_to_num(found[n].distance)))


def _by_posterior(claim: Claim, found: _Quantities, sources: Sources) -> _Verdict | None:
    before, after = found.raw.of(claim), found.bayes.of(claim)
    if not after:
        return None
    held = tuple((quantity.origin, one) for quantity in after if (one := quantity.held) is not None)
    shown = _shown(after)
    margin = smallest_margin_text(claim, after, sources.lang)
    reason = together(numbers_text(before[shown], after[shown], sources.level, sources.lang, "bayes"), margin)
    if claim.about.judged == "printed":
        return _Verdict(_shift(claim, before[shown], after[shown]), reason, held)
    return _Verdict(found.bayes.verdict(claim), reason, held)


def _together(
    claim: Claim, raws: Tested, likelihood: _Verdict | None, bayes: _Verdict | None, sources: Sources
) -> Evidence:
    """One line of the ledger from both engines."""
    before, lang = raws.of(claim), sources.lang
    first = likelihood or bayes
    point = claim.about.judged == "printed"
    raw = _reproduced(before[0]) if point else raws.verdict(claim)
    if first is None:
        numbers = numbers_text(before[_shown(before)], None, sources.level, lang)
        reason = together(numbers, smallest_margin_text(claim, before, lang), say("no_adjusted", lang))
        return Evidence(raw, "", raw if point else UNTESTABLE, reason)
    held = () if bayes is None else bayes.held
    as_raw = point or first.verdict == NOT_APPLICABLE
    made = Evidence(
        raw, likelihood.verdict if likelihood else "", raw if as_raw else first.verdict, first.reason,
        bayes.verdict if bayes else "", joint_probability(held), held,
    )  # fmt: skip
    if likelihood and bayes and not as_raw and likelihood.verdict != bayes.verdict:
        disagreement = say("engines_differ", lang, verdict=bayes.verdict, probability=number(made.probability, ".2f"))
        return replace(made, reason=together(made.reason, disagreement))
    return made


def _reproduced(raw: Quantity) -> str:
    if np.isnan(raw.estimate):
        return UNTESTABLE
    return "reproduced" if raw.stands else "not reproduced"


def joint_probability(held: Sequence[tuple[str, NDArray[np.bool_]]]) -> float:
    """Posterior probability that everything holds at once.

    Quantities of one posterior are counted draw by draw. Over several posteriors the joint law is not known, and the
    probability is Bonferroni's lower bound, 1 minus the sum of the probabilities that one fails.

    Parameters
    ----------
    held : sequence of (origin, (s,) booleans)
        Quantities with an empty origin are of several posteriors and count on their own.

    Examples
    --------
    >>> one, two = np.array([True, True, False, False]), np.array([True, False, True, False])
    >>> joint_probability([("a", one), ("a", two)]), joint_probability([("a", one), ("b", ~two)])
    (0.25, 0.0)
    """
    if not held:
        return float("nan")
    every: dict[str, NDArray[np.bool_]] = {}
    for place, (origin, one) in enumerate(held):
        name = origin or f"mixed {place}"
        every[name] = every[name] & one if name in every else one
    return max(0.0, 1.0 - sum(1.0 - float(one.mean()) for one in every.values()))


def _moved_away(before: Quantity, after: Quantity, level: float) -> bool:
    """Whether adjusted minus raw is significant and leads out of the region."""
    if undecidable(after) or undecidable(before) or after.distance <= before.distance + TOLERANCE:
        return False
    gradient = np.array([*(-slope for slope in before.gradient), *after.gradient])
    std_error, df = error_of([*before.parts, *after.parts], gradient)
    shift = float(gradient @ np.array([part.estimate for part in (*before.parts, *after.parts)]))
    return abs(shift) > critical_value(level, df) * std_error


def _conjunction(parts: list[Evidence], lang: str) -> Evidence:
    def worst(words: list[str]) -> str:
        known = [word for word in words if word in WORST_FIRST]
        nothing = NOT_APPLICABLE if words and set(words) == {NOT_APPLICABLE} else ""
        return min(known, key=WORST_FIRST.index) if known else nothing

    verdict = worst([part.verdict for part in parts])
    decisive = next(part for part in parts if part.verdict == verdict)
    count = sum(part.verdict in ("holds", "reproduced") for part in parts)
    held = tuple(one for part in parts for one in part.held)
    complete = all(part.held for part in parts)
    return Evidence(
        worst([part.raw for part in parts]),
        worst([part.likelihood for part in parts]),
        verdict,
        say("parts_hold", lang, count=count, total=len(parts), decisive=decisive.reason),
        worst([part.bayes for part in parts]),
        joint_probability(held) if complete else float("nan"),
        held if complete else (),
    )


def printed_numbers(article: Article) -> dict[Reference, Published]:
    """Printed percentages by what they are of; the group's variables in any order."""
    return article.slots()


def printed_text(claim: Claim, printed: Mapping[Reference, Published]) -> str:
    """The printed numbers of a claim, and what they say of it: ``"63%; 45%: holds"``; empty where none is printed."""
    if claim.about.judged == "counted":
        return f"{claim.numbers['n']:g}"
    found = [printed.get(at.ordered) for at in dict.fromkeys(claim.every_reference())]
    values = [one.value for one in found if one is not None and one.value is not None]
    shown = [say("printed_percent", value=number(value, "g")) for value in values]
    if not shown:
        return ""
    verdict = printed_verdict(claim, printed)
    return say(f"printed_{verdict}", values=listed_as(shown, "; ")) if verdict else together(*shown)


def printed_verdict(claim: Claim, printed: Mapping[Reference, Published]) -> str:
    """What the printed numbers say of a claim whatever was rounded away.

    Returns
    -------
    str
        "holds" or "reverses" for every number that rounds to what is printed, "undecided" where that depends on the
        rounding, empty where a number is not printed.
    """
    if claim.missing or claim.about.judged == "counted":
        return ""
    if claim.about.judged == "parts":
        parts = [printed_verdict(part, printed) for part in claim.parts]
        if "reverses" in parts:
            return "reverses"
        if not parts or "" in parts:
            return ""
        return "undecided" if "undecided" in parts else "holds"
    verdicts = [_verdict(claim, roles, printed) for roles in claim.roles]
    if "reverses" in verdicts:
        return "reverses"
    if "" in verdicts:
        return ""
    return "undecided" if "undecided" in verdicts else "holds"


def _verdict(claim: Claim, roles: tuple[str, ...], printed: Mapping[Reference, Published]) -> str:
    limits: list[Interval] = []
    for role in roles:
        number = printed.get(claim.references[role].ordered)
        if number is None or number.value is None:
            return ""
        limits.append(unrounded(number.value, number.value, number.rounding))
    lower, upper = claim.about.arithmetic.limits(limits)
    region = claim.region
    if region.contains(lower, upper):
        return "holds"
    return "reverses" if region.excludes(lower, upper) else "undecided"
