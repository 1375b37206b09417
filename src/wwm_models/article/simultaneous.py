"""All quantities of a claim tested at once, so that a true claim of many parts is contradicted no more often than one of one part.

A claim is contradicted when some quantity lies outside its region. If each is tested by itself, a true claim of m quantities is
contradicted up to m times as often as the test's level. So the largest excess over the regions, in standard errors, is held
against the law of that maximum when every true value lies at an end of its region (single-step max-t). That a claim holds needs
no such care: all of its quantities have to lie inside (intersection-union).

References
----------
Hothorn, T., Bretz, F. and Westfall, P. (2008). Simultaneous inference in general parametric models. Biometrical Journal 50,
346-363. doi:10.1002/bimj.200810425
Berger, R. L. and Hsu, J. C. (1996). Bioequivalence trials, intersection-union tests and equivalence confidence sets.
Statistical Science 11, 283-319. doi:10.1214/ss/1032280304
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import block_diag

from wwm_models.adjust.compared.inference import correlation
from wwm_models.article.pool import Pool, joint_covariance
from wwm_models.article.quantities import Quantity, leaves, quantities
from wwm_models.article.reader import Claim
from wwm_models.numerics.maximum import largest_excess


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
        tests = (found for claim, found in self.places if claim.kind not in ("value", "range"))
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


def tested(claim: Claim, pool: Pool | None, level: float) -> Tested:
    """The quantities of a claim and of its parts.

    Parameters
    ----------
    claim : Claim
    pool : Pool or None
        Without one there are no quantities.
    level : float
        Of two-sided intervals.
    """
    return Tested([(leaf, [] if pool is None else quantities(leaf, pool, level)) for leaf in leaves(claim)])
