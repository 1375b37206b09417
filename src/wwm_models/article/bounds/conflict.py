"""Why no table agrees with everything: a minimal set of printed numbers that exclude each other.

The deletion filter: leave out each number in turn and keep it out for good if what remains still has no table. What is left
is irreducible: without any one of its numbers there is a table.

References
----------
Chinneck, J. W. and Dravnieks, E. W. (1991). Locating minimal infeasible constraint sets in linear programs. ORSA Journal on
Computing 3, 157-168. doi:10.1287/ijoc.3.2.157
"""

from __future__ import annotations

from collections.abc import Mapping

from wwm_models.article.bounds.region import Region
from wwm_models.article.reader import Published
from wwm_models.errors import ArticleError
from wwm_models.numerics.programs import feasible


def conflict(region: Region, delta: float = float("inf")) -> tuple[Published, ...]:
    """A minimal set of printed numbers of an outcome that no table agrees with; empty if one agrees with all.

    Parameters
    ----------
    region : Region
    delta : float
        Limit on the interaction, probability scale.
    """
    if feasible(region.polyhedron(delta)):
        return ()
    kept = list(region.printed)
    for number in region.printed:
        without = [other for other in kept if other is not number]
        if not feasible(region.polyhedron(delta, without)):
            kept = without
    return tuple(kept)


def check_agreement(regions: Mapping[str, Region]) -> None:
    """Refuse an article whose printed numbers exclude each other under the declared margins.

    Raises
    ------
    ArticleError
        Naming a minimal set of them.
    """
    for region in regions.values():
        numbers = conflict(region)
        if numbers:
            named = "; ".join(f"{number.id}: {number.value:g}% {number.at}" for number in numbers)
            raise ArticleError(
                f"No table of {region.outcome} agrees with the margins and all of these printed numbers: {named}. Expected numbers "
                "that one population can have, each within its rounding. Without any one of them there is a table: check their "
                "values, categories and groups in article.toml, and the shares in margins.toml."
            )
